"""What the untuned encoder gives: a linear head over its frozen tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.linear_model import SGDClassifier
from torch import Tensor, nn

from data.encoders import resolve_encoder
from data.schema import Example
from finetune.config import TrainConfig
from finetune.encoder import load_encoder
from finetune.ner.net import collate, token_rows
from finetune.ner.scores import score_entities
from finetune.tags import IGNORE, allowed, best_path, spans_of
from finetune.task import Scored, Scorer

BASELINE_TOKENS = 60_000  # a linear head learns no more from more of them


def frozen_scorer(config: TrainConfig, train: list[Example], tags: Sequence[str]) -> Scorer:
    """A scorer whose head is fitted on at most BASELINE_TOKENS tokens of the training rows."""
    encoder, tokenizer = load_encoder(resolve_encoder(config.encoder))
    vectors, target = _token_vectors(encoder, tokenizer, train, tags, config)
    keep = np.random.default_rng(config.seed).permutation(len(target))[:BASELINE_TOKENS]
    head = SGDClassifier(
        loss="log_loss", alpha=1e-6, max_iter=12, tol=None, random_state=config.seed
    )
    head.fit(vectors[keep], target[keep])
    transitions = allowed(tags)

    def score(examples: list[Example]) -> Scored:
        found = []
        for example in examples:
            rows = token_rows([example], tokenizer, tags, config.max_tokens)
            states = _states(encoder, collate(rows))[0]
            real = [place for place, (start, end) in enumerate(rows[0]["offsets"]) if end > start]
            margins = head.decision_function(states[real])
            if margins.ndim == 1:  # scikit-learn gives one column for two classes
                margins = np.stack([-margins, margins], axis=1)
            scores = np.full((len(real), len(tags)), -20.0)
            scores[:, head.classes_] = log_softmax(margins, axis=1)
            path = best_path(scores, transitions)
            offsets = [rows[0]["offsets"][place] for place in real]
            names = [tags[tag] for tag in path]
            found.append(spans_of(example.text, offsets, names, [1.0] * len(path)))
        return score_entities(examples, found)

    return score


def _token_vectors(
    encoder: nn.Module,
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    examples: list[Example],
    tags: Sequence[str],
    config: TrainConfig,
) -> tuple[Any, Any]:
    rows = sorted(
        token_rows(examples, tokenizer, tags, config.max_tokens),
        key=lambda row: len(row["input_ids"]),
    )
    vectors, target = [], []
    for start in range(0, len(rows), 64):
        batch = collate(rows[start : start + 64])
        real = batch["labels"] != IGNORE
        vectors.append(_states(encoder, batch)[real.numpy()])
        target.append(batch["labels"][real].numpy())
    return np.concatenate(vectors), np.concatenate(target)


def _states(encoder: nn.Module, batch: dict[str, Tensor]) -> Any:  # noqa: ANN401 - (B, T, D) floats
    encoder.eval()
    with torch.inference_mode():
        output = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    return output.last_hidden_state.numpy()
