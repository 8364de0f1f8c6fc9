"""The network of an intent run: an encoder, a pooled vector, a linear layer."""

from typing import Any

import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from finetune.encoder import mean_pool
from finetune.tuning import hidden_states

INITIAL_SCALE = 20.0  # of the cosine-like logits; a softmax over unit vectors alone is too flat


class IntentNet(nn.Module):
    """Encoder, unit-length mean pooling, a learned scale, a linear layer: logits (B, K)."""

    def __init__(
        self,
        encoder: nn.Module,
        width: int,
        labels: int,
        smoothing: float = 0.0,
        weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
        self.dropout = nn.Dropout(0.1)
        self.linear = nn.Linear(width, labels)
        self._smoothing = smoothing
        self.weights: Tensor | None
        self.register_buffer("weights", weights, persistent=False)  # (K,) of the labels, or None

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> Tensor | dict[str, Tensor]:
        """Logits (B, K), with the loss where labels (B,) are given."""
        hidden = hidden_states(self.encoder, attention_mask, input_ids)
        pooled = self.dropout(mean_pool(hidden, attention_mask))
        logits: Tensor = self.linear(pooled * self.scale)
        if labels is None:
            return logits
        loss = nn.functional.cross_entropy(
            logits, labels, weight=self.weights, label_smoothing=self._smoothing
        )
        return {"loss": loss, "logits": logits}


def collate(
    rows: list[dict[str, Any]],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
) -> dict[str, Tensor]:
    """Pad to the longest row."""
    batch = tokenizer.pad({"input_ids": [row["input_ids"] for row in rows]}, return_tensors="pt")
    return {
        "input_ids": batch["input_ids"],
        "attention_mask": batch["attention_mask"],
        "labels": torch.tensor([row["label"] for row in rows]),
    }


def while_training(predicted: Any) -> dict[str, float]:  # noqa: ANN401 - an EvalPrediction
    """What early stopping may watch."""
    said, gold = predicted.predictions.argmax(axis=1), predicted.label_ids
    macro = f1_score(gold, said, average="macro", zero_division=0)
    return {"accuracy": float((said == gold).mean()), "macro_f1": float(macro)}
