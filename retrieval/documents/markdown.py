"""Markdown: headings, lists, tables and fenced code; YAML front matter; `<!-- id: x -->`."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path

import yaml

from data.errors import LogFormatError
from data.rows import BadRows
from retrieval.documents.blocks import Block, Document
from retrieval.documents.inline import as_words, words_of
from retrieval.documents.lines import Line, blocks_of, chunks, lines_of
from retrieval.documents.metadata import checked

_HEADING = re.compile(r"^(#{1,6})\s+(\S.*)$")
_UNDERLINE = re.compile(r"^(=+|-{2,})\s*$")
_RULE = re.compile(r"^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$")
_ID = re.compile(r"^<!--\s*id:\s*(\S+)\s*-->\s*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_FRONT_LINES = 100  # a longer beginning is no front matter
_LONGEST = 2000  # lines of a comment or of fenced code: one never closed does not eat the page


def read(path: Path, bad: BadRows | None) -> Document:
    """The blocks of a Markdown file.

    Raises:
        LogFormatError: If it is missing, empty or no text, or its front matter is wrong.
    """
    return parsed(lines_of(path, bad), str(path))


def parsed(lines: Iterable[Line], where: str) -> Document:
    """The blocks of Markdown; `where` names it in messages."""
    front, rest = _front_matter(iter(lines), where)
    title = front.get("title")
    values = checked(front, f"{where}:1") if front else {}
    return Document(_blocks(rest), title if isinstance(title, str) else "", values)


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


def _blocks(lines: Iterator[Line]) -> Iterator[Block]:
    for chunk in chunks(_without_comments(lines)):
        yield from _chunk_blocks(chunk)


def _chunk_blocks(chunk: Sequence[Line]) -> Iterator[Block]:
    """Text between headings goes to `blocks_of`; code keeps its lines."""
    held: list[Line] = []
    for number, line in chunk:
        heading, marked, under = _HEADING.match(line), _ID.match(line), _UNDERLINE.match(line)
        if "\n" in line:  # fenced code
            yield from blocks_of(held, as_words)
            held = []
            yield _code(number, line)
        elif marked:
            yield from blocks_of(held, as_words)
            held = []
            yield Block("id", marked.group(1), number)
        elif heading:
            yield from blocks_of(held, as_words)
            held = []
            title = words_of(_words(heading.group(2)))
            yield Block("heading", title, number, level=len(heading.group(1)))
        elif under and held and not held[-1][1].lstrip().startswith(("|", "- ", "* ", ">")):
            *before, (start, words) = held
            yield from blocks_of(before, as_words)
            held = []
            level = 1 if line[0] == "=" else 2
            yield Block("heading", words_of(words.strip()), start, level=level)
        elif not _RULE.match(line):
            held.append((number, line))
    yield from blocks_of(held, as_words)


def _code(number: int, text: str) -> Block:
    """Fenced code, whose first line has a number."""
    ends = [found.end() for found in re.finditer("\n", text)]
    starts = tuple((end, number + place) for place, end in enumerate([0, *ends]))
    return Block("lines", text, number, starts=starts)


def _words(heading: str) -> str:
    """Without the marks that may close a heading: `Returns ##`."""
    open_ended = heading.rstrip("#")
    return open_ended.rstrip() if open_ended.endswith((" ", "\t")) else heading.strip()


def _without_comments(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines without comments; fenced code as one line that holds line ends."""
    waiting: deque[Line] = deque()  # lines that were looked at, and were no comment or code
    searched = 0  # up to this line none that is open comes to an end
    while True:
        number, line = next(_rest(waiting, lines), (0, ""))
        if not number:
            return
        fence, is_marked = _FENCE.match(line), line.lstrip().startswith("<!--")
        if is_marked and "-->" in line:
            yield number, line if _ID.match(line) else line.split("-->", 1)[1]
        elif not fence and not is_marked:
            yield number, line
        elif number > searched:
            is_end = partial(_closes, fence[1]) if fence else _ends_comment
            inside, closed = _until(_rest(waiting, lines), is_end)
            if not closed:
                waiting.extendleft(reversed(inside))
                searched = inside[-1][0] if inside else number
            elif fence:
                yield number, "\n".join([line, *(text for _, text in inside)])
            else:
                yield inside[-1][0], inside[-1][1].split("-->", 1)[1]


def _rest(waiting: deque[Line], lines: Iterator[Line]) -> Iterator[Line]:
    while waiting:
        yield waiting.popleft()
    while (line := next(lines, None)) is not None:  # `yield from` would close them at its end
        yield line


def _closes(mark: str, text: str) -> bool:
    return text.strip().startswith(mark) and not text.strip().strip(mark[0])


def _ends_comment(text: str) -> bool:
    return "-->" in text


def _until(lines: Iterator[Line], is_end: Callable[[str], bool]) -> tuple[list[Line], bool]:
    """The next lines up to the one that ends something, and whether it came."""
    inside: list[Line] = []
    for line in islice(lines, _LONGEST):
        inside.append(line)
        if is_end(line[1]):
            return inside, True
    return inside, False
