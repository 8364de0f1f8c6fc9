"""The network that guesses hidden words, and how its head is fitted and scored."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from finetune.config import TrainConfig
from finetune.devices import device_name
from finetune.pretrain.masking import Masker
from finetune.tags import IGNORE
from finetune.trainable import hidden_states

HEAD_LR = 2e-3
_BATCH = 64  # rows scored side by side


class MaskedNet(nn.Module):
    """An encoder, and a head that guesses hidden words: logits (m, V) of the m hidden ones.

    The head's table is the encoder's own table of words, so it starts from what they mean.

    Source: Press & Wolf 2017, https://aclanthology.org/E17-2025
    """

    encoder: Any  # a transformers or peft model

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        words, inner = self.words().shape
        self.dense = nn.Linear(width, inner)
        if width == inner:
            nn.init.eye_(self.dense.weight)
            nn.init.zeros_(self.dense.bias)
        self.norm = nn.LayerNorm(inner)
        self.bias = nn.Parameter(torch.zeros(words))

    def words(self) -> Tensor:
        """The encoder's table of words (V, D)."""
        table: Tensor = self.encoder.get_input_embeddings().weight
        return table

    def head(self) -> dict[str, nn.Parameter]:
        """The head's parameters by name; the table of words is not among them."""
        return {
            name: value
            for name, value in self.named_parameters()
            if not name.startswith("encoder.")
        }

    def guess(self, hidden: Tensor) -> Tensor:
        """Logits (m, V) from token vectors (m, D)."""
        logits: Tensor = self.norm(nn.functional.gelu(self.dense(hidden))) @ self.words().T
        return logits + self.bias

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Loss (nats a hidden word) and logits from ids, mask and labels (B, T)."""
        hidden = hidden_states(self.encoder, attention_mask, input_ids)
        chosen = labels != IGNORE
        logits = self.guess(hidden[chosen])
        return {"loss": nn.functional.cross_entropy(logits, labels[chosen]), "logits": logits}


def fit_head(
    net: MaskedNet, rows: Sequence[dict[str, Any]], masker: Masker, config: TrainConfig
) -> None:
    """Fit the head alone on the encoder as it is.

    A head of random numbers would tell the encoder nothing but noise at first, and an encoder that
    was not tuned could not be scored with it.

    Source: linear probing, then fine-tuning, Kumar et al. 2022, arXiv:2202.10054
    """
    device = device_name(config)
    net.to(device).eval()
    steps, size = config.pretrain.head_steps, min(config.optim.batch_size, len(rows))
    counts = torch.from_numpy(word_counts([row["input_ids"] for row in rows], len(net.bias)))
    with torch.no_grad():
        net.bias.copy_((counts.float() + 0.1).log() - counts.float().sum().log())
    head = list(net.head().values())
    optimizer = torch.optim.AdamW(head, lr=HEAD_LR, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    generator = np.random.default_rng(config.seed)
    for _ in range(steps):
        places = generator.choice(len(rows), size, replace=False)
        batch = _on(masker.collate([rows[place] for place in places]), device)
        chosen = batch["labels"] != IGNORE
        with torch.no_grad():
            hidden = hidden_states(net.encoder, batch["attention_mask"], batch["input_ids"])
        loss = nn.functional.cross_entropy(net.guess(hidden[chosen]), batch["labels"][chosen])
        # Of the head alone: that of the table of words costs as much, and is the encoder's.
        for value, gradient in zip(head, torch.autograd.grad(loss, head), strict=True):
            value.grad = gradient
        optimizer.step()
        schedule.step()
    optimizer.zero_grad()


def word_counts(rows: Sequence[NDArray[np.integer[Any]]], words: int) -> NDArray[np.int64]:
    """How often each of so many words (V,) stands in the rows of ids."""
    return np.bincount(np.concatenate(rows), minlength=words)


def guesses(
    net: MaskedNet, rows: Sequence[dict[str, Any]], masker: Masker, config: TrainConfig
) -> NDArray[np.float64]:
    """Of each row (n, 3) with fixed labels: nats in all, words guessed right, words hidden."""
    device = device_name(config)
    net.to(device).eval()
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]["input_ids"]))
    found = np.zeros((len(rows), 3))
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        batch = _on(masker.collate([rows[place] for place in places]), device)
        chosen = batch["labels"] != IGNORE
        with torch.inference_mode():
            logits = net(**batch)["logits"]
        gold = batch["labels"][chosen]
        nats = nn.functional.cross_entropy(logits, gold, reduction="none")
        owner = chosen.nonzero()[:, 0]
        values = torch.stack([nats, logits.argmax(1) == gold, torch.ones_like(nats)], 1).cpu()
        np.add.at(found, np.array(places)[owner.cpu().numpy()], values.double().numpy())
    return found


def word_metrics(found: NDArray[np.float64]) -> dict[str, float]:
    """`masked_accuracy`, `loss` (nats a hidden word) and `perplexity` of rows as of `guesses`."""
    nats, right, hidden = found.sum(axis=0)
    loss = float(nats / max(hidden, 1))
    return {
        "masked_accuracy": float(right / max(hidden, 1)),
        "loss": loss,
        "perplexity": math.exp(min(loss, 50.0)),
    }


def save_head(net: MaskedNet, path: Path) -> None:
    """Write the head's parameters."""
    save_file({name: value.detach().cpu() for name, value in net.head().items()}, str(path))


def load_head(net: MaskedNet, path: Path) -> None:
    """Read the head's parameters into the net."""
    values: Mapping[str, Tensor] = load_file(str(path))
    with torch.no_grad():
        for name, parameter in net.head().items():
            parameter.copy_(values[name])


def _on(batch: dict[str, Tensor], device: str) -> dict[str, Tensor]:
    return {name: value.to(device) for name, value in batch.items()}
