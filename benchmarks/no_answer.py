"""Questions of topics that are left out of an index: are they refused, and are the others answered?

Topics fall into five parts. For each part the search and its decision are fitted on an index that
lacks the part and the next one, with the next one's questions as the unanswerable ones; then they
are measured on an index that lacks the part alone. No question is both fitted and measured on.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking import fit
from benchmarks.stackfaq import indexed
from data.encoders import Encoder
from data.schema import Passage
from retrieval.decision import Fit
from retrieval.evaluate import measure
from retrieval.questions import Question
from retrieval.topics import LabelledTurns

PARTS = 5


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Means over the five parts, each in [0, 1].

    `answered` of the answerable questions got an answer, `right` of them a right one, `refused` of
    those of the topics left out none; `refused_at_90` is what the best threshold would refuse
    while 0.90 are answered. `margins` are those chosen.
    """

    answered: float
    right: float
    refused: float
    refused_at_90: float
    margins: list[float]


def left_out(
    passages: Sequence[Passage],
    topics: Mapping[str, int],
    fitting: Sequence[Question],
    testing: Sequence[Question],
    encoder: Encoder,
    known: Sequence[Question] = (),
    turns: LabelledTurns | None = None,
) -> LeftOut:
    """Measure refusal.

    Args:
        passages: All of them.
        topics: Part 0 to 4 of each passage's id.
        fitting: Questions to fit on; one that nothing answers stays unanswerable.
        testing: Other ones to measure on.
        encoder: Of the index.
        known: Further rows; those of a topic that is left out are left out too.
        turns: Labelled turns that a fit learns topics from.
    """
    rows: list[tuple[float, float, float, float]] = []
    margins = []
    for part in range(PARTS):
        with tempfile.TemporaryDirectory() as name:
            both = {part, (part + 1) % PARTS}
            kept = [passage for passage in passages if topics[passage.id] not in both]
            some = indexed(kept, encoder, Path(name) / "fit", _within(known, kept), titles=True)
            asked = [q for q in fitting if not _of(q, topics, {part})]
            fitted = fit(some, _within(asked, kept, keep=True), "fit", turns=turns).manifest
            kept = [passage for passage in passages if topics[passage.id] != part]
            index = indexed(kept, encoder, Path(name) / "test", _within(known, kept), titles=True)
            if turns is not None:
                index.learn_from(turns)
            index.refit(Fit(fitted.fusion, fitted.decision, "fit"))
            found = measure(index, _within(testing, kept, keep=True))
        margins.append(fitted.margin)
        at = int(np.searchsorted(found.curve.thresholds, fitted.threshold))
        right = found.curve.right[min(at, len(found.curve.right) - 1)]
        rows.append((
            found.metrics["answered"], float(right), found.metrics["refused"],
            found.curve.refused_at(0.9),
        ))  # fmt: skip
    means: NDArray[np.float64] = np.array(rows).mean(axis=0)
    answered, right_ones, refused, at_90 = (float(mean) for mean in means)
    return LeftOut(answered, right_ones, refused, at_90, margins)


def _of(question: Question, topics: Mapping[str, int], parts: set[int]) -> bool:
    return any(topics[identity] in parts for identity in question.relevant)


def _within(
    questions: Sequence[Question], passages: Sequence[Passage], keep: bool = False
) -> list[Question]:
    """Questions with the ids that are left; without `keep` those with none are left out."""
    ids = {passage.id for passage in passages}
    found = [replace(q, relevant=q.relevant & ids) for q in questions]
    return [question for question in found if keep or question.relevant]
