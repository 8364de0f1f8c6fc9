"""The lines of Markdown that a reader sees: no comments, no marks of quotes, code in one piece."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice, pairwise

from markdown_it.common.utils import normalizeReference

from retrieval.documents.lines import Line

ID = re.compile(r"^ {0,3}<!--\s*id:\s*(\S+)\s*-->\s*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_QUOTE = re.compile(r"^(?: {0,3}>[ \t]?)+")
_COMMENT = re.compile(r"<!--(?:-?>|.*?-->)?")
_COMMENT_OR_CODE = re.compile(rf"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|{_COMMENT.pattern}")
_LINK = re.compile(  # [label]: address "title"
    r"^ {0,3}\[([^\[\]^][^\[\]]{0,200})\]:[ \t]*(?:<([^<>]*)>|([^\s<>]+))"
    r"(?:[ \t]+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*$"
)
_ADDRESS = re.compile(r"[a-z][a-z+.-]*:|[/#.]|\w[^/]*[./]\w", re.IGNORECASE)
_LONGEST = 2000  # lines of a comment or of fenced code: one never closed does not eat the page
_LONGEST_LINE = 2000  # characters: code is not looked for in a longer one

Links = Mapping[str, Mapping[str, str]]


def links_of(lines: Iterable[Line]) -> Links:
    """Where the labels of a page's links lead, as markdown-it has them: `[f]: https://…`."""
    links: dict[str, Mapping[str, str]] = {}
    for _, line in lines:
        if "]:" in line and (found := _link(_QUOTE.sub("", line))):
            link = {"href": found[2] or found[3], "title": ""}
            links.setdefault(normalizeReference(found[1]), link)
    return links


def _link(line: str) -> re.Match[str] | None:
    """What says where a label leads; `[Note]: important` does not."""
    found = _LINK.match(line)
    return found if found and (found[2] or _ADDRESS.match(found[3] or "")) else None


def seen_lines(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines without comments, marks of quotes and what `links_of` reads.

    Fenced code is one line that holds line ends, `<!-- id: x -->` stays where it is all of a line.
    """
    ahead = _Ahead(lines)
    was_quoted = False
    for number, written in ahead:
        line = _QUOTE.sub("", written)
        is_quoted = line != written
        if is_quoted and not was_quoted and written.startswith(">"):
            yield number, ""  # a quote ends the paragraph above it
        was_quoted = is_quoted
        if fence := _FENCE.match(line):
            unquoted: Callable[[str], str] = partial(_QUOTE.sub, "") if is_quoted else str
            inside = ahead.to_end(number, partial(_closes, fence[1], unquoted))
            yield number, "\n".join([line, *(unquoted(text) for _, text in inside)])
        elif ID.match(line):
            yield number, line
        elif _link(line):
            yield number, ""
        else:
            yield from _uncommented(number, line, ahead)


class _Ahead:
    """Lines that can be read ahead, to where ends what is open."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._waiting: deque[Line] = deque()  # they were read ahead for nothing
        self._searched = 0  # up to this line nothing that is open comes to an end

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        return self._waiting.popleft() if self._waiting else next(self._lines)

    def put_back(self, line: Line) -> None:
        """Let a line come again."""
        self._waiting.appendleft(line)

    def to_end(self, number: int, is_end: Callable[[str], bool]) -> list[Line]:
        """The next lines up to one that ends what line `number` opens; none where none does."""
        inside: list[Line] = []
        if number <= self._searched:
            return inside
        for line in islice(self, _LONGEST):
            inside.append(line)
            if is_end(line[1]):
                return inside
        self._searched = inside[-1][0] if inside else number
        self._waiting.extendleft(reversed(inside))
        return []


def _uncommented(number: int, line: str, ahead: _Ahead) -> Iterator[Line]:
    """What is left of a line without its comments, one that goes on below too."""
    text, opening = _parted(line)
    inside = ahead.to_end(number, _ends_comment) if opening else []
    if not inside:
        yield number, text + opening  # what is never closed is no comment
        return
    if text.strip():
        yield number, text
    last, rest = inside[-1][0], inside[-1][1].split("-->", 1)[1]
    if rest.strip() or not text.strip():
        ahead.put_back((last, rest))


def _parted(line: str) -> tuple[str, str]:
    """A line without its comments, and from where one is open that does not end in it."""
    if "<!--" not in line:
        return line, ""
    kept: list[str] = []
    end = 0
    opening = ""
    pattern = _COMMENT_OR_CODE if len(line) <= _LONGEST_LINE else _COMMENT
    for found in pattern.finditer(line):
        if not found[0].startswith("`"):
            kept.append(line[end : found.start()])
            end = found.end()
            if found[0] == "<!--":
                opening, end = line[found.start() :], len(line)
                break
    kept.append(line[end:])
    # Of the spaces around a comment one is left.
    spaced = (
        piece[1:] if before.endswith(" ") and piece.startswith(" ") else piece
        for before, piece in pairwise(["", *kept])
    )
    return "".join(spaced), opening


def _closes(mark: str, unquoted: Callable[[str], str], text: str) -> bool:
    text = unquoted(text).strip()
    return text.startswith(mark) and not text.strip(mark[0])


def _ends_comment(text: str) -> bool:
    return "-->" in text
