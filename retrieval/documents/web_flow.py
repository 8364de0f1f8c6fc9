"""The elements of a page as blocks: paragraphs, headings, nested lists, tables of data."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from retrieval.documents.blocks import Block, Form, Starts
from retrieval.documents.pieces import MAX_CHARS, clean, one_line

_HEADINGS = {f"h{level}": level for level in range(1, 7)} | {"summary": 6}
PARTS = frozenset(  # a paragraph ends where these begin and end; `br` ends a line of it
    "address article aside blockquote body br caption dd details div dl dt fieldset figcaption"
    " figure form header hr html legend li main ol p pre section table tbody td tfoot th thead tr"
    " ul".split()
).union(_HEADINGS)
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Words:
    """Some text, and (letters before it, line) of each line of the file that it stands on."""

    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Table:
    """The rows of an open table: of each cell its paragraphs, of each row its line in `lines`.

    `is_layout` where a heading or another table stands in it.
    """

    line: int
    rows: list[list[list[str]]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    is_layout: bool = False
    wide: int = 1  # the columns of the open cell


class Flow:
    """Collects the blocks of a page from its elements, closed or not.

    `main_blocks` are those inside `<main>`.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.main_blocks: list[Block] = []
        self._text: list[str] = []
        self._marks: list[tuple[int, int]] = []  # of the open paragraph
        self._letters = 0
        self._heading = ""  # the tag of the one that is open
        self._lists: list[int] = []  # the next number of each open list, 0 for one of points
        self._items: list[list[_Words]] = []  # of each the mark and its paragraphs
        self._tables: list[_Table] = []
        self._mains = 0
        self._in_pre = False

    def begin(self, tag: str, values: dict[str, str], line: int) -> None:
        """Begin an element of PARTS at a line of the file."""
        if tag == "br":
            self._text.append("\n")
            return
        self._flush()
        if tag in _HEADINGS or tag == "dt":
            self._begin_heading(tag)
        elif tag in ("ul", "ol", "li"):
            self._begin_list(tag, values, line)
        elif tag in ("table", "tr", "td", "th"):
            self._begin_table(tag, values, line)
        elif tag == "main":
            self._mains += 1
        elif tag == "pre":
            self._in_pre = True

    def end(self, tag: str) -> None:
        """End an element of PARTS."""
        self._flush()
        if tag == self._heading:
            self._heading = ""
        elif tag == "main":
            self._mains = max(0, self._mains - 1)
        elif tag == "pre":
            self._in_pre = False
        elif tag in ("ul", "ol"):
            if self._lists:
                self._lists.pop()
            if not self._lists:
                self._end_list()
        elif tag == "table" and self._tables:
            self._end_table()

    def add_text(self, data: str, line: int) -> None:
        """Add a piece of text that begins at a line of the file."""
        data = clean(data)
        if not self._text and not data.strip():
            return
        for place, part in enumerate(data.split("\n")):
            if letters := _letters(part):
                self._marks.append((self._letters, line + place))
                self._letters += letters
        self._text.append(data if self._in_pre else _SPACES.sub(" ", data))

    def end_all(self) -> None:
        """End what the page left open."""
        self._flush()
        while self._tables:
            self._end_table()
        self._end_list()

    def _begin_heading(self, tag: str) -> None:
        if tag != "dt":
            self._end_list()
            self._lay_out()
        self._heading = tag

    def _begin_list(self, tag: str, values: dict[str, str], line: int) -> None:
        if tag != "li":
            start = values.get("start", "")
            number = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1
            self._lists.append(number if tag == "ol" else 0)
            return
        mark = "-"
        if self._lists and self._lists[-1]:
            mark = f"{self._lists[-1]}."
            self._lists[-1] += 1
        indent = "  " * min(max(len(self._lists) - 1, 0), 3)
        self._items.append([_Words(indent + mark, ((0, line),))])

    def _begin_table(self, tag: str, values: dict[str, str], line: int) -> None:
        if tag == "table":
            self._lay_out()
            self._tables.append(_Table(line))
        elif self._tables:
            table = self._tables[-1]
            if tag == "tr" or not table.rows:
                table.rows.append([])
                table.lines.append(line)
                table.wide = 1
            if tag != "tr":
                # What the cell before takes, and this one.
                table.rows[-1] += [[] for _ in range(table.wide)]
                table.wide = columns_of(values.get("colspan", ""))

    def _end_list(self) -> None:
        full = [item for item in self._items if len(item) > 1]
        items = [" ".join(words.text for words in item) for item in full]
        self._lists, self._items = [], []
        cell = self._cell()
        if items and cell is not None:
            cell += [item.strip() for item in items]
        elif items:
            self._add(_block("lines", "\n".join(items), [words for item in full for words in item]))

    def _end_table(self) -> None:
        table = self._tables.pop()
        rows = [[" ".join(cell) for cell in row] for row in table.rows if any(row)]
        lines = [line for line, row in zip(table.lines, table.rows, strict=True) if any(row)]
        longest = max((len(cell) for row in rows for cell in row), default=0)
        if rows and max(map(len, rows)) > 1 and longest <= MAX_CHARS:
            text = table_of(rows)
            ends = [0, *(found.end() for found in re.finditer("\n", text))]
            numbers = [lines[0], *lines]  # the line below the header is none of the file
            starts = tuple(zip(ends, numbers, strict=True))
            self._add(Block("table", text, table.line, starts=starts))
        else:
            self._add_cells(table)

    def _lay_out(self) -> None:
        """The open tables only place parts of the page."""
        for table in reversed(self._tables):
            if table.is_layout:
                break  # and so are those around it
            table.is_layout = True
            self._add_cells(table)
            table.rows, table.lines = [], []

    def _add_cells(self, table: _Table) -> None:
        for line, row in zip(table.lines, table.rows, strict=True):
            for words in (words for cell in row for words in cell):
                self._add(Block("paragraph", words, line))

    def _cell(self) -> list[str] | None:
        """The paragraphs of the open cell, None where text goes to none."""
        table = self._tables[-1] if self._tables else None
        if table is None or table.is_layout or not table.rows:
            return None
        if not table.rows[-1]:
            table.rows[-1].append([])
        return table.rows[-1][-1]

    def _flush(self) -> None:
        """End the paragraph, and put it where it belongs."""
        text, marks = "".join(self._text), tuple(self._marks)
        self._text, self._marks, self._letters = [], [], 0
        if not self._in_pre:
            text = "\n".join(map(one_line, text.split("\n")))
        words = one_line(text)
        if not words:
            return
        if self._heading and (self._heading != "dt" or words.endswith(("?", "？"))):
            level = _HEADINGS.get(self._heading, 6)
            self._heading = ""  # one never closed ends with its words
            self._add(Block("heading", words, marks[0][1], level=level))
        elif self._items:
            self._items[-1].append(_Words(words, marks))
        elif (cell := self._cell()) is not None:
            cell.append(words)
        else:
            text = text.strip("\n")
            form: Form = "lines" if "\n" in text else "paragraph"
            self._add(_block(form, text, [_Words(text, marks)]))

    def _add(self, block: Block) -> None:
        self.blocks.append(block)
        if self._mains:
            self.main_blocks.append(block)


