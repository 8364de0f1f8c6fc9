import time
import tracemalloc

import pytest

import data.sources
import retrieval.documents.lines as lines
from data.errors import LogFormatError
from data.rows import BadRows
from retrieval.documents.folders import SUFFIXES
from retrieval.passages import fingerprints, read_passages


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, bad=None):
    """The line that a file is refused with."""
    with pytest.raises(LogFormatError) as caught:
        read_passages([path], bad)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_of_any_kind_is_one_line(tmp_path, suffix):
    assert "the file is empty; export it again" in refused(write(tmp_path / f"a{suffix}", b""))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "content",
    [b"\0" * 100, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, b"\xff\xfe\x00", b"{", b"   \n\n",
     "\ufeff".encode(), b"<", b"---\n", b"\xff" * 50],
    ids=range(9),
)  # fmt: skip
def test_a_file_of_nonsense_is_one_line_or_read(tmp_path, suffix, content):
    path = write(tmp_path / f"a{suffix}", content)
    for bad in (None, BadRows()):
        try:
            passages = read_passages([path], bad)
        except LogFormatError as error:
            assert str(path) in str(error), error  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert all(passage.text.strip() for passage in passages)


def test_a_file_of_an_unknown_kind_says_which_are_known(tmp_path):
    found = refused(write(tmp_path / "a.xlsx", b"PK"))
    assert "unknown kind of file; known: .md, " in found
    with pytest.raises(LogFormatError, match="unknown kind of file"):
        fingerprints([tmp_path / "a.xlsx"])


def test_zero_bytes_make_no_text_and_further_on_they_are_dropped(tmp_path):
    assert "not text, or UTF-16 without its mark" in refused(write(tmp_path / "a.txt", b"a\0b"))
    long = b"Some words here. " * 5000
    passages = read_passages([write(tmp_path / "b.txt", long + b"Zero\0 byte.")])
    assert passages[-1].text.endswith("Zero byte.")


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "gb18030", "mixed"])
def test_a_text_is_read_in_the_encoding_that_it_has(tmp_path, name, encoding):
    text = (
        "三十天内可以退货，请保留您的小票和包装。"
        if encoding == "gb18030"
        else "Café – naïve façade."
    )
    content = text.encode(encoding) if encoding != "mixed" else "é\n\n".encode() * 40 + b"caf\xe9"
    bad = BadRows()
    passages = read_passages([write(tmp_path / name, content)], bad)
    assert passages[-1].text.endswith("café" if encoding == "mixed" else text)
    assert bad.mended == ({"bytes of another encoding": 1} if encoding == "mixed" else {})


def test_files_of_old_macs_have_lines(tmp_path):
    passages = read_passages([write(tmp_path / "a.md", b"# One\rText.\r# Two\rMore.\r")])
    assert [(p.title, p.text) for p in passages] == [("One", "Text."), ("Two", "More.")]


def test_a_text_larger_than_is_allowed_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_TEXT", 1 << 20)
    path = write(tmp_path / "a.txt", b"x" * ((1 << 20) + 1))
    assert "larger than 1 MiB; split it into several files" in refused(path)


def test_a_line_without_end_is_noted_and_the_rest_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(data.sources, "MAX_LINE", 1 << 20)
    path = write(tmp_path / "a.txt", b"Before.\n" + b"x" * (3 << 20) + b"\nAfter.\n")
    bad = BadRows()
    assert [p.text for p in read_passages([path], bad)] == ["Before. After."]
    assert [where for where, _ in bad.rows] == [f"{path}:2"]
    assert f"{path}:2: a line of more than" in refused(path)


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
@pytest.mark.parametrize(
    "text",
    ["." * 200_000 + "x", "x" + "\n" * 50_000 + "y", "# a" + " " * 200_000 + "x", "<!-- x\n" * 6000,
     "<!-- id: " + "x" * 200_000, "```\n~~~~\n" * 3001, "# Note\nText.\n" * 8000, "1. " * 50_000,
     "|" * 200_000, "- x\n" * 20_000, "=\n" * 20_000, "字" + "\u3000\n" * 20_000 + "字",
     "\n".join("`" * length for length in range(1500, 2, -1)) + "\nText."],
    ids=range(13),
)  # fmt: skip
def test_a_hostile_text_is_read_in_seconds(tmp_path, name, text):
    start = time.perf_counter()
    assert read_passages([write(tmp_path / name, f"Before.\n\n{text}")])
    assert time.perf_counter() - start < 5


def test_a_large_text_takes_a_few_times_its_size_and_no_more(tmp_path):
    paragraph = "This sentence is one of very many. " * 8 + "\n"
    content = (paragraph * 3 + "\n") * 1200
    path = write(tmp_path / "a.txt", content)
    assert path.stat().st_size > 1_000_000
    read_passages([write(tmp_path / "b.txt", "Warm.")])
    start = time.perf_counter()
    tracemalloc.start()
    passages = read_passages([path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(len(passage.text) for passage in passages) > 1_000_000
    assert peak < 6 * len(content)
    assert time.perf_counter() - start < 20
