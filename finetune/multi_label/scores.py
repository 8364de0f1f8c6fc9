"""How good a model of several labels a text is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from finetune.multi_label.fit import Bools, Floats, marks_of
from finetune.task import Scored


def multi_label_metrics(gold: Bools, said: Bools) -> dict[str, float]:
    """`micro_f1` over all labels, `macro_f1` over those that rows have, `exact` over rows.

    Args:
        gold: (n, K) which labels each row has.
        said: (n, K) which it was given.
    """
    right = (gold & said).sum(axis=0).astype(float)
    both = (gold.sum(axis=0) + said.sum(axis=0)).astype(float)
    wanted = gold.any(axis=0)
    return {
        "n": len(gold),
        "micro_f1": float(2 * right.sum() / both.sum()) if both.sum() else 1.0,
        "macro_f1": float((2 * right[wanted] / both[wanted]).mean()) if wanted.any() else 1.0,
        "exact": float((gold == said).all(axis=1).mean()) if len(gold) else 0.0,
    }


def multi_label_while_training(predicted: Any) -> dict[str, float]:  # noqa: ANN401 - an EvalPrediction
    """What early stopping may watch: rows with exactly their labels, and macro F1, at even odds."""
    metrics = multi_label_metrics(predicted.label_ids > 0.5, predicted.predictions > 0)
    return {"accuracy": metrics["exact"], "macro_f1": metrics["macro_f1"]}


def score_labels(
    examples: Sequence[Example],
    labels: Sequence[str],
    said: Sequence[Sequence[str]],
    probabilities: Floats | None = None,
) -> Scored:
    """Score what each row was given.

    Args:
        examples: The n rows.
        labels: The K labels of the model.
        said: Names for each row.
        probabilities: (n, K), where they are known.
    """
    names = list(dict.fromkeys([*labels, *(name for row in examples for name in row.labels)]))
    gold = marks_of([row.labels for row in examples], names)
    given = marks_of(said, names)

    def resample(rows: NDArray[np.int_]) -> Mapping[str, float]:
        return multi_label_metrics(gold[rows], given[rows])

    detail: dict[str, Any] = {"per_class": _per_class(names, gold, given)}
    if probabilities is not None and len(examples):
        best = probabilities.argmax(axis=1)
        detail["confidence"] = probabilities.max(axis=1).tolist()
        detail["right"] = [
            labels[place] in row.labels for place, row in zip(best, examples, strict=True)
        ]
    detail["exact"] = (gold == given).all(axis=1).tolist()
    return Scored(
        multi_label_metrics(gold, given), _errors(examples, said, probabilities), detail, resample
    )


def _errors(
    examples: Sequence[Example], said: Sequence[Sequence[str]], probabilities: Floats | None
) -> list[dict[str, Any]]:
    errors = []
    for place, (row, names) in enumerate(zip(examples, said, strict=True)):
        wanted, given = set(row.labels), set(names)
        if wanted == given:
            continue
        error: dict[str, Any] = {
            "text": row.text,
            "label": "|".join(sorted(wanted)),
            "predicted": "|".join(sorted(given)),
            "missing": sorted(wanted - given),
            "too_many": sorted(given - wanted),
            "where": row.where,
        }
        if probabilities is not None:
            error["confidence"] = round(float(probabilities[place].max()), 4)
        errors.append(error)
    return errors


def _per_class(names: Sequence[str], gold: Bools, said: Bools) -> dict[str, dict[str, float]]:
    right = (gold & said).sum(axis=0)
    table = {}
    for place, name in sorted(enumerate(names), key=lambda pair: pair[1]):
        wanted, given, hits = (int(each[place]) for each in (gold.sum(0), said.sum(0), right))
        if wanted or given:
            table[name] = {
                "precision": hits / given if given else 0.0,
                "recall": hits / wanted if wanted else 0.0,
                "f1": 2 * hits / (given + wanted),
                "support": wanted,
            }
    return table


def most_frequent(rows: Sequence[Example]) -> tuple[str, ...]:
    """The set of labels that most rows have; of equals the first in order."""
    counts = Counter(tuple(sorted(row.labels)) for row in rows)
    return min(counts, key=lambda names: (-counts[names], names))
