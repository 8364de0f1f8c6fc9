"""Rows of one case that lie apart in a file, brought together in bounded memory.

A file too large to hold is read several times; each pass keeps the cases of one part of all ids,
chosen by a hash. Nothing is written to disk: these rows are not redacted yet.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from data.rows import BadRows
from data.sources import Source

PASS_BYTES = 96 << 20  # of a file's text, held as Python objects of about three times that
Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def passes_over(source: Source, pass_bytes: int = PASS_BYTES) -> int:
    """How many passes keep each within `pass_bytes` of decompressed text."""
    if source.path is not None and not source.name.lower().endswith(".gz"):
        return max(1, -(-source.path.stat().st_size // pass_bytes))
    size = 0
    for _, line in source.lines(lambda where, why: None):
        size += len(line)
    return max(1, -(-size // pass_bytes))


def grouped(
    read: Callable[[BadRows], Iterable[tuple[Key, Item]]], passes: int, bad: BadRows
) -> Iterator[tuple[Key, list[Item]]]:
    """Yield (key, its items in file order), a pass after the other.

    Args:
        read: Reads the file from its beginning: (key, item) pairs; notes bad rows in what it is
            given. It is called once a pass, and only the first one's notes count.
        passes: From `passes_over`.
        bad: Where bad rows are noted.
    """
    for number in range(passes):
        cases: dict[Key, list[Item]] = {}
        for key, item in read(bad if number == 0 else BadRows(sink=lambda where, why: None)):
            if passes == 1 or _part(key, passes) == number:
                cases.setdefault(key, []).append(item)
        yield from cases.items()


def _part(key: Hashable, passes: int) -> int:
    digest = hashlib.blake2b(repr(key).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % passes
