"""A text with markers around the two entities of a pair, as token ids.

Source: entity markers, Baldini Soares et al. 2019, https://aclanthology.org/P19-1279; markers that
tell the entity's type, Zhou & Chen 2022, https://aclanthology.org/2022.aacl-short.21
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from data.schema import Entity
from finetune.frames import frame_of

HEAD, HEAD_END, TAIL, TAIL_END = 1, 2, 3, 4  # roles of a marker; 0 is a token of the text
ROLE_WORDS = {HEAD: "@", HEAD_END: "@", TAIL: "#", TAIL_END: "#"}  # what a marker starts out as
Pair = tuple[Entity, Entity]  # head, tail


@dataclass(frozen=True, slots=True)
class Marked:
    """Token ids (T) and marks (T, 2): a marker's role and type, both 0 for a token of the text."""

    ids: list[int]
    marks: NDArray[np.int64]


def marks_of(text: str, marked: Marked) -> NDArray[np.int64]:
    """The marks (T, 2): a feature of OnnxText."""
    return marked.marks


class Marker:
    """Marks pairs in texts.

    Args:
        tokenizer: One that neither cuts nor pads.
        types: Entity types that have a marker of their own; any other is marked without a type.
        max_tokens: Of a marked text. Of a longer one, what is far from both entities is left out.
    """

    def __init__(self, tokenizer: Tokenizer, types: Sequence[str], max_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._types = {name: number for number, name in enumerate(types, start=1)}
        self._frame = frame_of(tokenizer, 1)
        self._room = max_tokens - len(self._frame) - len(ROLE_WORDS)

    def mark(self, text: str, pair: Pair) -> Marked:
        """The marked text, at most `max_tokens` long, with both entities in it."""
        head, tail = pair
        first, second = (head, tail) if head.start < tail.start else (tail, head)
        edges = (0, first.start, first.end, second.start, second.end, len(text))
        pieces = [self._ids(text[edges[place] : edges[place + 1]]) for place in range(5)]
        left, one, middle, two, right = shortened(pieces, self._room)
        ids = list(self._frame.before)
        marks = [(0, 0)] * len(ids)

        def add(tokens: Sequence[int], mark: tuple[int, int] = (0, 0)) -> None:
            ids.extend(tokens)
            marks.extend([mark] * len(tokens))

        add(left)
        for entity, tokens, after in ((first, one, middle), (second, two, right)):
            begin, end = (HEAD, HEAD_END) if entity is head else (TAIL, TAIL_END)
            kind = self._types.get(entity.type, 0)
            # The id of a marker is never looked up: the network has a vector of its own for it.
            add([0], (begin, kind))
            add(tokens)
            add([0], (end, kind))
            add(after)
        add(self._frame.after)
        return Marked(ids, np.array(marks, dtype=np.int64))

    def _ids(self, piece: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(piece, add_special_tokens=False).ids
        return ids


def shortened(pieces: Sequence[list[int]], room: int) -> list[list[int]]:
    """Left, first entity, middle, second entity, right, at most `room` tokens of them together.

    The outer parts lose what is far from the entities, then the middle loses its own middle, and
    each entity keeps at least a quarter of the room.
    """
    left, one, middle, two, right = pieces
    if sum(map(len, pieces)) <= room:
        return [left, one, middle, two, right]
    most = max(1, room // 4)
    one, two = one[:most], two[:most]
    rest = room - len(one) - len(two)
    if len(middle) > rest:
        middle = [*middle[: rest - rest // 2], *middle[len(middle) - rest // 2 :]]
    rest -= len(middle)
    before = min(len(left), max(rest // 2, rest - len(right)))
    return [left[len(left) - before :], one, middle, two, right[: rest - before]]


def words_of(tokenizer: Tokenizer, name: str) -> list[int]:
    """Token ids of a marker's word or of a type's name, `order_number` being two words."""
    ids: list[int] = tokenizer.encode(name.replace("_", " "), add_special_tokens=False).ids
    return ids
