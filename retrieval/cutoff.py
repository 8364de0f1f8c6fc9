"""When to answer: the curve over thresholds, and the threshold that a few questions ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.schema import Passage
from retrieval.decision import Decision
from retrieval.folds import folds_of

MARGINS = (0.0, 0.25, 0.5, 1.0)
_WORTH = 0.01  # a margin must gain so much of the held-out value to be used
_AS_GOOD = 0.005

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Curve:
    """What each threshold would give; all (t,), thresholds ascending.

    `answered` is the share of answerable questions that get an answer, `right` the share of them
    that get a right one, `refused` the share of unanswerable ones that get none, `wrong` the share
    of wrong ones among all answers given (0 where none is).
    """

    thresholds: Floats
    answered: Floats
    right: Floats
    refused: Floats
    wrong: Floats

    def refused_at(self, answered: float) -> float:
        """The most that is refused while at least so many answerable questions are answered."""
        return float(self.refused[self.answered >= answered].max(initial=0.0))


def curve_of(values: Floats, right: Flags, known: Flags) -> Curve:
    """The curve of a decision.

    Args:
        values: What is held against the threshold for each question (n,).
        right: Whether its best passage answers it (n,).
        known: Whether anything does (n,).
    """
    cuts = cuts_of(values)
    answers = _at_least(values, cuts)
    good = _at_least(values[right & known], cuts)
    refused = (~known).sum() - _at_least(values[~known], cuts)
    return Curve(
        thresholds=cuts,
        answered=_at_least(values[known], cuts) / max(known.sum(), 1),
        right=good / max(known.sum(), 1),
        refused=refused / max((~known).sum(), 1),
        wrong=np.where(answers > 0, (answers - good) / np.maximum(answers, 1), 0.0),
    )


def _at_least(values: Floats, cuts: Floats) -> NDArray[np.int64]:
    """How many values are at each cut or above (t,)."""
    return len(values) - np.searchsorted(np.sort(values), cuts, side="left")


def cuts_of(values: Floats) -> Floats:
    """Thresholds that part the values in every way (t,), ascending, 0 the first."""
    return np.unique(np.concatenate([[0.0], values, values + 1e-6]))


def fit_decision(
    found: Sequence[Sequence[Passage]], right: Flags, known: Flags, groups: NDArray[np.int64]
) -> Decision:
    """The decision that gives the best mean of right answers and refusals.

    The lead of the best passage over the second counts only where that gains on questions that
    the threshold was not fitted on.

    Args:
        found: The passages of each of n questions, best first.
        right: Whether the first answers it (n,).
        known: Whether anything does (n,).
        groups: A number for each question (n,); those with the same one are kept together.
    """
    if known.all():
        return Decision()
    values = {
        margin: np.array([Decision(margin=margin).value(passages) for passages in found])
        for margin in MARGINS
    }
    gained = {margin: _held_out(each, right, known, groups) for margin, each in values.items()}
    best = max(MARGINS, key=lambda margin: gained[margin])
    margin = best if gained[best] >= gained[0.0] + _WORTH else 0.0
    return Decision(fit_threshold(values[margin], right, known), margin)


def fit_threshold(values: Floats, right: Flags, known: Flags) -> float:
    """The middle of the stretch of thresholds around the best that are as good."""
    curve = curve_of(values, right, known)
    worth = curve.right + curve.refused
    good = worth >= worth.max() - _AS_GOOD
    first = last = int(np.argmax(worth))
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(worth) and good[last + 1]:
        last += 1
    return float(curve.thresholds[first : last + 1].mean())


def _held_out(values: Floats, right: Flags, known: Flags, groups: NDArray[np.int64]) -> float:
    """Mean of right answers and refusals where each fifth has the threshold of the others."""
    folds = folds_of(groups)
    given = np.zeros(len(values), dtype=bool)
    for fold in np.unique(folds):
        rest = folds != fold
        if rest.any() and not known[rest].all():
            given[~rest] = values[~rest] >= fit_threshold(values[rest], right[rest], known[rest])
    answered = (given & right & known).sum() / max(known.sum(), 1)
    refused = (~given & ~known).sum() / max((~known).sum(), 1)
    return float(answered + refused) / 2
