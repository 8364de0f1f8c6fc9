"""How near a written text is to its references, and what the first sentences would have given."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from finetune.summary.extractive_parts import SENTENCES
from finetune.task import Scored

logger = logging.getLogger(__name__)
ROUGE = ("rouge1", "rouge2", "rougeL")
WORST = 100  # rows of errors.jsonl
_SPEAKER = re.compile(r"^(?:customer|agent): ")


def lead(text: str, sentences: int) -> str:
    """The first sentences of a text, without the names of who speaks."""
    found = [_SPEAKER.sub("", part.strip()) for part in SENTENCES.split(text)]
    return " ".join([part for part in found if part][:sentences])


def rouge(targets: Sequence[Sequence[str]], written: Sequence[str]) -> dict[str, NDArray[Any]]:
    """F-measures (n,) in [0, 1] by name, stemmed, each that of the nearest of a row's targets.

    It reads the letters a to z and digits alone: other scripts score 0 whatever is written.

    Source: Lin 2004, https://aclanthology.org/W04-1013, by the package rouge-score.
    """
    from rouge_score import rouge_scorer  # it imports nltk: a second, and only scoring needs it

    scorer = rouge_scorer.RougeScorer(list(ROUGE), use_stemmer=True)
    rows = [
        scorer.score_multi(list(right), said)
        for right, said in zip(targets, written, strict=True)
    ]  # fmt: skip
    return {name: np.array([row[name].fmeasure for row in rows]) for name in ROUGE}


def score_written(examples: Sequence[Example], written: Sequence[str]) -> Scored:
    """Score what was written; the rows that went wrong are those of the lowest rougeL."""
    if not any(re.search("[a-z0-9]", text.lower()) for row in examples for text in row.targets):
        logger.warning("rouge reads a to z and digits alone, and no reference has any: all is 0")
    values = rouge([example.targets for example in examples], written)

    def resample(places: NDArray[np.int_]) -> Mapping[str, float]:
        return {name: float(scores[places].mean()) for name, scores in values.items()}

    errors = [
        {
            "text": examples[row].text,
            "targets": list(examples[row].targets),
            "written": written[row],
            "rougeL": round(float(values["rougeL"][row]), 4),
            "where": examples[row].where,
        }
        for row in np.argsort(values["rougeL"], kind="stable")[:WORST]
    ]
    metrics = {"n": len(examples), **resample(np.arange(len(examples)))}
    return Scored(metrics, errors, resample=resample)
