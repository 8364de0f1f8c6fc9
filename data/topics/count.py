"""How many topics there are: as many as still fit turns that they were not found on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.topics.clusters import Tree, centres_of, cut, nearest, silhouette, tree_of, without_gaps
from data.topics.vectors import Vectors, shuffled, smoothed

SPLITS = 5
HALF = 4000  # turns of a half at most
STEP = 1.1  # from one count that is tried to the next
NEAR = 1.12  # counts of a smaller ratio share their scores: noise, while 3 and 4 topics differ
MENDING = 5  # rounds
CHEAP = 100  # numbers up to this are all tried


@dataclass(frozen=True, slots=True)
class Count:
    """The number chosen, and the held-out silhouette, in [-1, 1], of each number tried."""

    chosen: int
    tried: tuple[tuple[int, float], ...]


def counts_to_try(n: int) -> list[int]:
    """Numbers of topics for n turns: from √n / 2, a tenth apart, to one for each 4 to 8."""
    top = min(n // 4, max(6, n // 8))
    # Of a log of much talk two topics are the clearest, and tell nobody anything.
    counts = [max(2, int(n**0.5 / 2))]
    while counts[-1] < top:
        counts.append(max(counts[-1] + 1, round(counts[-1] * STEP)))
    return [count for count in counts if count <= max(top, 2)]


def choose_count(texts: Sequence[str], vectors: Vectors, seed: int = 0) -> Count:
    """Choose by cross-validation: topics of one half of the turns, silhouette of the other half.

    On the turns that they were found on, more topics look better for long after they have begun to
    split what belongs together; on turns held out they do not. Of the numbers whose score, averaged
    with those nearby, is within one standard error (over SPLITS splits) of the best, the largest is
    taken: giving two topics one name merges them, while splitting one is work.

    Args:
        texts: n of them; which half a text is in depends on it and the seed alone.
        vectors: Unsmoothed, (n, D).
        seed: Of the splits.

    Source: the idea of clustering one part and judging on another, Tibshirani and Walther 2005,
    https://doi.org/10.1198/106186005X59243; one standard error, Breiman et al. 1984, Classification
    and Regression Trees, section 3.4.3 (who take the simplest; we do not)
    """
    halves = []
    for split in range(SPLITS):
        order, half = shuffled(texts, f"{seed}:{split}"), min(len(texts) // 2, HALF)
        halves.append(_Halves.of(vectors[order[:half]], vectors[order[half : 2 * half]]))
    counts: list[int] = []
    rows: list[list[float]] = []  # a score for each split
    for count in counts_to_try(len(texts)):
        counts.append(count)
        rows.append([both.score(count) for both in halves])
        if _past_the_best(counts, [sum(row) for row in rows]):
            break
    scores = np.array(rows).T
    ratios = np.array(counts)[:, None] / np.array(counts)
    near = (ratios < NEAR) & (ratios > 1 / NEAR)
    even = scores @ (near / near.sum(axis=0))
    mean = even.mean(axis=0)
    best = int(mean.argmax())
    noise = float(even[:, best].std(ddof=1)) / SPLITS**0.5
    chosen = counts[int(np.flatnonzero(mean >= mean[best] - noise)[-1])]
    return Count(chosen, tuple(zip(counts, (float(score) for score in mean), strict=True)))


def _past_the_best(counts: Sequence[int], scores: Sequence[float]) -> bool:
    """Whether further numbers, which take most of the time, are not worth trying."""
    best = int(np.argmax(scores))
    return counts[-1] > max(CHEAP, 2 * counts[best]) and scores[-1] < 0.9 * scores[best]


@dataclass(frozen=True, slots=True)
class _Halves:
    """Two halves of the turns, smoothed each by itself, and their trees."""

    vectors: tuple[Vectors, Vectors]
    trees: tuple[Tree, Tree]

    @classmethod
    def of(cls, first: Vectors, second: Vectors) -> "_Halves":
        one, other = smoothed(first), smoothed(second)
        return cls((one, other), (tree_of(one), tree_of(other)))

    def score(self, count: int) -> float:
        """The silhouette of each half in `count` topics of the other, averaged."""
        found = []
        for own, tree, other in zip(self.vectors, self.trees, self.vectors[::-1], strict=True):
            labels = cut(tree, own, count, MENDING)
            centres = centres_of(own, labels, int(labels.max()) + 1)
            found.append(silhouette(other, without_gaps(nearest(other, centres))))
        return float(np.mean(found))
