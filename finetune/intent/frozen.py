"""The untuned encoder with a logistic head: the baseline of an intent run, and where tuning starts.

A training needs it twice, before its steps and for its report; the last one is kept.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.onnx_text import OnnxEncoder, Side
from finetune.config import TrainConfig
from finetune.head import Head, fit_head
from finetune.serving import ends_encoder, shared_encoder

_last: dict[str, "Frozen"] = {}


@dataclass(frozen=True, slots=True)
class Frozen:
    """An untuned encoder, its vectors (n, D) of the training rows, and a head fitted on them."""

    encoder: Encoder
    vectors: NDArray[np.floating[Any]]
    head: Head


def cut_of(config: TrainConfig) -> Side:
    """The side on which a text that is too long is cut."""
    return "left" if config.intent.from_the_end else "right"


def frozen_encoder(config: TrainConfig) -> OnnxEncoder:
    """The untuned encoder as this config's rows are read by it."""
    if config.intent.from_the_end:
        return ends_encoder(config.encoder, config.max_tokens, config.threads)
    return shared_encoder(config.encoder, threads=config.threads)


def frozen_head(texts: Sequence[str], gold: Sequence[str], config: TrainConfig) -> Frozen:
    """Fit the head on training texts and their labels, or give the one that was fitted last."""
    read = (cut_of(config), config.max_tokens if config.intent.from_the_end else None)
    key = hashlib.sha256(
        repr((config.encoder, config.seed, config.head, read, texts, gold)).encode(
            "utf-8", "replace"
        )
    ).hexdigest()
    if key not in _last:
        encoder = frozen_encoder(config)
        vectors = encoder.encode(texts)
        _last.clear()
        _last[key] = Frozen(encoder, vectors, fit_head(vectors, gold, config.head, config.seed))
    return _last[key]
