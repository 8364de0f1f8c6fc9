"""The training rows that lie nearest to a text: what a model may have taken its answer from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Example

NEAREST = 3  # rows to show beside each text


def nearest_rows(
    vectors: NDArray[np.float32], known: NDArray[np.float32], train: Sequence[Example]
) -> list[list[dict[str, Any]]]:
    """The NEAREST training rows of each text, the nearest first.

    Args:
        vectors: (m, D), unit length, of the texts; (0, 0) where there is none.
        known: (n, D), unit length, of the training rows.
        train: The n training rows.

    Returns:
        For each text rows of `text`, `label` and `similarity` (cosine in [-1, 1]).
    """
    found = []
    for vector in vectors:
        similarity = known @ vector
        found.append(
            [
                {
                    "text": train[place].text,
                    "label": shown_label(train[place]),
                    "similarity": round(float(similarity[place]), 4),
                }
                for place in np.argsort(-similarity, kind="stable")[:NEAREST]
            ]
        )
    return found


def shown_label(row: Example) -> str:
    """What a row is labelled with, to read: its label or labels, or its entities."""
    if row.label is not None:
        return row.label
    entities = ", ".join(f"{entity.type} {entity.text}" for entity in row.entities)
    return "|".join(sorted(row.labels)) or entities
