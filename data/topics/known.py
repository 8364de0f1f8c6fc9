"""Which topics are intents that are already known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import LogFormatError
from data.rows import read_rows
from data.topics.clusters import Labels, centres_of
from data.topics.texts import cell_text
from data.topics.vectors import Vectors, shuffled, unit


def read_known(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of a labelled table, rows without either passed over.

    Raises:
        LogFormatError: If a column is missing, or no label has two rows.
    """
    texts, labels = [], []
    for row in read_rows(path):
        text, label = (cell_text(row.values, name, row.where) for name in ("text", "label"))
        if text and label:
            texts.append(text)
            labels.append(label)
    if len(set(labels)) == len(labels):
        raise LogFormatError(
            f"{path}: no label has two rows; --known needs labelled rows of the intents you have"
        )
    return texts, labels


def known_topics(
    texts: Sequence[str],
    labels: Sequence[str],
    vectors: Vectors,
    topics: Vectors,
    assigned: Labels,
    count: int,
) -> list[str]:
    """For each topic the known intent that it is, "" where it is none of them.

    Half of each intent's rows play a topic. How near its centre is to that of the other half, and
    to the nearest centre of another intent, gives the least cosine for "the same": the cut that
    tells the two kinds apart most often (balanced accuracy).

    Args:
        texts: m labelled ones.
        labels: Their intents.
        vectors: The encoder's, (m, D).
        topics: The encoder's vectors of the n turns, (n, D).
        assigned: Topics of the turns, (n,).
        count: Number of topics.
    """
    names, places = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)
    middle = vectors.mean(axis=0)  # what all turns share would make any two look alike
    rows = unit(vectors - middle)
    least = _least(texts, rows, places.ravel(), len(names))
    near = (
        centres_of(unit(topics - middle), assigned, count)
        @ centres_of(rows, places.ravel(), len(names)).T
    )
    best = near.argmax(axis=1)
    return [
        str(names[intent]) if near[topic, intent] >= least else ""
        for topic, intent in enumerate(best)
    ]


def _least(texts: Sequence[str], rows: Vectors, places: Labels, count: int) -> float:
    """The least cosine, in [-1, 1], at which two centres are of one intent."""
    half = np.zeros(len(rows), dtype=np.intp)
    seen = np.zeros(count, dtype=np.intp)
    for row in shuffled(texts, "halves"):
        half[row] = seen[places[row]] % 2
        seen[places[row]] += 1
    two = seen >= 2
    first, second = (centres_of(rows[half == side], places[half == side], count) for side in (0, 1))
    near = first @ second.T
    same = np.diag(near)[two]
    np.fill_diagonal(near, -1.0)
    others = near.max(axis=1)[two] if count > 1 else np.array([-1.0])
    return _cut_between(same, others)


def _cut_between(same: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """The value that tells the two apart most often; in the middle of a gap where there is one."""
    edges = np.unique(np.concatenate([same, others]))
    cuts = np.concatenate([edges[:1], (edges[:-1] + edges[1:]) / 2])
    right = [(same >= cut).mean() + (others < cut).mean() for cut in cuts]
    best = np.flatnonzero(np.isclose(right, max(right)))
    return float(cuts[best[len(best) // 2]])
