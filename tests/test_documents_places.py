"""A later part of a long text tells the line, or the page, on which its own first words stand."""

import pytest

from retrieval.passages import read_passages
from tests.made_files import page_of, pdf_of

COUNT = 60


def number_in(passage):
    """The number in the first words that a passage has and the one before it has not."""
    words = passage.text.split()
    return next(int(word.strip(".|")) for word in words if word.strip(".|").isdecimal())


def lines_of(passages):
    return [int(passage.metadata["line"]) for passage in passages]


def read(tmp_path, name, lines):
    (tmp_path / name).write_text("\n".join(lines) + "\n", "utf-8")
    passages = read_passages([tmp_path / name], overlap=0)
    assert len(passages) > 2
    return passages


def wrapped(number):
    """A sentence that goes over two lines."""
    return [f"Sentence {number} of a paragraph", "that is long and goes on."]


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.html"])
def test_of_a_paragraph(tmp_path, name):
    head = {"a.md": "# Rules", "a.txt": "RULES", "a.html": "<h1>Rules</h1><p>"}[name]
    lines = [line for number in range(COUNT) for line in wrapped(number)]
    first, *later = read(tmp_path, name, [head, "", *lines])
    assert first.metadata["line"] == "1"
    assert lines_of(later) == [3 + 2 * number_in(passage) for passage in later]
    assert [passage.source for passage in later] == [f"{name}#{n}" for n in lines_of(later)]


def test_of_a_paragraph_with_marks_of_markdown_and_characters_that_are_not_shown(tmp_path):
    lines = [
        f"**Sentence** {number} of\u200b a long\u00a0[text](a.md) is &amp; stays `here`."
        for number in range(COUNT)
    ]
    _, *later = read(tmp_path, "a.md", ["# Rules", *lines])
    assert lines_of(later) == [2 + number_in(passage) for passage in later]


@pytest.mark.parametrize("gap", [[], [""]])
def test_of_a_list_whose_items_go_on(tmp_path, gap):
    lines = [
        line for number in range(COUNT)
        for line in (f"- Item {number} of a list that is long", "  and that goes on", *gap)
    ]  # fmt: skip
    _, *later = read(tmp_path, "a.md", ["# Rules", "", *lines])
    step = 2 + len(gap)
    assert lines_of(later) == [3 + step * number_in(passage) for passage in later]


def test_of_one_long_item_of_a_list(tmp_path):
    lines = [f"Sentence {number} of an item that is long and goes on." for number in range(COUNT)]
    _, *later = read(tmp_path, "a.md", ["# Rules", "", f"- {lines[0]}", *lines[1:]])
    assert lines_of(later) == [3 + number_in(passage) for passage in later]


def test_of_a_table_and_of_code(tmp_path):
    rows = [
        f"| {number} | the row of a table that is long and goes on |" for number in range(COUNT)
    ]
    passages = read(tmp_path, "a.md", ["# Rules", "", "| No | What |", "|---|---|", *rows])
    assert lines_of(passages[1:]) == [5 + number_in(passage) for passage in passages[1:]]
    code = [f"{number} = the line of a program that is long and goes on" for number in range(COUNT)]
    passages = read(tmp_path, "b.md", ["# Rules", "", "```", *code, "```"])
    assert lines_of(passages[1:]) == [4 + number_in(passage) for passage in passages[1:]]


def test_of_a_list_and_a_table_of_a_page(tmp_path):
    items = [f"<li>Item {number} of a list\nthat is long and goes on" for number in range(COUNT)]
    _, *later = read(tmp_path, "a.html", ["<h1>Rules</h1><ul>", *items, "</ul>"])
    assert lines_of(later) == [2 + 2 * number_in(passage) for passage in later]
    rows = [f"<tr><td>{number}\n<td>a row that is long and goes on" for number in range(COUNT)]
    table = ["<h1>Rules</h1><table><tr><th>No<th>What", *rows, "</table>"]
    _, *later = read(tmp_path, "b.html", table)
    assert lines_of(later) == [2 + 2 * number_in(passage) for passage in later]


def test_of_a_paragraph_and_a_list_over_several_pages(tmp_path):
    for mark in ("", "• "):
        lines = [
            f"{mark}Number {number} of what is long and goes on; and so" for number in range(COUNT)
        ]
        pages = [page_of(*lines[start : start + 20]) for start in range(0, COUNT, 20)]
        (tmp_path / "a.pdf").write_bytes(pdf_of(*pages))
        passages = read_passages([tmp_path / "a.pdf"], overlap=0)
        assert len(passages) > 2
        for passage in passages:
            assert passage.source == f"a.pdf#page={1 + number_in(passage) // 20}"
