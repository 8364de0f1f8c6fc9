"""What an encoder's vectors are worth, without labels: do the halves of a text find each other?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from finetune.encoder import Pooled

MOST = 500  # texts compared
LEAST = 2  # texts that can be compared at all
_WORDS = 8  # of a text that is worth halving
_BATCH = 64


def half_matches(
    encoder: Pooled,
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    texts: Sequence[str],
    max_tokens: int,
) -> NDArray[np.float64]:
    """Of each text (n,): 1 where the second half is nearest to the first of all, else 0.

    NaN where a text is too short, came before, or comes after MOST others. A proxy for the search
    and for the heads that stand on frozen vectors: it falls where word guessing spoils them.
    """
    places = {
        text: place
        for place, text in reversed(list(enumerate(texts)))
        if len(text.split()) >= _WORDS
    }
    rows = sorted(places.values())[:MOST]
    found = np.full(len(texts), np.nan)
    if len(rows) < LEAST:
        return found
    halves: list[list[str]] = [[], []]
    for row in rows:
        words = texts[row].split()
        halves[0].append(" ".join(words[: len(words) // 2]))
        halves[1].append(" ".join(words[len(words) // 2 :]))
    first, second = (_vectors(encoder, tokenizer, side, max_tokens) for side in halves)
    found[rows] = (first @ second.T).argmax(axis=1) == np.arange(len(rows))
    return found


def _vectors(
    encoder: Pooled,
    tokenizer: Any,  # noqa: ANN401 - as above
    texts: Sequence[str],
    max_tokens: int,
) -> NDArray[np.float32]:
    """Unit-length vectors (n, D) of the texts."""
    encoder.eval()
    device = next(encoder.parameters()).device
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    parts = []
    for start in range(0, len(order), _BATCH):
        batch = tokenizer(
            [texts[row] for row in order[start : start + _BATCH]],
            padding=True, truncation=True, max_length=max_tokens, return_tensors="pt",
        ).to(device)  # fmt: skip
        with torch.inference_mode():
            parts.append(encoder(batch["input_ids"], batch["attention_mask"]).cpu().numpy())
    vectors = np.concatenate(parts)
    return np.asarray(vectors[np.argsort(order)], dtype=np.float32)
