"""Topics of an earlier run, carried over: ids and names stay, and so do turns that fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data.topics.clusters import Labels, centres_of, nearest
from data.topics.vectors import Vectors

State = Literal["new", "growing", "known", "shrinking"]
NONE = -1  # a text that the earlier run has not seen
SURE = 1.96  # standard errors; a share that moved less may have done so by chance (5%)


@dataclass(frozen=True, slots=True)
class Carried:
    """Topics after carrying over: below `old` those of the earlier run, then the new ones."""

    labels: Labels
    count: int
    moved: int  # texts that the earlier run had placed elsewhere


def carry_over(vectors: Vectors, fresh: Labels, placed: Labels, old: int) -> Carried:
    """Old topics with their turns, and what a fresh clustering has found beyond them.

    A fresh cluster is a new topic when most of its texts are new and it holds most of no old topic.
    New texts go to the nearest topic. An old text moves only where two witnesses agree: the centre
    of another topic is nearer, and most texts of its fresh cluster belong to that topic.

    Args:
        vectors: That clusters were found in, (n, D).
        fresh: Clusters found without a look at the earlier run, (n,).
        placed: Earlier topics, below `old`, or NONE, (n,).
        old: Number of the earlier topics.
    """
    count = int(fresh.max()) + 1
    known = placed != NONE
    shared = np.zeros((count, old), dtype=np.intp)
    np.add.at(shared, (fresh[known], placed[known]), 1)
    sizes = np.bincount(fresh, minlength=count)
    holds_most = (2 * shared > shared.sum(axis=0)).any(axis=1)
    new = np.flatnonzero((2 * shared.sum(axis=1) < sizes) & ~holds_most)
    stands_for = shared.argmax(axis=1)  # the topic that a fresh cluster mostly is
    stands_for[new] = old + np.arange(len(new))
    total = old + len(new)
    seeded = np.where(known, placed, NONE)
    unplaced = ~known & np.isin(fresh, new)
    seeded[unplaced] = stands_for[fresh[unplaced]]
    sure = seeded != NONE
    centres = centres_of(vectors[sure], seeded[sure], total)
    centres[np.bincount(seeded[sure], minlength=total) == 0] = 0
    near = nearest(vectors, centres)
    moves = known & (near != placed) & (near == stands_for[fresh])
    labels = np.where(known & ~moves, placed, near)
    return Carried(labels, total, int(moves.sum()))


def states_of(
    sizes: Sequence[int], before: Sequence[int], known: Sequence[bool] = ()
) -> list[State]:
    """Whether each topic is new, or its share of all turns grew, stayed or shrank since.

    A share has moved when two proportions differ by more than SURE standard errors. A topic that is
    a known intent is `known` where no earlier run has it.

    Args:
        sizes: Turns of each topic now.
        before: Turns of the first of them in the earlier run; further ones are new.
        known: Which topics are known intents; none where empty.
    """
    now, then = sum(sizes), sum(before)
    states: list[State] = []
    for topic, size in enumerate(sizes):
        if topic >= len(before) or before[topic] == 0:
            states.append("known" if known and known[topic] else "new")
            continue
        change = size / now - before[topic] / then
        share = (size + before[topic]) / (now + then)
        error = (share * (1 - share) * (1 / now + 1 / then)) ** 0.5
        moved = error > 0 and abs(change) > SURE * error
        states.append(("growing" if change > 0 else "shrinking") if moved else "known")
    return states
