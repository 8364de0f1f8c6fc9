"""Rows that stay when a passage is added again as it was: nothing is encoded twice for its place.

A line that is put in at the top of a file moves every passage below it. What those say is what they
said, so that their vectors hold, and the known questions that lead to them do too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.schema import Passage
from retrieval.index import Index
from retrieval.rows import encoded

_PLACES = ("line", "page")  # metadata that tells where in its file a passage stands


@dataclass(frozen=True, slots=True)
class Carried:
    """A passage's rows in an index: the vector (D,) of its own, and of each further one by text."""

    own: NDArray[np.float32]
    further: dict[str, NDArray[np.float32]]


def carried(index: Index, passages: Sequence[Passage]) -> dict[str, Carried]:
    """The rows, by id, of those passages whose text and title are as the index has them."""
    given = {passage.id: passage for passage in passages}
    kept: dict[str, Carried] = {}
    for segment in index.segments:
        same = {
            place: identity
            for identity, place in segment.places_of(given).items()
            if _searched_alike(segment.passage(place), given[identity])
        }
        if not same:
            continue
        places = np.array(sorted(same), dtype=np.int64)
        for place, vector in zip(places.tolist(), segment.vectors.of(places), strict=True):
            kept[same[place]] = Carried(vector, {})
        extras = segment.extras_of(places)
        if extras:
            vectors = segment.vectors.of(np.array([row for row, _, _ in extras], dtype=np.int64))
            for (_, text, place), vector in zip(extras, vectors, strict=True):
                kept[same[place]].further[text] = vector
    return kept


def encoded_beside(
    kept: Mapping[str, Carried],
    passages: Sequence[Passage],
    extras: Sequence[tuple[str, int]],
    encoder: Encoder,
) -> tuple[list[tuple[str, int]], NDArray[np.float32]]:
    """All further rows, those that are kept among them, and the vectors of all rows.

    Args:
        kept: Of `carried`; the others are encoded.
        passages: n of them.
        extras: (text, place of its passage) of further rows; one that is kept is not given twice.
        encoder: What the index was built with.

    Returns:
        The m further rows, and vectors (n + m, D), the passages' own first.
    """
    old = [
        (text, place, vector)
        for place, passage in enumerate(passages)
        if passage.id in kept
        for text, vector in kept[passage.id].further.items()
    ]
    there = {(text, place) for text, place, _ in old}
    new = [extra for extra in extras if extra not in there]
    unknown = [passage for passage in passages if passage.id not in kept]
    vectors = encoded(unknown, new, encoder)
    fresh = iter(vectors)
    own = [kept[each.id].own if each.id in kept else next(fresh) for each in passages]
    rows = [*own, *(vector for _, _, vector in old), *fresh]
    further = [(text, place) for text, place, _ in old] + new
    return further, np.stack(rows) if rows else vectors


def is_as_it_was(passage: Passage, before: Passage) -> bool:
    """Whether a passage says the same of the same; it may stand at another place of its file."""
    return _without_place(passage) == _without_place(before)


def _searched_alike(passage: Passage, other: Passage) -> bool:
    return (passage.title, passage.text, passage.metadata.get("kind")) == (
        other.title, other.text, other.metadata.get("kind"),
    )  # fmt: skip


def _without_place(passage: Passage) -> Passage:
    metadata = {key: value for key, value in passage.metadata.items() if key not in _PLACES}
    return replace(passage, source="", metadata=metadata)
