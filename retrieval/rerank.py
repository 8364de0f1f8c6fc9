"""A second look at what a search found: slower than vectors, and closer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data.schema import Passage
from retrieval.passages import embedding_text
from retrieval.protocols import Reranker

DEPTH = 20  # passages that are read again


def reranked(
    question: str, passages: Sequence[Passage], reranker: Reranker, k: int
) -> list[Passage]:
    """The best `k` of the passages as the reranker sees them, with its scores in [0, 1].

    Args:
        question: What is asked.
        passages: What a search found, best first; its order decides between equal scores.
        reranker: Reads the question and each passage together.
        k: How many at most.
    """
    if not passages:
        return []
    scores = reranker.scores(question, [embedding_text(passage) for passage in passages])
    order = np.argsort(-scores, kind="stable")[:k]
    return [replace(passages[place], score=float(scores[place])) for place in order]
