import json
import shutil

import numpy as np
import pytest

import retrieval.writing
from data.errors import IndexMismatchError
from retrieval.index import open_index
from retrieval.writing import add, build_index, delete, rollback
from tests.fakes import HashEncoder
from tests.shop import SHOP, Killed, asked, faq, ids, kill


@pytest.fixture
def index(tmp_path):
    """One with a known question, two segments and a deleted passage."""
    known = [asked("money back", "refund")]
    built = build_index(SHOP, HashEncoder(), "hash", tmp_path / "index", known)
    return add(built, [faq("repair", "who mends my lamp")], delete=["gift"])


def test_an_index_of_another_encoder_is_refused_with_both_fingerprints(index):
    with pytest.raises(
        IndexMismatchError, match=r"weights hash-64\), opened with weights other-64"
    ):
        open_index(index.root, HashEncoder("other-64"))


def files_of(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock" and path.parent.name != "versions"
    }


@pytest.mark.parametrize("damage", ["delete", "empty", "halve", "garbage"])
def test_an_index_with_any_file_broken_is_refused_in_one_line(index, damage):
    names = sorted(files_of(index.root))
    assert {"manifest.json"} < set(names)
    for name in names:
        path = index.root / name
        kept = path.read_bytes()
        if damage == "delete":
            path.unlink()
        else:
            broken = {"empty": b"", "halve": kept[: len(kept) // 2], "garbage": b"\xff\x00[" * 9}
            path.write_bytes(broken[damage])
        with pytest.raises(IndexMismatchError) as error:
            open_index(index.root, HashEncoder())
        assert "\n" not in str(error.value), name
        path.write_bytes(kept)
    assert ids(open_index(index.root, HashEncoder()).search("my parcel", 1)) == ["parcel"]


@pytest.mark.parametrize(
    "values", [[], {}, {"format": 99}, {"format": 1}, {"format": 1, "segments": ["x"], "new": 1}]
)
def test_a_manifest_of_another_format_is_refused(index, values):
    (index.root / "manifest.json").write_text(json.dumps(values), "utf-8")
    with pytest.raises(IndexMismatchError):
        open_index(index.root, HashEncoder())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dense_weight", 5), ("dense_weight", "1"), ("whole", None), ("topic_weight", True),
        ("threshold", None), ("margin", float("nan")), ("focus", 3), ("focus", "../x.npy"),
        ("topics", ["t"]), ("sources", None), ("sources", {"a": 1}), ("segments", None),
        ("segments", [{"name": "../../x", "passages": 1, "rows": 1}]), ("version", "2"),
        ("segments", [{"name": "segment-a", "passages": -1, "rows": 1}]), ("encoder", 1),
    ],
)  # fmt: skip
def test_a_manifest_with_a_value_that_cannot_be_is_refused_in_one_line(index, name, value):
    path = index.root / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}), "utf-8")
    with pytest.raises(IndexMismatchError, match="index again") as error:
        open_index(index.root, HashEncoder())
    assert "\n" not in str(error.value)


def test_a_small_file_that_is_not_what_was_written_is_refused(index):
    names = [
        name for name in files_of(index.root) if name.startswith("segment-") and name[-4:] != "json"
    ]
    assert any(name.endswith("owners.npy") for name in names)
    for name in names:
        path = index.root / name
        kept = path.read_bytes()
        if kept:
            path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 0xFF]))
            with pytest.raises(IndexMismatchError, match="not what was written"):
                open_index(index.root, HashEncoder())
            path.write_bytes(kept)
    open_index(index.root, HashEncoder())


@pytest.mark.parametrize("places", [[0, 99], [-1, 3], [3, 0], [2, 2]])
def test_tombstones_of_passages_that_are_not_there_are_refused(index, places):
    index = delete(index, ["parcel"])
    (name,) = [each.tombstones for each in index.manifest.segments if each.tombstones]
    np.save(index.root / name, np.array(places, dtype=np.int32))
    with pytest.raises(IndexMismatchError, match="index again"):
        open_index(index.root, HashEncoder())


