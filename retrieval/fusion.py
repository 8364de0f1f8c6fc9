"""One score in [0, 1] from what both halves of a search say of a passage.

Source: a convex combination of scores, which Bruch et al. 2023 (arXiv:2210.11934) found better than
reciprocal-rank fusion once a few labelled questions set its weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

HALF = 10.0  # the BM25 score that counts as 0.5: scores have no upper end


@dataclass(frozen=True, slots=True)
class Fusion:
    """How much each part of a score weighs; fitted by `retrieval.evaluate.fitted`.

    `dense` in [0, 1] is the vectors' part, the words have the rest. `whole` in [0, 1] is, within
    the vectors' part, that of the passage's own row; the closest of all its rows has the rest: a
    known question, its title, a sentence. `focused` vectors are looked at through what the rows
    teach, see `retrieval.focus`; `whole` is then the part of the centre of all the passage's rows.
    `topics` in [0, 1] is the part of the agreement in topics, see `retrieval.topics`; all of the
    above has the rest.
    """

    dense: float = 1.0
    whole: float = 0.0
    focused: bool = False
    topics: float = 0.0

    def __post_init__(self) -> None:
        for name in ("dense", "whole", "topics"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")


DENSE_ONLY = Fusion()
# Nothing in these was fitted; whatever else is chosen must gain over the best of them.
HALVES = (DENSE_ONLY, Fusion(whole=1.0), Fusion(dense=0.0))
WORDS_ONLY = HALVES[2]
FUSIONS = (
    *HALVES,
    *(
        Fusion(dense, whole)
        for dense in (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3)
        for whole in (0.0, 0.4, 0.7, 1.0)
        if Fusion(dense, whole) not in HALVES
    ),
)  # what a fit tries
FOCUSED = tuple(
    Fusion(fusion.dense, fusion.whole, focused=True) for fusion in FUSIONS if fusion.dense
)  # what a fit tries beside them, where the rows teach a focus
# The topics' part where turns teach them. Chosen on the sample company's fitting questions: 0.15
# refuses less, with 0.45 the first passage is right less often.
TOPICS = 0.3


def with_topics(fusions: Sequence[Fusion]) -> tuple[Fusion, ...]:
    """The fusions, and each of them beside topics."""
    return (*fusions, *(replace(fusion, topics=TOPICS) for fusion in fusions))


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a search says of n passages before it is weighed; all (n,), arguments of `scores`.

    `places` are the passages' places in the index, ascending.
    """

    places: NDArray[np.int64]
    whole: NDArray[np.float32]
    closest: NDArray[np.float64]
    words: NDArray[np.float64]
    topics: NDArray[np.float64]


def scores(
    fusion: Fusion,
    whole: ArrayLike,
    closest: ArrayLike,
    words: ArrayLike,
    topics: ArrayLike = 0.0,
) -> NDArray[np.float64]:
    """Scores (n,) in [0, 1] of n passages.

    Args:
        fusion: The weights.
        whole: Cosine of the question and each passage's own row or centre (n,), in [-1, 1].
        closest: The highest cosine of its rows (n,), in [-1, 1].
        words: The highest BM25 score of its rows (n,), at least 0.
        topics: How far they agree in what they are about (n,), in [0, 1].
    """
    own, best = np.clip(whole, 0, 1), np.clip(closest, 0, 1)
    matched = np.asarray(words, dtype=np.float64)
    vectors = fusion.whole * own + (1 - fusion.whole) * best
    near = fusion.dense * vectors + (1 - fusion.dense) * matched / (matched + HALF)
    return np.asarray((1 - fusion.topics) * near + fusion.topics * np.asarray(topics))