def _letters(text: str) -> int:
    """How many of its characters are no white space."""
    return sum(map(len, text.split()))


def _block(form: Form, text: str, parts: Sequence[_Words]) -> Block:
    """A block of parts that stand one after the other in its text, with any white space."""
    marks: list[tuple[int, int]] = []
    before = 0
    for part in parts:
        marks += [(before + letters, line) for letters, line in part.marks]
        before += _letters(part.text)
    starts: Starts = ()
    if marks[0][1] != marks[-1][1]:
        starts = tuple(_starts(text, marks))
    return Block(form, text, marks[0][1], starts=starts)


def _starts(text: str, marks: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    seen = at = 0
    for word in _WORD.finditer(text):
        length = len(word[0])
        while at < len(marks) and marks[at][0] < seen + length:
            yield word.start() + marks[at][0] - seen, marks[at][1]
            at += 1
        seen += length


def columns_of(span: str) -> int:
    """How many columns a cell takes by its attribute, at least 1 and at most 50."""
    is_number = span.isascii() and span.isdigit() and len(span) < 4
    return max(1, min(int(span), 50)) if is_number else 1


def table_of(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table; the first is its header, short rows are filled up."""
    width = max(map(len, rows))

    def line(cells: Sequence[str]) -> str:
        filled = [one_line(cell).replace("|", "\\|") for cell in cells]
        return "| " + " | ".join(filled + [""] * (width - len(cells))) + " |"

    return "\n".join([line(rows[0]), "|" + "---|" * width, *map(line, rows[1:])])
