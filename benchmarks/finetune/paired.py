"""Paired tests of two systems on the same test rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

DRAWS = 2000
INTERVAL = (2.5, 97.5)  # percentiles

Counts = NDArray[np.int_]  # (n, 3): right, said and wanted labels or entities of each row


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Two-sided exact p-value that two systems are right equally often.

    Source: McNemar 1947, Psychometrika 12(2); exact: a fair coin over the rows where they differ.
    """
    one, other = np.array(first, dtype=bool), np.array(second, dtype=bool)
    only_first, only_second = int((one & ~other).sum()), int((~one & other).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def accuracy_gain(
    first: Sequence[bool], second: Sequence[bool], seed: int = 0
) -> tuple[float, float, float]:
    """Accuracy of the first less that of the second, and the 95% interval of a paired bootstrap.

    Rows are drawn together for both: what counts is how many rows of each kind are drawn.
    """
    gaps = np.array(first, dtype=int) - np.array(second, dtype=int)
    kinds = [float((gaps == kind).mean()) for kind in (1, -1, 0)]
    drawn = np.random.default_rng(seed).multinomial(len(gaps), kinds, DRAWS)
    low, high = np.percentile((drawn[:, 0] - drawn[:, 1]) / len(gaps), INTERVAL)
    return float(gaps.mean()), float(low), float(high)


def f1_gain(first: Counts, second: Counts, seed: int = 0) -> tuple[float, float, float]:
    """Micro F1 of the first less that of the second, with the same interval; rows are drawn."""
    generator = np.random.default_rng(seed)
    both = np.hstack([first, second])
    gaps = []
    for _ in range(DRAWS):
        drawn = both[generator.integers(len(both), size=len(both))].sum(axis=0)
        gaps.append(_f1(drawn[:3]) - _f1(drawn[3:]))
    low, high = np.percentile(gaps, INTERVAL)
    return _f1(first.sum(axis=0)) - _f1(second.sum(axis=0)), float(low), float(high)


def _f1(counts: Counts) -> float:
    right, said, wanted = (int(each) for each in counts)
    return 2 * right / (said + wanted) if said + wanted else 0.0
