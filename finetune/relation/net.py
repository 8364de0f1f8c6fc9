"""The network of a relation run: marker vectors beside the encoder's words, a linear layer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from finetune.relation.markers import HEAD, HEAD_END, TAIL, TAIL_END
from finetune.trainable import hidden_states


class RelationNet(nn.Module):
    """Encoder over a text with markers, a linear layer on the two start markers: logits (B, K).

    A marker's vector is the sum of one for its role and one for its type. They start out as the
    vectors of `roles` and `types`, words that the encoder knows, and are the network's own: every
    method trains them, those that leave the encoder's words alone too.

    Args:
        encoder: As `prepare` gives it.
        width: Of its token vectors.
        labels: How many there are.
        roles: Token ids of the word that each of the four markers starts out as.
        types: Token ids of each type's name.
        smoothing: Share of the target spread out.
        weights: (K,) of the labels, or None.
    """

    encoder: Any  # a transformers or peft model

    def __init__(
        self,
        encoder: nn.Module,
        width: int,
        labels: int,
        roles: Sequence[Sequence[int]],
        types: Sequence[Sequence[int]] = (),
        smoothing: float = 0.0,
        weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.roles = self._table(roles)
        self.types = self._table(types)
        self.dropout = nn.Dropout(0.1)
        self.linear = nn.Linear(2 * width, labels)
        self._smoothing = smoothing
        self.weights: Tensor | None
        self.register_buffer("weights", weights, persistent=False)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        marks: Tensor,
        labels: Tensor | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """Logits (B, K) from ids and mask (B, T) and marks (B, T, 2): role and type of markers.

        With the loss where labels (B,) are given.
        """
        hidden = self.hidden(input_ids, attention_mask, marks)
        starts = [_sum(hidden, marks[..., 0] == role) for role in (HEAD, TAIL)]
        logits: Tensor = self.linear(self.dropout(torch.cat(starts, dim=-1)))
        if labels is None:
            return logits
        loss = nn.functional.cross_entropy(
            logits, labels, weight=self.weights, label_smoothing=self._smoothing
        )
        return {"loss": loss, "logits": logits}

    def hidden(self, input_ids: Tensor, attention_mask: Tensor, marks: Tensor) -> Tensor:
        """Token vectors (B, T, D) of the text with its markers."""
        words = self.encoder.get_input_embeddings()(input_ids)
        markers = self.roles(marks[..., 0]) + self.types(marks[..., 1])
        embedded = torch.where(marks[..., :1] > 0, markers.to(words.dtype), words)
        return hidden_states(self.encoder, attention_mask, embeds=embedded)

    def pairs(self, input_ids: Tensor, attention_mask: Tensor, marks: Tensor) -> Tensor:
        """The means of head and of tail, their markers included, side by side: (B, 2D)."""
        hidden = self.hidden(input_ids, attention_mask, marks)
        means = []
        for begin, end in ((HEAD, HEAD_END), (TAIL, TAIL_END)):
            here = marks[..., 0] == begin
            inside = (here.long().cumsum(1) - (marks[..., 0] == end).long().cumsum(1)) > 0
            inside = inside | (marks[..., 0] == end)
            means.append(_sum(hidden, inside) / inside.sum(1, keepdim=True).clamp(min=1))
        return torch.cat(means, dim=-1)

    def _table(self, names: Sequence[Sequence[int]]) -> nn.Embedding:
        """A vector for each name, the mean of its words' ones, after one of zeros for none."""
        words = self.encoder.get_input_embeddings().weight.detach()
        table = nn.Embedding(1 + len(names), words.shape[1])
        nn.init.zeros_(table.weight)
        with torch.no_grad():
            for row, ids in enumerate(names, start=1):
                if ids:
                    table.weight[row] = words[list(ids)].float().mean(0)
        return table


def _sum(hidden: Tensor, mask: Tensor) -> Tensor:
    """The sum (B, D) of the vectors (B, T, D) where the mask (B, T) is true."""
    return (hidden * mask.unsqueeze(-1).to(hidden.dtype)).sum(1)


def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    """Pad to the longest row."""
    length = max(len(row["input_ids"]) for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    marks = torch.zeros(len(rows), length, 2, dtype=torch.long)
    for place, row in enumerate(rows):
        end = len(row["input_ids"])
        ids[place, :end] = torch.tensor(row["input_ids"])
        mask[place, :end] = 1
        marks[place, :end] = torch.as_tensor(row["marks"])
    batch = {"input_ids": ids, "attention_mask": mask, "marks": marks}
    if "label" in rows[0]:
        batch["labels"] = torch.tensor([row["label"] for row in rows])
    return batch
