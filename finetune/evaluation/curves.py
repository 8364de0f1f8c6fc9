"""What lies behind a run's numbers: calibration, refusal, out-of-scope and confusion, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from finetune.metrics import ECE_BINS

Floats = NDArray[np.floating[Any]]
Counts = NDArray[np.int_]
_OPTIMAL = 300  # classes; above, the best order of leaves takes minutes and any order will do


@dataclass(frozen=True, slots=True)
class Bin:
    """The rows whose confidence lies in one of some equal parts of [0, 1]; their mean and hits."""

    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Roc:
    """Points from (0, 0) to (1, 1), and the area under them in [0, 1]."""

    false_rate: Floats
    true_rate: Floats
    area: float


@dataclass(frozen=True, slots=True)
class Confused:
    """Two classes that are taken for each other, and how often each way."""

    first: str
    second: str
    first_as_second: int
    second_as_first: int


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = ECE_BINS) -> list[Bin]:
    """How often answers of each confidence are right: `bins` bins of equal width.

    Args:
        confidence: (n,) in [0, 1].
        right: (n,) whether each was right.
        bins: How many.

    Returns:
        Every bin, the empty ones with NaN for mean confidence and accuracy.
    """
    sure, hit = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    places = np.clip((sure * bins).astype(int), 0, bins - 1)
    found = []
    for each in range(bins):
        inside = places == each
        count = int(inside.sum())
        means = (float(sure[inside].mean()), float(hit[inside].mean())) if count else (np.nan,) * 2
        found.append(Bin(count, *means))
    return found


def coverage_error(confidence: ArrayLike, right: ArrayLike) -> tuple[Floats, Floats]:
    """What is wrong among the answers if only the surest part of the rows is answered.

    Rows of one confidence are answered together or not at all.

    Returns:
        Coverage (m,), rising to 1, and the error among what is covered (m,), both in [0, 1].

    Source: risk-coverage curve, El-Yaniv & Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a
    """
    sure, hit = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    order = np.argsort(-sure, kind="stable")
    last = _last_of_ties(sure[order])
    covered = last + 1
    wrong = np.cumsum(~hit[order])[last]
    return covered / max(len(sure), 1), wrong / covered


def roc(scores: ArrayLike, positive: ArrayLike) -> Roc | None:
    """How well a score, higher for positives, tells them apart; None without both kinds."""
    score, truth = np.asarray(scores, dtype=float), np.asarray(positive, dtype=bool)
    if truth.all() or not truth.any():
        return None
    order = np.argsort(-score, kind="stable")
    last = _last_of_ties(score[order])
    hits = np.concatenate([[0.0], np.cumsum(truth[order])[last]]) / truth.sum()
    alarms = np.concatenate([[0.0], np.cumsum(~truth[order])[last]]) / (~truth).sum()
    return Roc(alarms, hits, float(np.trapezoid(hits, alarms)))


def leaf_order(counts: Counts) -> list[int]:
    """An order of K classes in which those that are taken for each other stand side by side.

    Args:
        counts: (K, K), rows are right classes; K at least 1.
    """
    if len(counts) < 3:
        return list(range(len(counts)))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    near = share + share.T
    far = near.max() - near
    np.fill_diagonal(far, 0.0)
    tree = linkage(
        squareform(far, checks=False),
        method="average",
        optimal_ordering=len(counts) <= _OPTIMAL,
    )
    return [int(place) for place in leaves_list(tree)]


def confused_pairs(names: Sequence[str], counts: Counts, most: int = 20) -> list[Confused]:
    """The pairs of classes with the most confusions, both ways together, the most first."""
    both = np.triu(counts + counts.T, 1)
    firsts, seconds = np.nonzero(both)
    order = np.argsort(-both[firsts, seconds], kind="stable")[:most]
    found = []
    for first, second in zip(firsts[order], seconds[order], strict=True):
        there, back = int(counts[first, second]), int(counts[second, first])
        if there < back:
            first, second, there, back = second, first, back, there
        found.append(Confused(names[first], names[second], there, back))
    return found


def _last_of_ties(ordered: Floats) -> Counts:
    """The places (m,) at which a run of equal values ends."""
    if not len(ordered):
        return np.array([], dtype=int)
    return np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
