"""Passages that no longer hold: past their day, or from a file that has changed or gone."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from data.schema import Passage
from retrieval.filters import VALID_UNTIL, Filter
from retrieval.index import Index

Why = Literal["expired", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Stale:
    """A passage, and why it no longer holds."""

    passage: Passage
    why: Why


def stale(index: Index, sources: Mapping[str, str] | None, today: date) -> Iterator[Stale]:
    """The passages that no longer hold, each once, in the order of the index.

    Args:
        index: Its manifest knows what its sources were.
        sources: SHA-256 of the files now, by name (`passages.fingerprints`); None where only
            validity is looked at. A file that the index does not know is passed over.
        today: A passage is expired after the day of its `valid_until`.
    """
    known = index.manifest.sources
    files: dict[str, Why] = {}
    for name, value in known.items() if sources is not None else ():
        if sources is not None and sources.get(name) != value:
            files[name] = "changed" if name in sources else "gone"
    valid = Filter(valid_on=today)
    for segment in index.segments:
        names, codes = segment.sources()
        changed = np.array([name in files for name in names])[codes]
        mask = segment.admitted(valid)  # leaves out what is not valid yet, too
        for place in segment.live().tolist() if mask is not None or changed.any() else ():
            if not changed[place] and (mask is None or mask[place]):
                continue
            passage = segment.passage(place)
            if not valid.admits(VALID_UNTIL, passage.metadata.get(VALID_UNTIL)):
                yield Stale(passage, "expired")
            elif changed[place]:
                yield Stale(passage, files[names[codes[place]]])


def ids_from(index: Index, files: Collection[str]) -> set[str]:
    """The ids of passages that came from these files."""
    ids: set[str] = set()
    for segment in index.segments:
        names, codes = segment.sources()
        wanted = np.array([name in files for name in names])[codes]
        ids |= {segment.passage(place).id for place in segment.live().tolist() if wanted[place]}
    return ids
