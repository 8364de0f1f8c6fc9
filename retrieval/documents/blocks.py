"""What every reader makes of a file: a stream of blocks, and what is said of the whole file."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Literal

Starts = tuple[tuple[int, int], ...]
Form = Literal["heading", "paragraph", "lines", "table", "id"]


@dataclass(frozen=True, slots=True)
class Block:
    """A heading or a piece of text below it, in the order of the file.

    `form` is `paragraph` (may be cut at sentence ends), `lines` (a list or an answer whose line
    ends mean something), `table` (Markdown rows, the first the header), `heading`, or `id` (the
    text names the section that it stands in). `line` and `page` count from 1, 0 where the kind of
    file has none; of a DOCX `line` counts its paragraphs, of Parquet its rows. Where the text holds
    several lines of the file, `starts` has (characters before it, its line, or its page where there
    are pages) of each, in order. `level` is that of a heading, 1 the highest; `values` is what a
    table's row says of itself.
    """

    form: Form
    text: str
    line: int = 0
    page: int = 0
    level: int = 0
    values: Mapping[str, str] = field(default_factory=dict)
    starts: Starts = ()

    def number_at(self, place: int) -> int:
        """The line, or where there are pages the page, of a character of the text."""
        at = bisect_right(self.starts, place, key=itemgetter(0))
        return self.starts[at - 1][1] if at else self.page or self.line


@dataclass(frozen=True, slots=True)
class Document:
    """A file's blocks, read as they are asked for.

    `title` stands for headings where there are none, `values` are the METADATA that the file gives,
    `kind` is set where the kind of file decides it.
    """

    blocks: Iterable[Block]
    title: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
