"""The parts of a passage: its sentences, and the texts that get rows of their own in an index.

A passage that says five things has a vector between them. A row for its title lets a question meet
what it is about.
"""

import re
from collections.abc import Iterator

from data.schema import Passage

SHORTEST = 15  # characters: what is shorter ("Yes.") says nothing on its own
_END = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s)|[。！？；…]+[”’」』）)\"']*|\n+")
# A full stop after one of these, or after a single letter, ends no sentence.
_SHORT = frozenset("mr mrs ms dr prof st no vs e.g i.e etc approx inc ltd co tel fig".split())
_LAST_WORD = re.compile(r"([^\s(\"'“]+)$")


def sentences(text: str) -> list[tuple[int, int]]:
    """Characters [start, end) of each sentence, in order, without the space around it.

    English and Chinese ends of sentences, and ends of lines. Every character that is no white space
    is in exactly one of them.
    """
    found = []
    start = 0
    for match in _END.finditer(text):
        if match.group().startswith(".") and _is_short(text[start : match.start()]):
            continue
        found.append(_trimmed(text, start, match.end()))
        start = match.end()
    found.append(_trimmed(text, start, len(text)))
    return [(first, last) for first, last in found if first < last]


def part_rows(passage: Passage, with_sentences: bool = False) -> Iterator[tuple[str, str]]:
    """(text, the passage's id) of each further row: its title, and each of several sentences.

    A conversation has none: it is found by its question alone. Sentences did not help where they
    were measured, and are left out; see BENCHMARKS.md.
    """
    if passage.metadata.get("kind") == "conversation":
        return
    if passage.title:
        yield passage.title, passage.id
    spans = [(start, end) for start, end in sentences(passage.text) if end - start >= SHORTEST]
    if with_sentences and len(spans) > 1:
        for start, end in spans:
            yield passage.text[start:end], passage.id


def _is_short(before: str) -> bool:
    word = _LAST_WORD.search(before)
    if word is None:
        return False
    last = word.group(1).lower()
    return last in _SHORT or (len(last) == 1 and last.isascii() and last.isalpha())


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
