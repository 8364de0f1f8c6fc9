"""Lines of pages as text: no running headers, words mended, headings told by their letters."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from retrieval.documents.blocks import Block
from retrieval.documents.lines import Line, blocks_of, list_item
from retrieval.documents.plain import guessed

_EDGE = 2  # lines at the top and the bottom of a page that may be running ones
_APART = 1.7  # times the size of its letters: white space that is more than that between lines
_LARGER = 1.12  # times the size of most letters: a heading
_LONGEST = 120  # characters of a heading
_PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.|第)?\s*[-–—]?\s*\d{1,4}\s*(?:(?:/|of|von)\s*\d{1,4}|页)?\s*[-–—]?|[ivxl]{1,6}",
    re.IGNORECASE,
)
_BARE_NUMBER = re.compile(r"\d{1,4}")
_NUMBER = re.compile(r"(?<!\d)\d{1,4}(?!\d)")
_MOST_NUMBERS = 4  # of a running line that are looked at
_Sign = tuple[str, int, int]  # words, what a number is more than the page's, a height
_OUTER = "\0"  # stands for the words around a number at their edge
_BARE = "\0\0"  # stands for a number without words
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
    """The pages without their running headers and footers, and without page numbers.

    A running line stands at the edge of many pages, at one height, word for word; space parts it
    from the text, or its letters are smaller. One whose number changes is one only if the number
    counts with the pages, and space parts it: the price at the end of each page of a catalogue does
    neither. A line larger than the text is a heading, but for what stands on every page alike, such
    as a company's name: of that the first is kept.
    """
    edges = [_edge(page) for page in pages]
    seen: dict[_Sign, set[int]] = defaultdict(set)
    for number, edge in enumerate(edges):
        for line, stands_apart in edge.items():
            for sign in _signs(line, stands_apart):
                seen[sign].add(number)
    full = sum(bool(page) for page in pages)
    body, _ = _body(line for page in pages for line in page)

    def runs(line: PageLine, number: int) -> bool:
        if line not in edges[number]:
            return False
        stands_apart = edges[number][line]
        words, *counted = _signs(line, stands_apart)
        if line.size > body * _LARGER:
            on_all = stands_apart and full >= 3 and len(seen[words]) >= full - 1
            return on_all and number > min(seen[words])
        alike = [words, *counted] if stands_apart or line.size < body else counted
        return (
            _is_page_number(line, seen)
            or any(3 <= len(seen[sign]) >= 0.3 * full for sign in alike)
            or (words in alike and len(seen[words]) == full == 2)
        )

    kept = [[line for line in page if not runs(line, at)] for at, page in enumerate(pages)]
    # All of it repeats: these are slips or labels, and their lines are the text.
    return kept if any(kept) else [list(page) for page in pages]


def _edge(page: Sequence[PageLine]) -> dict[PageLine, bool]:
    """The outermost lines, and whether white space parts each of them from the text."""
    ends = sorted({round(line.height) for line in page})
    apart: dict[int, int] = {}  # by height: the widest step from there to the text, of both ends
    for heights in (ends[: _EDGE + 1], ends[: -_EDGE - 2 : -1]):
        steps = [abs(one - two) for one, two in pairwise(heights)]
        for place, height in enumerate(heights[:_EDGE]):
            apart[height] = max([apart.get(height, 0), *steps[place:]])
    return {
        line: apart[round(line.height)] > _APART * line.size
        for line in page
        if round(line.height) in apart
    }


def _signs(line: PageLine, stands_apart: bool) -> Iterator[_Sign]:
    """What a running line has in common on its pages: its words, or words around a page's number.

    Each number is tried, as what it is more than the page's. A chapter's header may change, and
    have the number at its beginning or end.
    """
    height = round(line.height)
    yield line.text, 0, height
    if _BARE_NUMBER.fullmatch(line.text):
        yield _BARE, int(line.text) - line.page, 0
    if not stands_apart or len(line.text) > _LONGEST:
        return
    for found in islice(_NUMBER.finditer(line.text), _MOST_NUMBERS):
        off = int(found[0]) - line.page
        yield f"{line.text[: found.start()]}\0{line.text[found.end() :]}", off, height
        if found.start() == 0 or found.end() == len(line.text):
            yield _OUTER, off, height


def _is_page_number(line: PageLine, seen: Mapping[_Sign, set[int]]) -> bool:
    """Whether it is nothing but a page's number; a bare one is that of its page, or counts."""
    if not _BARE_NUMBER.fullmatch(line.text):
        return bool(_PAGE_NUMBER.fullmatch(line.text))
    off = int(line.text) - line.page
    return off == 0 or len(seen[_BARE, off, 0]) > 1


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
