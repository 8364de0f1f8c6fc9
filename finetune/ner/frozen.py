"""What the untuned encoder gives: a linear head over its frozen tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.linear_model import SGDClassifier
from torch import nn

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

_BATCH = 64  # rows through the frozen encoder at a time
BASELINE_TOKENS = 60_000  # a linear head learns no more from more of them


def frozen_scorer(config: TrainConfig, train: list[Example], tags: Sequence[str]) -> Scorer:
    """A scorer whose head is fitted on at most BASELINE_TOKENS tokens of the training rows.

    It reads texts through the windows of a run that is served.
    """
    source = resolve_encoder(config.encoder)
    encoder, tokenizer = load_encoder(source)
    tokens = labelled_tokens(encoder, tokenizer, train, tags, config.max_tokens)
    vectors, target = tokens.vectors, tokens.tags
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
        windows = windows_of([each.text for each in examples], too_long)
        rows = token_rows([Example(piece) for _, _, piece in windows], tokenizer, tags, most)
        for (place, shift, _), row, states in zip(
            windows, rows, _states_of(encoder, rows), strict=True
        ):
            inside = [token for token, (start, end) in enumerate(row["offsets"]) if end > start]
            if not inside:
                continue
            margins = head.decision_function(states[inside])
            if margins.ndim == 1:  # scikit-learn gives one column for two classes
                margins = np.stack([-margins, margins], axis=1)
            scores = np.full((len(inside), len(tags)), -20.0)
            scores[:, head.classes_] = log_softmax(margins, axis=1)
            path = best_path(scores, transitions)
            spans = [row["offsets"][token] for token in inside]
            offsets = [(start + shift, end + shift) for start, end in spans]
            names = [tags[tag] for tag in path]
            found[place] += spans_of(examples[place].text, offsets, names, [1.0] * len(path))
        return score_entities(examples, found)

    return score


@dataclass(frozen=True, slots=True)
class LabelledTokens:
    """Tokens of labelled rows: their states (n, D), tags (n,), and where each stands.

    `places` are (row, start, end): the row's number, and characters of its text.
    """

    vectors: NDArray[np.float32]
    tags: NDArray[np.int_]
    places: list[tuple[int, int, int]]


def labelled_tokens(
    encoder: nn.Module,
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    examples: Sequence[Example],
    tags: Sequence[str],
    max_tokens: int,
) -> LabelledTokens:
    """The tokens of the rows, in order, by the encoder as it is."""
    rows = token_rows(examples, tokenizer, tags, max_tokens)
    vectors, target, places = [], [], []
    for number, (row, states) in enumerate(zip(rows, _states_of(encoder, rows), strict=True)):
        real = [token for token, tag in enumerate(row["labels"]) if tag != IGNORE]
        vectors.append(states[real])
        target += [row["labels"][token] for token in real]
        places += [(number, *row["offsets"][token]) for token in real]
    return LabelledTokens(np.concatenate(vectors), np.array(target), places)


def _states_of(encoder: nn.Module, rows: Sequence[dict[str, Any]]) -> list[NDArray[np.float32]]:
    """Of each row of `token_rows` its states (T, D); rows of a length are encoded together."""
    found: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(rows)
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]["input_ids"]))
    encoder.eval()
    for start in range(0, len(rows), _BATCH):
        numbers = order[start : start + _BATCH]
        batch = collate([rows[number] for number in numbers])
        with torch.inference_mode():
            output = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        for number, states in zip(numbers, output.last_hidden_state.numpy(), strict=True):
            found[number] = states[: len(rows[number]["input_ids"])]
    return found
