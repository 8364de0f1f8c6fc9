"""What an index has rows for: passages, and further texts that lead to them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder, passage_vectors
from data.errors import LogFormatError
from data.schema import Passage
from retrieval.passages import embedding_text
from retrieval.questions import Question


def owned(
    passages: Sequence[Passage],
    questions: Sequence[Question],
    extra_rows: Sequence[tuple[str, str]],
) -> list[tuple[str, int]]:
    """(text, place of its passage) of each row beside the passages' own.

    Raises:
        LogFormatError: If an id stands twice, or a text's passage is not among `passages`.
    """
    places = {passage.id: place for place, passage in enumerate(passages)}
    if len(places) < len(passages):
        twice = next(p.id for place, p in enumerate(passages) if places[p.id] != place)
        raise LogFormatError(f"passage id {twice!r} occurs twice; give each its own")
    rows = [(question.text, each) for question in questions for each in sorted(question.relevant)]
    for _, identity in (*rows, *extra_rows):
        if identity not in places:
            raise LogFormatError(
                f"a known question's passage {identity!r} is not indexed; add its source"
            )
    return [(text, places[identity]) for text, identity in (*rows, *extra_rows)]


def encoded(
    passages: Sequence[Passage], extras: Sequence[tuple[str, int]], encoder: Encoder
) -> NDArray[np.float32]:
    """The vectors (n + len(extras), D) of all rows."""
    texts = [embedding_text(passage) for passage in passages] + [text for text, _ in extras]
    if not texts:
        return np.zeros((0, 0), dtype=np.float32)
    return passage_vectors(encoder, [encodable(text) for text in texts])


def encodable(text: str) -> str:
    """The text with `?` for halves of emoji, which neither tokenizers nor databases take."""
    return text.encode("utf-8", "replace").decode("utf-8")
