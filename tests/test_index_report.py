import re

import pytest

from apps.verbs.index_report import index_report
from benchmarks.ranking import fit
from data.schema import Passage
from retrieval.evaluate import measure
from retrieval.questions import Question
from retrieval.writing import build_index
from tests.fakes import HashEncoder

SHOP = [
    Passage("refund", "Five working days.", "when does my refund arrive", "faq.md#1"),
    Passage("parcel", "See the tracking page.", "where is my parcel", "faq.md#2"),
    Passage("gift", "Ten to 250 pounds.", "can i buy a gift card", "faq.md#3"),
]
QUESTIONS = [
    *(Question(passage.title, frozenset({passage.id})) for passage in SHOP),
    Question("where is <b>my</b> refund parcel", frozenset({"gift"})),
    Question("who sings that song", frozenset()),
]


@pytest.fixture
def page(tmp_path):
    index = build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")
    fit(index, QUESTIONS, "fit.jsonl")
    return index_report("my index", index.manifest, QUESTIONS, measure(index, QUESTIONS))


def test_a_report_of_an_index_tells_its_numbers_and_when_to_answer(page):
    assert "<h1>my index</h1>" in page
    assert "75.0%</b> of the answerable" in page
    assert "fit.jsonl: 4 answerable, 1 unanswerable questions" in page
    assert page.count("<svg") == 1
    assert "now, at" in page


def test_wrong_questions_are_shown_escaped_and_marked_as_private(page):
    assert "1 questions have another passage first" in page
    assert "where is &lt;b&gt;my&lt;/b&gt; refund parcel" in page
    assert "<b>my</b>" not in page
    assert "Do not pass it on" in page


def test_the_page_fetches_nothing_and_runs_nothing(page):
    assert not re.search(r"<script|<link|src=|@import|url\(http", page)


def test_an_index_without_wrong_questions_has_no_private_part(tmp_path):
    index = build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")
    questions = QUESTIONS[:3]
    page = index_report("clean", index.manifest, questions, measure(index, questions))
    assert "Wrong questions" not in page
    assert "Do not pass it on" not in page
