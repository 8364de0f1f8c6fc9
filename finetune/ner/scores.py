"""How found entities score against labelled ones, span for span."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.conversations import entity_values
from data.schema import Entity, Example
from finetune.metrics import entity_metrics, span_counts
from finetune.task import Scored


def score_entities(examples: Sequence[Example], found: Sequence[Sequence[Entity]]) -> Scored:
    """Score found entities on labelled rows."""
    gold = [example.entities for example in examples]
    errors: list[dict[str, Any]] = []
    for example, said in zip(examples, found, strict=True):
        right = {_span(entity) for entity in example.entities}
        given = {_span(entity) for entity in said}
        if right != given:
            missed = [entity for entity in example.entities if _span(entity) not in given]
            wrong = [entity for entity in said if _span(entity) not in right]
            errors.append(
                {
                    "text": example.text,
                    "missed": [entity_values(entity) for entity in missed],
                    "wrong": [entity_values(entity) for entity in wrong],
                    "where": example.where,
                }
            )
    table = span_counts(gold, found)
    confused = Counter(
        (missed["type"], wrong["type"])
        for error in errors
        for missed in error["missed"]
        for wrong in error["wrong"]
        if missed["start"] < wrong["end"] and wrong["start"] < missed["end"]
    )
    texts = [example.text for example in examples]
    detail = {
        "per_class": {kind: row for kind, row in table.items() if kind != "all"},
        "confusion": [[right, given, count] for (right, given), count in confused.most_common(40)],
        "exact": [{*map(_span, a)} == {*map(_span, b)} for a, b in zip(gold, found, strict=True)],
    }
    counts = np.array(
        [
            (len({*map(_span, a)} & {*map(_span, b)}), len({*map(_span, b)}), len({*map(_span, a)}))
            for a, b in zip(gold, found, strict=True)
        ]
    )

    def resample(places: NDArray[np.int_]) -> Mapping[str, float]:
        """Of the strict spans alone: words of one text are not independent draws."""
        hits, said, right = (int(total) for total in counts[places].sum(axis=0))
        return {
            "entity_precision": hits / said if said else 0.0,
            "entity_recall": hits / right if right else 0.0,
            "entity_f1": 2 * hits / (said + right) if said + right else 0.0,
        }

    return Scored(entity_metrics(texts, gold, found), errors, detail, resample)


def _span(entity: Entity) -> tuple[str, int, int]:
    return entity.type, entity.start, entity.end
