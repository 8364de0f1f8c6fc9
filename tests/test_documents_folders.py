import json
import os
from pathlib import Path

import pytest

from data.errors import LogFormatError
from data.rows import BadRows, write_jsonl
from retrieval.passages import fingerprints, read_passages


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "docs"
    for name in ("a.md", "sub/b.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\nText.\n", "utf-8")
    return folder


def files(passages):
    return [passage.metadata["file"] for passage in passages]


def refuse(name):
    raise PermissionError(13, "Permission denied", str(name))


def test_a_sub_folder_that_cannot_be_read_is_told(folder, monkeypatch):
    scandir = os.scandir
    monkeypatch.setattr(
        os, "scandir", lambda path: refuse(path) if str(path).endswith("sub") else scandir(path)
    )
    bad = BadRows()
    assert files(read_passages([folder], bad)) == ["a.md"]
    assert bad.rows == [
        (str(folder / "sub"), "cannot be read (Permission denied); see its permissions")
    ]
    for read in (read_passages, fingerprints):
        with pytest.raises(LogFormatError, match=r"sub: cannot be read \(Permission denied\)"):
            read([folder])


def test_a_file_that_cannot_be_opened_is_told(folder, monkeypatch):
    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, *mode, **more: refuse(path) if path.name == "b.md"
        else opened(path, *mode, **more),
    )  # fmt: skip
    bad = BadRows()
    assert files(read_passages([folder], bad)) == ["a.md"]
    assert [where for where, _ in bad.rows] == [str(folder / "sub" / "b.md")]
    with pytest.raises(LogFormatError, match=r"b\.md: cannot be read \(Permission denied\)"):
        read_passages([folder / "sub" / "b.md"], BadRows())


def test_a_link_that_leads_nowhere_is_passed_over(folder):
    (folder / "gone.md").symlink_to(folder / "none.md")
    assert files(read_passages([folder])) == ["a.md", "sub/b.md"]


def test_only_an_index_s_own_manifest_keeps_a_folder_from_being_read(folder):
    (folder / "sub" / "manifest.json").write_text('{"name": "A web app"}', "utf-8")
    assert files(read_passages([folder])) == ["a.md", "sub/b.md"]
    manifest = {"format": 1, "encoder": "x", "segments": []}
    (folder / "sub" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    bad = BadRows()
    assert files(read_passages([folder], bad)) == ["a.md"]
    assert bad.left_out["indexes"] == 1
    assert fingerprints([folder]).keys() == {"a.md"}


def test_what_a_killed_first_index_left_is_passed_over(folder):
    segment = folder / "i" / "segment-1"
    segment.mkdir(parents=True)
    write_jsonl(segment / "passages.jsonl", [{"id": "x", "text": "y"}])
    (segment / "segment.json").write_text("{}", "utf-8")
    assert files(read_passages([folder])) == ["a.md", "sub/b.md"]


def test_question_pairs_are_no_faq_in_a_folder_and_one_by_name(folder):
    row = {"question": "How?", "answer": "So.", "passage": "a.md#a"}
    write_jsonl(folder / "pairs.jsonl", [row])
    write_jsonl(folder / "faq.jsonl", [{**row, "id": "x"}])
    bad = BadRows()
    assert files(read_passages([folder], bad)) == ["a.md", "faq.jsonl", "sub/b.md"]
    assert bad.left_out["question pairs"] == 1
    assert files(read_passages([folder / "pairs.jsonl"])) == ["pairs.jsonl"]
