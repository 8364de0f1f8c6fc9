"""The network of an intent run: an encoder, a pooled vector, a linear layer."""

from typing import Any

import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from data.encoder_way import Pooling
from finetune.encoder import pool
from finetune.head import Head
from finetune.intent.halves import joined
from finetune.trainable import hidden_states

INITIAL_SCALE = 20.0  # of the cosine-like logits; a softmax over unit vectors alone is too flat


class IntentNet(nn.Module):
    """Encoder, unit-length pooling as is its own, a learned scale, a linear layer: logits (B, K).

    Where `encoder` is the upper half of one, `whole` is the one it was cut from.
    """

    def __init__(
        self,
        encoder: nn.Module,
        width: int,
        labels: int,
        smoothing: float = 0.0,
        weights: Tensor | None = None,
        whole: nn.Module | None = None,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling: Pooling = pooling
        self._whole = (whole,)  # in a tuple: not a part of what is trained and saved
        self.scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
        self.dropout = nn.Dropout(0.1)
        self.linear = nn.Linear(width, labels)
        self._smoothing = smoothing
        self.weights: Tensor | None
        self.register_buffer("weights", weights, persistent=False)  # (K,) of the labels, or None

    def start_from(self, head: Head) -> None:
        """Take over a logistic head on the untuned encoder, so that tuning starts where it ends.

        Source: linear probing, then fine-tuning, Kumar et al. 2022, arXiv:2202.10054
        """
        with torch.no_grad():
            self.linear.weight.copy_(torch.as_tensor(head.weight) / self.scale)
            self.linear.bias.copy_(torch.as_tensor(head.bias))

    @property
    def uncut(self) -> nn.Module | None:
        """The encoder that `encoder` is the upper half of; None where it is no half."""
        return self._whole[0]

    def whole(self) -> nn.Module:
        """The encoder with the tuned layers in it."""
        return self.encoder if self.uncut is None else joined(self.uncut, self.encoder)

    def vectors(
        self, mask: Tensor, ids: Tensor | None = None, states: Tensor | None = None
    ) -> Tensor:
        """Unit-length vectors (B, D) of token ids (B, T), or of a lower half's states (B, T, D)."""
        return pool(hidden_states(self.encoder, mask, ids, states), mask, self.pooling)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        states: Tensor | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """Logits (B, K), with the loss where labels (B,) are given.

        Of token ids (B, T), or of what the lower half gave for them (B, T, D).
        """
        assert attention_mask is not None
        vectors = self.dropout(self.vectors(attention_mask, input_ids, states))
        logits: Tensor = self.linear(vectors * self.scale)
        if labels is None:
            return logits
        loss = nn.functional.cross_entropy(
            logits, labels, weight=self.weights, label_smoothing=self._smoothing
        )
        return {"loss": loss, "logits": logits}


class LabelsNet(IntentNet):
    """An IntentNet whose labels do not rule one another out: each has a loss of its own."""

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        states: Tensor | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """As IntentNet's, with labels (B, K) of 0 and 1; `weights` are of a row that has one."""
        logits = super().forward(input_ids, attention_mask, None, states)
        if labels is None:
            return logits
        assert isinstance(logits, Tensor)
        # Summed over labels: the mean would be of rows that have not the label, nearly all.
        loss = nn.functional.binary_cross_entropy_with_logits(
            logits, labels, pos_weight=self.weights, reduction="sum"
        )
        return {"loss": loss / len(labels), "logits": logits}


class Served(nn.Module):
    """What an intent run's graph gives: logits (B, K) and the unit-length pooled vector (B, D)."""

    outputs = ("output", "vector")

    def __init__(self, net: IntentNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Of token ids and mask (B, T)."""
        pooled = self.net.vectors(attention_mask, input_ids)
        return self.net.linear(pooled * self.net.scale), pooled


def collate(
    rows: list[dict[str, Any]],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
) -> dict[str, Tensor]:
    """Pad to the longest row; states of a lower half, where rows have them, stand for the ids."""
    batch = tokenizer.pad(
        {"input_ids": [row["input_ids"] for row in rows]}, padding_side="right", return_tensors="pt"
    )
    given = {"attention_mask": batch["attention_mask"]}
    if "states" in rows[0]:
        given["states"] = pad_sequence([row["states"] for row in rows], batch_first=True)
    else:
        given["input_ids"] = batch["input_ids"]
    return {**given, "labels": torch.tensor([row["label"] for row in rows])}


def while_training(predicted: Any) -> dict[str, float]:  # noqa: ANN401 - an EvalPrediction
    """What early stopping may watch."""
    said, gold = predicted.predictions.argmax(axis=1), predicted.label_ids
    macro = f1_score(gold, said, average="macro", zero_division=0)
    return {"accuracy": float((said == gold).mean()), "macro_f1": float(macro)}
