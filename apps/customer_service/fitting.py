"""Fitting how probable it is that a passage answers, on questions whose answers are known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from apps.customer_service.fitness import FEATURES, Features, Fitness, Floats, softmax
from data.errors import LogFormatError
from finetune.intent_model import IntentModel
from finetune.ner_model import NerModel
from retrieval.index import Index
from retrieval.questions import Question

DEPTH = 12  # passages that compete for a question
WRONG_COST = 1.5  # a wrong answer is as bad as so many questions that are passed on
FOLDS, TIMES = 5, 4
_PULL = 1e-4  # of the weights' squares, towards 0
_START = (20.0, 3.0, 8.0, 0.0, 0.0, 12.0)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question's features (m, FEATURES), and which of the m passages answer it."""

    features: Floats
    answers: NDArray[np.bool_]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was fitted, and its shares in [0, 1] of questions that the weights were not fitted on.

    `right` and `wrong` are of the answerable ones; `refused` of those that nothing answers.
    """

    fitness: Fitness
    answerable: int
    unanswerable: int
    right: float
    wrong: float
    refused: float

    def values(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def labelled(
    questions: Sequence[Question], index: Index, intents: IntentModel, entities: NerModel
) -> list[Labelled]:
    """The questions as the bot would see them."""
    features = Features(intents)
    texts = [question.text for question in questions]
    rows = []
    for question, read, found in zip(
        questions, intents.predict(texts), entities.predict(texts), strict=True
    ):
        passages = index.search(question.text, DEPTH)
        rows.append(
            Labelled(
                features.of(index, question.text, read, found, passages),
                np.array([each.id in question.relevant for each in passages], dtype=np.bool_),
                bool(question.relevant),
            )
        )
    return rows


def fit(rows: Sequence[Labelled], name: str) -> Fitted:
    """Weights of all rows; the threshold is the best for rows that the weights were not fitted on.

    Args:
        rows: Questions, answerable and not.
        name: What they are called.

    Raises:
        LogFormatError: If one kind is missing.
    """
    known = np.array([row.answerable for row in rows], dtype=np.bool_)
    if not 0 < known.sum() < len(rows):
        raise LogFormatError(
            f"{name}: questions are needed that a passage answers, and some that nothing does"
        )
    chances, right = np.zeros((TIMES, len(rows))), np.zeros((TIMES, len(rows)), dtype=np.bool_)
    for time in range(TIMES):
        folds = np.random.default_rng(time).permutation(len(rows)) % FOLDS
        for fold in range(FOLDS):
            rest = [row for row, part in zip(rows, folds, strict=True) if part != fold]
            fitted = _fitness(rest, 0.0)
            for place in np.flatnonzero(folds == fold).tolist():
                chances[time, place], right[time, place] = _said(rows[place], fitted)
    threshold = _threshold(chances.ravel(), right.ravel())
    answered = chances >= threshold
    counts = f"{name}: {known.sum()} answerable, {(~known).sum()} unanswerable questions"
    return Fitted(
        _fitness(rows, threshold, counts),
        int(known.sum()),
        int((~known).sum()),
        float((answered & right)[:, known].mean()),
        float((answered & ~right)[:, known].mean()),
        float((~answered)[:, ~known].mean()),
    )


def _said(row: Labelled, fitness: Fitness) -> tuple[float, bool]:
    """How probable the answer to a question is, and whether it is right."""
    if not len(row.answers):
        return 0.0, False
    chances = fitness.probabilities(row.features)
    said = fitness.said(chances)
    return float(chances[said].sum()), bool(row.answers[said].any())


def _threshold(chances: Floats, right: NDArray[np.bool_]) -> float:
    """The probability from which on answering gains most, a wrong answer costing WRONG_COST."""
    order = np.argsort(-chances, kind="stable")
    gains = np.cumsum(np.where(right[order], 1.0, -WRONG_COST))
    last = int(gains.argmax())
    sums = [*chances[order].tolist(), 0.0]
    return float(sums[last] + sums[last + 1]) / 2


def _fitness(rows: Sequence[Labelled], threshold: float, fitted_on: str = "") -> Fitness:
    """The weights of FEATURES and of `none`, by maximum likelihood.

    A question whose answer was not found tells nothing.
    """
    told = [row for row in rows if row.answers.any() or not row.answerable]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = _PULL * float(weights @ weights), 2 * _PULL * weights
        for row in told:
            features = np.zeros((len(row.features) + 1, len(FEATURES) + 1))
            features[:-1, :-1], features[-1, -1] = row.features, 1
            chances = softmax(features @ weights)
            is_right = np.append(row.answers, not row.answerable)
            share = np.where(is_right, chances, 0) / chances[is_right].sum()
            total -= np.log(chances[is_right].sum()) / len(told)
            slope += (chances - share) @ features / len(told)
        return total, slope

    found = minimize(loss, np.array(_START), jac=True, method="L-BFGS-B")
    weights = dict(zip((*FEATURES, "none"), found.x.tolist(), strict=True))
    return Fitness(**weights, threshold=threshold, fitted_on=fitted_on)
