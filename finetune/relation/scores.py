"""How good a relation model is: metrics, wrong rows, and what a report shows beside them."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from data.schema import Entity, Example
from finetune.metrics import label_metrics
from finetune.task import Scored

_SHOWN = 40  # confusions


def score_labels(
    examples: Sequence[Example], said: Sequence[str], confidence: Sequence[float]
) -> Scored:
    """Score the labels said of labelled pairs, each with its confidence in [0, 1]."""
    gold = [example.label or "" for example in examples]
    errors = [
        {
            "text": example.text,
            **{name: _values(entity) for name, entity in
               zip(("head", "tail"), example.pair or (), strict=False)},
            "label": right,
            "predicted": given,
            "confidence": round(float(sure), 4),
            "where": example.where,
        }
        for example, right, given, sure in zip(examples, gold, said, confidence, strict=True)
        if right != given
    ]  # fmt: skip
    totals, said_totals = Counter(gold), Counter(said)
    pairs = list(zip(gold, said, strict=True))
    hits = Counter(right for right, given in pairs if right == given)
    confused = Counter((right, given) for right, given in pairs if right != given)
    detail = {
        "per_class": {
            label: {
                "precision": hits[label] / said_totals[label] if said_totals[label] else 0.0,
                "recall": hits[label] / totals[label],
                "support": totals[label],
            }
            for label in sorted(totals)
        },
        "confusion": [
            [right, given, count] for (right, given), count in confused.most_common(_SHOWN)
        ],
        "confidence": list(confidence),
        "right": [right == given for right, given in pairs],
        "exact": [right == given for right, given in pairs],
    }
    numbers = {label: number for number, label in enumerate(sorted({*gold, *said}))}
    truth = np.array([numbers[label] for label in gold], dtype=int)
    given = np.array([numbers[label] for label in said], dtype=int)

    def resample(places: NDArray[np.int_]) -> Mapping[str, float]:
        return label_metrics(truth[places], given[places])

    return Scored(label_metrics(truth, given), errors, detail, resample)


def _values(entity: Entity) -> dict[str, str | int]:
    named: dict[str, str | int] = {"type": entity.type} if entity.type else {}
    return {**named, "text": entity.text, "start": entity.start, "end": entity.end}
