"""Measuring a search on labelled questions, and fitting its two numbers on them."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from data.errors import LogFormatError
from data.schema import Passage
from retrieval.filters import Filter
from retrieval.fusion import DENSE_ONLY
from retrieval.index import Index
from retrieval.questions import Question

WEIGHTS = (DENSE_ONLY, 0.9, 0.8, 0.7, 0.6, 0.5)
DEPTH = 10
_WORTH = 0.005  # fusion must gain so much of mean reciprocal rank to be used


def evaluate(
    index: Index,
    questions: Sequence[Question],
    kinds: Collection[str] | None = None,
    vectors: NDArray[np.float32] | None = None,
) -> dict[str, float]:
    """Ranking of the answerable questions and refusal of the others, each in [0, 1].

    Args:
        index: What is searched.
        questions: Labelled ones.
        kinds: Search only passages of these kinds.
        vectors: Of the answerable questions, (n, D), where the caller has them.

    Returns:
        `recall_at_1`, `_3`, `_5` (a relevant one among the first), `mrr` and `ndcg_at_10` over the
        answerable questions; `refused` the share of unanswerable ones that are refused; `answered`
        the share of answerable ones that are not.

    Raises:
        LogFormatError: If a relevant id is not in the index, or there is no question.
    """
    _check_ids(index, questions)
    known = [question for question in questions if question.relevant]
    unknown = [question for question in questions if not question.relevant]
    found = _searched(index, known, DEPTH, kinds, vectors)
    hits = [
        np.array([passage.id in question.relevant for passage in passages] + [False] * DEPTH)[
            :DEPTH
        ]
        for question, passages in zip(known, found, strict=True)
    ]
    discount = 1 / np.log2(np.arange(DEPTH) + 2)
    ideal = [discount[: len(question.relevant)].sum() for question in known]
    refused = [not index.answerable(passages) for passages in _searched(index, unknown, 1, kinds)]
    return {
        "n": len(questions),
        "recall_at_1": _mean([bool(hit[:1].any()) for hit in hits]),
        "recall_at_3": _mean([bool(hit[:3].any()) for hit in hits]),
        "recall_at_5": _mean([bool(hit[:5].any()) for hit in hits]),
        "mrr": _mean([1 / (1 + hit.argmax()) if hit.any() else 0.0 for hit in hits]),
        "ndcg_at_10": _mean(
            [(hit * discount).sum() / best for hit, best in zip(hits, ideal, strict=True)]
        ),
        "refused": _mean(refused),
        "answered": _mean([index.answerable(passages) for passages in found]),
    }


def fit(
    index: Index, questions: Sequence[Question], name: str, kinds: Collection[str] | None = None
) -> Index:
    """Choose fusion weight and threshold on labelled questions, then write both to the manifest.

    Words are fused in only where that gains mean reciprocal rank here. The threshold gives the best
    mean of answerable questions answered by a right first passage and unanswerable ones refused.

    Raises:
        LogFormatError: If a relevant id is not in the index, or there is no question.
    """
    _check_ids(index, questions)
    known = [question for question in questions if question.relevant]
    vectors = index.encoder.encode([question.text for question in known])
    scores = {
        weight: evaluate(index.weighted(weight), known, kinds, vectors)["mrr"] for weight in WEIGHTS
    }
    best = max(WEIGHTS, key=lambda weight: scores[weight])
    weight = best if scores[best] >= scores[DENSE_ONLY] + _WORTH else DENSE_ONLY
    fused = index.weighted(weight)
    tops = list(zip(questions, _searched(fused, questions, 1, kinds), strict=True))
    top_scores = np.array([passages[0].score if passages else 0.0 for _, passages in tops])
    right = np.array([bool(ps) and ps[0].id in q.relevant for q, ps in tops])
    answerable = np.array([bool(question.relevant) for question, _ in tops])
    threshold = 0.0
    if not answerable.all():
        cuts = np.unique(np.concatenate([[0.0], top_scores, top_scores + 1e-6]))
        value = [
            (right & (top_scores >= cut)).sum() / max(answerable.sum(), 1)
            + (top_scores[~answerable] < cut).mean()
            for cut in cuts
        ]
        # The middle of the stretch of cuts around the best that are as good.
        good = np.array(value) >= max(value) - 0.005
        first = last = int(np.argmax(value))
        while first > 0 and good[first - 1]:
            first -= 1
        while last + 1 < len(cuts) and good[last + 1]:
            last += 1
        threshold = float(cuts[first : last + 1].mean())
    counts = f"{name}: {answerable.sum()} answerable, {(~answerable).sum()} unanswerable questions"
    return index.refit(weight, threshold, counts)


def _searched(
    index: Index,
    questions: Sequence[Question],
    k: int,
    kinds: Collection[str] | None,
    vectors: NDArray[np.float32] | None = None,
) -> list[list[Passage]]:
    """What is found for each question; all are encoded together."""
    if vectors is None:
        vectors = index.encoder.encode([question.text for question in questions])
    where = None if kinds is None else Filter.of({"kind": kinds})
    return [
        index.search(question.text, k, where=where, vector=vector)
        for question, vector in zip(questions, vectors, strict=True)
    ]


def _check_ids(index: Index, questions: Sequence[Question]) -> None:
    if not questions:
        raise LogFormatError("no question to measure on; check the file")
    known = {passage.id for passage in index.passages}
    for question in questions:
        missing = question.relevant - known
        if missing:
            raise LogFormatError(
                f"relevant id {sorted(missing)[0]!r} is not in the index {index.root}; "
                "index its source too"
            )


def _mean(values: Sequence[float] | Sequence[bool]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
