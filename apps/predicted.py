"""Plain values of what a run says of a text: what `predict --json` prints and the API answers."""

from collections.abc import Callable, Sequence
from typing import Any

from data.conversations import entity_values
from data.schema import Entity
from finetune.intent.model import IntentPrediction

Predict = Callable[[Sequence[str]], list[dict[str, Any]]]  # a row of plain values for each text


def intent_values(text: str, prediction: IntentPrediction) -> dict[str, Any]:
    """Of an intent run; confidences are in [0, 1]."""
    return {
        "text": text,
        "intent": prediction.intent.name,
        "confidence": round(prediction.intent.confidence, 4),
        "in_scope": prediction.intent.name is not None,
        "top": [[name, round(sure, 4)] for name, sure in prediction.top],
        "scope": round(prediction.scope, 4),
    }


def entities_values(text: str, entities: Sequence[Entity]) -> dict[str, Any]:
    """Of a ner run."""
    return {"text": text, "entities": [entity_values(entity) for entity in entities]}
