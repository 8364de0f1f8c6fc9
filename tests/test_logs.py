import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from data.conversations import from_dict, read_conversations, to_dict
from data.errors import LogFormatError
from data.logs import IMPORTERS, importer_for, read_export
from data.logs.tweetsumm import clean_tweet
from data.rows import BadRows
from data.schema import Conversation, Entity, Turn
from data.sources import of_path

DATASETS = Path(__file__).parents[2] / "shared" / "datasets"
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


TWEETS = {
    "conversation_id": "abc",
    "turns": [
        {"speaker": "Customer", "text": "@115850 @SpotifyCares my playlist won't check-in https://t.co/a"},
        {"speaker": "Agent", "text": "@160485 Hi there! Restart it please. (1/2) /JI"},
        {"speaker": "Agent", "text": "@160485 https://t.co/b"},
    ],
}  # fmt: skip


def test_tweetsumm_is_cleaned_and_keeps_its_brand(tmp_path):
    path = file(tmp_path, "tweets.jsonl", json.dumps(TWEETS))
    ((conversation,), bad) = read(path)
    assert not bad
    assert conversation == Conversation(
        "abc",
        (
            Turn("customer", "my playlist won't check-in"),
            Turn("agent", "Hi there! Restart it please."),
        ),
        channel="twitter",
        labels={"brand": "SpotifyCares"},
    )


def test_bad_tweets_are_noted_without_their_words(tmp_path):
    rows = [
        TWEETS,
        {"conversation_id": "x", "turns": [{"speaker": "07700 900123", "text": "hi"}]},
        {"conversation_id": "y", "turns": [{"speaker": "Customer", "text": "@115850"}]},
        {"conversation_id": "z"},
    ]
    path = file(tmp_path, "tweets.jsonl", "\n".join(map(json.dumps, rows)))
    found, bad = read(path)
    assert [conversation.id for conversation in found] == ["abc"]
    assert [where.rsplit(":", 1)[1] for where, _ in bad.rows] == ["2", "3", "4"]
    assert not any("07700" in line for line in bad.lines)


@pytest.mark.parametrize(
    ("tweet", "clean"),
    [
        ("We'll take a look backstage /MT https://t.co/ldF", "We'll take a look backstage"),
        ("Does it help? ^JK", "Does it help?"),
        ("and work on it.2/2 ^RD", "and work on it."),
        ("Take care. *HFG 2/2", "Take care."),
        ("Let us know *SamanthaCassidy", "Let us know"),
        ("is provided. Thanks-Sha", "is provided. Thanks"),
        ("the X mark? -raj", "the X mark?"),
        ("an agreement that is -cont...", "an agreement that is"),
        ("1/2 We are sorry", "We are sorry"),
    ],
)
def test_signatures_and_part_numbers_are_cut(tweet, clean):
    assert clean_tweet(tweet, "agent") == clean


@pytest.mark.parametrize(
    "tweet",
    ["please check-in", "does it work over Wi-Fi", "before take-off.", "press ctrl-v", "$550/yr",
     "a delay of 5 1/2 hours", "2/3 of the screws", "it was 9/5/2017 when", "on AC/DC", "either/or",
     "I can't cont with it", "half of 1/2 pizzas"],
)  # fmt: skip
def test_real_words_and_numbers_stay(tweet):
    assert clean_tweet(tweet, "agent") == tweet
    assert clean_tweet(tweet, "customer") == tweet


def test_a_customer_signs_nothing():
    assert clean_tweet("I mean *no", "customer") == "I mean *no"


STAR = {
    "AnonymizedUserWorkerID": "u-1",
    "AnonymizedWizardWorkerID": "w-1",
    "CompletionLevel": "Complete",
    "DialogueID": 7,
    "Events": [
        {"Agent": "UserGuide", "Action": "instruct", "Text": "be angry", "UnixTime": 1589375690},
        {"Agent": "User", "Action": "utter", "Text": "hello", "UnixTime": 1589375697},
        {"Agent": "Wizard", "Action": "request_suggestions", "Text": "hi", "UnixTime": 1589375700},
        {"Agent": "Wizard", "Action": "query", "APIName": "x", "UnixTime": 1589375705},
        {"Agent": "KnowledgeBase", "Action": "return_item", "Item": {"Balance": 12, "Bank": ""}},
        {"Agent": "Wizard", "Action": "pick_suggestion", "Text": "Hello!", "UnixTime": 1589375711,
         "ActionLabel": "hello"},
        {"Agent": "User", "Action": "complete", "UnixTime": 1589375720},
    ],
    "Scenario": {"Domains": ["bank"], "Happy": False, "MultiTask": False,
                 "WizardCapabilities": [{"Domain": "bank", "Task": "bank_balance"}]},
}  # fmt: skip


