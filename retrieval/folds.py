"""Folds of labelled questions: those that the same passages answer stay together."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.questions import Question

FOLDS = 5


def groups_of(questions: Sequence[Question]) -> NDArray[np.int64]:
    """A number for each question (n,), the same where the same passages answer it.

    Questions that nothing answers, and all questions where there are fewer than five sets of
    passages, are each their own.
    """
    relevant = {question.relevant for question in questions if question.relevant}
    if len(relevant) < FOLDS:
        return np.arange(len(questions))
    numbers: dict[object, int] = {}
    keys = [q.relevant or (place, q.text) for place, q in enumerate(questions)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])


def folds_of(groups: NDArray[np.int64], folds: int = FOLDS) -> NDArray[np.int64]:
    """A fold for each question (n,); the same on every machine, groups stay together."""
    unique = np.unique(groups)
    order = sorted(unique, key=lambda group: (zlib.crc32(str(group).encode()), group))
    place = {group: number % folds for number, group in enumerate(order)}
    return np.array([place[group] for group in groups])
