"""A second look at what a search found: slower than vectors, closer where trained on enough."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Passage
from retrieval.passages import embedding_text
from retrieval.protocols import Reranker

DEPTH = 20  # passages that are read again
WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)  # what a fit tries
_WORTH = 0.002  # of mean reciprocal rank: what a weight must gain over none

Scores = NDArray[np.floating[Any]]


def reranked(
    question: str,
    passages: Sequence[Passage],
    reranker: Reranker,
    k: int,
    weight: float = 1.0,
) -> list[Passage]:
    """The best `k` of the passages as the reranker and the search see them, scores in [0, 1].

    Args:
        question: What is asked.
        passages: What a search found, best first; its order decides between equal scores.
        reranker: Reads the question and each passage together.
        k: How many at most.
        weight: Of the reranker's scores, in [0, 1]; the search's have the rest. See `fit_weight`.
    """
    if not passages:
        return []
    return mixed(passages, second_look(question, passages, reranker), weight)[:k]


def second_look(question: str, passages: Sequence[Passage], reranker: Reranker) -> Scores:
    """The reranker's scores (n,) in [0, 1] of n passages."""
    return reranker.scores(question, [embedding_text(passage) for passage in passages])


def mixed(passages: Sequence[Passage], second: Scores, weight: float) -> list[Passage]:
    """All passages by (1 - weight) of their own score and `weight` of the second (n,)."""
    first = np.array([passage.score for passage in passages])
    scores = second if weight == 1 else (1 - weight) * first + weight * second
    order = np.argsort(-scores, kind="stable")
    return [replace(passages[place], score=float(scores[place])) for place in order]


def fit_weight(
    found: Sequence[Sequence[Passage]], second: Sequence[Scores], relevant: Sequence[frozenset[str]]
) -> float:
    """The weight of the highest mean reciprocal rank; 0 where none gains enough over the search.

    Args:
        found: What a search found for each of n questions, best first.
        second: The reranker's scores of those, which was not trained on the questions.
        relevant: The ids that answer each question.
    """
    worth = [
        np.mean([
            reciprocal(mixed(passages, scores, weight), ids)
            for passages, scores, ids in zip(found, second, relevant, strict=True)
        ])
        for weight in WEIGHTS
    ]  # fmt: skip
    best = int(np.argmax(worth))
    return WEIGHTS[best] if worth[best] >= worth[0] + _WORTH else 0.0


def reciprocal(passages: Sequence[Passage], ids: frozenset[str]) -> float:
    """One by the place of the first that answers, from 1; 0 where none does."""
    places = (place for place, passage in enumerate(passages, 1) if passage.id in ids)
    return 1 / next(places, float("inf"))
