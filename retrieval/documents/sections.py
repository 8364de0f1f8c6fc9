"""A document's blocks as passages: one for each heading with text below it, long ones in several.

Ids hold when other parts of the file change: they are made of the headings, not of line numbers.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import PurePosixPath

from data.schema import Passage
from retrieval.documents.blocks import Block, Document
from retrieval.documents.pieces import MAX_CHARS, OVERLAP, cut, one_line

ARROW = " › "  # between the headings of a title
_SLUG_CHARS = 60


@dataclass(slots=True, eq=False)
class _Section:
    """What stands above some text: its headings, where it begins, its name where it has one."""

    trail: tuple[str, ...]
    line: int
    page: int
    identity: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Headings:
    """How many headings a document has, and how many of them ask."""

    count: int = 0
    questions: int = 0


def passages_of(
    document: Document, name: str, limit: int = MAX_CHARS, overlap: int = OVERLAP
) -> list[Passage]:
    """The passages of one document.

    The id is `<!-- id: x -->`'s or a table's, else `name#headings`, with a number where that occurs
    again in the file; the second piece of a section is `id.2`. The title holds the headings, the
    question alone where the last one asks. The metadata's `kind` is what the file says; else `faq`
    for the entries of a table, questions with a name of their own, and those of a page that mostly
    asks, and `policy` for all others.

    Args:
        document: What a reader made of a file.
        name: The file's name within what was given; passages are called by it.
        limit: Characters of a passage; only a single sentence may be longer.
        overlap: Sentences that are repeated where a paragraph had to be cut.
    """
    headings = _Headings()
    taken: dict[str, int] = {}
    passages: list[Passage] = []
    stream = _with_section(document.blocks, headings)
    for section, pairs in groupby(stream, key=lambda pair: pair[0]):
        pieces = list(cut((block for _, block in pairs), limit, overlap))
        if not pieces:
            continue
        words = section.trail or (document.title or PurePosixPath(name).stem,)
        is_question = words[-1].endswith(("?", "？"))
        base = section.identity or _unused(_base(name, section.trail), taken)
        named = "faq" if is_question and section.identity else ""
        kind = document.kind or document.values.get("kind") or named
        metadata = {
            **document.values, **section.values,
            "kind": kind or ("question" if is_question else "policy"),
            "path": ARROW.join(words), "file": name,
        }  # fmt: skip
        title = words[-1] if is_question else ARROW.join(words)
        for number, piece in enumerate(pieces, start=1):
            line, page = (piece.line, piece.page) if number > 1 else (section.line, section.page)
            place = {"page": str(page)} if page else {"line": str(line)}
            passages.append(
                Passage(
                    id=base if number == 1 else f"{base}.{number}",
                    text=piece.text,
                    title=title,
                    source=f"{name}#page={page}" if page else f"{name}#{line}",
                    metadata={**metadata, **place},
                )
            )
    # A page of rules may have a question among its headings: that alone makes it no FAQ.
    asks = "faq" if headings.questions * 2 >= headings.count else "policy"
    return [
        replace(passage, metadata={**passage.metadata, "kind": asks})
        if passage.metadata["kind"] == "question"
        else passage
        for passage in passages
    ]


def _with_section(blocks: Iterable[Block], headings: _Headings) -> Iterator[tuple[_Section, Block]]:
    """The blocks below headings, each with the section that it stands in."""
    trail: list[tuple[int, str]] = []
    section: _Section | None = None
    for block in blocks:
        if block.form == "heading":
            words = one_line(block.text)
            if not words:
                continue
            headings.count += 1
            headings.questions += words.endswith(("?", "？"))
            trail = [(level, one) for level, one in trail if level < block.level]
            trail.append((block.level, words))
            section = _Section(tuple(one for _, one in trail), block.line, block.page)
            continue
        if section is None:
            section = _Section((), block.line, block.page)
        if block.form == "id":
            section.identity = block.text
        else:
            section.values |= block.values
            yield section, block


def _base(name: str, trail: tuple[str, ...]) -> str:
    """`faq.md#delivery/how-long`; the file's name alone where no heading stands above."""
    path = "/".join(_slug(words) or "section" for words in trail)
    return f"{name}#{path}" if path else name


def _slug(words: str) -> str:
    """Its letters and digits, `-` between; the signs by which Hindi writes vowels are letters."""
    kept = "".join(char if char.isalnum() or _is_sign(char) else " " for char in words.lower())
    return "-".join(kept.split())[:_SLUG_CHARS].rstrip("-")


def _is_sign(char: str) -> bool:
    is_of_emoji = "\ufe00" <= char <= "\ufe0f"
    return unicodedata.category(char) in ("Mn", "Mc") and not is_of_emoji


def _unused(base: str, taken: dict[str, int]) -> str:
    """The base, or with the next number where it is taken; `taken` counts the uses of each."""
    identity = base
    while identity in taken:
        taken[base] += 1
        identity = f"{base}-{taken[base]}"
    taken[identity] = 1
    return identity
