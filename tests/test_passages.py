import logging

import pytest

from data.conversations import to_dict
from data.errors import LogFormatError
from data.rows import BadRows, write_jsonl
from data.schema import Conversation, Turn
from retrieval.passages import MAX_CHARS, embedding_text, markdown_passages, read_passages
from retrieval.questions import read_questions
from tests.shop import asked, faq, ids

PAGE = """\
Read this first.

# Returns

All our rules.

## How long?
<!-- id: faq-7 -->
Thirty days.

## Costs

### Label
It is free.

### Empty

# Last
- one
- two
"""


def test_each_heading_with_text_below_it_is_a_passage():
    passages = list(markdown_passages(PAGE, "shop/rules.md"))
    assert [(p.id, p.title, p.text, p.source, p.metadata["kind"]) for p in passages] == [
        ("shop/rules.md", "rules", "Read this first.", "shop/rules.md#1", "policy"),
        ("shop/rules.md#returns", "Returns", "All our rules.", "shop/rules.md#3", "policy"),
        ("faq-7", "How long?", "Thirty days.", "shop/rules.md#7", "faq"),
        ("shop/rules.md#returns/costs/label", "Returns › Costs › Label", "It is free.",
         "shop/rules.md#13", "policy"),
        ("shop/rules.md#last", "Last", "- one\n- two", "shop/rules.md#18", "policy"),
    ]  # fmt: skip


def test_a_question_among_the_headings_of_a_page_of_rules_makes_no_faq_entry():
    page = "# Rules\n## Returns\nA.\n## What if it is late?\nB.\n## Costs\nC.\n"
    assert {p.metadata["kind"] for p in markdown_passages(page, "rules.md")} == {"policy"}
    faq = "# Questions\n## Late?\nA.\n## Free?\nB.\n"
    assert {p.metadata["kind"] for p in markdown_passages(faq, "faq.md")} == {"faq"}


def test_a_file_may_say_what_it_is_and_one_taken_for_rules_although_it_asks_is_told(
    tmp_path, caplog
):
    page = "# Rules\n## Late?\nA.\n## Costs\nB.\n"

    def kinds(front):
        caplog.clear()
        (tmp_path / "a.md").write_text(front + page, "utf-8")
        with caplog.at_level(logging.INFO):
            passages = read_passages([tmp_path])
        assert ("a.md; `kind: faq`" in caplog.text) == (not front)
        return {passage.metadata["kind"] for passage in passages}

    assert kinds("") == {"policy"}
    assert kinds("---\nkind: FAQ\n---\n") == {"faq"}
    assert kinds("---\nkind: policy\n---\n") == {"policy"}
    (tmp_path / "b.html").write_text('<meta name="kind" content="faq"><h1>A</h1><p>B.', "utf-8")
    assert {p.metadata["kind"] for p in read_passages([tmp_path / "b.html"])} == {"faq"}


def test_a_long_section_is_split_at_sentence_ends_and_loses_no_word():
    sentences = [f"Sentence number {number} says a little about it." for number in range(80)]
    text = "# Long?\n<!-- id: long -->\n" + "\n\n".join(sentences)
    passages = list(markdown_passages(text, "a.md", overlap=0))
    assert ids(passages) == ["long", *(f"long.{n}" for n in range(2, len(passages) + 1))]
    assert len(passages) > 3
    assert all(len(passage.text) <= MAX_CHARS for passage in passages)
    assert "\n\n".join(passage.text for passage in passages) == "\n\n".join(sentences)


def test_a_folder_is_read_with_its_sub_folders_and_without_what_holds_no_passages(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.md").write_text(f"# {name}\nText of {name}.\n", "utf-8")
    (tmp_path / "Top.MD").write_text("# Top\nText.\n", "utf-8")
    (tmp_path / "README.md").write_text("# About\nNot for customers.\n", "utf-8")
    write_jsonl(tmp_path / "dropped.jsonl", [{"where": "x", "why": "y"}])
    (tmp_path / "validation.jsonl").touch()
    (tmp_path / "notes.xyz").write_text("x", "utf-8")
    assert [(p.id, p.source) for p in read_passages([tmp_path])] == [
        ("Top.MD#top", "Top.MD#1"),
        ("a/index.md#a", "a/index.md#1"),
        ("b/index.md#b", "b/index.md#1"),
    ]


def test_two_passages_of_one_id_are_refused_with_both_places(tmp_path):
    text = "# A?\n<!-- id: x -->\nYes.\n"
    for name in ("one.md", "two.md"):
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(LogFormatError, match=r"two\.md: passage id 'x' occurs twice.*one\.md#1"):
        read_passages([tmp_path])


def test_an_faq_table_is_read_and_its_bad_rows_are_noted_or_refused(tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text("Question,Answer,id\nHow?,So.,\nWhy?,,\nWho?,I.,me\na,b\n", "utf-8")
    bad = BadRows()
    passages = read_passages([path], bad)
    assert [(p.id, p.title, p.text, p.source) for p in passages] == [
        ("faq.csv#how", "How?", "So.", "faq.csv#2"),
        ("me", "Who?", "I.", "faq.csv#4"),
    ]
    assert [where for where, _ in bad.rows] == [f"{path}:3", f"{path}:5"]
    with pytest.raises(LogFormatError, match=r"faq\.csv:3: no question or no answer"):
        read_passages([path])


def test_a_table_without_question_and_answer_says_what_it_found(tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text("q,a\nHow?,So.\n", "utf-8")
    with pytest.raises(LogFormatError, match="question and answer are needed; found: q, a"):
        read_passages([path], BadRows())


def test_a_conversation_is_found_by_its_question_alone(tmp_path):
    answer = "You can send it back within thirty days of delivery with the label we printed"
    turns = (Turn("customer", "too small"), Turn("agent", answer))
    write_jsonl(tmp_path / "log.jsonl", [to_dict(Conversation("c1", turns))])
    (passage,) = read_passages([tmp_path / "log.jsonl"])
    assert (passage.text, embedding_text(passage)) == (answer, "too small")
    assert embedding_text(faq("x", "How?", "So.")) == "How?\nSo."


def test_nothing_to_read_says_so(tmp_path):
    (tmp_path / "a.md").write_text("# Only a heading\n", "utf-8")
    with pytest.raises(LogFormatError, match="no passage found"):
        read_passages([tmp_path / "a.md"])
    with pytest.raises(LogFormatError, match="no such file"):
        read_passages([tmp_path / "b.md"])
    with pytest.raises(LogFormatError, match="unknown kind of file"):
        read_passages([write(tmp_path / "a.xyz", "x")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(LogFormatError, match="in this folder"):
        read_passages([tmp_path / "empty"])


def write(path, text):
    path.write_text(text, "utf-8")
    return path


def test_questions_are_read_and_a_bad_one_is_named(tmp_path):
    path = tmp_path / "questions.jsonl"
    write_jsonl(path, [{"question": "a", "relevant": ["x", 7]}, {"question": "b", "relevant": []}])
    assert read_questions(path) == [asked("a", "x", "7"), asked("b")]
    for row in ({"relevant": ["x"]}, {"question": "a"}, {"question": "a", "relevant": "x"}):
        write_jsonl(path, [{"question": "a", "relevant": []}, row])
        with pytest.raises(LogFormatError, match=r"questions\.jsonl:2: "):
            read_questions(path)
