"""Blocks of one section as pieces of a size that can be searched, cut where a reader would."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from data.sentences import sentences
from retrieval.documents.blocks import Block, Starts

MAX_CHARS = 900  # about 200 tokens: what the encoder reads in one piece
OVERLAP = 1  # sentences that a piece repeats of the one before it
_HARD = 4  # times MAX_CHARS: a longer "sentence" is data, and is cut at a space
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u200b\ufeff\ud800-\udfff]")
_WIDE = "\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"  # Chinese and Japanese: no space at a line end
_WIDE_BREAK = re.compile(rf"(?<=[{_WIDE}])[^\S\n]*+\n\s*+(?=[{_WIDE}])")
_WIDE_LAST = re.compile(rf"[{_WIDE}][”’」』）)]?$")
_SEPARATOR = re.compile(r"\|[\s:|-]+\|?")  # the line below a table's header


@dataclass(frozen=True, slots=True)
class Piece:
    """A text of about MAX_CHARS at most, and where the first of its own words stand."""

    text: str
    line: int
    page: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never cut, and the place in its block where it begins.

    `glue` parts it from the unit before, `head` is repeated after a cut.
    """

    text: str
    block: Block
    at: int
    glue: str
    head: str = ""
    is_sentence: bool = False


def cut(blocks: Iterable[Block], limit: int = MAX_CHARS, overlap: int = OVERLAP) -> Iterator[Piece]:
    """The pieces of one section.

    Args:
        blocks: Its paragraphs, lines and tables, as a stream.
        limit: Characters of a piece; only a single sentence may be longer.
        overlap: Sentences that are repeated where a paragraph had to be cut, as far as they are
            short (a quarter of the limit together).
    """
    held: list[_Unit] = []
    new: _Unit | None = None  # the first that is no repetition
    size = 0
    for unit in _units(_merged(blocks, limit), limit):
        added = len(unit.text) + (len(unit.glue) if held else 0)
        if held and new is not None and size + added > limit:
            held, carried = _parted(held, unit, limit, overlap)
            yield _joined(held, new)
            held, new = carried, None
            if carried and not carried[-1].is_sentence and carried[-1].text != unit.head:
                new = carried[-1]  # a line that leads in to a list moves with it
            size = len(_text(held))
            added = len(unit.text) + (len(unit.glue) if held else 0)
        held.append(unit)
        new = new or unit
        size += added
    if held and new is not None:
        yield _joined(held, new)


def clean(text: str) -> str:
    """Without the characters that are never shown, zero bytes and halves of emoji among them.

    Letters are whole (NFC): macOS and PDFs write an ü as a u and its dots.
    """
    return unicodedata.normalize("NFC", _CONTROL.sub("", text).replace("\xa0", " "))


def one_line(text: str) -> str:
    """All of it in one line: a line end is a space, none between Chinese characters."""
    return " ".join(_WIDE_BREAK.sub("", clean(text)).split())


def _merged(blocks: Iterable[Block], limit: int) -> Iterator[Block]:
    """Items with empty lines between them are one list."""
    last: Block | None = None
    for block in map(_cleaned, blocks):
        if not block.text:
            continue
        if last is not None and last.form == block.form == "lines" and len(last.text) < limit:
            last = replace(
                last,
                text=f"{last.text}\n{block.text}",
                starts=(*_starts(last), *_moved(_starts(block), len(last.text) + 1)),
            )
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last


def _cleaned(block: Block) -> Block:
    """The block without what is never shown, and without space around it."""
    text = clean(block.text)
    starts = block.starts
    if starts and text != block.text:  # each line moves by what was left out of those before it
        ends = [*(start for start, _ in starts[1:]), len(block.text)]
        sizes = [
            len(clean(block.text[start:end])) for (start, _), end in zip(starts, ends, strict=True)
        ]
        places = accumulate(sizes, initial=0)
        starts = tuple((place, n) for place, (_, n) in zip(places, starts, strict=False))
    kept = text.lstrip("\n")
    return replace(block, text=kept.rstrip(), starts=_moved(starts, len(kept) - len(text)))


