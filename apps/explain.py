"""Plain values of an Answer: what `ask --json` prints, the page shows and the store keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.conversations import entity_values
from data.encoders import Encoder
from data.schema import Answer, Entity, Intent, Passage
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
        "choices": list(answer.choices),
        "summary": answer.summary,
        "related": list(answer.related),
        "ms": {name: round(value, 2) for name, value in answer.ms.items()},
    }


def answer_of(values: Mapping[str, Any]) -> Answer:
    """The Answer of plain values, as far as those tell it: without state and effects."""
    confidence = values.get("confidence")
    passages = values.get("passages", ())
    return Answer(
        values["text"],
        passages=tuple(
            Passage(p["id"], p["text"], p["title"], p["source"], score=p["score"]) for p in passages
        ),
        intent=None if confidence is None else Intent(values.get("intent"), confidence),
        entities=tuple(Entity(**entity) for entity in values.get("entities", ())),
        hand_over=values.get("hand_over", False),
        reason=values.get("reason"),
        step=values.get("step", ""),
        ms=values.get("ms", {}),
        choices=tuple(values.get("choices", ())),
        summary=values.get("summary", ""),
        related=tuple(values.get("related", ())),
    )


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
