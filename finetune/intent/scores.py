"""How good an intent model is: metrics, wrong rows, and what a report shows beside them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import LogFormatError
from data.schema import OOS, Example
from finetune.confidence.calibration import Calibration
from finetune.confidence.memory import Near
from finetune.intent.model import IntentModel
from finetune.metrics import coded_intent_metrics, intent_metrics
from finetune.reading import Splits
from finetune.reading.cells import some_of
from finetune.task import Scored


def texts_of(examples: Sequence[Example]) -> list[str]:
    """The texts."""
    return [example.text for example in examples]


def labels_of(examples: Sequence[Example]) -> list[str]:
    """The labels; OOS where there is none."""
    return [example.label or OOS for example in examples]


def check_labels(splits: Splits, unseen: bool = False) -> None:
    """Raise LogFormatError where training cannot give what is asked for.

    Where `unseen`, labels that training lacks are let pass; they will count as wrong.
    """
    known = {label for label in labels_of(splits.train) if label != OOS}
    if len(known) < 2:
        raise LogFormatError(
            f"{splits.train[0].where}: only one label in the training rows; two or more are needed"
        )
    if all(example.label == OOS for example in splits.validation):
        raise LogFormatError(
            f"{splits.validation[0].where}: all validation rows are out of scope; add others"
        )
    for example in (*splits.validation, *splits.test):
        if not unseen and example.label not in known and example.label != OOS:
            raise LogFormatError(
                f"{example.where}: label {example.label!r} was never seen in training; "
                f"known: {some_of(sorted(known))}"
            )


def score_predictions(model: IntentModel, examples: list[Example]) -> Scored:
    """Score the served model on labelled rows."""
    predictions = model.predict(texts_of(examples))
    said = [prediction.intent.name or OOS for prediction in predictions]
    best = [prediction.top[0][0] for prediction in predictions]
    confidence = [prediction.intent.confidence for prediction in predictions]
    scope = [prediction.scope for prediction in predictions]
    return _scored(examples, said, best, confidence, scope)


def score_logits(
    logits: NDArray[np.floating[Any]],
    labels: Sequence[str],
    calibration: Calibration,
    examples: list[Example],
    near: Near | None = None,
) -> Scored:
    """Score logits (n, K) on labelled rows; `near` where the calibration needs vectors."""
    names = [label for label in labels if label != OOS]
    probabilities = calibration.probabilities(logits, labels)
    best = [names[place] for place in probabilities.argmax(axis=1)]
    scope = calibration.scope_scores(logits, labels, near)
    accepted = calibration.accepts(probabilities, names, scope)
    said = [name if inside else OOS for name, inside in zip(best, accepted, strict=True)]
    return _scored(examples, said, best, list(probabilities.max(axis=1)), list(scope))


def _scored(
    examples: list[Example],
    said: list[str],
    best: list[str],
    confidence: Sequence[float],
    scope: Sequence[float],
) -> Scored:
    gold = labels_of(examples)
    errors = [
        {
            "text": example.text,
            "label": right,
            "predicted": given,
            "best": top,
            "confidence": round(float(sure), 4),
            "where": example.where,
        }
        for example, right, given, top, sure in zip(
            examples, gold, said, best, confidence, strict=True
        )
        if right != given
    ]
    totals = Counter(gold)
    said_totals = Counter(said)
    hits = Counter(right for right, given in zip(gold, said, strict=True) if right == given)
    per_class = {
        label: {
            "precision": hits[label] / said_totals[label] if said_totals[label] else 0.0,
            "recall": hits[label] / totals[label] if totals[label] else 0.0,
            "support": totals[label],
        }
        for label in sorted(totals)
    }
    detail = {
        "per_class": per_class,
        "confidence": list(confidence),
        "right": [right == top for right, top in zip(gold, best, strict=True)],
        "exact": [
            None if right == OOS else right == top for right, top in zip(gold, best, strict=True)
        ],
        "scope": list(scope),
        "inside": [label != OOS for label in gold],
        "answered": [given != OOS for given in said],
    }
    places = {OOS: 0}
    codes = [
        np.array([places.setdefault(name, len(places)) for name in names], dtype=int)
        for names in (gold, said, best)
    ]
    sure = np.array(confidence, dtype=float)

    def resample(rows: NDArray[np.int_]) -> Mapping[str, float]:
        right, given, top = (column[rows] for column in codes)
        return coded_intent_metrics(right, given, top, sure[rows])

    return Scored(intent_metrics(gold, said, best, confidence), errors, detail, resample)
