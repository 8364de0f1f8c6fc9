"""What the untuned encoder gives: a linear head over its frozen tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.linear_model import SGDClassifier
from torch import Tensor, nn

from data.encoders import resolve_encoder
from data.schema import Entity, Example
from finetune.config import TrainConfig
from finetune.encoder import load_encoder
from finetune.frames import bare
from finetune.lengths import positions_left
from finetune.ner.model import most_tokens, windows_of
from finetune.ner.net import collate, token_rows
from finetune.ner.scores import score_entities
from finetune.tags import IGNORE, allowed, best_path, spans_of
from finetune.task import Scored, Scorer

BASELINE_TOKENS = 60_000  # a linear head learns no more from more of them


def frozen_scorer(config: TrainConfig, train: list[Example], tags: Sequence[str]) -> Scorer:
    """A scorer whose head is fitted on at most BASELINE_TOKENS tokens of the training rows.

    It reads texts through the windows of a run that is served.
    """
    source = resolve_encoder(config.encoder)
    encoder, tokenizer = load_encoder(source)
    vectors, target = _token_vectors(encoder, tokenizer, train, tags, config)
    keep = np.random.default_rng(config.seed).permutation(len(target))[:BASELINE_TOKENS]
    head = SGDClassifier(
        loss="log_loss", alpha=1e-6, max_iter=12, tol=None, random_state=config.seed
    )
    head.fit(vectors[keep], target[keep])
    most = most_tokens(config.max_tokens, positions_left(config, source.path))
    transitions, whole = allowed(tags), bare(tokenizer)

    def too_long(pieces: Sequence[str]) -> list[bool]:
        return [len(encoding.ids) > most for encoding in whole.encode_batch(list(pieces))]

    def score(examples: list[Example]) -> Scored:
        found: list[list[Entity]] = [[] for _ in examples]
        for place, shift, piece in windows_of([each.text for each in examples], too_long):
            rows = token_rows([Example(piece)], tokenizer, tags, most)
            inside = [token for token, (start, end) in enumerate(rows[0]["offsets"]) if end > start]
            if not inside:
                continue
            margins = head.decision_function(_states(encoder, collate(rows))[0][inside])
            if margins.ndim == 1:  # scikit-learn gives one column for two classes
                margins = np.stack([-margins, margins], axis=1)
            scores = np.full((len(inside), len(tags)), -20.0)
            scores[:, head.classes_] = log_softmax(margins, axis=1)
            path = best_path(scores, transitions)
            spans = [rows[0]["offsets"][token] for token in inside]
            offsets = [(start + shift, end + shift) for start, end in spans]
            names = [tags[tag] for tag in path]
            found[place] += spans_of(examples[place].text, offsets, names, [1.0] * len(path))
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
