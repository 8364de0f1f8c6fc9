"""The network of a qa run: where in the passage the answer starts and ends.

Source: Devlin et al. 2019, https://aclanthology.org/N19-1423: one linear layer, and for SQuAD 2.0
"no answer" as a span of the first token alone.
"""

from typing import Any

import torch
from torch import Tensor, nn

from finetune.qa.windows import OUTSIDE, PASSAGE, SHARED
from finetune.trainable import hidden_states

NEVER = -1e4  # the logit of a place where no answer can be


class QaNet(nn.Module):
    """Encoder over word plus segment vectors, a linear layer a token: logits (B, T, 2).

    Start and end. Only the passage and the first token, which stands for "no answer", can be
    either. Segment vectors are the network's own, so that encoders without any can be used; they
    start out as what the encoder has learned of a second text, or as nothing.
    """

    encoder: Any  # a transformers or peft model

    def __init__(self, encoder: nn.Module, width: int, smoothing: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.segments = nn.Embedding(3, self._words.weight.shape[1])
        with torch.no_grad():
            self.segments.weight.zero_()
            learned = _second_text(encoder)
            if learned is not None:
                self.segments.weight[[PASSAGE, SHARED]] = learned
        self.dropout = nn.Dropout(0.1)
        self.linear = nn.Linear(width, 2)
        self._smoothing = smoothing

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        segments: Tensor,
        labels: Tensor | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """Logits (B, T, 2) from ids, mask and segments (B, T).

        With the loss where labels (B, 2), the first and last token of the answer, are given.
        """
        embedded = self._words(input_ids) + self.segments(segments)
        hidden = hidden_states(self.encoder, attention_mask, embeds=embedded)
        inside = segments != OUTSIDE
        can = torch.cat([torch.ones_like(inside[:, :1]), inside[:, 1:]], dim=1).unsqueeze(-1)
        logits: Tensor = self.linear(self.dropout(hidden)).float().masked_fill(~can, NEVER)
        if labels is None:
            return logits
        logs = nn.functional.log_softmax(logits, dim=1)
        right = logs.gather(1, labels.unsqueeze(1)).mean()
        spread = ((logs * can).sum(1) / can.sum(1)).mean()  # over the places that can be one
        loss = -(1 - self._smoothing) * right - self._smoothing * spread
        return {"loss": loss, "logits": logits}

    @property
    def _words(self) -> Any:  # noqa: ANN401 - the encoder's embedding
        return self.encoder.get_input_embeddings()


def _second_text(encoder: nn.Module) -> Tensor | None:
    """What the encoder adds to a token (D,) of a second text in place of what a first one gets."""
    for name, module in encoder.named_modules():
        if name.endswith("token_type_embeddings") and len(module.weight) > 1:
            table: Tensor = module.weight.detach()
            return table[1] - table[0]
    return None


def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    """Pad to the longest row."""
    length = max(len(row["input_ids"]) for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask, segments = torch.zeros_like(ids), torch.zeros_like(ids)
    for place, row in enumerate(rows):
        end = len(row["input_ids"])
        ids[place, :end] = torch.tensor(row["input_ids"])
        mask[place, :end] = 1
        segments[place, :end] = torch.tensor(row["segments"])
    batch = {"input_ids": ids, "attention_mask": mask, "segments": segments}
    if "label" in rows[0]:
        batch["labels"] = torch.tensor([row["label"] for row in rows])
    return batch


def while_training(predicted: Any) -> dict[str, float]:  # noqa: ANN401 - an EvalPrediction
    """What early stopping may watch: windows with both ends right, each the likeliest by itself."""
    said = predicted.predictions.argmax(axis=1)
    return {"exact_span": float((said == predicted.label_ids).all(axis=1).mean())}
