import io
import zipfile

import pytest
from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

import retrieval.documents.word as word
from data.errors import LogFormatError
from retrieval.passages import read_passages


def handbook():
    made = Document()
    made.core_properties.title = "Staff book"
    made.add_paragraph("Before all.")
    made.add_heading("Handbook", 0)
    made.add_heading("Returns", 1)
    made.add_paragraph("The steps are:")
    for text in ("Open it", "Send it"):
        made.add_paragraph(text, style="List Number")
    made.add_paragraph("Mind that:")
    made.add_paragraph("it is free", style="List Bullet")
    made.add_paragraph("with us", style="List Bullet 2")
    table = made.add_table(2, 3)
    for place, text in enumerate(("Item", "Price", "Note")):
        table.cell(0, place).text = text
    table.cell(1, 0).merge(table.cell(1, 1)).text = "Both"
    table.cell(1, 2).text = "two\nlines"
    made.add_paragraph("After the table.")
    made.add_heading("How long?", 2)
    paragraph = made.add_paragraph("Thirty ")
    paragraph.add_run("days").bold = True
    paragraph.add_run(".")
    made.add_heading("Numbers", 1)
    for text in ("First", "Second"):
        made.add_paragraph(text, style="List Number")
    made.sections[0].header.paragraphs[0].text = "RUNNING HEADER"
    return made


def read(tmp_path, made):
    path = tmp_path / "a.docx"
    if isinstance(made, bytes):
        path.write_bytes(made)
    else:
        made.save(str(path))
    return read_passages([path])


def test_headings_lists_and_tables_come_in_the_documents_order(tmp_path):
    passages = read(tmp_path, handbook())
    assert [(p.id, p.title, p.text, p.source) for p in passages] == [
        ("a.docx", "Staff book", "Before all.", "a.docx#1"),
        ("a.docx#handbook/returns", "Handbook › Returns",
         "The steps are:\n1. Open it\n2. Send it\n\nMind that:\n- it is free\n  - with us\n\n"
         "| Item | Price | Note |\n|---|---|---|\n| Both |  | two lines |\n\nAfter the table.",
         "a.docx#3"),
        ("a.docx#handbook/returns/how-long", "How long?", "Thirty days.", "a.docx#12"),
        ("a.docx#handbook/numbers", "Handbook › Numbers", "1. First\n2. Second", "a.docx#14"),
    ]  # fmt: skip
    assert passages[1].metadata == {
        "kind": "policy", "path": "Handbook › Returns", "file": "a.docx", "line": "3"}  # fmt: skip


def test_inserted_and_controlled_text_is_read_and_deleted_text_and_contents_are_not(tmp_path):
    made = Document()
    body = made.element.body
    run = "<w:r><w:t xml:space='preserve'>%s</w:t></w:r>"
    gone = "<w:r><w:delText>gone</w:delText></w:r>"
    for content in (
        f"<w:p {nsdecls('w')}>{run % 'It is '}<w:ins>{run % 'now '}</w:ins><w:del>{gone}</w:del>"
        f"<w:hyperlink>{run % 'free'}</w:hyperlink>{run % '.'}</w:p>",
        f"<w:sdt {nsdecls('w')}><w:sdtPr><w:docPartObj>"
        "<w:docPartGallery w:val='Table of Contents'/>"
        f"</w:docPartObj></w:sdtPr><w:sdtContent><w:p>{run % 'Contents 1'}</w:p></w:sdtContent>"
        "</w:sdt>",
        f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p>{run % 'Kept.'}</w:p></w:sdtContent></w:sdt>",
    ):
        body.insert(len(body) - 1, parse_xml(content))
    (passage,) = read(tmp_path, made)
    assert passage.text == "It is now free.\n\nKept."


def test_hidden_text_is_left_out_however_it_is_hidden(tmp_path):
    made = Document()
    style = made.styles.add_style("For us", 1)
    style.font.hidden = True
    made.styles.add_style("For us too", 1).base_style = style
    shown = made.styles.add_style("For all", 1)
    shown.base_style, shown.font.hidden = style, False
    letters = made.styles.add_style("Between the lines", 2)
    letters.font.hidden = True
    paragraph = made.add_paragraph("It is ")
    paragraph.add_run("secret ").font.hidden = True
    paragraph.add_run("secret ", style="Between the lines")
    paragraph.add_run("free.").font.hidden = False
    made.add_heading("Secret", 1).runs[0].font.hidden = True
    for name in ("For us", "For us too"):
        made.add_paragraph("Secret.", style=name)
    made.add_paragraph("Seen.", style="For all")
    made.add_paragraph("", style="For us").add_run("Seen too.").font.hidden = False
    table = made.add_table(3, 2)
    for number, row in enumerate(table.rows):
        for cell in row.cells:
            cell.text = ("A", "secret", "B")[number]
    table.rows[1]._tr.get_or_add_trPr().append(parse_xml(f"<w:hidden {nsdecls('w')}/>"))
    (passage,) = read(tmp_path, made)
    assert passage.text == "It is free.\n\nSeen.\n\nSeen too.\n\n| A | A |\n|---|---|\n| B | B |"


def test_a_style_of_ones_own_is_a_heading_where_it_is_based_on_one(tmp_path):
    made = Document()
    style = made.styles.add_style("House heading", 1)
    style.base_style = made.styles["Heading 2"]
    made.add_paragraph("Our rules", style="House heading")
    made.add_paragraph("Text.")
    (passage,) = read(tmp_path, made)
    assert passage.title == "Our rules"


def packed(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def parts_of(made):
    out = io.BytesIO()
    made.save(out)
    with zipfile.ZipFile(out) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, r"not a DOCX \(an old \.doc, or protected"),
        (b"PK\x03\x04 and no more", r"not a DOCX \(an old"),
        (packed({"a.txt": "x"}), "a zip archive, but not a DOCX"),
        (packed({"[Content_Types].xml": "<x/>"}), "the DOCX is broken"),
        (packed(parts_of(handbook()) | {"word/document.xml": b"<w:document"}), "DOCX is broken"),
        (packed({**parts_of(handbook()), "word/document.xml": b""}), "the DOCX is broken"),
    ],
)
def test_what_is_no_whole_docx_is_one_line(tmp_path, content, message):
    with pytest.raises(LogFormatError, match=rf"a\.docx: .*{message}") as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    parts = parts_of(handbook())
    bomb = packed(parts | {"word/document.xml": b" " * (word.MAX_BODY + 1)})
    assert len(bomb) < 1 << 20
    with pytest.raises(
        LogFormatError, match=r"a\.docx: unpacks to more than 256 MiB, or to a text"
    ):
        read(tmp_path, bomb)


def test_many_or_large_parts_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(word, "MAX_UNPACKED", 1000)
    with pytest.raises(LogFormatError, match="unpacks to more than"):
        read(tmp_path, handbook())
    monkeypatch.setattr(word, "MAX_UNPACKED", 1 << 30)
    monkeypatch.setattr(word, "MAX_PARTS", 3)
    with pytest.raises(LogFormatError, match="unpacks to more than"):
        read(tmp_path, handbook())


def test_entities_of_the_xml_are_not_unfolded(tmp_path):
    parts = parts_of(handbook())
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    head = f'<!DOCTYPE x [<!ENTITY l0 "lol">{lol}]>'
    xml = parts["word/document.xml"].decode()
    start = xml.index("<w:document")
    xml = xml[:start] + head + xml[start:].replace("Before all.", "Before &l8; all.")
    with pytest.raises(LogFormatError, match="the DOCX is broken"):
        read(tmp_path, packed(parts | {"word/document.xml": xml.encode()}))
