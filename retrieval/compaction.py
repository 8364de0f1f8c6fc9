"""Merging segments: which, and how, without encoding a passage again."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.schema import Passage
from retrieval.segment import Segment, write_segment

MAX_SEGMENTS = 8  # a search asks each of them
_GROWTH = 2  # a segment up to so many times as large as all smaller ones is merged with them


def small_ones(sizes: Sequence[int]) -> set[int]:
    """The places of segments to merge, given the passages of each; at least two.

    The smallest, and each next one that is not much larger than those before it together: a
    passage is then written again only when its segment's size has grown by half, so that adding to
    a large index rewrites small segments and hardly ever the large one.
    """
    order = sorted(range(len(sizes)), key=lambda place: sizes[place])
    chosen = order[:2]
    total = sum(sizes[place] for place in chosen)
    for place in order[2:]:
        if sizes[place] > _GROWTH * total:
            break
        chosen.append(place)
        total += sizes[place]
    return set(chosen)


def merged(root: Path, segments: Sequence[Segment]) -> list[Segment]:
    """One new segment of all that is not deleted in these; none where nothing is left."""
    live = [segment.live() for segment in segments]
    if not sum(map(len, live)):
        return []
    extras: list[tuple[str, int]] = []
    own: list[NDArray[np.float32]] = []
    further: list[NDArray[np.float32]] = []
    start = 0
    for segment, places in zip(segments, live, strict=True):
        moved = np.full(segment.entry.passages, -1)
        moved[places] = np.arange(start, start + len(places))
        own.append(segment.vectors.of(places))
        texts = segment.extras()
        rows = np.array([row for row, (_, owner) in enumerate(texts) if moved[owner] >= 0], int)
        if len(rows):
            further.append(segment.vectors.of(segment.entry.passages + rows))
        extras += [(texts[row][0], int(moved[texts[row][1]])) for row in rows]
        start += len(places)

    def passages() -> Iterator[Passage]:
        for segment in segments:
            yield from segment.passages()

    return [Segment(root, write_segment(root, passages(), extras, np.vstack([*own, *further])))]
