"""Logs of the public data sets: TweetSumm, STAR, MultiDoGO, and which importer a file gets."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.conversations import to_dict
from data.errors import ConfigError, LogFormatError
from data.logs import IMPORTERS, importer_for, read_export
from data.logs.tweetsumm import clean_tweet
from data.rows import BadRows
from data.schema import Conversation, Turn
from data.sources import of_path
from tests.test_logs import file, read

DATASETS = Path(__file__).parents[2] / "shared" / "datasets"


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


SHORT = Conversation(id="c1", turns=(Turn("customer", "hi"),))
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
        ("a.jsonl", json.dumps(to_dict(SHORT)), "jsonl"),
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
    with pytest.raises(ConfigError, match="no importer 'pigeon'; one of .*jsonl.*table"):
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
