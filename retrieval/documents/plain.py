"""Plain text: headings are guessed with care, because a list looks much like them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from data.rows import BadRows
from retrieval.documents.blocks import Block, Document
from retrieval.documents.lines import Line, blocks_of, chunks, lines_of

_LONGEST = 80  # characters of a heading
_UNDERLINE = re.compile(r"^\s*([=\-~*_])\1{2,}\s*$")
_NUMBERED = re.compile(r"^(\d{1,3}(?:\.\d{1,3}){0,4})[.)]?\s+(?=\S)")
_CHAPTER = re.compile(
    r"^(?:(?:chapter|section|part|article|appendix|annex)\s+[\dA-Z]{1,4}\b|第[一二三四五六七八九十百\d]{1,4}"
    r"([章节部篇条])|([一二三四五六七八九十]{1,3})、)",
    re.IGNORECASE,
)
_SENTENCE_END = (".", ",", ";", ":", "!", "。", "，", "；", "：", "！")


def read(path: Path, bad: BadRows | None) -> Document:
    """The blocks of a text file.

    Raises:
        LogFormatError: If it is missing, empty or no text.
    """
    return Document(guessed(chunks(lines_of(path, bad))))


def guessed(found: Iterator[list[Line]]) -> Iterator[Block]:
    """The blocks of lines that stand together; a line that seems to be a heading is one."""
    before: list[Line] = []
    chunk = next(found, None)
    while chunk is not None:
        after = next(found, None)
        yield from _chunk_blocks(chunk, before, after or [])
        before, chunk = chunk, after


def _chunk_blocks(
    chunk: Sequence[Line], before: Sequence[Line], after: Sequence[Line]
) -> Iterator[Block]:
    held: list[Line] = []
    place = 0
    while place < len(chunk):
        number, line = chunk[place]
        below = chunk[place + 1][1] if place + 1 < len(chunk) else ""
        underlined = _UNDERLINE.match(below)
        if _UNDERLINE.match(line):
            place += 1  # a rule
            continue
        if underlined and _is_underlined(line, below):
            level = 1 if underlined[1] in "=*" else 2
            place += 2
        elif _may_head(held, line) and (level := _level(chunk, place, before, after)):
            place += 1
        else:
            held.append((number, line))
            place += 1
            continue
        yield from blocks_of(held)
        held = []
        yield Block("heading", line.strip(), number, level=level)
    yield from blocks_of(held)


def _may_head(held: Sequence[Line], line: str) -> bool:
    """A heading stands after an empty line; one that counts chapters also after a sentence."""
    if not held:
        return True
    return _CHAPTER.match(line) is not None and held[-1][1].endswith(
        (".", "!", "?", "。", "！", "？")
    )


def _is_underlined(line: str, rule: str) -> bool:
    words, length = line.strip(), len(rule.strip())
    return len(words) <= _LONGEST and len(words) / 2 <= length and any(map(str.isalnum, words))


def _level(chunk: Sequence[Line], place: int, before: Sequence[Line], after: Sequence[Line]) -> int:
    """The level of a heading told by its words: 2 for capitals, 3 and below for numbers, or 0."""
    line = chunk[place][1]
    words = line.strip()
    if len(words) > _LONGEST or line[0].isspace() or words.endswith(_SENTENCE_END):
        return 0
    text = [one for _, one in (*chunk[place + 1 :], *after)]
    if not text:
        return 0  # nothing stands below it
    chapter = _CHAPTER.match(words)
    if chapter:
        return 3 if chapter[2] or chapter[1] in ("节", "条") else 2
    numbered = _NUMBERED.match(words)
    if numbered:
        return _numbered_level(numbered[1], chunk, place, before, text)
    if _is_capitals(words):
        return 2 if not _is_capitals(text[0].strip()) or place + 1 == len(chunk) else 0
    return 0


def _numbered_level(
    number: str, chunk: Sequence[Line], place: int, before: Sequence[Line], text: Sequence[str]
) -> int:
    """Lines numbered alike, one after the other, are a list; so is one that goes on below."""
    depth = number.count(".") + 1
    stands_alone = len(chunk) == 1
    if not stands_alone and not (text[0][:1].isupper() or text[0][:1].isdigit()):
        if text[0][:1].isascii():
            return 0
    for other in (before[0][1] if stands_alone and len(before) == 1 else "", text[0]):
        beside = _NUMBERED.match(other.strip())
        if beside and beside[1].count(".") + 1 == depth:
            return 0
    return depth + 2


def _is_capitals(words: str) -> bool:
    cased = [char for char in words if char.isupper() or char.islower()]
    letters = sum(map(str.isalpha, words))
    return len(cased) >= 4 and len(cased) == letters and words.isupper() and words.count(" ") < 10
