"""What the untuned encoder gives: a linear head over its frozen tokens.

A training needs it twice, for its scores and for its report; the last one is kept.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from data.encoders import resolve_encoder
from data.schema import Entity, Example
from finetune.config import TrainConfig
from finetune.devices import reading
from finetune.encoder import load_encoder
from finetune.frames import bare
from finetune.lengths import positions_left
from finetune.ner.model import most_tokens, windows_of
from finetune.ner.net import collate, token_rows
from finetune.ner.scores import score_entities
from finetune.tags import IGNORE, allowed, best_path, spans_of
from finetune.task import Scored, Scorer

_BATCH = 64  # rows through the frozen encoder at a time
_last: dict[str, "FrozenTokens"] = {}
BASELINE_TOKENS = 60_000  # a linear head learns no more from more of them


@dataclass(frozen=True, slots=True)
class LabelledTokens:
    """Tokens of labelled rows: their states (n, D), tags (n,), and where each stands.

    `places` are (row, start, end): the row's number, and characters of its text.
    """

    states: NDArray[np.float32]
    tags: NDArray[np.int_]
    places: list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text, or a window of a long one: its row, how far in it begins, and its tokens' states."""

    row: int
    shift: int
    offsets: list[tuple[int, int]]
    states: NDArray[np.float32]


class FrozenTokens:
    """The tokens of training rows by the untuned encoder, and linear heads over them.

    Args:
        config: Of the run that they are compared with.
        train: The training rows; their first `max_tokens` tokens are read, as by training.
        tags: The run's.
    """

    def __init__(self, config: TrainConfig, train: Sequence[Example], tags: Sequence[str]) -> None:
        source = resolve_encoder(config.encoder)
        self._encoder, self._tokenizer = load_encoder(source)
        self._tags, self._config = tags, config
        self._most = most_tokens(config.max_tokens, positions_left(config, source.path))
        self.tokens = self._labelled(train, config.max_tokens)
        self.rows = np.arange(len(train))

    @cached_property
    def head(self) -> LogisticRegression:
        """The head on all training rows."""
        return self.fit(self.rows)

    def fit(self, rows: NDArray[np.int_]) -> LogisticRegression:
        """A head on the tokens of these training rows, at most BASELINE_TOKENS of them."""
        kept = np.flatnonzero(np.isin([row for row, _, _ in self.tokens.places], rows))
        seed = self._config.seed
        kept = kept[np.random.default_rng(seed).permutation(len(kept))[:BASELINE_TOKENS]]
        head = LogisticRegression(max_iter=300)
        return head.fit(self.tokens.states[kept], self.tokens.tags[kept])

    def text_vectors(self) -> NDArray[np.float32]:
        """Of each training row the mean of its tokens' states (n, D), of unit length."""
        return _means(self.tokens.states, [row for row, _, _ in self.tokens.places], len(self.rows))

    def vectors_of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same of other texts (m, D)."""
        read = self.read([Example(text) for text in texts])
        if not read:
            return np.zeros((len(texts), self.tokens.states.shape[1]), dtype=np.float32)
        rows = [each.row for each in read for _ in each.states]
        return _means(np.concatenate([each.states for each in read]), rows, len(texts))

    def read(self, examples: Sequence[Example]) -> list[ReadText]:
        """Texts through the windows of a run that is served."""
        whole = bare(self._tokenizer)

        def too_long(pieces: Sequence[str]) -> list[bool]:
            return [len(each.ids) > self._most for each in whole.encode_batch(list(pieces))]

        windows = windows_of([each.text for each in examples], too_long)
        rows = token_rows(
            [Example(piece) for _, _, piece in windows], self._tokenizer, self._tags, self._most
        )
        found = []
        states_of = zip(windows, rows, self._states_of(rows), strict=True)
        for (place, shift, _), row, states in states_of:
            real = [token for token, (start, end) in enumerate(row["offsets"]) if end > start]
            if real:
                offsets = [row["offsets"][token] for token in real]
                found.append(ReadText(place, shift, offsets, states[real]))
        return found

    def score(
        self, head: LogisticRegression, examples: Sequence[Example], texts: Sequence[ReadText]
    ) -> Scored:
        """What a head finds in `examples`, which `read` gave as `texts`."""
        found: list[list[Entity]] = [[] for _ in examples]
        transitions = allowed(self._tags)
        for each in texts:
            margins = head.decision_function(each.states)
            if margins.ndim == 1:  # scikit-learn gives one column for two classes
                margins = np.stack([-margins, margins], axis=1)
            scores = np.full((len(each.states), len(self._tags)), -20.0)
            scores[:, head.classes_] = log_softmax(margins, axis=1)
            names = [self._tags[tag] for tag in best_path(scores, transitions)]
            offsets = [(start + each.shift, end + each.shift) for start, end in each.offsets]
            text = examples[each.row].text
            found[each.row] += spans_of(text, offsets, names, [1.0] * len(names))
        return score_entities(examples, found)

    def _labelled(self, examples: Sequence[Example], max_tokens: int) -> LabelledTokens:
        rows = token_rows(examples, self._tokenizer, self._tags, max_tokens)
        states, target, places = [], [], []
        for number, (row, each) in enumerate(zip(rows, self._states_of(rows), strict=True)):
            real = [token for token, tag in enumerate(row["labels"]) if tag != IGNORE]
            states.append(each[real])
            target += [row["labels"][token] for token in real]
            places += [(number, *row["offsets"][token]) for token in real]
        return LabelledTokens(np.concatenate(states), np.array(target), places)

    def _states_of(self, rows: Sequence[dict[str, Any]]) -> list[NDArray[np.float32]]:
        """Of each row of `token_rows` its states (T, D); rows of a length are encoded together."""
        found: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(rows)
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]["input_ids"]))
        self._encoder.eval()
        for start in range(0, len(rows), _BATCH):
            numbers = order[start : start + _BATCH]
            batch = collate([rows[number] for number in numbers])
            with torch.inference_mode(), reading(self._config):
                output = self._encoder(batch["input_ids"], batch["attention_mask"])
            every = output.last_hidden_state.float().numpy()
            for number, states in zip(numbers, every, strict=True):
                found[number] = states[: len(rows[number]["input_ids"])]
        return found


def _means(states: NDArray[np.float32], rows: Sequence[int], count: int) -> NDArray[np.float32]:
    """Of each of `count` rows the mean of its states (n, D), of unit length, or zeros."""
    belongs = csr_array((np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))),
                        shape=(count, len(rows)))  # fmt: skip
    totals: NDArray[np.float32] = belongs @ states
    totals /= np.maximum(np.linalg.norm(totals, axis=1, keepdims=True), 1e-9)
    return totals


def frozen_tokens(
    config: TrainConfig, train: Sequence[Example], tags: Sequence[str]
) -> FrozenTokens:
    """The tokens of these rows, or those that were encoded last where they are the same."""
    rows = [(row.text, row.entities) for row in train]
    given = repr((config.encoder, config.max_tokens, config.seed, tags, rows))
    key = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    if key not in _last:
        _last.clear()
        _last[key] = FrozenTokens(config, train, tags)
    return _last[key]


def frozen_scorer(config: TrainConfig, train: Sequence[Example], tags: Sequence[str]) -> Scorer:
    """A scorer whose head is fitted on the training rows."""
    frozen = frozen_tokens(config, train, tags)
    return lambda examples: frozen.score(frozen.head, examples, frozen.read(examples))
