import numpy as np
import pytest

from data import sentences
from data.schema import Passage
from retrieval.highlight import Highlight, highlight, pieces
from retrieval.parts import part_rows
from tests.fakes import HashEncoder

RETURNS = (
    "You have 30 days from delivery. The label costs £2.95, which we take off the refund. "
    "Refunds go back to your card."
)
CHINESE = "自收到货那天起 30 天内可以退货。商品需未使用，并保留原包装！退款原路退回"


def said(text):
    return [text[start:end] for start, end in sentences.spans(text)]


def shown(text, found):
    return [text[start:end] for start, end in found.words]


def test_sentences_end_where_english_and_chinese_ones_do():
    assert said(RETURNS) == [
        "You have 30 days from delivery.",
        "The label costs £2.95, which we take off the refund.",
        "Refunds go back to your card.",
    ]
    assert said(CHINESE) == [
        "自收到货那天起 30 天内可以退货。",
        "商品需未使用，并保留原包装！",
        "退款原路退回",
    ]
    assert said('He said "Stop!" Then he left... Really?') == [
        'He said "Stop!"',
        "Then he left...",
        "Really?",
    ]
    assert said("“可以吗？”他问。好") == ["“可以吗？”", "他问。", "好"]


def test_points_of_a_list_are_sentences():
    assert said("Send us:\n\n- a photo;\n- a line.\n") == ["Send us:", "- a photo;", "- a line."]


@pytest.mark.parametrize(
    "text",
    ["Ask Dr. Moss today", "Use oil, e.g. linseed", "See www.example.com/a.html now", "It is 3.95",
     "J. Smith will call"],
)  # fmt: skip
def test_a_short_form_or_a_number_ends_no_sentence(text):
    assert said(text) == [text]


@pytest.mark.parametrize("text", ["", "  \n ", "...", "!?", "。。", "a", " a\n\nb ", "x" * 10_000])
def test_every_character_but_space_is_in_exactly_one_sentence(text):
    spans = sentences.spans(text)
    covered = [place for start, end in spans for place in range(start, end)]
    assert covered == sorted(set(covered))
    assert {place for place, char in enumerate(text) if not char.isspace()} <= set(covered)
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)


def test_the_sentence_that_answers_is_found_with_its_words():
    found = highlight("what does the label cost", RETURNS, HashEncoder())
    assert RETURNS[found.start : found.end].startswith("The label costs")
    assert shown(RETURNS, found) == ["label", "costs"]
    assert 0 < found.score <= 1


def test_the_sentence_is_found_in_chinese():
    found = highlight("原包装要不要保留", CHINESE, HashEncoder())
    assert CHINESE[found.start : found.end] == "商品需未使用，并保留原包装！"
    assert shown(CHINESE, found) == ["保留原包装"]


def test_words_alone_and_vectors_alone_may_differ():
    class Contrary:
        """The second sentence has the question's vector."""

        fingerprint = "contrary"

        def encode(self, texts):
            rows = [[1.0, 0.0] if each.startswith("The") else [0.0, 1.0] for each in texts]
            return np.array(rows, dtype=np.float32)

    text = "The label is free. It is somewhere else."
    assert highlight("label", text, Contrary(), words=1.0).start == 0
    assert highlight("label", text, Contrary(), words=0.0).start == text.index("It")
    given = highlight("label", text, Contrary(), np.array([1.0, 0.0], np.float32), words=0.0)
    assert given.start == 0


def test_a_question_that_shares_nothing_still_gets_a_sentence_and_no_words():
    found = highlight("zzz", RETURNS, HashEncoder())
    assert isinstance(found, Highlight)
    assert found.words == ()
    assert highlight("", RETURNS, HashEncoder()).words == ()
    assert highlight("what", " \n", HashEncoder()) is None


def test_common_words_are_not_shown():
    found = highlight("how do you return it to your shop", "You return it to us.", HashEncoder())
    assert shown("You return it to us.", found) == ["return"]


def test_pieces_have_the_places_of_their_words():
    text = "Labels für 退货面单 A1"
    assert [(piece, text[start:end]) for piece, start, end in pieces(text)] == [
        ("label", "Labels"), ("für", "für"), ("退货", "退货"), ("货面", "货面"), ("面单", "面单"),
        ("a1", "A1"),
    ]  # fmt: skip
    assert pieces("好") == [("好", 0, 1)]


def test_a_passage_has_further_rows_for_its_title_and_its_sentences():
    passage = Passage("a", RETURNS + " Yes.", "Can I return it?", "faq.md#1", {"kind": "faq"})
    assert list(part_rows(passage)) == [("Can I return it?", "a")]
    rows = list(part_rows(passage, with_sentences=True))
    assert {identity for _, identity in rows} == {"a"}
    assert [text for text, _ in rows] == ["Can I return it?", *said(RETURNS)]
    talk = Passage("b", RETURNS, "where is it", "c", {"kind": "conversation"})
    assert list(part_rows(talk, with_sentences=True)) == []
    assert list(part_rows(Passage("c", "One single sentence here.", "", "d"), True)) == []
