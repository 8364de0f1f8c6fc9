import pytest

from retrieval.documents.inline import words_of
from retrieval.documents.markdown import parsed
from retrieval.documents.markdown_lines import links_of


def blocks(page):
    lines = list(enumerate(page.splitlines(), 1))
    return list(parsed(lines, "page.md", links_of(lines)).blocks)


def text_of(page):
    (block,) = blocks(page)
    return block.text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("- **Wear:** marks and *fading*, __always__", "- Wear: marks and fading, always"),
        ("write `PW` and ten digits", "write PW and ten digits"),
        ("5 * 3 boxes, 2*3, snake_case_name", "5 * 3 boxes, 2*3, snake_case_name"),
        ("not \\*this\\*, R&amp;D", "not *this*, R&D"),
        ("~~£40~~ £30", "£40 £30"),
        ("see [the form](https://fern.example/a_b?x=1&y=2)",
         "see the form (https://fern.example/a_b?x=1&y=2)"),
        ("see [returns](returns.md#how)", "see returns"),
        ("mail [us](mailto:help@example.com)", "mail us (help@example.com)"),
        ("mail [help@example.com](mailto:help@example.com)", "mail help@example.com"),
        ("<https://fern.example/x>", "https://fern.example/x"),
        ("**[bold link](https://a.example)**", "bold link (https://a.example)"),
        ("quote <your number>, <b>wait</b><br>there", "quote <your number>, wait there"),
        ("![a label](label.png)", "a label"),
        ("**bold\nover lines** end", "bold\nover lines end"),
        ("a stray ** and [bracket] and < 5", "a stray ** and [bracket] and < 5"),
    ],
)  # fmt: skip
def test_a_reader_sees_words_and_no_marks(written, read):
    assert words_of(written) == read


def test_items_do_not_share_marks_and_a_cell_keeps_its_escaped_bar():
    assert text_of("- 4* hotels\n- 5* hotels") == "- 4* hotels\n- 5* hotels"
    table = "| **Name** | a \\| b |\n|---|---|\n| `x` | |"
    assert text_of(table) == "| Name | a \\| b |\n|---|---|\n| x | |"


def test_headings_and_paragraphs_are_read_as_words_but_code_is_kept():
    page = "# Our **rules**\n\nFree *always*.\n\n```\na **b**\n```\n\nTwo\n---\n"
    assert [(each.form, each.text.strip("`\n")) for each in blocks(page)] == [
        ("heading", "Our rules"),
        ("paragraph", "Free always."),
        ("lines", "a **b**"),
        ("heading", "Two"),
    ]
