import time

import pytest

from data.sentences import sentences
from retrieval.documents.blocks import Block
from retrieval.documents.pieces import MAX_CHARS, cut, one_line

LONG = [f"Sentence number {number} says a little about it." for number in range(60)]


def paragraph(text, line=1):
    return Block("paragraph", text, line)


def texts(*blocks, limit=100, overlap=0):
    return [piece.text for piece in cut(blocks, limit, overlap)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
        ('He said "Stop." Then he left.', ['He said "Stop." ', "Then he left."]),
        ("Use soap, e.g. Dr. Bright or No. 5. Then dry it.",
         ["Use soap, e.g. Dr. Bright or No. 5. ", "Then dry it."]),
        ("It costs £3.95. See a.com for more.", ["It costs £3.95. ", "See a.com for more."]),
        ("the depot. after that it goes", ["the depot. after that it goes"]),
        ("三十天可退。请保留！可以吗？可以", ["三十天可退。", "请保留！", "可以吗？", "可以"]),
        ("他说：“可以。”然后走了。", ["他说：“可以。”", "然后走了。"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_text_is_its_sentences(text, expected):
    assert list(sentences(text)) == expected


def test_lines_run_on_with_a_space_and_between_chinese_characters_with_none():
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("请仔细\n阅读 A\nB") == "请仔细阅读 A B"
    assert one_line("so\xadft\0 \ufeffx\ud83d") == "soft x"


def test_a_long_paragraph_is_cut_at_sentence_ends_and_loses_no_word():
    pieces = texts(paragraph("\n".join(LONG)), limit=MAX_CHARS)
    assert len(pieces) > 2
    assert all(len(piece) <= MAX_CHARS for piece in pieces)
    assert " ".join(pieces) == " ".join(LONG)


def test_a_cut_paragraph_repeats_as_many_sentences_as_asked():
    for overlap in (1, 2):
        pieces = texts(paragraph(" ".join(LONG)), limit=400, overlap=overlap)
        for before, after in zip(pieces, pieces[1:], strict=False):
            repeated = "".join(list(sentences(before))[-overlap:])
            assert after.startswith(repeated)
            assert len(after) <= 400
    assert texts(paragraph("One two. Three."), limit=100, overlap=1) == ["One two. Three."]


def test_nothing_is_repeated_between_paragraphs_or_where_the_sentence_is_long():
    one, two = "A short one. " + "x" * 70 + ".", "y" * 60 + "."
    assert texts(paragraph(one), paragraph(two), overlap=1) == [one, two]
    long = "w " * 30 + "end."
    assert texts(paragraph(f"{long} {long.upper()}"), overlap=1) == [long, long.upper()]


def test_only_a_single_sentence_may_be_longer_than_the_limit():
    sentence = "Word " * 40 + "end."
    assert texts(paragraph(f"Short. {sentence} Short.")) == ["Short.", sentence, "Short."]


def test_a_text_that_never_ends_a_sentence_is_cut_at_its_lines_and_then_at_spaces():
    lines = ["No end here " + "x" * 60] * 3
    assert texts(paragraph("\n".join(lines))) == lines
    pieces = texts(paragraph("abc def " * 1000))
    assert all(len(piece) <= 400 for piece in pieces)
    assert " ".join(pieces) == ("abc def " * 1000).strip()
    assert "".join(texts(paragraph("x" * 1000))) == "x" * 1000


def test_a_list_is_kept_whole_where_it_fits_and_with_the_line_that_leads_in():
    items = "- one thing to do\n- another thing to do\n- the last"
    blocks = (paragraph("Some words before. And more of it. The steps are:"), Block("lines", items))
    assert texts(*blocks, limit=80) == [
        "Some words before. And more of it.", f"The steps are:\n{items}"]  # fmt: skip


def test_a_long_list_is_cut_between_its_items():
    items = [f"- item number {number} of the list" for number in range(10)]
    pieces = texts(Block("lines", "\n".join(items)), overlap=1)
    assert [line for piece in pieces for line in piece.split("\n")] == items


def test_a_list_with_empty_lines_in_it_is_one_list():
    blocks = [Block("lines", "1. Open it."), Block("lines", "2. Close it.")]
    assert texts(*blocks) == ["1. Open it.\n2. Close it."]


def test_a_long_table_is_cut_between_rows_and_repeats_its_header():
    rows = [f"| thing {number} | £{number} |" for number in range(12)]
    head = "| Item | Price |\n|---|---|"
    pieces = texts(Block("table", "\n".join([head, *rows])), limit=120, overlap=1)
    assert len(pieces) > 2
    assert all(piece.startswith(head + "\n") and len(piece) <= 120 for piece in pieces)
    assert [row for piece in pieces for row in piece.split("\n")[2:]] == rows


def test_a_piece_tells_where_its_own_words_begin():
    blocks = [paragraph("A first one here.", 3), paragraph("x" * 90 + ".", 5), paragraph("Z.", 9)]
    assert [(p.text[:1], p.line) for p in cut(blocks, 100)] == [("A", 3), ("x", 5)]
    table = Block("table", "| a | b |\n" + "| c | d |\n" * 30, line=7)
    assert {piece.line for piece in cut([table], 100)} == {7}


def test_a_megabyte_is_cut_in_well_under_a_second_or_two():
    start = time.perf_counter()
    pieces = texts(paragraph("a b. " * 100_000), paragraph("x" * 500_000), limit=MAX_CHARS)
    assert len(pieces) > 500
    assert time.perf_counter() - start < 5
