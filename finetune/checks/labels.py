"""Rows whose label a model that never saw them disagrees with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from data.schema import Example
from finetune.confidence.scaling import best_temperature
from finetune.head import deal, fold_scores

Floats = NDArray[np.floating[Any]]
FOLDS = 5
C = 5.0  # inverse regularization; a weaker head than the one that is served, or it believes errors
MOST = 100  # rows to show: more than that nobody reads


def suspicious_labels(
    vectors: Floats, labels: Sequence[str], examples: Sequence[Example], seed: int
) -> list[dict[str, Any]]:
    """Rows that are probably labelled wrongly, the surest first, at most MOST.

    A row is one where another label is as probable as it is on average in rows that carry it, more
    probable than the row's own label, and the own label less probable than in others of its rows.
    Probabilities come from logistic heads that were fitted without the row, and are calibrated.

    Args:
        vectors: (n, D), unit length, of the texts.
        labels: n labels as given, one a row.
        examples: The n rows, for their text and place.
        seed: Of the folds.

    Returns:
        `text`, `label`, `suggested`, `confidence` in [0, 1] (of what is suggested), `where`.

    Source: confident learning, Northcutt et al. 2021, https://arxiv.org/abs/1911.00068
    """
    names = sorted(set(labels))
    numbers = {name: number for number, name in enumerate(names)}
    given = np.array([numbers[label] for label in labels])
    if len(names) < 2:
        return []
    own, other, suggested, means = _judged(_out_of_fold(vectors, given, len(names), seed), given)
    # Of a label's only row nothing can be told: the head was fitted without that label.
    known = np.bincount(given, minlength=len(names))[given] > 1
    suspect = known & (other > own) & (other >= means[suggested]) & (own < means[given])
    ranked = sorted(np.flatnonzero(suspect).tolist(), key=lambda row: (own[row] - other[row], row))
    return [
        {
            "text": examples[row].text,
            "label": names[given[row]],
            "suggested": names[suggested[row]],
            "confidence": round(float(other[row]), 4),
            "where": examples[row].where,
        }
        for row in ranked[:MOST]
    ]


def suspicious_sets(
    probabilities: Floats,
    marks: NDArray[np.bool_],
    labels: Sequence[str],
    examples: Sequence[Example],
) -> list[dict[str, Any]]:
    """Rows of several labels that probably have one too few or too many, the surest first.

    A label is missing from a row where it is as probable there as it is on average in the rows
    that carry it; it is too many where its absence is as probable as in those that lack it.

    Args:
        probabilities: (n, K) of models that did not see the rows, each label on its own.
        marks: (n, K) which labels the rows have.
        labels: The K names.
        examples: The n rows.

    Returns:
        As suspicious_labels; `label` and `suggested` are sets of labels, joined by `|`.
    """
    given = np.where(marks, probabilities, 1 - probabilities)  # how probable what is given is
    means = np.stack(
        [(given * kind).sum(axis=0) / np.maximum(kind.sum(axis=0), 1) for kind in (~marks, marks)]
    )
    # The other way round it must be as probable as it is where it is given.
    suspect = (given < 0.5) & (1 - given >= np.where(marks, means[0], means[1]))
    ranked = sorted(np.argwhere(suspect).tolist(), key=lambda cell: (given[tuple(cell)], cell))
    found = []
    for row, place in ranked[:MOST]:
        own = {labels[each] for each in np.flatnonzero(marks[row]).tolist()}
        found.append(
            {
                "text": examples[row].text,
                "label": "|".join(sorted(own)),
                "suggested": "|".join(sorted(own ^ {labels[place]})),
                "confidence": round(float(1 - given[row, place]), 4),
                "where": examples[row].where,
            }
        )
    return found


def _judged(
    logits: Floats, given: NDArray[np.int_]
) -> tuple[Floats, Floats, NDArray[np.int_], Floats]:
    """How probable the given label is (n,), the best other one (n,), which that is (n,).

    And of each label, the mean probability in the rows that carry it (K,).
    """
    rows = np.arange(len(given))
    probabilities = softmax(logits / best_temperature(logits, given), axis=1)
    own = probabilities[rows, given]
    count = np.bincount(given, minlength=logits.shape[1])
    means = np.bincount(given, weights=own, minlength=logits.shape[1]) / np.maximum(count, 1)
    probabilities[rows, given] = -1.0
    suggested = probabilities.argmax(axis=1)
    return own, probabilities[rows, suggested], suggested, means


def _out_of_fold(vectors: Floats, given: NDArray[np.int_], labels: int, seed: int) -> Floats:
    """Logits (n, K), each row's of a head that did not see it."""
    # Every fold is judged here, unlike where C is chosen.
    folds, _ = deal(given, FOLDS, seed)
    logits = np.zeros((len(given), labels))
    for fold in np.unique(folds):
        kept, held = folds != fold, folds == fold
        logits[held] = fold_scores(vectors[kept], given[kept], vectors[held], labels, C)
    return logits
