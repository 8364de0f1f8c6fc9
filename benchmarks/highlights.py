"""Highlighting on XQuAD: does the sentence that is shown hold the answer?"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shell import row
from benchmarks.stackfaq import KeptVectors
from data import sentences
from data.encoders import DEFAULT_ENCODER, Encoder
from finetune.serving import shared_encoder
from retrieval.highlight import WORDS, highlight

SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # of the words beside the cosine


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its passage, and the characters [start, end) of its answer."""

    question: str
    text: str
    start: int
    end: int


def read_xquad(path: Path) -> list[list[Asked]]:
    """The questions of each article."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        [
            Asked(q["question"], p["context"], at := q["answers"][0]["answer_start"],
                  at + len(q["answers"][0]["text"]))
            for p in article["paragraphs"]
            for q in p["qas"]
        ]
        for article in articles
    ]  # fmt: skip


def hit_rate(asked: Sequence[Asked], encoder: Encoder, words: float) -> float:
    """The share of questions whose answer lies whole in the highlighted sentence."""
    hits = []
    for each in asked:
        found = highlight(each.question, each.text, encoder, words=words)
        hits.append(found is not None and found.start <= each.start and each.end <= found.end)
    return float(np.mean(hits))


def run(datasets: Path) -> list[dict[str, Any]]:
    """Measure with the default encoder.

    The share of words is chosen on half of the English articles; measured are the other half, and a
    quarter of the Chinese ones.
    """
    encoder = KeptVectors(shared_encoder(DEFAULT_ENCODER))
    english = read_xquad(datasets / "xquad" / "xquad.en.json")
    first = [each for article in english[::2] for each in article]
    second = [each for article in english[1::2] for each in article]
    chinese = [a for each in read_xquad(datasets / "xquad" / "xquad.zh.json")[1::4] for a in each]
    tried = {share: hit_rate(first, encoder, share) for share in SHARES}
    best = max(SHARES, key=lambda share: tried[share])
    shown = ", ".join(f"{share}: {value:.3f}" for share, value in tried.items())
    return [
        row("XQuAD, answer in the highlighted sentence, English", hit_rate(second, encoder, WORDS),
            "", _beside(second, encoder)),
        row("XQuAD, answer in the highlighted sentence, Chinese", hit_rate(chinese, encoder, WORDS),
            "", _beside(chinese, encoder)),
        row("share of words that is best on the other English half", best, str(WORDS), shown),
    ]  # fmt: skip


def _beside(asked: Sequence[Asked], encoder: Encoder) -> str:
    spans = [sentences.spans(each.text) for each in asked]
    chance = np.mean([1 / len(each) for each in spans])
    whole = np.mean(
        [
            any(start <= each.start and each.end <= end for start, end in found)
            for each, found in zip(asked, spans, strict=True)
        ]
    )
    cosine, words = (hit_rate(asked, encoder, share) for share in (0.0, 1.0))
    return (
        f"cosine alone {cosine:.4f}, words alone {words:.4f}, by chance {chance:.4f}, "
        f"any sentence {whole:.4f}; {len(asked)} questions"
    )
