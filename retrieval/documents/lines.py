"""Lines of text as paragraphs, lists and tables: what Markdown, TXT and PDF have in common."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from data.errors import LogFormatError
from data.rows import BadRows
from data.sources import of_path
from retrieval.documents.blocks import Block, Form

Line = tuple[int, str]  # its number (in a PDF its page) and its text
Words = Callable[[Form, str], str]
MAX_TEXT = 256 << 20  # bytes of one text file
_MAX_CHUNK = 500  # lines that are looked at together
_BULLET = re.compile(r"^(\s*)(?:[-*+•·▪◦‣–\uf0b7]|(\d{1,3}[.)])|([a-z]\)))\s+(?=\S)")
_CHINESE_ITEM = re.compile(r"^(\s*)([（(]?[一二三四五六七八九十\d]{1,3}[）)、])\s*(?=\S)")


def lines_of(path: Path, bad: BadRows | None) -> Iterator[Line]:
    """The lines of a text file in whatever encoding it has, read as a stream.

    Raises:
        LogFormatError: If it is missing, empty, no text, or larger than MAX_TEXT.
    """
    from data.logs.text_lines import text_lines  # all importers of logs load with it

    source = of_path(path)
    if path.stat().st_size > MAX_TEXT:
        raise LogFormatError(
            f"{path}: larger than {MAX_TEXT >> 20} MiB; split it into several files"
        )
    for number, line in text_lines(source, bad if bad is not None else BadRows(sink=_refuse)):
        for part in line.split("\r"):  # files of old Macs have no line feeds
            yield number, part


def _refuse(where: str, why: str) -> None:
    raise LogFormatError(f"{where}: {why}")


def chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines between empty ones, at most _MAX_CHUNK together."""
    chunk: list[Line] = []
    for number, line in lines:
        if line.strip():
            chunk.append((number, line.rstrip()))
        if chunk and (not line.strip() or len(chunk) == _MAX_CHUNK):
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def as_written(form: Form, text: str) -> str:
    """The words of plain text: all of it."""
    return text


def blocks_of(chunk: Sequence[Line], words: Words = as_written) -> Iterator[Block]:
    """The blocks in a chunk; an item of a list goes on until the next one begins.

    Args:
        chunk: Lines that stand together.
        words: What a reader sees of a paragraph, of an item, or of a row, each with its line ends.
    """
    form: Form = "paragraph"
    held: list[list[Line]] = []  # the paragraph; the items; the rows
    for number, line in chunk:
        item = list_item(line, inside=form == "lines", first=not held)
        is_row = line.lstrip().startswith("|")
        now: Form = "lines" if item else "table" if is_row else "paragraph"
        goes_on = now == "paragraph" and form in ("paragraph", "lines")
        if held and goes_on:
            held[-1].append((number, line.strip()))
            continue
        if held and now != form:
            yield from _joined(form, held, words)
            held = []
        form = now
        held.append([(number, item or line.strip())])
    if held:
        yield from _joined(form, held, words)


def _joined(form: Form, parts: Sequence[Sequence[Line]], words: Words) -> Iterator[Block]:
    """One block of its parts, none where nothing is to be seen of them."""
    text: list[str] = []
    starts: list[tuple[int, int]] = []
    size = 0
    for part in parts:
        glue = "\n"
        seen = words(form, "\n".join(line for _, line in part)).split("\n")
        for place, line in enumerate(seen):
            line = line.rstrip()
            if not line.strip():
                continue
            if text:
                text.append(glue)
                size += 1
            starts.append((size, part[min(place, len(part) - 1)][0]))
            text.append(line)
            size += len(line)
            glue = " " if form == "lines" else "\n"
    if text:
        yield Block(form, "".join(text), starts[0][1], starts=tuple(starts))


def list_item(line: str, inside: bool, first: bool) -> str:
    """The line as an item of a list, its mark made one of Markdown; empty where it is none.

    Args:
        line: A line of text.
        inside: Whether the line before it is an item.
        first: Whether there is no line before it.
    """
    found = _BULLET.match(line) or _CHINESE_ITEM.match(line)
    if not found:
        return ""
    mark = found.group(2) or (found.group(3) if found.re is _BULLET else "") or "-"
    # A number at the start of a line that was wrapped is none of a list, unless it is the first.
    if mark[0].isdigit() and not (inside or first or mark[:-1] == "1"):
        return ""
    indent = found.group(1).replace("\t", "  ")[:6]
    return f"{indent}{mark} {line[found.end() :].strip()}"
