"""DOCX: headings by their styles, paragraphs, lists and tables in the document's order."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import LogFormatError
from data.rows import BadRows, require_file
from retrieval.documents.blocks import Block, Document
from retrieval.documents.pieces import one_line
from retrieval.documents.web_flow import columns_of, table_of

MAX_UNPACKED = 256 << 20  # bytes of all that is in the file
MAX_BODY = 48 << 20  # bytes of its XML: the tree takes about ten times as much memory
MAX_PARTS = 10_000
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SKIPPED = frozenset(  # deleted and moved text, fallbacks that repeat, notes' marks
    (f"{_W}del", f"{_W}moveFrom", f"{_W}instrText",
     "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback")
)  # fmt: skip


def read(path: Path, bad: BadRows | None) -> Document:
    """The blocks of a DOCX; a block's line is the number of its paragraph or table.

    Raises:
        LogFormatError: If it is missing, empty, no DOCX, broken, or unpacks to too much.
    """
    _check(require_file(path))
    from docx import Document as opened  # slow to import, and few files are DOCX

    try:
        document = opened(str(path))
        levels = {style.style_id: _level(style) for style in document.styles if style.style_id}
        lists = {style.style_id: str(style.name) for style in document.styles}
        hidden = {style.style_id for style in document.styles if _hides(style)}
        body = document.element.body
        title = document.core_properties.title or ""
        _take_out(body, hidden)
        blocks = list(_blocks(body, levels, lists))
    except Exception as error:  # noqa: BLE001 - broken files raise nearly everything
        raise LogFormatError(
            f"{path}: the DOCX is broken ({type(error).__name__}); save it again"
        ) from error
    return Document(blocks, one_line(title))


def _check(path: Path) -> None:
    """Look at the table of contents before anything is unpacked; zipfile holds to its sizes."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise LogFormatError(
            f"{path}: not a DOCX (an old .doc, or protected by a password?); save it as DOCX"
        ) from error
    xml = max((part.file_size for part in parts if part.filename.endswith(".xml")), default=0)
    if (
        sum(part.file_size for part in parts) > MAX_UNPACKED
        or xml > MAX_BODY
        or len(parts) > MAX_PARTS
    ):
        raise LogFormatError(
            f"{path}: unpacks to more than {MAX_UNPACKED >> 20} MiB, or to a text of more than "
            f"{MAX_BODY >> 20} MiB; split it by chapter"
        )
    if "[Content_Types].xml" not in {part.filename for part in parts}:
        raise LogFormatError(f"{path}: a zip archive, but not a DOCX; save it as DOCX")


def _level(style: Any) -> int:  # noqa: ANN401 - a style of any of docx's kinds
    """The heading's level of a style or of the one that it is based on, 0 where it is none."""
    for _ in range(10):  # styles may be based on each other
        if style is None:
            break
        name = str(style.name or "").lower()
        if name == "title":
            return 1
        if name.startswith("heading ") and name[8:].isdigit():
            return int(name[8:]) + 1  # the title stands above them
        outline = style.element.find(f"{_W}pPr/{_W}outlineLvl")
        if outline is not None and outline.get(f"{_W}val", "9") in "012345678":
            return int(outline.get(f"{_W}val")) + 2
        style = getattr(style, "base_style", None)
    return 0


def _hides(style: Any) -> bool:  # noqa: ANN401
    """Whether text in a style, or in the one that it is based on, is hidden."""
    for _ in range(10):  # styles may be based on each other
        if style is None:
            break
        hides = _is_on(style.element.find(f"{_W}rPr/{_W}vanish"))
        if hides is not None:
            return hides
        style = getattr(style, "base_style", None)
    return False


def _is_on(mark: Any) -> bool | None:  # noqa: ANN401
    """What a property that is on or off says; None where it is not there."""
    return None if mark is None else mark.get(f"{_W}val", "1") not in ("0", "false", "off")


def _take_out(body: Any, hidden: set[str]) -> None:  # noqa: ANN401
    """Take hidden rows of tables and hidden text out, which Word shows only to who writes it."""
    for row in list(body.iter(f"{_W}tr")):
        if _is_on(row.find(f"{_W}trPr/{_W}hidden")):
            row.getparent().remove(row)
    for run in list(body.iter(f"{_W}r")):
        hides = _is_on(run.find(f"{_W}rPr/{_W}vanish"))
        style = _value(run, f"{_W}rPr/{_W}rStyle")
        if hides is None and style:
            hides = style in hidden or None
        if hides is None:
            hides = _value(_paragraph(run), f"{_W}pPr/{_W}pStyle") in hidden
        if hides:
            run.getparent().remove(run)


