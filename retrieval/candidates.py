"""What vectors and words say of the passages that may be among the best, from all segments."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.filters import Filter
from retrieval.focus import Focus
from retrieval.fusion import Candidates
from retrieval.lexical import LexicalQuery
from retrieval.segment import Segment
from retrieval.topics import Topics


def gathered(
    segments: Sequence[Segment],
    focus: Focus | None,
    topics: Topics | None,
    vector: NDArray[np.float32],
    query: LexicalQuery | None,
    pool: int,
    where: Filter | None,
    whole: bool,
) -> tuple[Candidates, bool]:
    """Candidates, and whether there are no others.

    Args:
        segments: At least one; a passage's place counts through all of them.
        focus: What the vectors are looked at through, if anything. The nearest rows are those of
            the vectors as they are: in focus they are weighed again.
        topics: What tells how far passages agree with the question in topics; else that is 0.
        vector: The question's (D,).
        query: The question's words; None where they do not count.
        pool: Rows that each half brings from a segment.
        where: Only passages that it admits.
        whole: Whether each passage's own row, or its centre in focus, is asked for.
    """
    parts = []
    is_all, start = True, 0
    asked = vector if focus is None else focus.of(vector)
    for segment in segments:
        rows, cosines, words = segment.candidates(vector, query, pool, where)
        is_all &= len(rows) < pool
        view = None if focus is None else segment.in_focus(focus)
        if view is not None:
            cosines = view.rows[rows] @ asked
        places, of = np.unique(segment.owners[rows], return_inverse=True)
        closest = np.full(len(places), -1.0)
        matched = np.zeros(len(places))
        np.maximum.at(closest, of, cosines)
        np.maximum.at(matched, of, words)
        own = closest
        if whole and view is not None:
            own = view.centres[places] @ asked
        elif whole:  # a passage's own row has the passage's place
            own = segment.vectors.of(places.astype(np.int64)) @ vector
        agreed = np.zeros(len(places))
        if topics is not None:
            agreed = topics.agreement(vector, segment.in_topics(topics).roots[places])
        parts.append((places + start, own.astype(np.float32), closest, matched, agreed))
        start += segment.entry.passages
    return Candidates(*(np.concatenate(each) for each in zip(*parts, strict=True))), is_all
