"""Lines of pages as text: no running headers, words mended, headings told by their letters."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from retrieval.documents.blocks import Block
from retrieval.documents.lines import Line, blocks_of, list_item
from retrieval.documents.plain import guessed

_EDGE = 2  # lines at the top and the bottom of a page that may be running ones
_LARGER = 1.12  # times the size of most letters: a heading
_LONGEST = 120  # characters of a heading
_PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.|第)?\s*[-–—]?\s*\d{1,4}\s*(?:(?:/|of|von)\s*\d{1,4}|页)?\s*[-–—]?|[ivxl]{1,6}",
    re.IGNORECASE,
)
_OUTER_NUMBER = re.compile(r"^(\d{1,4})\s|\s(\d{1,4})$")
_CONTENTS = re.compile(r"(?:\s?[.…·]){4,}\s*\w{1,5}$")  # a line of a table of contents
_BROKEN = re.compile(r"([^\W\d_]+)[-‐]$")
_REST = re.compile(r"([^\W\d_]+)(\S*)\s*")
_UNFINISHED = re.compile(r"[^.!?:。！？：]$")


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line of a page: its text, the size of most of its letters, and its height above 0."""

    page: int
    text: str
    size: float
    bold: bool
    height: float


def blocks_of_pages(pages: Sequence[Sequence[PageLine]]) -> Iterator[Block]:
    """The blocks of a document, each with the page that it begins on."""
    kept = _without_running(pages)
    lines = [line for page in kept for line in page if not _CONTENTS.search(line.text[-_LONGEST:])]
    if not lines:
        return
    levels = _levels(lines)
    groups = _mended(list(_groups(lines, levels)))
    told = any(_is_heading(line, levels) for line in lines)
    found = _with_headings(groups, levels) if told else guessed(_plain(group) for group in groups)
    for block in found:
        yield replace(block, line=0, page=block.line)


def _without_running(pages: Sequence[Sequence[PageLine]]) -> list[list[PageLine]]:
    """The pages without the lines that stand at the edge of many of them, and page numbers."""
    seen: dict[str, set[int]] = defaultdict(set)
    heights: dict[str, set[int]] = defaultdict(set)
    edges = [_edge(page) for page in pages]
    for number, edge in enumerate(edges):
        for line in edge:
            seen[_shape(line)].add(number)
            heights[_shape(line)].add(round(line.height))
    full = sum(bool(page) for page in pages)
    running = {
        shape
        for shape, found in seen.items()
        if (len(found) >= 3 and len(found) >= 0.3 * full)
        or (len(found) == full == 2 and len(heights[shape]) == 1)
    }

    # Chapters' headers change, and have the page's number, which is off by the same everywhere.
    offs = Counter(off for edge in edges for off in {*map(_off, edge)} if off is not None)
    off, count = offs.most_common(1)[0] if offs else (None, 0)
    numbered = off if count >= 3 and count >= 0.5 * full else None
    largest = _body(line for page in pages for line in page)[0] * _LARGER

    def runs(line: PageLine, edge: set[PageLine]) -> bool:
        if line not in edge:
            return False
        by_number = numbered is not None and _off(line) == numbered and line.size <= largest
        return by_number or _shape(line) in running or bool(_PAGE_NUMBER.fullmatch(line.text))

    kept = [
        [line for line in page if not runs(line, edge)]
        for page, edge in zip(pages, edges, strict=True)
    ]
    # All of it repeats: these are slips or labels, and their lines are the text.
    return kept if any(kept) else [list(page) for page in pages]


def _edge(page: Sequence[PageLine]) -> set[PageLine]:
    heights = sorted({round(line.height) for line in page})
    outer = {*heights[:_EDGE], *heights[-_EDGE:]}
    return {line for line in page if round(line.height) in outer}


def _off(line: PageLine) -> int | None:
    """The number at the line's beginning or end less the page's, None where there is none."""
    found = _OUTER_NUMBER.search(line.text)
    return int(found[1] or found[2]) - line.page if found else None


def _shape(line: PageLine) -> str:
    return re.sub(r"\d+", "#", line.text.lower())


