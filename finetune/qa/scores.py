"""How good answers are: the official SQuAD measures, wrong rows, and what to say "none" from.

Source: Rajpurkar et al. 2016, https://aclanthology.org/D16-1264, and 2018,
https://aclanthology.org/P18-2124: their evaluation scripts' normalisation and threshold.
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from data.schema import Example
from finetune.qa.spans import Found, QaCalibration
from finetune.task import Scored

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and further spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(gold: Sequence[str], said: str | None) -> float:
    """1 where the answer is one of the right ones, or none is said and there is none, else 0."""
    return float(normalised(said or "") in [normalised(each) for each in gold or [""]])


def overlap_f1(gold: Sequence[str], said: str | None) -> float:
    """F1 in [0, 1] of the answer's words against the right answer that it shares most with."""
    return max(
        _f1(normalised(each).split(), normalised(said or "").split()) for each in gold or [""]
    )


def _f1(gold: list[str], said: list[str]) -> float:
    if not gold or not said:
        return float(gold == said)
    shared = sum((Counter(gold) & Counter(said)).values())
    return 2 * shared / (len(gold) + len(said))


def gold_of(example: Example) -> list[str]:
    """The texts that answer, without repeats; none where nothing does."""
    passage = example.passage or ""
    return list(dict.fromkeys(passage[start:end] for start, end in example.spans))


def score_answers(
    examples: Sequence[Example], said: Sequence[str | None], confidence: Sequence[float] = ()
) -> Scored:
    """Score answers, None where none is said, with their confidences in [0, 1] if there are any.

    `no_answer_accuracy` is the share of the questions without an answer that get none.
    """
    gold = [gold_of(example) for example in examples]
    exact = np.array([exact_match(*each) for each in zip(gold, said, strict=True)])
    f1 = np.array([overlap_f1(*each) for each in zip(gold, said, strict=True)])
    none = np.array([not each for each in gold], dtype=bool)
    errors: list[dict[str, Any]] = [
        {
            "text": example.text,
            "answers": gold[row],
            "predicted": said[row],
            "f1": round(float(f1[row]), 4),
            **({"confidence": round(float(confidence[row]), 4)} if confidence else {}),
            "where": example.where,
        }
        for row, example in enumerate(examples)
        if not exact[row]
    ]
    right = [bool(each) for each in exact]
    detail: dict[str, Any] = {"exact": right}
    if confidence:
        detail |= {"confidence": list(confidence), "right": right}

    def resample(places: NDArray[np.int_]) -> Mapping[str, float]:
        found = {
            "n": len(places),
            "exact_match": float(exact[places].mean()),
            "f1": float(f1[places].mean()),
        }
        drawn = places[none[places]]
        return found | ({"no_answer_accuracy": float(exact[drawn].mean())} if len(drawn) else {})

    if not examples:
        return Scored({"n": 0, "exact_match": 0.0, "f1": 0.0})
    return Scored(resample(np.arange(len(examples))), errors, detail, resample)


def fit_qa(examples: Sequence[Example], found: Sequence[Found | None], rows: str) -> QaCalibration:
    """The threshold under which F1 is highest, and confidences, from held-out rows.

    Args:
        examples: Rows that the model was not trained on.
        found: The best span of each.
        rows: What these rows are, for the record.

    Without a question that has no answer there is no threshold: every span is said.
    """
    kept = [(row, span) for row, span in zip(examples, found, strict=True) if span is not None]
    texts = [(row.passage or "")[span.start : span.end] for row, span in kept]
    gold = [gold_of(row) for row, _ in kept]
    none = sum(not each for each in gold)
    threshold = None
    if none:
        margins = np.array([span.margin for _, span in kept])
        gains = np.array([overlap_f1(each, text) for each, text in zip(gold, texts, strict=True)])
        losses = np.array([float(not each) for each in gold])
        threshold = _best_threshold(margins, gains, losses)
    fitted_on = f"{len(kept) - none} with an answer, {none} without, {rows}"
    bare = QaCalibration(threshold, 0.0, 0.0, fitted_on)
    said = [
        text if bare.answers(span) else None for (_, span), text in zip(kept, texts, strict=True)
    ]
    right = np.array([exact_match(*each) for each in zip(gold, said, strict=True)])
    if len(set(right)) < 2:
        return bare
    logs = [span.log_span if bare.answers(span) else span.log_none for _, span in kept]
    model = LogisticRegression(C=1.0).fit(np.array(logs)[:, None], right)
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    return QaCalibration(threshold, slope, offset, fitted_on) if slope > 0 else bare


def _best_threshold(
    margins: NDArray[np.float64], gains: NDArray[np.float64], losses: NDArray[np.float64]
) -> float:
    """The middle of the margins above which spans are best said.

    A row is worth its gain where its span is said, its loss (1 without an answer) where not.
    """
    edges = np.unique(np.concatenate([[margins.min() - 2], margins, [margins.max() + 2]]))
    cuts = (edges[1:] + edges[:-1]) / 2
    value = np.array([np.where(margins > cut, gains, losses).sum() for cut in cuts])
    return float(np.median(cuts[value == value.max()]))
