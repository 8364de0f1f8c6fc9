"""Confidence that means something, and an out-of-scope decision fitted on data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.linear_model import LogisticRegression

from data.schema import OOS

Floats = NDArray[np.floating[Any]]
MAX_REFUSED = 0.005  # of validation, where no out-of-scope rows tell what to refuse


@dataclass(frozen=True, slots=True)
class Calibration:
    """Temperature, and a linear score of being in scope with its threshold.

    `weights` and `bias` apply to the three features of `scope_features`; a row whose score is below
    `threshold` is refused. `fitted_on` says on how many rows of which kind.
    """

    temperature: float
    weights: tuple[float, ...]
    bias: float
    threshold: float
    fitted_on: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `calibration.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibration":
        """Read back what `to_dict` gave."""
        return cls(**{**values, "weights": tuple(values["weights"])})

    def probabilities(self, logits: Floats, labels: Sequence[str]) -> Floats:
        """Calibrated probabilities (n, K') of the in-scope labels, from logits (n, K)."""
        result: Floats = softmax(_in_scope(logits, labels) / self.temperature, axis=1)
        return result

    def scope_scores(self, logits: Floats, labels: Sequence[str]) -> Floats:
        """Probability (n,) of being in scope, as fitted."""
        score = (
            scope_features(logits / self.temperature, labels) @ np.array(self.weights) + self.bias
        )
        result: Floats = 1 / (1 + np.exp(-np.clip(score, -50, 50)))
        return result

    def in_scope(self, logits: Floats, labels: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each row is accepted (n,)."""
        accepted: NDArray[np.bool_] = self.scope_scores(logits, labels) >= self.threshold
        return accepted


def scope_features(logits: Floats, labels: Sequence[str]) -> Floats:
    """What tells in-scope rows (n, 3): log of the top probability, energy, margin over `oos`.

    The energy is the log-sum-exp of the in-scope logits (Liu et al. 2020, arXiv:2010.03759); the
    margin is 0 where the model has no `oos` output.
    """
    inside = _in_scope(logits, labels)
    energy = logsumexp(inside, axis=1)
    margin = np.zeros(len(logits))
    if OOS in labels:
        margin = inside.max(axis=1) - logits[:, list(labels).index(OOS)]
    features: Floats = np.stack([log_softmax(inside, axis=1).max(axis=1), energy, margin], axis=1)
    return features


def fit_calibration(
    logits: Floats, labels: Sequence[str], gold: Sequence[str], rows: str
) -> Calibration:
    """Fit temperature and out-of-scope decision.

    Args:
        logits: (n, K) of rows that the model was not trained on.
        labels: The K outputs, `oos` among them or not.
        gold: The n right labels.
        rows: What these rows are, for the record.

    With out-of-scope rows, a logistic regression over `scope_features` scores each row and the
    threshold is the one under which most rows are right (an in-scope row that is refused is not).
    Without, the top probability decides, and at most MAX_REFUSED of the rows are refused.
    """
    logits, truth = logits.astype(np.float64), np.array(gold)
    inside = truth != OOS
    names = [label for label in labels if label != OOS]
    target = np.array([names.index(label) for label in truth[inside]])
    temperature = best_temperature(_in_scope(logits, labels)[inside], target)
    scaled = logits / temperature
    right = np.zeros(len(truth), dtype=bool)
    right[inside] = _in_scope(logits, labels)[inside].argmax(axis=1) == target
    count = f"{inside.sum()} in scope, {(~inside).sum()} out of scope, {rows}"
    if inside.all():
        scores = log_softmax(_in_scope(scaled, labels), axis=1).max(axis=1)
        # A hair below, so that rounding elsewhere does not refuse the row that sets it.
        lowest = np.sort(scores)[int(len(scores) * MAX_REFUSED)] - 1e-4
        return Calibration(
            temperature, (1.0, 0.0, 0.0), 0.0, float(1 / (1 + np.exp(-lowest))), count
        )
    features = scope_features(scaled, labels)
    scale = features.std(axis=0) + 1e-9
    model = LogisticRegression(class_weight="balanced", C=1.0).fit(features / scale, inside)
    weights = model.coef_[0] / scale
    scores = 1 / (1 + np.exp(-(features @ weights + model.intercept_[0])))
    threshold = _best_threshold(scores, inside, right)
    return Calibration(
        temperature, tuple(map(float, weights)), float(model.intercept_[0]), threshold, count
    )


def _best_threshold(scores: Floats, inside: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    """The middle of the thresholds under which most rows come out right.

    Rows count alike: where few are out of scope, recall of them on so few says little, and a
    refused customer costs as much as an answer to somebody who asked for none. Thresholds tried
    lie halfway between neighbouring scores: clear of the rows on both sides.
    """
    edges = np.unique(np.concatenate([[0.0], scores, [1.0]]))
    cuts = (edges[1:] + edges[:-1]) / 2
    value = np.array(
        [
            (right[inside] & (scores[inside] >= cut)).sum() + (scores[~inside] < cut).sum()
            for cut in cuts
        ]
    )
    return float(np.median(cuts[value == value.max()]))


def calibrated_loss(logits: Floats, target: NDArray[np.int_]) -> float:
    """Mean log loss (nats) of logits (n, K) at the temperature that suits them best."""
    scaled = log_softmax(logits / best_temperature(logits, target), axis=1)
    return float(-scaled[np.arange(len(target)), target].mean()) if len(target) else 0.0


def best_temperature(logits: Floats, target: NDArray[np.int_]) -> float:
    """The divisor of logits (n, K) with the lowest log loss against target (n,); 1 without rows.

    Source: temperature scaling, Guo et al. 2017, arXiv:1706.04599
    """

    def loss(log_temperature: float) -> float:
        probabilities = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-probabilities[np.arange(len(target)), target].mean())

    if len(target) == 0:
        return 1.0
    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def _in_scope(logits: Floats, labels: Sequence[str]) -> Floats:
    keep = [column for column, label in enumerate(labels) if label != OOS]
    return logits[:, keep]
