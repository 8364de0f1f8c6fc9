"""A logistic head on a frozen encoder's vectors: seconds to fit, hard to beat on small data."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from data.encoders import Encoder
from finetune.config import HeadConfig

Floats = NDArray[np.floating[Any]]
ABSENT = -20.0  # the logit of a label that a fold did not see
_PROBED = 32  # texts encoded to say how long all will take
MANY_ROWS = 2000  # from here on one fold judges for all: the others would say the same


@dataclass(frozen=True, slots=True)
class Head:
    """Weights (K, D), bias (K,), and how rows that a fold did not train on scored.

    `held_out` are the indices of those rows and `held_out_logits` (m, K) their scores: what
    calibration may be fitted on.
    """

    labels: list[str]
    weight: Floats
    bias: Floats
    c: float
    held_out: NDArray[np.int_]
    held_out_logits: Floats

    def logits(self, vectors: Floats) -> Floats:
        """Scores (n, K)."""
        return np.asarray(vectors @ self.weight.T + self.bias)


def fit_head(vectors: Floats, gold: Sequence[str], config: HeadConfig, seed: int) -> Head:
    """Fit a head; its regularization is chosen by cross-validation on these rows alone.

    Args:
        vectors: (n, D), unit length.
        gold: n labels.
        config: Candidates for C and the number of folds.
        seed: Of the folds.
    """
    labels = sorted(set(gold))
    places = {label: place for place, label in enumerate(labels)}
    target = np.array([places[label] for label in gold])
    folds, tested = deal(target, config.folds, seed)
    held_out = np.concatenate([np.flatnonzero(folds == fold) for fold in tested])
    best: tuple[float, float, Floats] | None = None
    for c in config.c:
        logits = np.concatenate(
            [
                fold_scores(
                    vectors[folds != fold],
                    target[folds != fold],
                    vectors[folds == fold],
                    len(labels),
                    c,
                )
                for fold in tested
            ]
        )
        accuracy = (
            float((logits.argmax(axis=1) == target[held_out]).mean()) if len(held_out) else 0.0
        )
        if best is None or accuracy > best[0]:
            best = (accuracy, c, logits)
    assert best is not None
    weight, bias = _fit(vectors, target, len(labels), best[1])
    return Head(labels, weight, bias, best[1], held_out, best[2])


class HeadTrainer:
    """Fits a head where a Trainer is expected: one step, nothing to resume.

    Args:
        encoder: The frozen encoder.
        texts: The n training texts.
        labels: How many labels K the head tells apart.
        fit: Gives the head; the encoding is its own.
    """

    def __init__(
        self, encoder: Encoder, texts: Sequence[str], labels: int, fit: Callable[[], Head]
    ) -> None:
        self._encoder, self._texts, self._labels, self._fit = encoder, texts, labels, fit
        self.model: Head | None = None
        self.state = SimpleNamespace(log_history=[])

    def train(self, resume_from_checkpoint: str | None = None) -> None:
        """Fit the head; `model` holds it afterwards."""
        self.model = self._fit()

    def probe(self) -> tuple[float, int, int]:
        """Seconds that encoding will take, parameters of the head, and of all."""
        few = self._texts[:: max(1, len(self._texts) // _PROBED)][:_PROBED]
        begun = time.perf_counter()
        width = self._encoder.encode(few).shape[1]
        seconds = (time.perf_counter() - begun) / len(few) * len(self._texts)
        trained = (width + 1) * self._labels
        return seconds, trained, trained

    def add_callback(self, callback: Any) -> None:  # noqa: ANN401 - as a Trainer takes it
        """There are no steps to tell of."""

    def remove_callback(self, callback: Any) -> None:  # noqa: ANN401 - as a Trainer takes it
        """There is none."""


def deal(target: NDArray[np.int_], count: int, seed: int) -> tuple[NDArray[np.int_], list[int]]:
    """A fold for each row, and the folds that are to be held out.

    Each label is dealt out evenly, so that rare ones are not lost to a fold.
    """
    order = np.random.default_rng(seed).permutation(len(target))
    folds = np.empty(len(target), dtype=int)
    dealt: dict[int, int] = {}
    for row in order:
        label = int(target[row])
        dealt[label] = dealt.get(label, label) + 1
        folds[row] = dealt[label] % count
    return folds, [0] if len(target) > MANY_ROWS else np.unique(folds).tolist()


def fold_scores(
    train: Floats, target: NDArray[np.int_], rows: Floats, labels: int, c: float
) -> Floats:
    """Logits (m, K) of rows (m, D) by a head fitted on train (n, D) and target (n,) alone."""
    weight, bias = _fit(train, target, labels, c)
    return np.asarray(rows @ weight.T + bias)


def _fit(vectors: Floats, target: NDArray[np.int_], labels: int, c: float) -> tuple[Floats, Floats]:
    """Weights and biases for all labels; those without rows get ABSENT."""
    seen = np.unique(target)
    weight = np.zeros((labels, vectors.shape[1]), dtype=np.float32)
    bias = np.full(labels, ABSENT, dtype=np.float32)
    if len(seen) == 1:
        bias[seen] = 0.0
        return weight, bias
    model = LogisticRegression(C=c, max_iter=1000).fit(vectors, target)
    if len(seen) == 2:  # scikit-learn gives one row for two classes
        weight[seen] = np.concatenate([-model.coef_, model.coef_]) / 2
        bias[seen] = np.concatenate([-model.intercept_, model.intercept_]) / 2
    else:
        weight[seen], bias[seen] = model.coef_, model.intercept_
    return weight, bias