def _paragraph(run: Any) -> Any:  # noqa: ANN401
    while run is not None and run.tag != f"{_W}p":
        run = run.getparent()
    return run


def _blocks(body: Any, levels: dict[str, int], names: dict[str, str]) -> Iterator[Block]:  # noqa: ANN401
    numbers: dict[int, int] = {}
    for line, element in enumerate(_elements(body), start=1):
        if element.tag == f"{_W}tbl":
            yield from _table(element, line)
            numbers.clear()
            continue
        style = _value(element, f"{_W}pPr/{_W}pStyle")
        name = names.get(style, "").lower()
        text = _text(element)
        if not text.strip() or name.startswith("toc"):
            continue
        level = levels.get(style, 0)
        outline = _value(element, f"{_W}pPr/{_W}outlineLvl")
        if not level and outline in tuple("012345678"):
            level = int(outline) + 2
        if level:
            numbers.clear()
            yield Block("heading", one_line(text), line, level=level)
        elif name.startswith("list") or element.find(f"{_W}pPr/{_W}numPr") is not None:
            yield Block("lines", _item(element, name, one_line(text), numbers), line)
        else:
            numbers.clear()
            yield Block("lines" if "\n" in text.strip() else "paragraph", text.strip(), line)


def _elements(parent: Any) -> Iterator[Any]:  # noqa: ANN401
    """The paragraphs and tables, those in content controls too; a table of contents is left out."""
    for element in parent:
        if element.tag in (f"{_W}p", f"{_W}tbl"):
            yield element
        elif element.tag == f"{_W}sdt":
            gallery = _value(element, f"{_W}sdtPr/{_W}docPartObj/{_W}docPartGallery")
            content = element.find(f"{_W}sdtContent")
            if content is not None and gallery != "Table of Contents":
                yield from _elements(content)
        elif element.tag in (f"{_W}ins", f"{_W}customXml", f"{_W}moveTo"):
            yield from _elements(element)


def _item(element: Any, name: str, text: str, numbers: dict[int, int]) -> str:  # noqa: ANN401
    """An item with its mark; numbers are counted, because Word does not write them."""
    depth = _value(element, f"{_W}pPr/{_W}numPr/{_W}ilvl")
    level = int(depth) if depth.isdigit() else int(name[-1]) - 1 if name[-1:].isdigit() else 0
    level = min(level, 4)
    for deeper in [one for one in numbers if one > level]:
        del numbers[deeper]
    mark = "-"
    if "number" in name:
        numbers[level] = numbers.get(level, 0) + 1
        mark = f"{numbers[level]}."
    return "  " * level + f"{mark} {text}"


def _table(element: Any, line: int) -> Iterator[Block]:  # noqa: ANN401
    rows: list[list[str]] = []
    for row in element.iterchildren(f"{_W}tr"):
        rows.append([])
        for cell in row.iterchildren(f"{_W}tc"):
            span = _value(cell, f"{_W}tcPr/{_W}gridSpan")
            rows[-1] += [one_line(_text(cell)), *[""] * (columns_of(span) - 1)]
    rows = [row for row in rows if any(row)]
    if rows and max(map(len, rows)) > 1:
        yield Block("table", table_of(rows), line)
        return
    for row in rows:  # one column: a frame around text
        yield Block("paragraph", row[0], line)


def _value(element: Any, place: str) -> str:  # noqa: ANN401
    found = None if element is None else element.find(place)
    return "" if found is None else str(found.get(f"{_W}val", ""))


def _text(element: Any) -> str:  # noqa: ANN401
    """All the text below an element, inserted and linked text too."""
    pieces: list[str] = []
    waiting = [element]
    while waiting:
        one = waiting.pop()
        if one is None or one.tag in _SKIPPED:
            continue
        if one.tag == f"{_W}t":
            pieces.append(one.text or "")
        elif one.tag in (f"{_W}br", f"{_W}cr"):
            pieces.append("\n")
        elif one.tag == f"{_W}tab":
            pieces.append(" ")
        elif one.tag == f"{_W}noBreakHyphen":
            pieces.append("-")
        elif one.tag == f"{_W}p" and pieces:
            pieces.append("\n")  # paragraphs of a cell
        waiting.extend(reversed(one))
    return "".join(pieces)
