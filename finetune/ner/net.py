"""Token classification over an encoder, word-shape embeddings beside its own, and its batches."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from data.schema import Example
from finetune.ner.shapes import CHUNK_SHAPES, OWN_SHAPES, shape_ids
from finetune.tags import IGNORE, tags_for
from finetune.trainable import hidden_states


class NerNet(nn.Module):
    """Encoder over word plus shape embeddings, a linear layer a token: logits (B, T, K).

    In training a share `hidden` of the tokens is read as the token `mask_id`: names that nobody has
    written yet must be known by their shape and by what stands around them.
    """

    encoder: Any  # a transformers or peft model

    def __init__(
        self,
        encoder: nn.Module,
        width: int,
        tags: int,
        smoothing: float = 0.0,
        weights: Tensor | None = None,
        hidden: float = 0.0,
        mask_id: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self._hidden, self._mask_id = hidden, mask_id
        self.own = nn.Embedding(OWN_SHAPES, width)
        self.chunk = nn.Embedding(CHUNK_SHAPES, width)
        for table in (self.own, self.chunk):  # training starts from the encoder as it is
            nn.init.zeros_(table.weight)
        self.dropout = nn.Dropout(0.1)
        self.linear = nn.Linear(width, tags)
        self._smoothing = smoothing
        self.weights: Tensor | None
        self.register_buffer("weights", weights, persistent=False)  # (K,) of the tags, or None

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        shapes: Tensor,
        labels: Tensor | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """Logits (B, T, K) from ids and mask (B, T) and shapes (B, T, 2).

        With the loss where labels (B, T) are given.
        """
        if self.training and self._hidden:
            drawn = torch.rand(input_ids.shape, device=input_ids.device) < self._hidden
            input_ids = input_ids.masked_fill(drawn, self._mask_id)
        words = self.encoder.get_input_embeddings()(input_ids)
        embedded = words + self.own(shapes[..., 0]) + self.chunk(shapes[..., 1])
        hidden = hidden_states(self.encoder, attention_mask, embeds=embedded)
        logits: Tensor = self.linear(self.dropout(hidden))
        if labels is None:
            return logits
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1),
            labels.flatten(),
            weight=self.weights,
            ignore_index=IGNORE,
            label_smoothing=self._smoothing,
        )
        return {"loss": loss, "logits": logits}


def token_rows(
    examples: Sequence[Example],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    tags: Sequence[str],
    max_tokens: int,
) -> list[dict[str, Any]]:
    """Token ids, shapes, tag ids and offsets of each text, T at most `max_tokens`."""
    ids = {tag: place for place, tag in enumerate(tags)}
    rows = []
    for example in examples:
        encoding = tokenizer(example.text, truncation=True, max_length=max_tokens)[0]
        rows.append(
            {
                "input_ids": encoding.ids,
                "shapes": shape_ids(example.text, encoding),
                "labels": tags_for(example.entities, encoding.offsets, ids),
                "offsets": encoding.offsets,
            }
        )
    return rows


def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    """Pad to the longest row."""
    length = max(len(row["input_ids"]) for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORE)
    shapes = torch.zeros(len(rows), length, 2, dtype=torch.long)
    for place, row in enumerate(rows):
        end = len(row["input_ids"])
        ids[place, :end] = torch.tensor(row["input_ids"])
        mask[place, :end] = 1
        shapes[place, :end] = torch.tensor(row["shapes"])
        labels[place, :end] = torch.tensor(row["labels"])
    return {"input_ids": ids, "attention_mask": mask, "shapes": shapes, "labels": labels}
