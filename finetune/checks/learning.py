"""Would more labelled rows help? A quick model's score on validation by how many rows it had."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.head import Head, fold_scores

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int_]
SHARES = (0.1, 0.25, 0.5)  # of the training rows, beside all of them
_FEWEST = 10  # rows that a point stands on


@dataclass(frozen=True, slots=True)
class Learning:
    """Of a metric its values by training rows, (rows, value), fewest rows first."""

    metric: str
    points: tuple[tuple[int, float], ...]


def learned(metric: str, rows: int, score: Callable[[Ints], float], seed: int) -> Learning:
    """The scores of a quick model on shares of the training rows, and on all of them.

    Args:
        metric: What `score` gives.
        rows: How many training rows there are.
        score: Trains on the rows at some places (m,) and scores on validation.
        seed: Of the draw; a smaller share lies within each larger one.
    """
    order = np.random.default_rng(seed).permutation(rows)
    counts = [count for share in SHARES if (count := round(share * rows)) >= _FEWEST]
    return Learning(metric, tuple((count, score(order[:count])) for count in (*counts, rows)))


def learning_curve(
    vectors: Floats,
    gold: Sequence[str],
    head: Head,
    validation: Floats,
    validation_gold: Sequence[str],
    seed: int,
) -> Learning | None:
    """Accuracy of the logistic head on the untuned encoder; None without validation rows.

    Regularization is that of `head`, which was fitted on all rows. Rows of validation whose label
    training lacks count as wrong.

    Args:
        vectors: Of the training rows (n, D).
        gold: n labels.
        head: Fitted on all of them.
        validation: Vectors (m, D) of rows that it was not fitted on.
        validation_gold: m labels.
        seed: Of the draw.
    """
    if not len(validation):
        return None
    places = {label: place for place, label in enumerate(head.labels)}
    target = np.array([places[label] for label in gold])
    wanted = np.array([places.get(label, -1) for label in validation_gold])

    def accuracy(rows: Ints) -> float:
        if len(rows) == len(target):
            logits = head.logits(validation)
        else:
            logits = fold_scores(vectors[rows], target[rows], validation, len(head.labels), head.c)
        return float((logits.argmax(axis=1) == wanted).mean())

    return learned("accuracy", len(target), accuracy, seed)
