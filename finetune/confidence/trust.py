"""How probable it is that an intent model's best answer is right, and what its doubts are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
FOLDS = 5
# How far an intent may be from the others: standard deviations of its log-odds, chosen by
# cross-validation. At 0 all intents share one threshold; at any, one with few rows keeps near it.
_SPREADS = (0.0, 0.3, 1.0)
_FARTHEST = 15.0  # log-odds of what is read, so that a confidence of exactly 1 has some
_LEAST = 5  # rows of the rarer kind, right or wrong: of fewer nothing is learned


@dataclass(frozen=True, slots=True)
class Trust:
    """Log-odds of being right: factors of those of confidence and scope, and a shift by intent."""

    factors: tuple[float, float]
    bias: float
    shifts: Mapping[str, float] = field(default_factory=dict)

    def of(self, names: Sequence[str], confidence: Floats, scope: Floats) -> Floats:
        """Probability (n,) that each best intent is right."""
        shifts = np.array([self.shifts.get(name, 0.0) for name in names])
        result: Floats = expit(
            _read(confidence, scope) @ np.array(self.factors) + self.bias + shifts
        )
        return result

    def threshold_of(self, name: str, cut: float) -> float:
        """What `cut` is for an intent of this name on the scale that all share."""
        return float(expit(logit(np.clip(cut, 1e-9, 1 - 1e-9)) - self.shifts.get(name, 0.0)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Trust":
        """Read back what `dataclasses.asdict` gave, through JSON or not."""
        first, second = values["factors"]
        return cls((first, second), values["bias"], values["shifts"])


def fit_trust(
    names: Sequence[str], confidence: Floats, scope: Floats, right: Bools, weights: Floats
) -> tuple[Trust, Floats]:
    """Trust, and that of each row (n,) by one that was fitted without it.

    Intents' shifts are drawn to 0 as by a normal prior: partial pooling, Gelman & Hill 2006.
    """
    if min(right.sum(), (~right).sum()) < _LEAST:
        # Both doubts as they are: their product, near enough, is the probability of being right.
        trust = Trust((1.0, 1.0), 0.0)
        return trust, trust.of(names, confidence, scope)
    read = _read(confidence, scope)
    intents = sorted(set(names))
    marks = (np.array(names)[:, None] == np.array(intents)[None, :]).astype(float)
    folds = np.zeros(len(right), dtype=int)
    for kind in (right, ~right):
        folds[kind] = np.random.default_rng(0).permutation(int(kind.sum())) % FOLDS
    best: tuple[float, float, Floats] | None = None
    for spread in _SPREADS:
        odds = np.empty(len(right))
        for fold in range(FOLDS):
            kept, held = folds != fold, folds == fold
            factors, bias, shifts = _fit(
                read[kept], marks[kept], right[kept], weights[kept], spread
            )
            odds[held] = read[held] @ factors + bias + marks[held] @ shifts
        loss = float(-(weights * log_expit(np.where(right, odds, -odds))).mean())
        if best is None or loss < best[0] - 1e-6:
            best = (loss, spread, odds)
    assert best is not None
    factors, bias, shifts = _fit(read, marks, right, weights, best[1])
    first, second = map(float, factors)
    own = dict(zip(intents, map(float, shifts), strict=True)) if best[1] else {}
    return Trust((first, second), bias, own), np.asarray(expit(best[2]))


@dataclass(frozen=True, slots=True)
class Levels:
    """Two confidences that an app can act on, fitted on held-out rows.

    From `sure` on, an answer is at least as often right as answers are on the whole. Below
    `doubtful`, it is more often wrong than right. Where too few rows were wrong to tell, both are
    the lowest confidence that was seen.
    """

    sure: float
    doubtful: float


def fit_levels(confidence: Floats, right: Bools) -> Levels:
    """From confidences (n,) of held-out rows and whether each best intent was right."""
    if min(right.sum(), (~right).sum()) < _LEAST:
        lowest = float(confidence.min()) if len(confidence) else 1.0
        return Levels(lowest, lowest)
    odds = np.clip(logit(confidence), -_FARTHEST, _FARTHEST)
    model = LogisticRegression().fit(odds[:, None], right)
    slope, bias = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:  # a confidence that tells nothing
        return Levels(1.0, 0.0)
    sure, doubtful = (expit((logit(share) - bias) / slope) for share in (right.mean(), 0.5))
    return Levels(max(float(sure), float(doubtful)), float(doubtful))


def _read(confidence: Floats, scope: Floats) -> Floats:
    """Log-odds (n, 2) of both."""
    both = np.stack([confidence, scope], axis=1).astype(np.float64)
    odds: Floats = np.clip(logit(np.clip(both, 0.0, 1.0)), -_FARTHEST, _FARTHEST)
    return odds


def _fit(
    read: Floats, marks: Floats, right: Bools, weights: Floats, spread: float
) -> tuple[Floats, float, Floats]:
    """Factors (2,), bias and shifts (I,) by intent."""
    scale = read.std(axis=0) + 1e-9
    features = np.concatenate([read / scale, marks * spread], axis=1)
    model = LogisticRegression(max_iter=1000).fit(features, right, sample_weight=weights)
    coefficients = model.coef_[0]
    return coefficients[:2] / scale, float(model.intercept_[0]), coefficients[2:] * spread