TWEET_COLUMNS = (
    "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id\n"
)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", json.dumps(TWEETS), "tweetsumm"),
        ("a.jsonl", "not json\n" + json.dumps(TWEETS), "tweetsumm"),
        ("a.jsonl", json.dumps(to_dict(FULL)), "jsonl"),
        ("a.jsonl", '{"id": "c1", "speaker": "agent", "text": "hi"}', "table"),
        ("a.CSV", "id,speaker,text\n", "table"),
        ("a.csv", "id,speaker,text,label\nc1,agent,hi,x\n", "table"),
        ("a.csv", "text,label\nhi,x\n", "labelled"),
        ("a.tsv", "conversationId\tturnNumber\tutterance\n1\t0\thi\n", "labelled"),
        ("a.csv", TWEET_COLUMNS + "1,2,True,x,hi,,\n", "tweets"),
        ("1.json", json.dumps(STAR), "star"),
        ("a.txt", "31/10/2017, 22:10 - Ann: hello\n", "whatsapp"),
        ("a.mbox", "From a@b Tue Oct 31 22:10:47 2017\nFrom: a@b\n\nhi\n", "mail"),
        ("a.eml", "From: a@b\n\nhi\n", "mail"),
    ],
)
def test_the_importer_is_chosen_by_content(tmp_path, name, content, expected):
    source = of_path(file(tmp_path, name, content))
    assert importer_for(source) is IMPORTERS[expected]


def test_no_fitting_and_no_known_importer_are_one_line_each(tmp_path):
    source = of_path(file(tmp_path, "log.xml", "<log/>"))
    assert importer_for(source) is None
    with pytest.raises(LogFormatError, match="no importer fits; name one with --format"):
        list(read_export(source, None, {}, BadRows()))
    with pytest.raises(LogFormatError, match="no importer 'pigeon'; one of .*jsonl.*table"):
        importer_for(source, "pigeon")


def test_a_file_that_is_no_text_costs_a_folder_only_itself(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"id,speaker\0\1\2")
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    (tmp_path / "c.png").write_bytes(b"\x89PNG")
    file(tmp_path, "d.csv", "id,speaker,text\nc1,customer,hi\n")
    bad = BadRows()
    assert [one.id for one in read_export(of_path(tmp_path), None, {}, bad)] == ["c1"]
    assert [where.rsplit("/", 1)[1] for where, _ in bad.rows] == ["a.csv", "b.parquet"]
    assert bad.left_out.total() == 1


def test_every_importer_is_asked_before_the_table_takes_all_that_is_left():
    assert list(IMPORTERS)[-1] == "table"


def test_a_star_dialogue_has_what_was_said_and_how_it_went(tmp_path):
    ((conversation,), bad) = read(file(tmp_path, "7.json", json.dumps(STAR)))
    assert [(turn.speaker, turn.text) for turn in conversation.turns] == [
        ("customer", "hello"), ("agent", "Hello!")]  # fmt: skip
    assert conversation.turns[0].time == datetime(2020, 5, 13, 13, 14, 57, tzinfo=UTC)
    assert (conversation.id, conversation.customer_id, conversation.outcome) == (
        "7", "u-1", "solved")  # fmt: skip
    assert conversation.labels == {
        "domain": "bank",
        "task": "bank_balance",
        "intent": "bank_balance",
        "path": "unhappy",
    }
    assert [(turn.action, turn.facts) for turn in conversation.turns] == [
        (None, {}), ("hello", {"Balance": "12"})]  # fmt: skip
    assert bad.left_out == {"event that is no turn": 5}


