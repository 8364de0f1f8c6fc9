"""Measuring a search on labelled questions, and fitting its weights and its decision on them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.encoders import question_vectors
from data.errors import LogFormatError
from data.schema import Passage
from retrieval.cutoff import Curve, curve_of, fit_decision
from retrieval.decision import Fit
from retrieval.filters import Filter
from retrieval.folds import folds_of, groups_of
from retrieval.fusion import (
    DENSE_ONLY,
    FOCUSED,
    FUSIONS,
    HALVES,
    Candidates,
    Fusion,
    scores,
    with_topics,
)
from retrieval.index import Index
from retrieval.questions import Question
from retrieval.topics import LabelledTurns

DEPTH = 10
_WORTH = 0.002  # of a table's mean: what a choice must gain on questions that it did not see


@dataclass(frozen=True, slots=True)
class Measured:
    """What `measure` gives.

    `metrics` are `n`, and in [0, 1] `recall_at_1`, `_3`, `_5` (a relevant one among the first),
    `mrr` and `ndcg_at_10` over the answerable questions, `refused`, the share of unanswerable ones
    that are refused, and `answered`, that of answerable ones that are not. `curve` tells how right
    and how complete answers are by the threshold; `found` holds the passages of each question, in
    the questions' order.
    """

    metrics: dict[str, float]
    curve: Curve
    found: list[list[Passage]]


@dataclass(frozen=True, slots=True)
class Seen:
    """Of m passages which answer a question, and which are about the same as those do (m,)."""

    candidates: Candidates
    is_right: NDArray[np.bool_]
    is_akin: NDArray[np.bool_]


def measure(index: Index, questions: Sequence[Question]) -> Measured:
    """Ranking of the answerable questions and refusal of the others.

    Raises:
        LogFormatError: If a relevant id is not in the index, or there is no question.
    """
    _check_ids(index, questions)
    found = _searched(index, questions)
    hits = [_hits(question, passages) for question, passages in zip(questions, found, strict=True)]
    answers = np.array([index.answerable(passages) for passages in found])
    known = np.array([bool(question.relevant) for question in questions])
    ranked = [hit for hit, asked in zip(hits, known, strict=True) if asked]
    discount = 1 / np.log2(np.arange(DEPTH) + 2)
    ideal = [discount[: len(each.relevant)].sum() for each in questions if each.relevant]
    metrics = {
        "n": len(questions),
        "recall_at_1": _mean([bool(hit[:1].any()) for hit in ranked]),
        "recall_at_3": _mean([bool(hit[:3].any()) for hit in ranked]),
        "recall_at_5": _mean([bool(hit[:5].any()) for hit in ranked]),
        "mrr": _mean([_reciprocal(hit) for hit in ranked]),
        "ndcg_at_10": _mean(
            [(hit * discount).sum() / best for hit, best in zip(ranked, ideal, strict=True)]
        ),
        "refused": _mean(~answers[~known]),
        "answered": _mean(answers[known]),
    }
    right = np.array([bool(hit[0]) for hit in hits])
    values = np.array([index.manifest.decision.value(passages) for passages in found])
    return Measured(metrics, curve_of(values, right, known), found)


def fitted(
    index: Index,
    questions: Sequence[Question],
    name: str,
    kinds: Collection[str] | None = None,
    fusions: Sequence[Fusion] = (*FUSIONS, *FOCUSED),
    turns: LabelledTurns | None = None,
) -> Fit:
    """Choose weights and decision on labelled questions; nothing is written.

    Words, further rows, focus and topics are weighed in only where that sets what answers further
    apart from what does not, on questions that the weights were not chosen on: see `apart_table`
    and `choose`. The decision gives the best mean of answerable questions answered by a right first
    passage and unanswerable ones refused.

    Args:
        index: What is searched.
        questions: Labelled ones, not those that are rows of the index.
        name: What they are called in the manifest.
        kinds: Search only passages of these kinds.
        fusions: What is tried, the halves among them; focused ones where the rows teach a focus.
        turns: Turns that people have labelled; each of `fusions` is tried beside their topics too.

    Raises:
        LogFormatError: If a relevant id is not in the index, or there is no question.
    """
    _check_ids(index, questions)
    vectors = question_vectors(index.encoder, [question.text for question in questions])
    if turns is not None:
        index.learn_from(turns)
    known = np.array([bool(question.relevant) for question in questions])
    groups = groups_of(questions)
    fusion = DENSE_ONLY
    if known.any():
        lesson = index.teaches()
        fusions = [each for each in fusions if lesson.focus is not None or not each.focused]
        if lesson.topics is not None:
            fusions = with_topics(fusions)
        weighed = known | (lesson.topics is not None)
        asked = [question for question, there in zip(questions, weighed, strict=True) if there]
        table = apart_table(index, asked, fusions, kinds, vectors[weighed])
        fusion = fusions[choose(table, fusions, groups[known])]
    found = _searched(index.weighted(fusion), questions, kinds, vectors)
    right = np.array(
        [bool(_hits(question, ps)[0]) for question, ps in zip(questions, found, strict=True)]
    )
    counts = f"{name}: {known.sum()} answerable, {(~known).sum()} unanswerable questions"
    return Fit(fusion, fit_decision(found, right, known, groups), counts)


def apart_table(
    index: Index,
    questions: Sequence[Question],
    fusions: Sequence[Fusion],
    kinds: Collection[str] | None = None,
    vectors: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """How far what answers stands above what does not, under each fusion (F, a) in [0, 1].

    For each of a answerable questions the share of all n, itself among them, whose best passage
    that does not answer scores less than the one that answers this question. So each stands for a
    question that nothing answers too, as if its passages were left out of the index; where topics
    are tried, as if all passages were that are about the same.
    """
    right, wrong = np.zeros((2, len(fusions), len(questions)))
    for row, place, found, seen in weighed(index, questions, fusions, kinds, vectors):
        right[place, row] = found[seen.is_right].max(initial=0.0)
        wrong[place, row] = found[~seen.is_akin].max(initial=0.0)
    known = [bool(question.relevant) for question in questions]
    return np.stack([
        np.searchsorted(np.sort(others), answers[known]) / len(questions)
        for answers, others in zip(right, wrong, strict=True)
    ])  # fmt: skip


def weighed(
    index: Index,
    questions: Sequence[Question],
    fusions: Sequence[Fusion],
    kinds: Collection[str] | None = None,
    vectors: NDArray[np.float32] | None = None,
    depth: int = DEPTH,
) -> Iterator[tuple[int, int, NDArray[np.float64], Seen]]:
    """For each question and fusion their places; then scores and what was seen of m passages.

    The m passages are those that may be among the best `depth`.
    """
    if vectors is None:
        vectors = question_vectors(index.encoder, [question.text for question in questions])
    views = {_view(fusion): index.weighted(fusion) for fusion in fusions}
    topics = index.teaches().topics if any(fusion.topics for fusion in fusions) else None
    for row, (question, vector) in enumerate(zip(questions, vectors, strict=True)):
        relevant, seen = index.places(question.relevant), {}
        for key, view in views.items():
            each = view.candidates(question.text, depth, where=_of_kinds(kinds), vector=vector)
            is_right = np.isin(each.places, relevant)
            akin = is_right if topics is None else index.akin(topics, each.places, relevant)
            seen[key] = Seen(each, is_right, is_right | akin)
        for place, fusion in enumerate(fusions):
            each = seen[_view(fusion)].candidates
            found = scores(fusion, each.whole, each.closest, each.words, each.topics)
            yield row, place, found, seen[_view(fusion)]


def _view(fusion: Fusion) -> tuple[bool, bool]:
    """What of a lesson the weights look through: those that look alike share candidates."""
    return fusion.focused, fusion.topics > 0


def choose(table: NDArray[np.float64], fusions: Sequence[Fusion], groups: NDArray[np.int64]) -> int:
    """The fusion to use: the best, if choosing gains over the better half on other questions.

    Args:
        table: Reciprocal ranks, or another worth in [0, 1], higher is better (F, n).
        fusions: What its rows are; the vectors alone are among them.
        groups: A number for each question (n,): those of the same passages have the same.

    Returns:
        A row of `table`. One of `HALVES`, the vectors alone unless another gains `_WORTH`. Or the
        best of all, where the best on four fifths of the groups gains as much over that half on
        the fifth that is left, and more than one standard error of the groups' gains.
    """
    half = list(fusions).index(DENSE_ONLY)
    for place, fusion in enumerate(fusions):
        if fusion in HALVES and table[place].mean() >= table[half].mean() + _WORTH:
            half = place
    folds = folds_of(groups)
    held_out = np.array(table[half], dtype=np.float64)
    for fold in np.unique(folds):
        rest = folds != fold
        if rest.any():
            best = _best(table[:, rest], half)
            held_out[~rest] = table[best, ~rest]
    gains = held_out - table[half]
    by_group = np.array([gains[groups == group].mean() for group in np.unique(groups)])
    doubt = by_group.std() / np.sqrt(len(by_group))
    if gains.mean() < max(_WORTH, doubt):
        return half
    return _best(table, half)


def _best(table: NDArray[np.float64], half: int) -> int:
    means = table.mean(axis=1)
    best = int(np.argmax(means))
    return best if means[best] >= means[half] + _WORTH else half


def _hits(question: Question, passages: Sequence[Passage]) -> NDArray[np.bool_]:
    """Whether each of the first ten passages answers (DEPTH,); False where there are fewer."""
    found = [passage.id in question.relevant for passage in passages[:DEPTH]]
    return np.array(found + [False] * (DEPTH - len(found)))


def _reciprocal(hits: NDArray[np.bool_]) -> float:
    return 1 / (1 + int(hits.argmax())) if hits.any() else 0.0


def _searched(
    index: Index,
    questions: Sequence[Question],
    kinds: Collection[str] | None = None,
    vectors: NDArray[np.float32] | None = None,
) -> list[list[Passage]]:
    """What is found for each question; all are encoded together."""
    if vectors is None:
        vectors = question_vectors(index.encoder, [question.text for question in questions])
    where = _of_kinds(kinds)
    return [
        index.search(question.text, DEPTH, where=where, vector=vector)
        for question, vector in zip(questions, vectors, strict=True)
    ]


def _check_ids(index: Index, questions: Sequence[Question]) -> None:
    relevant = {each for question in questions for each in question.relevant}
    check_ids(questions, index.missing(relevant), index.root)


def check_ids(questions: Sequence[Question], missing: Collection[str], root: Path) -> None:
    """Refuse questions that cannot be measured on.

    Args:
        questions: Labelled ones.
        missing: Ids that no passage has.
        root: The index directory, for the message.

    Raises:
        LogFormatError: If there is no question, or a relevant id is missing.
    """
    if not questions:
        raise LogFormatError("no question to measure on; check the file")
    for question in questions:
        absent = sorted(question.relevant & set(missing))
        if absent:
            raise LogFormatError(
                f"relevant id {absent[0]!r} is not in the index {root}; index its source too"
            )


def _of_kinds(kinds: Collection[str] | None) -> Filter | None:
    return None if kinds is None else Filter.of({"kind": kinds})


def _mean(values: Sequence[float] | Sequence[bool] | NDArray[np.bool_]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
