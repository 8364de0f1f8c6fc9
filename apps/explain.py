"""Plain values of an Answer: what `ask --json` prints, the page shows and the store keeps."""

from typing import Any

from data.conversations import entity_values
from data.schema import Answer, Passage


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
    }
