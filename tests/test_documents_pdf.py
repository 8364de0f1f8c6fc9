import io
import logging
import zlib

import pytest
from pypdf import PdfReader, PdfWriter

import retrieval.documents.pdf as pdf
from data.errors import LogFormatError
from data.rows import BadRows
from retrieval.passages import read_passages
from tests.made_files import Words, page_of, pdf_of


def read(tmp_path, *pages, bad=None):
    (tmp_path / "a.pdf").write_bytes(pages[0] if pages and isinstance(pages[0], bytes) else
                                     pdf_of(*pages))  # fmt: skip
    return read_passages([tmp_path / "a.pdf"], bad)


def shown(passages):
    return [(passage.title, passage.text, passage.source) for passage in passages]


def running(number):
    return [
        Words("Harbour Kettles – Manual 2026", 8, 810),
        Words(f"Page {number} of 3", 8, 30),
    ]


MANUAL = [
    [*running(1), *page_of(
        Words("Owner's manual", 22), "",
        "Thank you. Please read this before the first use and keep the infor-",
        "mation in a safe place.", "", Words("Cleaning", 14),
        "The two-person rule is strict for this. Only a two-",
        "person team may do it. Then", "", "• Rinse it well", "and dry it", "• Do not scrub it.",
        "", "The filter can be")],
    [*running(2), *page_of(
        "taken out after the kettle has cooled.", "", Words("Descaling with", 14),
        Words("vinegar and water", 14), "Fill it half. Boil.")],
    [*running(3), *page_of(Words("Is it safe?", 10, bold=True), "Yes, it is.")],
]  # fmt: skip


def test_headings_come_from_letters_pages_are_kept_and_running_lines_left_out(tmp_path):
    passages = read(tmp_path, *MANUAL)
    descaling = "Owner's manual › Descaling with vinegar and water"
    assert shown(passages) == [
        ("Owner's manual",
         "Thank you. Please read this before the first use and keep the information in a safe "
         "place.", "a.pdf#page=1"),
        ("Owner's manual › Cleaning",
         "The two-person rule is strict for this. Only a two-person team may do it. Then\n"
         "- Rinse it well and dry it\n- Do not scrub it.\n\n"
         "The filter can be taken out after the kettle has cooled.", "a.pdf#page=1"),
        (descaling, "Fill it half. Boil.", "a.pdf#page=2"),
        ("Is it safe?", "Yes, it is.", "a.pdf#page=3"),
    ]  # fmt: skip
    assert passages[2].id == "a.pdf#owner-s-manual/descaling-with-vinegar-and-water"
    assert passages[2].metadata == {
        "kind": "policy", "path": descaling, "file": "a.pdf", "page": "2"}  # fmt: skip


def test_a_later_piece_of_a_section_has_its_own_page(tmp_path):
    lines = [f"This is sentence {number} of a long section." for number in range(1, 61)]
    pages = [page_of(Words("Rules", 16), *lines[:20]), page_of(*lines[20:40]), page_of(*lines[40:])]
    passages = read(tmp_path, *pages)
    assert passages[0].source == "a.pdf#page=1"
    assert passages[-1].source == "a.pdf#page=3"
    assert {passage.title for passage in passages} == {"Rules"}


def test_letters_of_one_size_leave_headings_to_be_guessed_from_words(tmp_path):
    page = page_of("RETURNS", "", "You may return it", "within a month", "of delivery.", "",
                   "2.1 Costs", "", "It is free", "for all.")  # fmt: skip
    assert [(p.title, p.text) for p in read(tmp_path, page)] == [
        ("RETURNS", "You may return it within a month of delivery."),
        ("RETURNS › 2.1 Costs", "It is free for all."),
    ]


def test_headers_of_chapters_go_by_their_page_number_and_contents_by_their_dots(tmp_path):
    chapters = ["One", "One", "Two", "Two", "Three", "Three"]
    pages = [page_of(Words("Contents", 16), "One . . . . . . . . . . 2", "Two ........ 4")]
    for number, chapter in enumerate(chapters, start=2):
        body = page_of(Words(f"{number} Part {chapter}", 16), f"Text of page {chapter} is here.")
        pages.append([Words(f"Chapter {chapter} {number}", 10, 800), *body])
    passages = read(tmp_path, *pages)
    assert len(passages) == 6
    assert {passage.text for passage in passages} == {
        f"Text of page {chapter} is here." for chapter in chapters}  # fmt: skip


PRODUCTS = ("Kettle", "Toaster", "Blender", "Iron")


def test_text_that_ends_pages_alike_or_but_for_its_figures_is_no_running_line(tmp_path):
    pages = [
        page_of(Words(f"Chapter {number}", 18), f"The {product} is described here.",
                f"Price: {9 + 10 * number} EUR", f"Warranty: {number} years", "Made in Wales.")
        for number, product in enumerate(PRODUCTS, start=1)
    ]  # fmt: skip
    texts = [
        f"The {product} is described here. Price: {9 + 10 * number} EUR Warranty: {number} years "
        "Made in Wales."
        for number, product in enumerate(PRODUCTS, start=1)
    ]
    assert [(p.title, p.text) for p in read(tmp_path, *pages)] == [
        (f"Chapter {number}", text) for number, text in enumerate(texts, start=1)
    ]


