"""Markdown: headings, lists, tables, fenced code; YAML front matter; `<!-- id: x -->`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path

import yaml

from data.errors import LogFormatError
from data.rows import BadRows
from retrieval.documents.blocks import Block, Document
from retrieval.documents.inline import as_words, cells_of, words_of
from retrieval.documents.lines import Line, blocks_of, chunks, lines_of, list_item
from retrieval.documents.markdown_lines import ID, Links, links_of, seen_lines
from retrieval.documents.metadata import checked

_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(\S.*)$")
_TAGGED = re.compile(  # a heading in HTML, and the words on which details open
    r"^ {0,3}(?:<details\b[^>]*>\s*)?<(h[1-6]|summary)\b[^>]*>(.+?)</\1>\s*$", re.IGNORECASE
)
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})\s*$")
_RULE = re.compile(r"^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
_BELOW_HEADER = re.compile(r"^ {0,3}:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
_FRONT_LINES = 100  # a longer beginning is no front matter


def read(path: Path, bad: BadRows | None) -> Document:
    """The blocks of a Markdown file.

    Raises:
        LogFormatError: If it is missing, empty or no text, or its front matter is wrong.
    """
    # Links are read ahead: a label may lead to an address that stands at the end.
    links = links_of(lines_of(path, BadRows()))
    return parsed(lines_of(path, bad), str(path), links)


def parsed(lines: Iterable[Line], where: str, links: Links) -> Document:
    """The blocks of Markdown; `where` names it in messages, `links` are those of `links_of`."""
    front, rest = _front_matter(iter(lines), where)
    title = front.get("title")
    values = checked(front, f"{where}:1") if front else {}
    return Document(_blocks(rest, links), title if isinstance(title, str) else "", values)


def _front_matter(lines: Iterator[Line], where: str) -> tuple[dict[str, object], Iterator[Line]]:
    first = next(lines, None)
    if first is None or first[1].strip() != "---":
        return {}, chain([first] if first else [], lines)
    head = [first]
    for line in islice(lines, _FRONT_LINES):
        head.append(line)
        if line[1].strip() in ("---", "..."):
            break
    else:
        return {}, chain(head, lines)
    text = "\n".join(line for _, line in head[1:-1])
    try:
        # All values as texts: YAML's own reading makes dates of some, and False of Norway's "no".
        values = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        number = mark.line + 2 if mark else 1
        raise LogFormatError(
            f"{where}:{number}: the front matter is not valid YAML; mend it or remove it"
        ) from error
    # A rule, a sentence and a rule are no front matter.
    return (values, lines) if isinstance(values, dict) else ({}, chain(head, lines))


def _blocks(lines: Iterator[Line], links: Links) -> Iterator[Block]:
    for chunk in chunks(seen_lines(lines)):
        yield from _chunk_blocks(_with_bars(chunk), links)


def _chunk_blocks(chunk: Sequence[Line], links: Links) -> Iterator[Block]:
    """Text between headings goes to `blocks_of`; code keeps its lines."""
    words = partial(as_words, links=links)
    held: list[Line] = []
    for number, line in chunk:
        if _UNDERLINE.match(line) and held and not _is_listed(held[-1][1], line):
            *held, (start, title) = held
            level = 1 if line.lstrip()[0] == "=" else 2
            block = Block("heading", words_of(title.strip(), links), start, level=level)
        elif (found := _own_block(number, line, links)) is not None:
            block = found
        else:
            if not _RULE.match(line):
                held.append((number, line))
            continue
        yield from blocks_of(held, words)
        held = []
        yield block
    yield from blocks_of(held, words)


def _own_block(number: int, line: str, links: Links) -> Block | None:
    """What is a block by itself: code, a mark of an id, a heading."""
    if "\n" in line:
        return _code(number, line)
    if marked := ID.match(line):
        return Block("id", marked[1], number)
    if heading := _HEADING.match(line):
        title = words_of(_words(heading[2]), links)
        return Block("heading", title, number, level=len(heading[1]))
    if tagged := _TAGGED.match(line):
        level = int(tagged[1][1]) if tagged[1][1].isdigit() else 6
        return Block("heading", words_of(tagged[2].strip(), links), number, level=level)
    return None


def _is_listed(above: str, rule: str) -> bool:
    """Whether a line above a rule is an item or a row, so that the rule makes no heading of it."""
    if above.lstrip().startswith(("|", "- ", "* ")):
        return True
    return rule.startswith(" ") and bool(list_item(above, inside=True, first=True))


def _with_bars(chunk: Sequence[Line]) -> list[Line]:
    """The lines with bars around the rows of tables that were written without them."""
    lines = list(chunk)
    place = 1
    while place < len(lines):
        header, below = lines[place - 1][1], lines[place][1]
        if "|" in below and _BELOW_HEADER.match(below) and _heads(header, below):
            place -= 1
            while place < len(lines) and "|" in lines[place][1]:
                number, row = lines[place]
                row = row.strip().removeprefix("|").removesuffix("|").strip()
                lines[place] = number, f"| {row} |"
                place += 1
        place += 1
    return lines


def _heads(header: str, below: str) -> bool:
    if _HEADING.match(header) or list_item(header, inside=True, first=True):
        return False
    return len(cells_of(header)) == len(cells_of(below))


def _code(number: int, text: str) -> Block:
    """Fenced code, whose first line has a number."""
    ends = [found.end() for found in re.finditer("\n", text)]
    starts = tuple((end, number + place) for place, end in enumerate([0, *ends]))
    return Block("lines", text, number, starts=starts)


def _words(heading: str) -> str:
    """Without the marks that may close a heading: `Returns ##`."""
    open_ended = heading.rstrip("#")
    return open_ended.rstrip() if open_ended.endswith((" ", "\t")) else heading.strip()