def _levels(lines: Sequence[PageLine]) -> dict[tuple[float, bool], int]:
    """The heading's level of each (size, bold) that is larger, or bolder, than most letters are."""
    body, is_bold = _body(lines)
    larger = sorted({line.size for line in lines if line.size > body * _LARGER}, reverse=True)
    levels = {
        (size, bold): min(place, 6)
        for place, size in enumerate(larger, start=1)
        for bold in (False, True)
    }
    if not is_bold:
        levels[body, True] = min(len(larger) + 1, 6)
    return levels


def _body(lines: Iterable[PageLine]) -> tuple[float, bool]:
    """The size of most letters, and whether they are bold."""
    letters: Counter[tuple[float, bool]] = Counter()
    for line in lines:
        letters[line.size, line.bold] += len(line.text)
    return letters.most_common(1)[0][0]


def _is_heading(line: PageLine, levels: dict[tuple[float, bool], int]) -> bool:
    words = line.text
    return (
        (line.size, line.bold) in levels
        and len(words) <= _LONGEST
        and sum(map(str.isalpha, words)) >= 2
        and not words.endswith((".", ",", ";", ":", "。", "，"))
        and not words.startswith(("•", "·", "▪", "- "))
    )


def _groups(
    lines: Sequence[PageLine], levels: dict[tuple[float, bool], int]
) -> Iterator[list[PageLine]]:
    """The lines that stand together: no space between them, all headings of one size or none."""
    steps = Counter(
        round(one.height - two.height, 1)
        for one, two in zip(lines, lines[1:], strict=False)
        if one.page == two.page and one.height > two.height
    )
    usual = max(steps, key=lambda step: (steps[step], -step), default=0.0)
    group = [lines[0]]
    for before, line in zip(lines, lines[1:], strict=False):
        step = before.height - line.height
        heads = _is_heading(before, levels), _is_heading(line, levels)
        most = max(1.45 * usual, 1.7 * line.size if all(heads) else 0)
        near = before.page == line.page and 0 <= step <= most
        # A sentence goes on in the next column, or on the next page.
        goes_on = (before.page != line.page or step < 0) and bool(
            _UNFINISHED.search(before.text) and (line.text[0].islower() or not line.text.isascii())
        )
        alike = heads[0] == heads[1] and (not heads[0] or before.size == line.size)
        if alike and (near or goes_on):
            group.append(line)
        else:
            yield group
            group = [line]
    yield group


def _mended(groups: list[list[PageLine]]) -> list[list[PageLine]]:
    """The lines with the words whole that were parted at their ends."""
    words: Counter[str] = Counter()
    for group in groups:
        for line in group:
            words.update(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", line.text.lower()))
    for group in groups:
        for place in range(len(group) - 1):
            broken = _BROKEN.search(group[place].text[-_LONGEST:])
            rest = _REST.match(group[place + 1].text)
            if not broken or not rest or not rest[1][0].islower():
                continue
            one, two = broken[1].lower(), rest[1].lower()
            # A hyphen that the document also writes inside a line is the word's own.
            own = words[f"{one}-{two}"] > words[one + two]
            start = group[place].text if own else group[place].text[:-1]
            group[place] = replace(group[place], text=start + rest[1] + rest[2])
            left = group[place + 1].text[rest.end() :]
            group[place + 1] = replace(group[place + 1], text=left)
    kept = ([line for line in group if line.text] for group in groups)
    return [group for group in kept if group]


def _plain(group: Sequence[PageLine]) -> list[Line]:
    return [(line.page, line.text) for line in group]


def _with_headings(
    groups: Sequence[Sequence[PageLine]], levels: dict[tuple[float, bool], int]
) -> Iterator[Block]:
    for group in groups:
        first = group[0]
        if all(_is_heading(line, levels) for line in group) and not list_item(
            first.text, inside=False, first=True
        ).startswith("-"):
            words = " ".join(line.text for line in group)
            yield Block("heading", words, first.page, level=levels[first.size, first.bold])
        else:
            yield from blocks_of(_plain(group))