def test_a_running_line_may_count_the_pages_and_a_figure_that_does_not_is_text(tmp_path):
    pages = [
        [Words(f"Manual 7 - sheet {number + 40} - draft", 8, 800),
         *page_of(f"About the {product}."),
         Words(f"Order no. {number * 11}", 8, 40)]
        for number, product in enumerate(PRODUCTS, start=1)
    ]  # fmt: skip
    text = " ".join(passage.text for passage in read(tmp_path, *pages))
    assert "sheet" not in text
    assert [f"Order no. {number * 11}" in text for number in (1, 2, 3, 4)] == [True] * 4


def test_a_bare_number_is_a_page_s_where_it_counts_with_them(tmp_path):
    def pages(*numbers):
        return [[*page_of(f"Sheet of the {product}."), Words(str(number), 10, 40)]
                for number, product in zip(numbers, PRODUCTS, strict=False)]  # fmt: skip

    (passage,) = read(tmp_path, *pages(57, 58, 59))
    assert not any(char.isdigit() for char in passage.text)
    (passage,) = read(tmp_path, *pages(30, 20, 45))
    assert all(figure in passage.text for figure in ("30", "20", "45"))


def test_a_company_s_name_above_every_page_is_read_once(tmp_path):
    pages = [[Words("Harbour Ltd", 16, 800),
              *page_of(Words(product, 14), f"This {product} has a lid.")]
             for product in PRODUCTS]  # fmt: skip
    titles = [f"Harbour Ltd › {product}" for product in PRODUCTS]
    assert [passage.title for passage in read(tmp_path, *pages)] == titles


def test_a_scan_is_refused_and_one_scanned_page_is_counted(tmp_path):
    with pytest.raises(LogFormatError, match=r"a\.pdf: no text in its 2 pages, they may be scans"):
        read(tmp_path, [], [])
    bad = BadRows()
    (passage,) = read(tmp_path, page_of("Some text."), [], bad=bad)
    assert passage.text == "Some text."
    assert bad.left_out == {"PDF pages without text": 1}
    assert not bad.rows


def encrypted(user, owner):
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf_of(page_of("Some text.")))))
    writer.encrypt(user, owner, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_that_asks_for_a_password_is_refused_and_one_that_only_forbids_is_read(tmp_path):
    with pytest.raises(LogFormatError, match=r"a\.pdf: the PDF is encrypted; save it without a"):
        read(tmp_path, encrypted("secret", "secret"))
    (passage,) = read(tmp_path, encrypted("", "secret"))
    assert passage.text == "Some text."


WHOLE = pdf_of(*MANUAL)


def outcome(tmp_path, content):
    """The passages, or the line that says why there are none."""
    try:
        return read(tmp_path, content, bad=BadRows())
    except LogFormatError as error:
        return str(error)


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4\n",
        b"%PDF-1.4\n" + b"\0" * 500,
        WHOLE.replace(b"/Root 1 0 R", b"/Root 9 9 R").replace(b"/Catalog", b"/Nothing"),
        WHOLE.replace(b"/Kids [", b"/Kids ]["),
        WHOLE.replace(b"/Type /Pages /Kids [6 0 R", b"/Type /Pages /Kids [2 0 R"),
        *(WHOLE[:length] for length in range(20, len(WHOLE), len(WHOLE) // 12)),
    ],
)
def test_a_broken_pdf_is_one_line_or_read_as_far_as_it_goes(tmp_path, content, caplog):
    with caplog.at_level(logging.WARNING):
        found = outcome(tmp_path, content)
    assert not isinstance(found, str) or ("a.pdf" in found and "\n" not in found)
    assert not caplog.records


def test_a_page_that_cannot_be_read_is_noted_and_the_others_are_read(tmp_path, monkeypatch):
    lines = pdf._lines

    def failing(page, number):
        if number == 2:
            raise KeyError("/Contents")
        return lines(page, number)

    monkeypatch.setattr(pdf, "_lines", failing)
    bad = BadRows()
    assert len(read(tmp_path, page_of("One."), page_of("Two."), page_of("x 3."), bad=bad)) == 1
    why = "the page cannot be read (KeyError); export the PDF again"
    assert bad.rows == [(f"{tmp_path / 'a.pdf'}#page=2", why)]
    with pytest.raises(LogFormatError, match=r"a\.pdf#page=2: the page cannot be read"):
        read(tmp_path, page_of("One."), page_of("Two."))


def test_what_is_no_pdf_or_too_large_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(LogFormatError, match=r"a\.pdf: not a PDF; export it again"):
        read(tmp_path, b"<html>404")
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(LogFormatError, match=r"a\.pdf: 3 pages, at most 2; split it by chapter"):
        read(tmp_path, *MANUAL)
    monkeypatch.setattr(pdf, "MAX_PDF", 10)
    with pytest.raises(LogFormatError, match="larger than 0 MiB"):
        read(tmp_path, *MANUAL)


def test_a_pdf_bomb_and_one_that_takes_too_long_are_refused(tmp_path, monkeypatch):
    plain = pdf_of(page_of("Some text."))
    start = plain.index(b"<< /Length ")
    packed = zlib.compress(b" " * (pdf.MAX_STREAM + 1000), 9)
    head = b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(packed)
    rest = plain[plain.index(b"endobj", start) :]
    with pytest.raises(LogFormatError, match=r"page=1: the page cannot be read \(LimitReached"):
        read(tmp_path, plain[:start] + head + packed + b"\nendstream\n" + rest)
    monkeypatch.setattr(pdf, "MAX_SECONDS", -1)
    with pytest.raises(LogFormatError, match=r"a\.pdf#page=1: the PDF takes more than -1 s"):
        read(tmp_path, plain)
