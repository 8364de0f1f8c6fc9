"""How good written answers are: likely, like the agents', grounded, and no refrain."""

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.dialogue import hide, hide_in_answer
from data.schema import Example
from finetune.summary.scores import rouge
from finetune.task import Scored

logger = logging.getLogger(__name__)
SHOWN = 30  # answers that a report sets side by side
WORST = 100  # rows of errors.jsonl
_AGAIN = 3  # words that come twice in an answer that repeats itself


def score_answers(
    examples: Sequence[Example], written: Sequence[str], nats: NDArray[np.float64] | None = None
) -> Scored:
    """Metrics of written answers.

    Args:
        examples: With their agents' answers.
        written: An answer for each; an empty one counts in all metrics.
        nats: Negative log-likelihood and tokens (n, 2) of the agents' answers by the model.

    `perplexity` is by token, of answers with placeholders for their values, over those whose values
    the conversation shows. `bleu` and `chrf` are of the corpus, 0 to 100, by sacrebleu with its own
    settings; `rougeL` is stemmed, the others are shares of rows: `exact_match` but for blanks,
    `grounded` where nothing shows a value that was written, `repeated` where three words come
    twice. `words` is the mean length.
    """
    from sacrebleu.metrics.bleu import BLEU  # half a second, and only scoring needs it
    from sacrebleu.metrics.chrf import CHRF

    right = [" ".join((example.answer or "").split()) for example in examples]
    said = [" ".join(text.split()) for text in written]
    exact = np.array([one == other for one, other in zip(right, said, strict=True)], dtype=float)
    alike = rouge([[text] for text in right], said)["rougeL"]
    shown = np.array([_grounded(e, text) for e, text in zip(examples, said, strict=True)])
    metrics: dict[str, float] = {"n": len(examples)}
    if nats is not None and nats[:, 1].sum() > 0:
        metrics["perplexity"] = math.exp(min(nats[:, 0].sum() / nats[:, 1].sum(), 50.0))
    metrics |= {
        "bleu": BLEU().corpus_score(said, [right]).score,
        "chrf": CHRF().corpus_score(said, [right]).score,
        "rougeL": float(alike.mean()),
        "exact_match": float(exact.mean()),
        "grounded": float(shown.mean()),
        "repeated": float(np.mean([_repeats(text) for text in said])),
        "words": float(np.mean([len(text.split()) for text in said])),
    }

    def resample(places: NDArray[np.int_]) -> Mapping[str, float]:
        rows = {"rougeL": alike, "exact_match": exact, "grounded": shown}
        return {name: float(values[places].mean()) for name, values in rows.items()}

    return Scored(metrics, _errors(examples, said, alike), resample=resample, rows=len(examples))


def _errors(
    examples: Sequence[Example], said: Sequence[str], alike: NDArray[Any]
) -> list[dict[str, Any]]:
    return [
        {
            "text": examples[row].text,
            "answer": examples[row].answer,
            "written": said[row],
            "rougeL": round(float(alike[row]), 4),
            "where": examples[row].where,
        }
        for row in np.argsort(alike, kind="stable")[:WORST]
    ]


def _grounded(example: Example, text: str) -> float:
    """1 where every value of the text stands in the conversation, 0 else or where it is empty."""
    assert example.situation is not None
    return float(bool(text) and hide_in_answer(text, hide(example.situation)) is not None)


def _repeats(text: str) -> bool:
    words = text.lower().split()
    runs = Counter(tuple(words[at : at + _AGAIN]) for at in range(len(words) - _AGAIN + 1))
    return bool(runs) and max(runs.values()) > 1