def test_an_index_whose_parts_differ_in_length_is_refused(index, tmp_path):
    other = build_index(SHOP[:2], HashEncoder(), "hash", tmp_path / "other")
    segment = index.root / index.manifest.segments[0].name
    for name in ("vectors.npy", "owners.npy", "passages.jsonl"):
        kept = (segment / name).read_bytes()
        shutil.copy(other.root / other.manifest.segments[0].name / name, segment / name)
        with pytest.raises(IndexMismatchError, match="differ in length"):
            open_index(index.root, HashEncoder())
        (segment / name).write_bytes(kept)


def test_a_path_that_is_no_index_is_not_made_one_by_a_rollback(tmp_path):
    with pytest.raises(IndexMismatchError, match="no index here"):
        rollback(tmp_path / "mistyped")
    assert list(tmp_path.iterdir()) == []


def test_no_index_and_a_folder_of_other_things_are_refused(tmp_path):
    with pytest.raises(IndexMismatchError, match="no index here"):
        open_index(tmp_path / "none", HashEncoder())
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(IndexMismatchError, match="is not an index"):
        build_index(SHOP, HashEncoder(), "hash", tmp_path)
    with pytest.raises(IndexMismatchError, match="is not an index"):
        build_index(SHOP, HashEncoder(), "hash", tmp_path / "photo.jpg")


@pytest.fixture
def killed_before_manifest(monkeypatch):
    """Building dies when all of the segment is written, and before the manifest is."""
    with monkeypatch.context() as patch:
        patch.setattr(retrieval.writing, "commit", kill)
        yield patch


def test_a_crash_before_the_manifest_leaves_the_old_index(index, killed_before_manifest):
    before = ids(index.search("gift card"))
    with pytest.raises(Killed):
        build_index(SHOP[:1], HashEncoder(), "hash", index.root)
    killed_before_manifest.undo()
    assert len(list(index.root.glob("segment-*"))) == 3
    assert ids(open_index(index.root, HashEncoder()).search("gift card")) == before
    rebuilt = build_index(SHOP[:2], HashEncoder(), "hash", index.root)
    kept = {entry.name for entry in (*rebuilt.manifest.segments, *index.manifest.segments)}
    assert {path.name for path in index.root.glob("segment-*")} == kept


def test_a_crash_of_the_first_build_does_not_stand_in_the_way_of_the_next(
    tmp_path, killed_before_manifest
):
    with pytest.raises(Killed):
        build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")
    killed_before_manifest.undo()
    with pytest.raises(IndexMismatchError, match="no index here"):
        open_index(tmp_path / "index", HashEncoder())
    build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")
    assert len(open_index(tmp_path / "index", HashEncoder())) == len(SHOP)
    assert len(list((tmp_path / "index").glob("segment-*"))) == 1


def test_a_rebuild_keeps_one_version_to_roll_back_to(index):
    second = build_index(SHOP[:1], HashEncoder(), "hash", index.root)
    third = build_index(SHOP[:2], HashEncoder(), "hash", index.root)
    kept = {entry.name for entry in (*third.manifest.segments, *second.manifest.segments)}
    names = {path.name for path in index.root.iterdir()} - {".lock"}
    assert names == {"manifest.json", "versions", *kept}
    versions = [path.name for path in (index.root / "versions").iterdir()]
    assert versions == [f"{second.manifest.version}.json"]


def test_an_index_of_an_older_format_is_refused_and_can_be_built_again(index):
    old = {"format": 1, "encoder": "hash", "fingerprint": "hash-64", "segments": ["segment-old"]}
    (index.root / "manifest.json").write_text(json.dumps(old), "utf-8")
    (index.root / "segment-old").mkdir()
    with pytest.raises(IndexMismatchError, match=r"not an index of format 2; index again"):
        open_index(index.root, HashEncoder())
    built = build_index(SHOP, HashEncoder(), "hash", index.root)
    names = [path.name for path in index.root.glob("segment-*")]
    assert names == [built.manifest.segments[0].name]


def test_a_passage_that_cannot_be_read_is_said_in_one_line(index):
    path = index.root / index.manifest.segments[0].name / "passages.jsonl"
    path.write_bytes(b"?" * path.stat().st_size)
    about = path.with_name("segment.json")  # a large file has no checksum
    about.write_text(json.dumps(json.loads(about.read_text()) | {"sums": {}}))
    with pytest.raises(IndexMismatchError, match="a passage cannot be read"):
        open_index(index.root, HashEncoder()).search("my parcel")
