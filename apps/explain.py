"""Plain values of an Answer: what `ask --json` prints, the page shows and the store keeps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.conversations import entity_values
from data.encoders import Encoder
from data.schema import Answer, Passage
from retrieval.highlight import highlight

HIGHLIGHT = "highlight"  # of a passage's metadata: `start-end` of the sentence that answers


def answer_values(answer: Answer) -> dict[str, Any]:
    """The Answer as JSON values, with the keys of the command line's contract."""
    return {
        "text": answer.text,
        "intent": answer.intent.name if answer.intent else None,
        "confidence": round(answer.intent.confidence, 4) if answer.intent else None,
        "entities": [entity_values(entity) for entity in answer.entities],
        "passages": [passage_values(passage) for passage in answer.passages],
        "hand_over": answer.hand_over,
        "reason": answer.reason,
        "step": answer.step,
        "ms": {name: round(value, 2) for name, value in answer.ms.items()},
    }


def passage_values(passage: Passage) -> dict[str, Any]:
    """The Passage as JSON values."""
    return {
        "id": passage.id,
        "text": passage.text,
        "title": passage.title,
        "source": passage.source,
        "score": round(passage.score, 4),
        "highlight": _span(passage),
    }


def highlighted(
    encoder: Encoder, question: str, vector: NDArray[np.float32], passages: Sequence[Passage]
) -> list[Passage]:
    """The passages, the first with the sentence that answers in its metadata.

    Args:
        encoder: Of the index.
        question: What is asked.
        vector: The question's (D,).
        passages: What was found, best first.
    """
    if not passages:
        return []
    first = passages[0]
    found = highlight(question, first.text, encoder, vector)
    if found is None:
        return list(passages)
    span = {HIGHLIGHT: f"{found.start}-{found.end}"}
    return [replace(first, metadata={**first.metadata, **span}), *passages[1:]]


def _span(passage: Passage) -> list[int] | None:
    """[start, end) of the sentence that answers, where it was looked for."""
    start, _, end = passage.metadata.get(HIGHLIGHT, "").partition("-")
    return [int(start), int(end)] if end else None
