import pytest

from apps.verbs.ground import ground_log
from data.conversations import read_conversations
from data.errors import ConfigError, LogFormatError
from data.redact.conversation import redact_conversation
from data.schema import Passage
from finetune.reading.dialogues import read_dialogues
from retrieval.writing import build_index
from tests.conftest import write_lines
from tests.fakes import HashEncoder, by_hand

PAGES = [
    Passage("refund", "Five working days.", "when does my refund arrive", "faq.md#1"),
    Passage("parcel", "See the tracking page.", "where is my parcel", "faq.md#2"),
    Passage("c1:1", "Your refund came.", "when does my refund arrive", "conversation c1"),
]


def talk(identity, asked):
    return {"id": identity, "turns": [{"speaker": "customer", "text": asked},
                                      {"speaker": "agent", "text": "Let me see."}]}  # fmt: skip


@pytest.fixture
def index(tmp_path):
    made = build_index(PAGES, HashEncoder(), "hash", tmp_path / "index")
    return made.refit(by_hand(1.0, 0.5))


def test_answers_get_what_the_index_says_but_nothing_of_their_own_conversation(index, tmp_path):
    logs = tmp_path / "logs"
    asked = {"c1": "when does my refund arrive", "c2": "who sings that song",
             "c3": "when does my refund arrive"}  # fmt: skip
    write_lines(logs / "train.jsonl", [talk(each, text) for each, text in asked.items()])
    write_lines(logs / "test.jsonl", [talk("c4", "where is my parcel")])

    done = ground_log(logs, tmp_path / "out", index, most=2)

    assert done == {"conversations": 4, "answers": 4, "grounded": 3}
    found = {each.id: [p.id for p in each.turns[1].passages]
             for each in read_conversations(tmp_path / "out" / "train.jsonl")}  # fmt: skip
    assert found["c1"][0] == "refund"
    assert "c1:1" not in found["c1"]
    assert found["c2"] == []
    assert set(found["c3"][:2]) == {"refund", "c1:1"}
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "test.jsonl", "train.jsonl",
    ]  # fmt: skip
    learned = read_dialogues(tmp_path / "out" / "test.jsonl")[0].situation
    assert [(p.id, p.title, p.text) for p in learned.passages][0] == (
        "parcel", "where is my parcel", "See the tracking page.",
    )  # fmt: skip


class Asking(HashEncoder):
    """An encoder that wants a word before questions, and tells which texts came as such."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def encode_questions(self, texts):
        self.asked += texts
        return self.encode(texts)

    def encode_passages(self, texts):
        return self.encode(texts)


def test_customers_turns_are_encoded_as_questions(tmp_path):
    encoder = Asking()
    index = build_index(PAGES, encoder, "hash", tmp_path / "index")
    source = write_lines(tmp_path / "one.jsonl", [talk("c9", "where is my parcel")])
    ground_log(source, tmp_path / "two.jsonl", index)
    assert encoder.asked == ["where is my parcel"]


def test_a_log_that_was_grounded_loses_its_passages_when_it_is_redacted(index, tmp_path):
    source = write_lines(tmp_path / "one.jsonl", [talk("c9", "where is my parcel")])
    ground_log(source, tmp_path / "two.jsonl", index)
    [conversation] = read_conversations(tmp_path / "two.jsonl")
    assert conversation.turns[1].passages
    clean, _ = redact_conversation(conversation)
    assert not any(turn.passages for turn in clean.turns)


def test_an_empty_folder_and_the_folder_that_is_read_are_refused(index, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(LogFormatError, match="no train.jsonl"):
        ground_log(tmp_path / "empty", tmp_path / "out", index)
    source = write_lines(tmp_path / "one.jsonl", [talk("c9", "where is my parcel")])
    with pytest.raises(ConfigError, match="name another"):
        ground_log(source, source, index)
    assert len(list(read_conversations(source))) == 1
