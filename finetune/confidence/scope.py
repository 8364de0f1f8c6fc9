"""Which score tells best what is out of scope: candidates, a comparison, and the one that wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from data.schema import OOS
from finetune.confidence.memory import Near

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
ALL = "combination"
FOLDS = 5
_FARTHEST = 20.0  # log-odds; further out, a double tells no two probabilities apart


@dataclass(frozen=True, slots=True)
class ScopeScore:
    """A probability of being in scope, logistic in one score or in all of them.

    `score` is the winner's name and `names` the scores that it needs, each with its weight.
    `auroc` holds every candidate's area under the ROC curve on rows that each fold held out, empty
    where nothing could be compared; `pseudo` says that these rows were made by holding out labels.
    """

    score: str
    names: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float
    auroc: Mapping[str, float] = field(default_factory=dict)
    pseudo: bool = False

    @property
    def needs_vectors(self) -> bool:
        """Whether a row's nearness to training rows is asked for."""
        return bool({"mahalanobis", "knn"} & set(self.names))

    def probability(self, scores: Mapping[str, Floats]) -> Floats:
        """Of each row (n,), from the scores (n,) of `scope_scores`."""
        odds = sum(
            (weight * scores[name] for name, weight in zip(self.names, self.weights, strict=True)),
            start=np.full(len(next(iter(scores.values()))), self.bias),
        )
        result: Floats = expit(np.clip(odds, -_FARTHEST, _FARTHEST))
        return result

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ScopeScore":
        """Read back what `dataclasses.asdict` gave, through JSON or not."""
        lists = {key: tuple(values[key]) for key in ("names", "weights")}
        return cls(**{**values, **lists})


def scope_scores(
    logits: Floats, labels: Sequence[str], near: Near | None, kept: Bools | None = None
) -> dict[str, Floats]:
    """Scores (n,) by name, each higher for what is in scope.

    `max_probability` is its log (Hendrycks & Gimpel 2017, arXiv:1610.02136), `energy` the
    log-sum-exp of the in-scope logits (Liu et al. 2020, arXiv:2010.03759), `margin` that of the
    top over the `oos` output, where the model has one; `mahalanobis` and `knn` are the nearness to
    the nearest label, where it is known.

    Args:
        logits: (n, K), divided by the temperature.
        labels: The K outputs.
        near: Of the same rows, for the in-scope labels.
        kept: Which in-scope labels count; None for all.
    """
    inside = logits[:, [place for place, label in enumerate(labels) if label != OOS]]
    kept = np.ones(inside.shape[1], dtype=bool) if kept is None else kept
    inside = inside[:, kept]
    scores = {
        "max_probability": log_softmax(inside, axis=1).max(axis=1),
        "energy": logsumexp(inside, axis=1),
    }
    if OOS in labels:
        scores["margin"] = inside.max(axis=1) - logits[:, list(labels).index(OOS)]
    if near is not None:
        scores["mahalanobis"] = near.mahalanobis[:, kept].max(axis=1)
        scores["knn"] = near.knn[:, kept].max(axis=1)
    return scores


def fit_scope(
    logits: Floats,
    labels: Sequence[str],
    gold: Sequence[str],
    near: Near | None,
    weights: Floats,
) -> ScopeScore:
    """The score with the highest AUROC in cross-validation, the simplest of equals.

    With out-of-scope rows, folds are of rows. Without, each fold of labels is held out in turn:
    its rows are out of scope once its outputs and its rows in memory are taken away. Such rows
    are about the company's business, and the model has learned from them: the comparison says
    little of texts that are about something else. So single scores alone are compared then.

    Args:
        logits: (n, K) of rows that the model was not trained on, divided by the temperature.
        labels: The K outputs.
        gold: The n right labels.
        near: Of the same rows.
        weights: (n,) of the rows.
    """
    truth = np.array(gold)
    inside = truth != OOS
    pseudo = bool(inside.all())
    if pseudo:
        scores, target, folds = _held_out_labels(logits, labels, truth, near)
        weights = np.ones(len(target))
    else:
        scores, target = scope_scores(logits, labels, near), inside
        folds = _folds(target)
    if len(target) == 0 or target.all() or not target.any():
        return ScopeScore("max_probability", ("max_probability",), (1.0,), 0.0)
    auroc = {name: _auroc(values, target, folds) for name, values in scores.items()}
    # What a logistic regression learns of held-out labels does not hold for what is foreign.
    if not pseudo and folds.max() > 0 and len(scores) > 1:
        together = np.stack(list(scores.values()), axis=1)
        held = np.empty(len(target))
        for fold in np.unique(folds):
            rows = folds != fold
            factors, bias = _logistic(together[rows], target[rows], weights[rows])
            held[~rows] = together[~rows] @ factors + bias
        auroc[ALL] = _auroc(held, target, folds)
    best = max(auroc, key=lambda name: round(auroc[name], 4))  # the first of equals
    names = tuple(scores) if best == ALL else (best,)
    factors, bias = _logistic(np.stack([scores[name] for name in names], axis=1), target, weights)
    rounded = {name: round(value, 5) for name, value in auroc.items()}
    return ScopeScore(best, names, tuple(map(float, factors)), bias, rounded, pseudo)


def _held_out_labels(
    logits: Floats, labels: Sequence[str], truth: NDArray[Any], near: Near | None
) -> tuple[dict[str, Floats], Bools, NDArray[np.int_]]:
    """Scores, whether each row is in scope, and its fold; rows appear once for each fold."""
    names = [label for label in labels if label != OOS]
    groups = np.random.default_rng(0).permutation(len(names)) % min(FOLDS, len(names))
    parts, target, folds = [], [], []
    for group in np.unique(groups):
        kept = groups != group
        if kept.sum() < 2:
            continue
        parts.append(scope_scores(logits, labels, near, kept))
        target.append(~np.isin(truth, np.array(names)[~kept]))
        folds.append(np.full(len(truth), group))
    if not parts:
        return {}, np.array([], dtype=bool), np.array([], dtype=int)
    scores = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return scores, np.concatenate(target), np.concatenate(folds)


def _folds(inside: Bools) -> NDArray[np.int_]:
    """A fold for each row, both kinds dealt evenly; one fold where a kind has a single row."""
    count = min(FOLDS, int(inside.sum()), int((~inside).sum()))
    folds = np.zeros(len(inside), dtype=int)
    if count > 1:
        for kind in (inside, ~inside):
            folds[kind] = np.random.default_rng(0).permutation(int(kind.sum())) % count
    return folds


def _auroc(scores: Floats, inside: Bools, folds: NDArray[np.int_]) -> float:
    """Mean area over the folds that have both kinds of rows, in [0, 1]."""
    areas = [
        roc_auc_score(inside[folds == fold], scores[folds == fold])
        for fold in np.unique(folds)
        if inside[folds == fold].any() and not inside[folds == fold].all()
    ]
    return float(np.mean(areas)) if areas else 0.5


def _logistic(scores: Floats, inside: Bools, weights: Floats) -> tuple[Floats, float]:
    """Factors (S,) and bias of log-odds; both kinds of rows count alike."""
    scale = scores.std(axis=0) + 1e-9
    middle = scores.mean(axis=0)
    model = LogisticRegression(class_weight="balanced").fit(
        (scores - middle) / scale, inside, sample_weight=weights
    )
    factors = model.coef_[0] / scale
    return factors, float(model.intercept_[0] - middle @ factors)
