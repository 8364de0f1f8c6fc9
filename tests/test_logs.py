"""Conversations as JSON lines and as tables."""

import json
from datetime import UTC, datetime

import pyarrow
import pyarrow.parquet
import pytest

from data.conversations import from_dict, read_conversations, to_dict
from data.errors import LogFormatError
from data.logs import importer_for
from data.rows import BadRows
from data.schema import Conversation, Entity, Turn
from data.sources import of_path

FULL = Conversation(
    id="c1",
    customer_id="cu-1",
    channel="chat",
    outcome="solved",
    rating=4,
    labels={"intent": "order_status"},
    turns=(
        Turn(
            "customer",
            "where is fk 204881",
            time=datetime(2026, 1, 2, 9, 14, tzinfo=UTC),
            speaker_id="cu-1",
            entities=(Entity("order_number", "fk 204881", 9, 18, confidence=0.75),),
        ),
        Turn("agent", "On its way.", rating=2, gold="bad", action="status", facts={"order": "x"}),
    ),
)


def file(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def read(path, columns=None, name=None):
    bad, source = BadRows(), of_path(path)
    return list(importer_for(source, name).read(source, columns or {}, bad)), bad


def test_a_conversation_survives_being_written_and_read():
    assert from_dict(json.loads(json.dumps(to_dict(FULL)))) == FULL


def test_a_conversation_of_a_number_as_id_and_little_else_is_read():
    conversation = from_dict({"id": 0, "turns": [{"speaker": "agent", "text": "hi"}]})
    assert conversation == Conversation("0", (Turn("agent", "hi"),))


SPEAKER = {"speaker": "customer", "text": "ring 07700 900123"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"turns": [SPEAKER]}, "no 'id'"),
        ({"id": "c1", "turns": [SPEAKER | {"facts": ["07700 900123"]}]}, "must be an object"),
        ({"id": "c1"}, "no 'turns'"),
        ({"id": "c1", "turns": []}, "no 'turns'"),
        ({"id": "c1", "turns": ["ring 07700 900123"]}, "needs a speaker and a text"),
        ({"id": "c1", "turns": [SPEAKER | {"speaker": "07700 900123"}]}, "unknown 'speaker'"),
        ({"id": "c1", "turns": [SPEAKER | {"time": "07700 900123"}]}, "ISO 8601"),
        ({"id": "c1", "turns": [SPEAKER | {"time": 1}]}, "ISO 8601"),
        ({"id": "c1", "turns": [SPEAKER | {"gold": "07700 900123"}]}, "unknown 'gold'"),
        ({"id": "c1", "turns": [SPEAKER], "outcome": "07700 900123"}, "unknown 'outcome'"),
        ({"id": "c1", "turns": [SPEAKER], "rating": "5"}, "'rating'"),
        ({"id": "c1", "turns": [SPEAKER], "labels": ["x"]}, "'labels'"),
        ({"id": "c1", "turns": [SPEAKER | {"entities": {"start": 0}}]}, "must be a list"),
        ({"id": "c1", "turns": [SPEAKER | {"entities": [{"start": 0}]}]}, "type, start and end"),
        ({"id": "c1", "turns": [SPEAKER | {"entities": [
            {"type": "phone", "start": 5, "end": 99}]}]}, "outside the text"),
        ({"id": "c1", "turns": [SPEAKER | {"entities": [
            {"type": "phone", "start": 5, "end": 17, "text": "07700 900124"}]}]}, "does not match"),
    ],
)  # fmt: skip
def test_a_bad_conversation_is_noted_with_its_reason_and_without_its_text(tmp_path, values, reason):
    lines = [json.dumps(values), json.dumps(to_dict(FULL))]
    path = file(tmp_path, "log.jsonl", "\n".join(lines))
    bad = BadRows()
    assert list(read_conversations(path, bad)) == [FULL]
    ((where, why),) = bad.rows
    assert where == f"{path}:1"
    assert reason in why
    assert "07700" not in why
    with pytest.raises(LogFormatError, match=r"log\.jsonl:1: "):
        list(read_conversations(path))


def test_a_table_with_usual_names_needs_no_mapping(tmp_path):
    path = file(tmp_path, "export.csv", (
        "Ticket ID,Author Type,Body,Created At,Status,CSAT,Channel,Requester ID\n"
        "7,end-user,hello,2026-01-02T09:00:00,,,chat,cu-9\n"
        "8,customer,other,2026-01-02T09:00:00,escalated,,email,\n"
        "7,agent,third,2026-01-02T09:02:00,Resolved,,chat,cu-9\n"
        "7,agent,second,2026-01-02T09:01:00,,5.0,chat,cu-9\n"))  # fmt: skip
    found, bad = read(path)
    assert not bad
    seven, eight = found
    assert [turn.text for turn in seven.turns] == ["hello", "second", "third"]
    assert [turn.speaker for turn in seven.turns] == ["customer", "agent", "agent"]
    assert (seven.id, seven.outcome, seven.rating, seven.channel, seven.customer_id) == (
        "7", "solved", 5, "chat", "cu-9")  # fmt: skip
    assert (eight.id, eight.outcome, eight.rating, eight.customer_id) == (
        "8", "handed_over", None, None)  # fmt: skip


