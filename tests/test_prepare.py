import json

import pytest

from data.conversations import read_conversations
from data.errors import ConfigError, LogFormatError
from data.prepare import prepare
from data.split import SPLITS, split_of

KINDS = ("card", "email", "order_number", "person", "phone")
RAW = ("jo@example.com", "07700 900123", "4111 1111 1111 1111", "204881", "Okafor")


def conversation(number, text="hello", **more):
    turns = [{"speaker": "customer", "text": text}, {"speaker": "agent", "text": "Hi, all done."}]
    return {"id": f"c{number}", "turns": turns, **more}


def log(path, rows):
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8"
    )
    return path


def written(out):
    files = {split: out / f"{split}.jsonl" for split in (*SPLITS, "dropped")}
    return {
        split: [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        for split, file in files.items()
    }


def test_every_row_is_either_written_or_dropped_with_its_place(tmp_path):
    rows = [conversation(number) for number in range(200)]
    rows[17] = '{"id": "c17", "turns": [{"text": "ring 07700 900123"'
    rows[40] = {"id": "c40", "turns": [{"speaker": "07700 900123", "text": "secret"}]}
    rows[99] = {"turns": []}
    path = log(tmp_path / "log.jsonl", rows)
    result = prepare([path], tmp_path / "out")
    files = written(tmp_path / "out")
    kept = [row["id"] for split in SPLITS for row in files[split]]
    assert len(kept) == len(set(kept)) == sum(result.conversations.values()) == 197
    assert [row["where"] for row in files["dropped"]] == [f"{path}:{n}" for n in (18, 41, 100)]
    assert not any("07700" in row["why"] or "secret" in row["why"] for row in files["dropped"])
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert report["rows_dropped"] == len(result.bad) == 3
    assert report["turns"] == 2 * 197


def test_every_row_of_a_table_becomes_a_turn_or_is_dropped(tmp_path):
    path = tmp_path / "log.csv"
    lines = [f"c{number % 30},customer,turn {number}" for number in range(100)]
    lines[5], lines[50], lines[77] = "c1,customer", "c2,,x", ",customer,x"
    path.write_text("id,speaker,text\n" + "\n".join(lines) + "\n", "utf-8")
    result = prepare([path], tmp_path / "out")
    assert result.report["turns_read"] == 97
    assert result.turns == sum(
        len(row["turns"]) for split in SPLITS for row in written(tmp_path / "out")[split]
    )
    assert result.report["turns_merged"] == 97 - result.turns
    assert len(result.bad) == 3


def test_nothing_private_is_in_any_file_that_is_written(tmp_path):
    secret = "Hi Mr Okafor, jo@example.com, 07700 900123, 4111 1111 1111 1111, FK-204881"
    rows = [
        conversation(1, secret, customer_id="jo@example.com", labels={"subject": secret}),
        conversation(2, secret, id="jo@example.com", channel="from jo@example.com"),
        conversation(2, secret, id="jo@example.com"),
        '{"id": "' + secret,
    ]
    result = prepare([log(tmp_path / "log.jsonl", rows)], tmp_path / "out")
    assert sum(result.conversations.values()) == 2
    assert len(result.bad) == 2
    assert result.redacted == dict.fromkeys(KINDS, 3)
    for file in (tmp_path / "out").iterdir():
        content = file.read_text("utf-8")
        assert not [value for value in RAW if value in content], file.name


def test_entities_still_mark_their_words_in_what_is_written(tmp_path):
    text = "jo@example.com wants the blue throw"
    marked = conversation(1, text)
    marked["turns"][0]["entities"] = [{"type": "product", "start": 25, "end": 35}]
    prepare([log(tmp_path / "log.jsonl", [marked])], tmp_path / "out")
    (read,) = read_conversations(tmp_path / "out" / f"{split_of('c1')}.jsonl")
    private, entity = read.turns[0].entities
    assert private.type == "email"
    for each in (private, entity):
        assert each.text == read.turns[0].text[each.start : each.end]
    assert entity.text == "blue throw"


@pytest.mark.parametrize("rows", [["oops"], [{"id": "c1"}], []])
def test_the_folder_stays_as_it_was_when_nothing_can_be_read(tmp_path, rows):
    good = log(tmp_path / "good.jsonl", [conversation(1)])
    out = tmp_path / "out"
    prepare([good], out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    with pytest.raises(LogFormatError):
        prepare([log(tmp_path / "bad.jsonl", rows)], out)
    with pytest.raises(LogFormatError):
        prepare([good, tmp_path / "missing.jsonl"], out)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.jsonl", "good.jsonl", "out"]


def test_an_out_that_is_a_file_is_refused(tmp_path):
    path = log(tmp_path / "log.jsonl", [conversation(1)])
    with pytest.raises(ConfigError, match="is a file"):
        prepare([path], path)


@pytest.mark.parametrize("name", ["train.jsonl", "dropped.jsonl"])
def test_what_is_read_is_never_written_over(tmp_path, name):
    path = log(tmp_path / name, [conversation(number) for number in range(9)])
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="is read from there"):
        prepare([path], tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("out", [".", "prepared"])
def test_a_folder_of_exports_is_not_written_into(tmp_path, out):
    log(tmp_path / "log.jsonl", [conversation(number) for number in range(9)])
    with pytest.raises(ConfigError, match="is read from there"):
        prepare([tmp_path], tmp_path / out)
    assert [each.name for each in tmp_path.iterdir()] == ["log.jsonl"]


def test_an_id_is_in_the_same_split_whatever_comes_with_it(tmp_path):
    rows = [conversation(number) for number in range(300)]
    prepare([log(tmp_path / "all.jsonl", rows)], tmp_path / "all")
    prepare([log(tmp_path / "some.jsonl", reversed(rows[::3]))], tmp_path / "some")
    place = {
        out: {row["id"]: split for split in SPLITS for row in written(tmp_path / out)[split]}
        for out in ("all", "some")
    }
    assert place["some"].items() <= place["all"].items()
    assert place["all"] == {f"c{number}": split_of(f"c{number}") for number in range(300)}
    assert all(15 < list(place["all"].values()).count(split) < 50 for split in SPLITS[1:])


def test_an_id_that_occurs_twice_is_kept_once_and_noted(tmp_path):
    first = log(tmp_path / "1.jsonl", [conversation(1, "the first")])
    second = log(tmp_path / "2.jsonl", [conversation(1, "the second"), conversation(2)])
    result = prepare([first, second], tmp_path / "out")
    files = written(tmp_path / "out")
    kept = [row["turns"][0]["text"] for split in SPLITS for row in files[split]]
    assert sorted(kept) == ["hello", "the first"]
    assert files["dropped"] == [
        {"where": "conversation c1", "why": "its id occurs twice; the first one is kept"}
    ]
    assert result.bad == ("conversation c1: its id occurs twice; the first one is kept",)


def test_a_folder_gives_all_its_exports_and_what_was_dropped_is_no_export(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    log(logs / "a.jsonl", [conversation(1)])
    (logs / "B.CSV").write_text("id,speaker,text\nc2,customer,hi\n", "utf-8")
    (logs / "dropped.jsonl").write_text("", "utf-8")
    (logs / "notes.txt").write_text("not a log", "utf-8")
    result = prepare([logs], tmp_path / "out")
    assert sum(result.conversations.values()) == 2
    (logs / "B.CSV").unlink()
    (logs / "a.jsonl").unlink()
    with pytest.raises(LogFormatError, match="in this folder"):
        prepare([logs], tmp_path / "out")
