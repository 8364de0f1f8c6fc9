"""Pairs that an encoder is tuned on, from what is indexed."""

import pytest

from data.errors import LogFormatError
from data.schema import Passage
from finetune.reading import read_replies
from retrieval.pairs import training_pairs
from retrieval.questions import Question
from tests.conftest import write_lines

PASSAGES = [
    Passage("a", "Within 30 days.", "Can I send it back?", metadata={"kind": "faq"}),
    Passage("b", "By post, free.", "Returns › How", metadata={"kind": "policy"}),
    Passage("c", "No heading stands above.", ""),
]


def test_known_questions_and_headings_lead_to_their_passages():
    asked = [Question("is there a return window", frozenset({"a", "b"}))]
    rows = list(training_pairs(PASSAGES, asked))
    assert [(row["question"], row["passage"]) for row in rows] == [
        ("is there a return window", "a"), ("is there a return window", "b"),
        ("Can I send it back?", "a"), ("Returns › How", "b"),
    ]  # fmt: skip
    assert rows[0]["answer"] == "Can I send it back?\nWithin 30 days."
    assert rows[2]["answer"] == "Within 30 days."


def test_training_reads_them(tmp_path):
    path = write_lines(tmp_path / "pairs.jsonl", list(training_pairs(PASSAGES)))
    assert [row.answer for row in read_replies(path)] == ["Within 30 days.", "By post, free."]


def test_a_question_on_what_was_not_read_is_refused():
    with pytest.raises(LogFormatError, match="'z' is not in what was read; add its source"):
        list(training_pairs(PASSAGES, [Question("where", frozenset({"z"}))]))