@pytest.mark.parametrize("rating", ["12", "345", "0", "6", "good"])
def test_a_rating_outside_one_to_five_counts_as_none(tmp_path, rating):
    path = file(tmp_path, "export.csv", f"id,speaker,text,rating\nc1,customer,hi,{rating}\n")
    assert read(path)[0][0].rating is None


@pytest.mark.parametrize(
    ("first", "second"),
    [("1767344400", "1767344460"), ("1767344400000", "1767344460000"),
     ("2026-01-02 09:00:00", "2026-01-02 09:01:00")],
)  # fmt: skip
def test_seconds_milliseconds_and_iso_times_order_the_turns(tmp_path, first, second):
    content = f"id,speaker,text,time\nc1,agent,late,{second}\nc1,customer,early,{first}\n"
    ((conversation,), _) = read(file(tmp_path, "export.csv", content))
    assert [turn.text for turn in conversation.turns] == ["early", "late"]
    assert conversation.turns[0].time.year == 2026


def test_a_time_that_cannot_be_read_costs_the_order_and_no_turn(tmp_path):
    content = "id,speaker,text,time\nc1,customer,one,soon\nc1,agent,two,2026-01-02T09:00:00\n"
    ((conversation,), bad) = read(file(tmp_path, "export.csv", content))
    assert [turn.text for turn in conversation.turns] == ["one", "two"]
    assert not bad
    assert bad.mended == {"a time that cannot be read": 1}


def test_mapped_columns_win_over_guessed_ones(tmp_path):
    content = "id,Fall,Wer,text,Inhalt\n1,c1,client,wrong,hello\n2,c1,staff,wrong,hi\n"
    path = file(tmp_path, "export.csv", content)
    ((conversation,), bad) = read(path, {"id": "Fall", "speaker": "Wer", "text": "Inhalt"})
    assert conversation == Conversation("c1", (Turn("customer", "hello"), Turn("agent", "hi")))
    assert not bad


def test_a_missing_column_is_named_with_those_found_and_what_to_do(tmp_path):
    path = file(tmp_path, "export.csv", "id,speaker,opened\nc1,customer,x\n")
    with pytest.raises(LogFormatError) as error:
        read(path)
    assert str(error.value) == (
        f"{path}:1: no column for text; found: id, speaker, opened. Name it with --map text=COLUMN"
    )


@pytest.mark.parametrize(
    ("mapped", "wrong"), [({"text": "Body"}, "column 'Body'"), ({"words": "x"}, "field 'words'")]
)
def test_a_mapping_to_nothing_lists_fields_and_columns(tmp_path, mapped, wrong):
    path = file(tmp_path, "export.csv", "id,speaker,text\nc1,customer,x\n")
    with pytest.raises(
        LogFormatError, match=f"no {wrong}; fields: id, .*columns: id, speaker, text"
    ):
        read(path, mapped)


def test_rows_without_a_needed_value_are_noted_and_never_joined_as_one_case(tmp_path):
    path = tmp_path / "export.parquet"
    rows = [
        {"id": None, "speaker": "customer", "text": "lost 1"},
        {"id": None, "speaker": "customer", "text": "lost 2"},
        {"id": "c1", "speaker": "system", "text": "joined"},
        {"id": "c1", "speaker": "customer", "text": None},
        {"id": "c1", "speaker": "customer", "text": "kept"},
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    found, bad = read(path)
    assert found == [
        Conversation("c1", (Turn("agent", "joined", mark="system"), Turn("customer", "kept")))
    ]
    assert [where.rsplit(":", 1)[1] for where, _ in bad.rows] == ["1", "2", "4"]
    assert not any("lost" in line for line in bad.lines)


def test_flat_jsonl_is_a_table_whose_rows_may_lack_columns(tmp_path):
    rows = [
        {"id": "c1", "speaker": "customer", "text": "hi"},
        {"id": "c1", "text": "no speaker"},
        {"id": "c1", "speaker": "agent", "text": "hello", "extra": 1},
    ]
    path = file(tmp_path, "export.jsonl", "\n".join(map(json.dumps, rows)))
    ((conversation,), bad) = read(path)
    assert [turn.text for turn in conversation.turns] == ["hi", "hello"]
    assert [where for where, _ in bad.rows] == [f"{path}:2"]


def test_a_table_of_texts_and_labels_is_one_conversation_a_row(tmp_path):
    path = file(tmp_path, "bank.csv", 'text,category\nlost my card,lost\n"where, please",find\n')
    found, bad = read(path)
    assert [(one.turns[0].text, one.labels["intent"]) for one in found] == [
        ("lost my card", "lost"), ("where, please", "find")]  # fmt: skip
    assert [one.id for one in found] == [f"{tmp_path.name}/bank:1", f"{tmp_path.name}/bank:2"]
    assert not bad
