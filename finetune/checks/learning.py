"""Would more labelled rows help? Accuracy on validation by how many training rows there are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.head import Head, fold_scores

Floats = NDArray[np.floating[Any]]
SHARES = (0.1, 0.25, 0.5)  # of the training rows, beside all of them
_FEWEST = 10  # rows that a point stands on


def learning_curve(
    vectors: Floats,
    gold: Sequence[str],
    head: Head,
    validation: Floats,
    validation_gold: Sequence[str],
    seed: int,
) -> list[tuple[int, float]]:
    """Training rows and accuracy of the logistic head on the untuned encoder, fewest rows first.

    A smaller share lies within each larger one, drawn by `seed`; regularization is that of `head`,
    which was fitted on all rows. Rows of validation whose label training lacks count as wrong.

    Args:
        vectors: Of the training rows (n, D).
        gold: n labels.
        head: Fitted on all of them.
        validation: Vectors (m, D) of rows that it was not fitted on.
        validation_gold: m labels.
        seed: Of the draw.
    """
    if not len(validation):
        return []
    places = {label: place for place, label in enumerate(head.labels)}
    target = np.array([places[label] for label in gold])
    wanted = np.array([places.get(label, -1) for label in validation_gold])
    order = np.random.default_rng(seed).permutation(len(target))
    points = []
    for share in SHARES:
        rows = order[: round(share * len(order))]
        if len(rows) >= _FEWEST:
            logits = fold_scores(vectors[rows], target[rows], validation, len(head.labels), head.c)
            points.append((len(rows), float((logits.argmax(axis=1) == wanted).mean())))
    whole = head.logits(validation).argmax(axis=1) == wanted
    return [*points, (len(order), float(whole.mean()))]
