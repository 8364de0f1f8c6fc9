import gzip
import io
import tarfile
import zipfile

import pytest

from data.errors import LogFormatError
from data.json_items import first_item, json_items
from data.logs import read_export
from data.rows import BadRows, read_rows
from data.sources import MAX_LINE, of_path

CHINESE = "我的包裹在哪里，什么时候能到，已经等了三天了"
ROW = '{"id": "c1", "turns": [{"speaker": "customer", "text": "hello there"}]}\n'


def members(path):
    bad = BadRows()
    return [
        (m.name.rsplit(":", 1)[-1], m.open().read()) for m in of_path(path).members(bad.add)
    ], bad


def test_a_gzip_file_is_read_as_what_is_in_it(tmp_path):
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"id,speaker,text\nc1,customer,hi\n"))
    assert of_path(path).suffix == ".csv"
    assert [row.values["text"] for row in read_rows(path)] == ["hi"]


def test_a_gzip_file_that_was_cut_off_keeps_what_came_before(tmp_path):
    path = tmp_path / "log.jsonl.gz"
    whole = gzip.compress("".join(ROW.replace("c1", f"c{n}") for n in range(20_000)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    bad = BadRows()
    found = list(read_export(of_path(path), None, {}, bad))
    assert 1000 < len(found) < 20_000
    assert len(bad) == 1
    assert "cut off" in bad.lines[0]


def test_members_of_a_zip_come_by_name_and_none_climbs_out(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (
            "b.jsonl",
            "a.jsonl",
            "../evil.jsonl",
            "/etc/x.jsonl",
            ".hidden",
            "__MACOSX/a",
        ):
            archive.writestr(name, ROW)
    found, bad = members(path)
    assert [name for name, _ in found] == ["a.jsonl", "b.jsonl"]
    assert len(bad) == 2
    assert all("leads out of the archive" in line for line in bad.lines)


def test_a_tar_is_read_as_it_comes(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("x/1.jsonl", "../2.jsonl", "x/3.jsonl"):
            info = tarfile.TarInfo(name)
            info.size = len(ROW)
            archive.addfile(info, io.BytesIO(ROW.encode()))
    found, bad = members(path)
    assert [name for name, _ in found] == ["x/1.jsonl", "x/3.jsonl"]
    assert found[0][1] == ROW.encode()
    assert len(bad) == 1


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_what_is_no_archive_is_said_in_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"not an archive at all")
    with pytest.raises(LogFormatError, match="not an archive"):
        members(path)


def test_a_line_beyond_the_limit_is_noted_and_the_next_is_read(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * (MAX_LINE + 5) + b'"}\n' + b'{"a": 1}\n')
    bad = BadRows()
    assert [row.values for row in read_rows(path, bad)] == [{"a": 1}]
    assert "more than 16 MiB" in bad.lines[0]


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030", "cp1252", "utf-8-sig"])
def test_encodings_are_told_by_the_bytes(tmp_path, encoding):
    said = {"gb18030": CHINESE, "cp1252": "Où est ma commande déjà payée?"}.get(
        encoding, "Where is it naïve me – “really”?"
    )
    path = tmp_path / "log.csv"
    path.write_bytes(("id,text\n" + "".join(f"c{n},{said}\n" for n in range(30))).encode(encoding))
    found = [row.values["text"] for row in read_rows(path, BadRows())]
    assert found == [said] * 30


@pytest.mark.parametrize(
    "content",
    ['[{"id": 1}, {"id": 2}]', '{"tickets": [{"id": 1}, {"id": 2}]}', '{"id": 1}\n{"id": 2}\n',
     '{"count": 2, "more": {"a": [3]}, "tickets": [{"id": 1}, {"id": 2}]}'],
)  # fmt: skip
def test_objects_are_read_however_a_json_file_holds_them(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    bad = BadRows()
    assert [row.values["id"] for row in json_items(of_path(path), ["tickets"], bad)] == [1, 2]
    assert first_item(of_path(path), ["tickets"]) == {"id": 1}
    assert len(bad) == 0


def test_json_that_ends_early_keeps_what_came_before_and_quotes_nothing(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"id": 1}, {"id": "ring 07700 900123"')
    bad = BadRows()
    assert [row.values["id"] for row in json_items(of_path(path), [], bad)] == [1]
    assert len(bad) == 1
    assert "07700" not in bad.lines[0]
    path.write_text("{oops")
    with pytest.raises(LogFormatError, match="not valid JSON"):
        list(json_items(of_path(path), [], BadRows()))
