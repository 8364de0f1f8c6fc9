"""The Chinese FAQ of the sample company and the questions to it, as data/samples/README.md says."""

import re
from pathlib import Path

import pytest

from retrieval.highlight import pieces
from retrieval.passages import read_passages
from retrieval.questions import read_questions

FOLDER = Path(__file__).parent.parent / "data" / "samples" / "zh"
ENGLISH = FOLDER.parent / "faq.md"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NUMBER = re.compile(r"\d+(?:[.:]\d+)?")


@pytest.fixture(scope="module")
def entries():
    return read_passages([FOLDER / "faq.md"])


@pytest.fixture(scope="module")
def answerable():
    return read_questions(FOLDER / "questions" / "test.jsonl")


@pytest.fixture(scope="module")
def unanswerable():
    return read_questions(FOLDER / "questions" / "test_unanswerable.jsonl")


def plain(text):
    return "".join(re.findall(r"\w", text.lower()))


def test_there_are_forty_entries_in_chinese_that_ask_and_answer(entries):
    assert [entry.id for entry in entries] == [f"zh-faq-{n:03d}" for n in range(1, 41)]
    assert {entry.metadata["kind"] for entry in entries} == {"faq"}
    assert all(entry.title.endswith("？") for entry in entries)
    assert all(len(CHINESE.findall(entry.text)) >= 20 for entry in entries)
    assert len({plain(entry.title) for entry in entries}) == 40


def test_each_entry_has_three_questions_and_twenty_more_have_no_answer(
    entries, answerable, unanswerable
):
    assert (len(answerable), len(unanswerable)) == (120, 20)
    for entry in entries:
        assert sum(question.relevant == {entry.id} for question in answerable) == 3, entry.id
    assert not any(question.relevant for question in unanswerable)


def test_questions_are_chinese_and_none_comes_twice(answerable, unanswerable):
    texts = [question.text for question in [*answerable, *unanswerable]]
    assert len({plain(text) for text in texts}) == len(texts)
    assert all(len(CHINESE.findall(text)) >= 4 for text in texts)


def test_no_question_is_copied_from_an_entry(entries, answerable, unanswerable):
    titles = {plain(entry.title) for entry in entries}
    for question in [*answerable, *unanswerable]:
        text = plain(question.text)
        assert text not in titles, question.text
        assert not any(text in plain(entry.text) for entry in entries), question.text
        for entry in entries:
            asked, said = ({piece for piece, *_ in pieces(t)} for t in (question.text, entry.title))
            # Chinese pairs of characters: the same wording shares most of them.
            assert len(asked & said) / len(asked | said) < 0.6, (question.text, entry.title)


def test_chinese_entries_say_the_companys_own_numbers(entries):
    """Sums, days and times are those of the English FAQ and rules."""
    pages = [ENGLISH, *sorted((FOLDER.parent / "policies").glob("*.md"))]
    known = set(NUMBER.findall(" ".join(page.read_text(encoding="utf-8") for page in pages)))
    # Months and words that English writes without figures.
    spelled = {"11", "12", "1", "8", "3", "2", "4"}
    for entry in entries:
        unknown = set(NUMBER.findall(entry.text)) - known - spelled
        assert not unknown, (entry.id, unknown)
