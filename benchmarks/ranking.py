"""An index fitted at once, and the ranks of what answers under many weights."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.evaluate import DEPTH, fitted, weighed
from retrieval.fusion import FOCUSED, FUSIONS, Fusion
from retrieval.index import Index
from retrieval.questions import Question
from retrieval.topics import LabelledTurns


def fit(
    index: Index,
    questions: Sequence[Question],
    name: str,
    fusions: Sequence[Fusion] = (*FUSIONS, *FOCUSED),
    turns: LabelledTurns | None = None,
) -> Index:
    """Choose weights and decision and write both to the manifest; arguments as of `fitted`."""
    return index.refit(fitted(index, questions, name, fusions=fusions, turns=turns))


def rank_table(
    index: Index, questions: Sequence[Question], fusions: Sequence[Fusion], depth: int = DEPTH
) -> NDArray[np.float64]:
    """Reciprocal rank of each answerable question under each fusion (F, n); 0 below `depth`."""
    table = np.zeros((len(fusions), len(questions)))
    for row, place, found, seen in weighed(index, questions, fusions, depth=depth):
        order = np.lexsort((seen.candidates.places, -found))[:depth]
        hits = np.flatnonzero(seen.is_right[order])
        table[place, row] = 1 / (1 + hits[0]) if len(hits) else 0.0
    return table
