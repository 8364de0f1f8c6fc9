"""Several labels a text: one logistic head for each label, its calibration, and thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from sklearn.linear_model import LogisticRegression

from finetune.config import HeadConfig
from finetune.head import MANY_ROWS, Head

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
FOLDS = 5
_SPREAD = 0.5  # of a normal prior on how far a label's calibration lies from the others'
_FARTHEST = 30.0  # log-odds


@dataclass(frozen=True, slots=True)
class MultiCalibration:
    """Of each of K labels its calibration by Platt, and its threshold on the probability.

    `fitted_on` says on how many rows of which kind; `per_label` whether the labels have thresholds
    of their own, which they have where that gains in cross-validation.

    Source: Platt 1999; labels with few rows keep near the others by a normal prior.
    """

    slopes: tuple[float, ...]
    biases: tuple[float, ...]
    thresholds: tuple[float, ...]
    per_label: bool
    fitted_on: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `calibration.json`."""
        return {"multi_label": True, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MultiCalibration":
        """Read back what `to_dict` gave."""
        slopes, biases, cuts = (tuple(values[key]) for key in ("slopes", "biases", "thresholds"))
        return cls(slopes, biases, cuts, values["per_label"], values["fitted_on"])

    def probabilities(self, logits: Floats) -> Floats:
        """Calibrated (n, K), each on its own, from logits (n, K)."""
        result: Floats = expit(
            np.clip(logits, -_FARTHEST, _FARTHEST) * np.array(self.slopes) + np.array(self.biases)
        )
        return result

    def said(self, probabilities: Floats) -> Bools:
        """Which labels each row gets (n, K)."""
        found: Bools = probabilities >= np.array(self.thresholds)
        return found


def fit_multi_head(
    vectors: Floats, marks: Bools, labels: list[str], config: HeadConfig, seed: int
) -> Head:
    """One-vs-rest logistic heads; their one regularization is chosen by cross-validated log loss.

    Args:
        vectors: (n, D), unit length.
        marks: (n, K) which labels each row has.
        labels: The K names.
        config: Candidates for C and the number of folds.
        seed: Of the folds.
    """
    folds, tested = row_folds(len(vectors), config.folds, seed)
    held = np.concatenate([np.flatnonzero(folds == fold) for fold in tested])
    best: tuple[float, float, Floats] | None = None
    for c in config.c:
        parts = []
        for fold in tested:
            kept = folds != fold
            weight, bias = one_vs_rest(vectors[kept], marks[kept], c)
            parts.append(vectors[folds == fold] @ weight.T + bias)
        logits = np.concatenate(parts)
        loss = log_loss(logits, marks[held])
        if best is None or loss < best[0]:
            best = (loss, c, logits)
    assert best is not None
    weight, bias = one_vs_rest(vectors, marks, best[1])
    return Head(labels, weight, bias, best[1], held, best[2])


def row_folds(rows: int, count: int, seed: int) -> tuple[NDArray[np.int_], list[int]]:
    """A fold for each row, and the folds that are to be held out: one stands for all of many."""
    folds = np.random.default_rng(seed).permutation(rows) % min(count, max(2, rows))
    return folds, [0] if rows > MANY_ROWS else np.unique(folds).tolist()


def out_of_fold(vectors: Floats, marks: Bools, c: float, seed: int) -> Floats:
    """Calibrated probabilities (n, K) of all rows, each by heads that did not see it."""
    # Every fold is judged here, unlike where C is chosen.
    folds = row_folds(len(vectors), FOLDS, seed)[0]
    logits = np.zeros(marks.shape)
    for fold in np.unique(folds):
        weight, bias = one_vs_rest(vectors[folds != fold], marks[folds != fold], c)
        logits[folds == fold] = vectors[folds == fold] @ weight.T + bias
    return fit_multi_calibration(logits, marks, "cross-validation").probabilities(logits)


def log_loss(logits: Floats, marks: Bools) -> float:
    """Mean of a label's log loss (nats), from logits (n, K)."""
    clipped = np.clip(logits, -_FARTHEST, _FARTHEST)
    return float(-log_expit(np.where(marks, clipped, -clipped)).mean())


def calibrated_multi_loss(logits: Floats, marks: Bools) -> float:
    """The same with the one slope and bias that suit all labels best."""
    slopes, biases = _platt(logits, marks, spread=1e-3)
    return log_loss(logits * slopes + biases, marks)


def fit_multi_calibration(logits: Floats, marks: Bools, rows: str) -> MultiCalibration:
    """Fit on logits (n, K) of rows that the model was not trained on, with labels (n, K)."""
    logits = np.clip(logits.astype(np.float64), -_FARTHEST, _FARTHEST)
    slopes, biases = _platt(logits, marks, _SPREAD)
    probabilities = expit(logits * slopes + biases)
    folds = np.random.default_rng(0).permutation(len(marks)) % FOLDS
    counts = np.zeros((2, 3))
    for fold in np.unique(folds):
        kept, held = folds != fold, folds == fold
        common = _common_threshold(probabilities[kept], marks[kept])
        own = _own_thresholds(probabilities[kept], marks[kept], common)
        for place, threshold in enumerate((np.full_like(own, common), own)):
            counts[place] += _hits(probabilities[held] >= threshold, marks[held])
    common = _common_threshold(probabilities, marks)
    per_label = _f1(counts[1]) > _f1(counts[0])
    thresholds = np.full(marks.shape[1], common)
    if per_label:
        thresholds = _own_thresholds(probabilities, marks, common)
    return MultiCalibration(
        tuple(map(float, slopes)),
        tuple(map(float, biases)),
        tuple(map(float, thresholds)),
        bool(per_label),
        f"{len(marks)} rows with {int(marks.sum())} labels, {rows}",
    )


def marks_of(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> Bools:
    """Which of K labels each row has (n, K); others are left out."""
    places = {label: place for place, label in enumerate(labels)}
    marks = np.zeros((len(rows), len(labels)), dtype=bool)
    for row, names in enumerate(rows):
        for name in names:
            if name in places:
                marks[row, places[name]] = True
    return marks


def one_vs_rest(vectors: Floats, marks: Bools, c: float) -> tuple[Floats, Floats]:
    """Weights (K, D) and biases (K,); a label that all rows or none have gets its odds alone."""
    rows, labels = marks.shape
    weight = np.zeros((labels, vectors.shape[1]), dtype=np.float32)
    positive = marks.sum(axis=0)
    bias = np.log((positive + 0.5) / (rows - positive + 0.5)).astype(np.float32)
    for label in np.flatnonzero((positive > 0) & (positive < rows)):
        model = LogisticRegression(C=c, max_iter=1000).fit(vectors, marks[:, label])
        weight[label], bias[label] = model.coef_[0], model.intercept_[0]
    return weight, bias


def _platt(logits: Floats, marks: Bools, spread: float) -> tuple[Floats, Floats]:
    """Slopes and biases (K,): those of all labels, and each label's own within `spread` of them."""
    labels = logits.shape[1]

    def unpack(values: Floats) -> tuple[Floats, Floats]:
        return values[0] + values[2 : 2 + labels], values[1] + values[2 + labels :]

    def loss(values: Floats) -> tuple[float, Floats]:
        slopes, biases = unpack(values)
        odds = logits * slopes + biases
        error = expit(odds) - marks
        own = values[2:]
        by_slope, by_bias = (error * logits).sum(axis=0), error.sum(axis=0)
        total = -log_expit(np.where(marks, odds, -odds)).sum() + 0.5 * (own**2).sum() / spread**2
        gradient = np.concatenate([[by_slope.sum(), by_bias.sum()], by_slope, by_bias])
        gradient[2:] += own / spread**2
        return float(total), gradient

    start = np.concatenate([[1.0, 0.0], np.zeros(2 * labels)])
    slopes, biases = unpack(minimize(loss, start, jac=True, method="L-BFGS-B").x)
    return np.maximum(slopes, 1e-3), biases


def _common_threshold(probabilities: Floats, marks: Bools) -> float:
    """The one threshold with the highest micro F1, halfway to the next lower probability."""
    flat, truth = probabilities.ravel(), marks.ravel()
    order = np.argsort(-flat, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + max(1, truth.sum()))
    best = int(np.argmax(f1))
    after = flat[order[best + 1]] if best + 1 < len(order) else 0.0
    return float((flat[order[best]] + after) / 2)


def _own_thresholds(probabilities: Floats, marks: Bools, common: float) -> Floats:
    """A threshold for each label, one after the other where micro F1 gains, twice over."""
    thresholds = np.full(marks.shape[1], common)
    said = probabilities >= thresholds
    for _ in range(2):
        whole = _hits(said, marks)
        for label in np.flatnonzero(marks.any(axis=0)):
            others = whole - _hits(said[:, label], marks[:, label])
            values = np.unique(probabilities[:, label])
            cuts = np.unique([*((values[1:] + values[:-1]) / 2), thresholds[label], common])
            right, given = _above(probabilities[:, label], marks[:, label], cuts)
            f1 = 2 * (others[0] + right) / (others[1] + given + whole[2])
            best = np.flatnonzero(f1 >= f1.max() - 1e-12)
            # Of equals the one nearest to what all share.
            thresholds[label] = cuts[best[np.argmin(np.abs(cuts[best] - common))]]
        said = probabilities >= thresholds
    return thresholds


def _above(
    probabilities: Floats, marks: Bools, cuts: Floats
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Of rows (n,) with at least each cut's (m,) probability: how many are right, how many said."""
    order = np.argsort(probabilities)
    below = np.searchsorted(probabilities[order], cuts, side="left")
    right = np.concatenate([[0], np.cumsum(marks[order])])
    return right[-1] - right[below], len(marks) - below


def _hits(said: Bools, marks: Bools) -> Floats:
    """How many labels are right, said, wanted."""
    return np.array([(said & marks).sum(), said.sum(), marks.sum()], dtype=float)


def _f1(counts: Floats) -> float:
    right, said, wanted = counts
    return float(2 * right / (said + wanted)) if said + wanted else 0.0