def _starts(block: Block) -> Starts:
    return block.starts or ((0, block.number_at(0)),)


def _moved(starts: Starts, by: int) -> Starts:
    return tuple((start + by, number) for start, number in starts) if by else starts


def _units(blocks: Iterable[Block], limit: int) -> Iterator[_Unit]:
    for block in blocks:
        if block.form == "paragraph":
            yield from _sentence_units(block.text, block, 0, limit, "\n\n")
        elif len(block.text) <= limit:
            glue = "\n" if block.form == "lines" else "\n\n"
            yield _Unit(block.text, block, 0, glue)
        else:
            yield from _line_units(block, limit)


def _line_units(block: Block, limit: int) -> Iterator[_Unit]:
    """The lines of a list or table that does not fit one piece; a table's header is repeated."""
    lines = block.text.split("\n")
    ends = accumulate((len(line) + 1 for line in lines), initial=0)
    placed = list(zip(lines, ends, strict=False))
    head = ""
    if block.form == "table" and len(lines) > 2:
        head = "\n".join(lines[: 2 if _SEPARATOR.fullmatch(lines[1].strip()) else 1])
        placed = placed[head.count("\n") + 1 :]
        if len(head) + len(placed[0][0]) < limit:
            yield _Unit(f"{head}\n{placed.pop(0)[0]}", block, 0, "\n\n")
        else:
            yield _Unit(head, block, 0, "\n\n")
    for line, at in placed:
        if len(line) > limit:
            yield from _sentence_units(line, block, at, limit, "\n")
        elif line.strip():
            yield _Unit(line, block, at, "\n", head if len(head) + len(line) < limit else "")


def _sentence_units(text: str, block: Block, at: int, limit: int, first: str) -> Iterator[_Unit]:
    glue = first
    for sentence in sentences(text):
        for part in _parts(sentence, limit):
            words = one_line(part)
            if words:
                begins = at + len(part) - len(part.lstrip())
                yield _Unit(words, block, begins, glue, is_sentence=True)
                glue = " " if part[-1].isspace() and not _WIDE_LAST.search(words) else ""
            at += len(part)


def _parts(sentence: str, limit: int) -> Iterator[str]:
    """A sentence too long is cut at its line ends; what is still far too long, at a space."""
    if len(sentence) <= limit:
        yield sentence
        return
    for line in sentence.splitlines(keepends=True):
        while len(line) > _HARD * limit:
            end = line.rfind(" ", limit // 2, limit) + 1 or limit
            yield line[:end]
            line = line[end:]
        yield line


def _parted(
    held: list[_Unit], unit: _Unit, limit: int, overlap: int
) -> tuple[list[_Unit], list[_Unit]]:
    """What stays in the piece, and what the next one begins with."""
    last = held[-1]
    if unit.head:
        return held, [_Unit(unit.head, unit.block, 0, "\n\n")]
    leads_in = last.text.endswith((":", "："))
    if unit.block.form != "paragraph" and leads_in and len(held) > 1:
        if len(last.text) + len(unit.text) < limit:
            return held[:-1], [replace(last, is_sentence=False)]
        return held, []
    if not (unit.is_sentence and last.is_sentence and last.block is unit.block):
        return held, []
    room = min(limit // 4, limit - len(unit.text) - 1)
    carried: list[_Unit] = []
    for one in reversed(held[-overlap:] if overlap else []):
        room -= len(one.text) + 1
        if not one.is_sentence or one.block is not unit.block or room < 0:
            break
        carried.insert(0, one)
    return held, carried


def _text(units: list[_Unit]) -> str:
    parts = [part for unit in units for part in (unit.glue, unit.text)]
    return "".join(parts[1:])


def _joined(units: list[_Unit], new: _Unit) -> Piece:
    number = new.block.number_at(new.at)
    line, page = (0, number) if new.block.page else (number, 0)
    return Piece(_text(units).strip(), line, page)