def test_a_star_folder_passes_over_tasks_and_notes_broken_dialogues(tmp_path):
    files = {
        "apis/apis/bank.json": {"input": [], "output": []},
        "tasks/bank/responses.json": {"hello": "Hello"},
        "dialogues/1.json": STAR,
        "dialogues/2.json": STAR | {"Events": []},
        "dialogues/3.json": STAR | {"Events": ["ring 07700 900123"]},
        "dialogues/4.json": STAR | {"DialogueID": 8, "CompletionLevel": "EarlyDisconnect"},
    }
    for name, values in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        file(tmp_path, name, json.dumps(values))
    bad = BadRows()
    found = list(read_export(of_path(tmp_path), None, {}, bad))
    assert [(one.id, one.outcome) for one in found] == [("7", "solved"), ("8", "abandoned")]
    assert [where.rsplit("/", 1)[1] for where, _ in bad.rows] == ["3.json"]
    assert bad.dropped == {"nobody says anything": 1}
    assert bad.left_out["file that is no dialogue"] == 2
    assert not any("07700" in line for line in bad.lines)


@pytest.mark.skipif(not (DATASETS / "star").exists(), reason="needs the STAR data set")
def test_all_of_star_is_read_or_noted():
    bad = BadRows()
    source = of_path(DATASETS / "star" / "star_data_json.tar.gz")
    outcomes = Counter(one.outcome for one in read_export(source, None, {}, bad))
    assert outcomes == {"solved": 5818, "abandoned": 387}
    assert outcomes.total() + bad.dropped["nobody says anything"] == 6652
    assert len(bad) == 0
    assert bad.left_out["file that is no dialogue"] == 85


@pytest.mark.skipif(not (DATASETS / "tweetsumm").exists(), reason="needs the TweetSumm data set")
@pytest.mark.parametrize(("split", "count"), [("train", 879), ("valid", 110)])
def test_all_of_tweetsumm_is_read(split, count):
    found, bad = read(DATASETS / "tweetsumm" / f"tweetsumm_joined_{split}.jsonl")
    assert (len(found), len(bad)) == (count, 0)
    assert {turn.speaker for one in found for turn in one.turns} == {"customer", "agent"}


@pytest.mark.skipif(not (DATASETS / "multidogo").exists(), reason="needs the MultiDoGO data set")
def test_multidogo_is_read_with_intents_and_slots():
    found, bad = read(DATASETS / "multidogo" / "annotated_turn_level" / "media" / "dev.tsv")
    assert (len(found), len(bad)) == (242, 1)
    assert sum(len(one.turns) for one in found) == 1688
    assert Counter(one.labels["intent"] for one in found)["startserviceintent"] == 201
    assert sum(len(turn.entities) for one in found for turn in one.turns) == 850


MULTIDOGO = (
    "conversationId\tturnNumber\tutteranceId\tutterance\tslot-labels\tintent\n"
    'a\t2.0\tx\tsay "hi to ann lee at 5\tO O O name name O time\tcontentonly\n'
    "a\t0.0\tx\thello\tO\topeninggreeting\n"
    "a\t4.0\tx\tblock my card\tO O\treportlostcard<div>replacecard\n"
    'b\t0\tx\t"54650 \n wi"\tzip city\tcontentonly\n'
    "b\t2\tx\t\tO\tthankyou\n"
)


def test_labelled_turns_are_customers_turns_with_the_first_need_as_intent(tmp_path):
    (a, b), bad = read(file(tmp_path, "dev.tsv", MULTIDOGO))
    assert [turn.text for turn in a.turns] == ["hello", 'say "hi to ann lee at 5', "block my card"]
    assert {turn.speaker for turn in a.turns} == {"customer"}
    assert a.labels == {"intent": "reportlostcard|replacecard"}
    assert [(one.type, one.text) for one in a.turns[1].entities] == [
        ("name", "ann lee"), ("time", "5")]  # fmt: skip
    assert a.turns[2].entities == ()
    assert bad.mended == {
        "slot labels that do not match the words": 1, "a turn over several lines": 1}  # fmt: skip
    assert (b.turns[0].text, b.labels) == ("54650 \n wi", {"intent": "contentonly"})
    assert bad.lines == [f"{tmp_path}/dev.tsv:7: no value in column 'utterance'"]


def test_a_table_of_texts_and_labels_is_one_conversation_a_row(tmp_path):
    path = file(tmp_path, "bank.csv", 'text,category\nlost my card,lost\n"where, please",find\n')
    found, bad = read(path)
    assert [(one.turns[0].text, one.labels["intent"]) for one in found] == [
        ("lost my card", "lost"), ("where, please", "find")]  # fmt: skip
    assert [one.id for one in found] == [f"{tmp_path.name}/bank:1", f"{tmp_path.name}/bank:2"]
    assert not bad
