"""Tuning for few rows: texts of one label are drawn together, texts of others apart.

Every step compares some texts of some labels with one another, so that a handful of rows gives many
comparisons; they are drawn as they are needed, never listed. A logistic head on the tuned vectors
then tells the labels apart.

Source: supervised contrastive learning, Khosla et al. 2020, arXiv:2004.11362; a head on a
contrastively tuned encoder, Tunstall et al. 2022 (SetFit), arXiv:2209.11055
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Sampler

from data.encoder_way import Pooling
from data.schema import OOS
from finetune.config import ContrastiveConfig, TrainConfig
from finetune.head import fit_head
from finetune.intent.net import IntentNet
from finetune.trainable import Tuner

_BATCH = 64
_SEAMS = re.compile(r"[_\-./]+|(?<=[a-z])(?=[A-Z])")


class ContrastiveNet(IntentNet):
    """An IntentNet whose loss compares vectors; its linear layer is fitted afterwards."""

    def __init__(
        self,
        encoder: nn.Module,
        width: int,
        labels: int,
        config: ContrastiveConfig,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__(encoder, width, labels, pooling=pooling)
        self.linear.requires_grad_(False)
        self.scale.requires_grad_(False)
        self._temperature = config.temperature

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        states: Tensor | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """As IntentNet's, but for the loss."""
        if labels is None:
            return super().forward(input_ids, attention_mask, None, states)
        assert attention_mask is not None
        vectors = self.vectors(attention_mask, input_ids, states)
        return {
            "loss": contrastive_loss(vectors, labels, self._temperature),
            "logits": self.linear(vectors * self.scale),
        }


def contrastive_loss(vectors: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Mean over texts of minus the log of their label's share of the similarity to the others.

    Args:
        vectors: (B, D), unit length.
        labels: (B,); texts whose label no other has count only as what others lie apart from.
        temperature: Of the softmax over the other texts.
    """
    own = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    alike = (labels[:, None] == labels[None]) & ~own
    scores = (vectors @ vectors.T / temperature).masked_fill(own, float("-inf"))
    together = scores.masked_fill(~alike, float("-inf")).logsumexp(1)
    kept = alike.any(dim=1)
    if not kept.any():
        return vectors.sum() * 0.0
    return (scores.logsumexp(1) - together)[kept].mean()


class Balanced(Sampler[int]):
    """Rows in runs of one label, so that a batch holds several rows of each of its labels.

    Every row comes about once an epoch; a label with fewer rows than a run repeats some.
    """

    def __init__(self, labels: Sequence[int], rows_a_label: int, seed: int) -> None:
        self._rows: dict[int, list[int]] = defaultdict(list)
        for row, label in enumerate(labels):
            self._rows[label].append(row)
        self._run, self._seed, self._epoch = rows_a_label, seed, 0
        self._runs = sum(-(-len(rows) // rows_a_label) for rows in self._rows.values())

    def __len__(self) -> int:
        return self._runs * self._run

    def set_epoch(self, epoch: int) -> None:
        """Another order for each epoch; the same one again where a training is resumed."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng((self._seed, self._epoch))
        runs = []
        for rows in self._rows.values():
            order = generator.permutation(rows)
            for start in range(0, len(order), self._run):
                run = order[start : start + self._run]
                missing = self._run - len(run)
                runs.append(np.concatenate([run, generator.choice(rows, missing)]))
        for place in generator.permutation(len(runs)):
            yield from map(int, runs[place])


class ContrastiveTuner(Tuner):
    """A Tuner whose batches are made of runs of one label."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:  # noqa: ANN401 - as the parent
        data = self.train_dataset if train_dataset is None else train_dataset
        labels = [row["label"] for row in data.rows]
        return Balanced(labels, self.tuning.contrastive.rows_a_label, self.args.seed)


def contrastive_rows(
    texts: Sequence[str], gold: Sequence[str], config: TrainConfig
) -> tuple[list[str], list[str]]:
    """Training texts and labels, with a text for each label's name where the config says so."""
    names = sorted(set(gold) - {OOS}) if config.contrastive.label_names else []
    return [*texts, *name_texts(names)], [*gold, *names]


def contrastive_config(config: TrainConfig) -> TrainConfig:
    """The config with the rates and the batches of this method."""
    own = config.contrastive
    optim = config.optim.model_copy(
        update={
            "lr": own.lr,
            "epochs": own.epochs,
            "least_steps": 0,
            "batch_size": own.labels_a_step * own.rows_a_label,
        }
    )
    return config.model_copy(update={"optim": optim})


def fit_tuned_head(
    net: ContrastiveNet,
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    texts: Sequence[str],
    gold: Sequence[str],
    config: TrainConfig,
) -> None:
    """Put a logistic head, fitted on the tuned vectors of the training rows, on the network."""
    texts, gold = contrastive_rows(texts, gold, config)
    net.eval()
    parts = []
    for start in range(0, len(texts), _BATCH):
        batch = tokenizer(
            texts[start : start + _BATCH],
            truncation=True, max_length=config.max_tokens, padding=True, padding_side="right",
            return_tensors="pt",
        )  # fmt: skip
        with torch.inference_mode():
            parts.append(net.vectors(batch["attention_mask"], batch["input_ids"]).numpy())
    net.start_from(fit_head(np.concatenate(parts), gold, config.head, config.seed))


def name_texts(labels: Sequence[str]) -> list[str]:
    """A label's name as a text: `card_arrival` and `cardArrival` become `card arrival`."""
    return [_SEAMS.sub(" ", label).strip().lower() for label in labels]
