"""`--map` fields that an importer takes, and archives that lie in a folder."""

import json
import zipfile

import pytest

from data.errors import ConfigError, DeskhandError
from data.logs import IMPORTERS, read_export
from data.prepare import prepare
from data.rows import BadRows
from data.sources import of_path

TICKET = {"id": 1, "requester_id": 1, "comments": [{"author_id": 1, "body": "Where is it?"}]}
CHAT = "31/10/2025, 22:10 - Ann: is it sent\n31/10/2025, 22:11 - Bob: yes\n"
TABLE = "id,speaker,Body\nc1,customer,hi\n"


def export(tmp_path, **files):
    for name, content in files.items():
        stem, _, suffix = name.rpartition("_")
        (tmp_path / f"{stem}.{suffix}").write_text(content)
    return tmp_path


def ids(path, columns=None, bad=None):
    found = read_export(of_path(path), None, columns or {}, BadRows() if bad is None else bad)
    return [one.id for one in found]


def test_every_importer_says_which_fields_it_takes():
    assert all(isinstance(importer.FIELDS, tuple) for importer in IMPORTERS.values())
    assert "agent" in IMPORTERS["whatsapp"].FIELDS


@pytest.mark.parametrize(
    ("name", "content", "columns", "wrong"),
    [
        ("a_json", json.dumps(TICKET), {"text": "nosuch"}, "read as zendesk: --map text=nosuch"),
        ("a_txt", CHAT, {"aggent": "Ann"}, "no field 'aggent'; fields: agent, "),
        ("a_txt", CHAT, {"agent": "Ann", "text": "x"}, "no field 'text'; fields: agent;"),
        ("a_csv", "text,label\nhi,late\nho,late\n", {"text": "nosuch"}, "no column 'nosuch'"),
    ],
)
def test_a_field_that_the_importer_does_not_take_is_refused(
    tmp_path, name, content, columns, wrong
):
    export(tmp_path, **{name: content})
    with pytest.raises(DeskhandError, match=wrong):
        ids(tmp_path / name.replace("_", "."), columns)


def test_in_a_folder_one_importer_that_takes_a_field_is_enough(tmp_path):
    export(tmp_path, a_json=json.dumps(TICKET), b_csv=TABLE)
    assert ids(tmp_path, {"text": "Body"}) == ["1", "c1"]
    (tmp_path / "b.csv").unlink()
    with pytest.raises(ConfigError, match="--map text=Body: no field"):
        ids(tmp_path, {"text": "Body"})


def test_of_several_exports_one_that_takes_a_field_is_enough(tmp_path):
    export(tmp_path, a_json=json.dumps(TICKET), b_csv=TABLE, c_txt=CHAT)
    paths = [tmp_path / "a.json", tmp_path / "b.csv"]
    done = prepare(paths, tmp_path / "out", columns={"text": "Body"})
    assert sum(done.conversations.values()) == 2
    with pytest.raises(ConfigError, match="--map text=Body: no field"):
        prepare([paths[0], tmp_path / "c.txt"], tmp_path / "none", columns={"text": "Body"})
    assert not (tmp_path / "none").exists()


def test_an_archive_in_a_folder_is_read_and_one_in_an_archive_is_noted(tmp_path):
    export(tmp_path, b_csv="id,speaker,text\nc1,customer,hi\n")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("help/tickets.json", json.dumps(TICKET))
        archive.writestr("more.zip", b"PK")
    bad = BadRows()
    assert ids(tmp_path, bad=bad) == ["1", "c1"]
    assert [why for _, why in bad.rows] == ["an archive in an archive; unpack it first"]
    (tmp_path / "a.zip").write_bytes(b"torn")
    bad = BadRows()
    assert ids(tmp_path, bad=bad) == ["c1"]
    assert len(bad) == 1


@pytest.mark.parametrize(
    ("content", "suffix", "agents"),
    [
        (CHAT, "txt", "Ann, bBo,BOB"),
        ("id,speaker,text\nc1,Carl,hi\nc1,Ann,hello\nc1,Bob,yes\n", "csv", "Ann,bBo,bob"),
    ],
)
def test_a_name_of_the_companys_that_nobody_has_is_told_once(
    content, suffix, agents, tmp_path, caplog
):
    path = tmp_path / f"a.{suffix}"
    path.write_text(content)
    with caplog.at_level("WARNING"):
        prepare([path], tmp_path / "out", columns={"agent": agents})
    told = [each.getMessage() for each in caplog.records]
    assert told == [f"--map agent=bBo: nobody of that name speaks in {path}"]
