"""Clusters that several partial runs agree on: steadier than one run, and a little better."""

from collections.abc import Sequence

import numpy as np

from data.topics.clusters import Labels, centres_of, cut, nearest, tree_of, without_gaps
from data.topics.count import Count, choose_count
from data.topics.vectors import Vectors, shuffled, smoothed, unit

SAMPLE = 12_000  # different texts that trees are grown on: 0.6 GB; all others join the nearest
PARTS = 5
PART = 0.6  # of the sample that each partial run sees


def clusters_of(
    texts: Sequence[str], vectors: Vectors, topics: int | None = None, seed: int = 0
) -> tuple[Labels, Vectors, Count | None]:
    """Clusters of different texts, the vectors they were found in, and the numbers tried.

    Args:
        texts: n of them, all different.
        vectors: From `with_words`, (n, D).
        topics: How many; None to find it from the data.
        seed: Decides which texts are sampled and split.
    """
    sample = np.sort(shuffled(texts, f"{seed}:sample")[:SAMPLE])
    some = [texts[row] for row in sample]
    own = vectors[sample]
    found = choose_count(some, own, seed) if topics is None else None
    count = found.chosen if found is not None else topics or 2
    every = len(sample) == len(texts)
    near = smoothed(own) if every else smoothed(vectors, own)
    space = _agreed(some, own, near, count, seed)
    labels = cut(tree_of(space[sample]), space[sample], count)
    if every:
        return labels, space, found
    centres = centres_of(space[sample], labels, int(labels.max()) + 1)
    return without_gaps(nearest(space, centres)), space, found


def _agreed(
    texts: Sequence[str], vectors: Vectors, near: Vectors, count: int, seed: int
) -> Vectors:
    """For each text the mean of the centres that partial runs put it to, (n, D).

    Texts that most runs put together come to lie together; one that runs put here and there comes
    to lie between. Evidence is accumulated in the space itself instead of in n² pairs.

    Args:
        texts: The m of the sample.
        vectors: Theirs, unsmoothed, (m, D).
        near: All n, smoothed, (n, D).
        count: Clusters of each run.
        seed: Decides what each run sees.

    Source: evidence accumulation, Fred and Jain 2005, https://doi.org/10.1109/TPAMI.2005.113
    """
    total = np.zeros_like(near)
    for part in range(PARTS):
        rows = shuffled(texts, f"{seed}:part {part}")[: max(int(PART * len(texts)), count)]
        seen = smoothed(vectors[rows])
        labels = cut(tree_of(seen), seen, count)
        centres = centres_of(seen, labels, int(labels.max()) + 1)
        total += centres[nearest(near, centres)]
    return unit(total)
