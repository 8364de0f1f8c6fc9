"""Texts cut into windows, and words of them hidden or left out, anew each time they are seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from data.errors import ConfigError, LogFormatError
from finetune.config import TrainConfig
from finetune.tags import IGNORE

Numbers = Sequence[int] | NDArray[np.integer[Any]]
HIDDEN, SWAPPED = 0.8, 0.1  # of the chosen words; the rest is left as it is
_SHARES = {"masked": 0.15, "denoising": 0.6}
_CHUNK = 10_000  # texts
_LEAST = 2  # words of a window: a single one has nothing to be guessed from


def share_of(config: TrainConfig) -> float:
    """The share of the words that is hidden or left out."""
    return config.pretrain.share or _SHARES[config.pretrain.objective]


def windows(
    texts: Sequence[str],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    max_tokens: int,
) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows of `input_ids` and `special` (T each) for every part of the texts, and whose they are.

    A text of more than `max_tokens` gives several; a part of a single word gives none.
    """
    rows: list[dict[str, Any]] = []
    owners: list[int] = []
    # What the tokenizer tells of a text takes far more memory than its ids: some at a time.
    for start in range(0, len(texts), _CHUNK):
        tokens = tokenizer(
            list(texts[start : start + _CHUNK]),
            truncation=True,
            max_length=max_tokens,
            return_overflowing_tokens=True,
            return_special_tokens_mask=True,
        )
        found = zip(
            tokens["input_ids"], tokens["special_tokens_mask"],
            tokens["overflow_to_sample_mapping"], strict=True,
        )  # fmt: skip
        for ids, special, owner in found:
            if len(ids) - sum(special) >= _LEAST:
                rows.append(
                    {"input_ids": np.array(ids, np.int32), "special": np.array(special, np.int8)}
                )
                owners.append(start + int(owner))
    return rows, owners


def some_windows(rows: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    """The rows, or LogFormatError where there are none."""
    if not rows:
        raise LogFormatError(f"{where}: no text of two words or more; add texts")
    return rows


class Masker:
    """Hides words of batches.

    Args:
        tokenizer: A transformers tokenizer.
        share: Of the words of each row, one at least, that are to be guessed.

    Raises:
        ConfigError: If the tokenizer has no mask.

    Source: BERT, Devlin et al. 2019, https://aclanthology.org/N19-1423; drawn anew for each pass,
    RoBERTa, Liu et al. 2019, arXiv:1907.11692.
    """

    def __init__(self, tokenizer: Any, share: float) -> None:  # noqa: ANN401 - as above
        if tokenizer.mask_token_id is None:
            raise ConfigError(
                "encoder: its tokenizer has no mask token; use pretrain.objective=denoising"
            )
        self.tokenizer, self._share = tokenizer, share
        special = set(tokenizer.all_special_ids)
        self._ordinary = torch.tensor([i for i in range(len(tokenizer)) if i not in special])

    def hide(
        self, ids: Tensor, special: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """What the network reads, and what it must say: ids (B, T), IGNORE where nothing is hidden.

        Args:
            ids: Token ids (B, T).
            special: 1 where a token is no word (B, T): never hidden.
            generator: Of the choices; None is torch's own.
        """
        words = special == 0
        counts = (words.sum(1) * self._share).round().clamp(min=1)
        draw = torch.rand(ids.shape, generator=generator).masked_fill(~words, -1.0)
        ranks = draw.argsort(1, descending=True).argsort(1)
        chosen = (ranks < counts.unsqueeze(1)) & words
        how = torch.rand(ids.shape, generator=generator)
        other = torch.randint(len(self._ordinary), ids.shape, generator=generator)
        read = torch.where(chosen & (how < HIDDEN), self.tokenizer.mask_token_id, ids)
        swapped = chosen & (how >= HIDDEN) & (how < HIDDEN + SWAPPED)
        read = torch.where(swapped, self._ordinary[other], read)
        return read, ids.masked_fill(~chosen, IGNORE)

    def hidden(self, rows: Sequence[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
        """The rows with words hidden once and for all, to score on."""
        generator = torch.Generator().manual_seed(seed)
        fixed = []
        for row in rows:
            read, labels = self.hide(
                _long(row["input_ids"])[None], _long(row["special"])[None], generator
            )
            fixed.append(
                {name: each[0].numpy().astype(np.int32)
                 for name, each in (("input_ids", read), ("labels", labels))}
            )  # fmt: skip
        return fixed

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """A batch, its words hidden anew where its rows do not say which are."""
        ids, mask = padded([row["input_ids"] for row in rows], self.tokenizer.pad_token_id)
        if "labels" in rows[0]:
            labels, _ = padded([row["labels"] for row in rows], IGNORE)
        else:
            special, _ = padded([row["special"] for row in rows], 1)
            ids, labels = self.hide(ids, special)
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class Remover:
    """Leaves words of batches out; the labels are the whole texts.

    Source: TSDAE, Wang et al. 2021, https://aclanthology.org/2021.findings-emnlp.59
    """

    def __init__(self, pad: int, share: float) -> None:
        self._pad, self._share = pad, share

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """A batch; each row keeps one word at least, and all that is no word."""
        labels, _ = padded([row["input_ids"] for row in rows], self._pad)
        left = []
        for row in rows:
            ids, words = _long(row["input_ids"]), _long(row["special"]) == 0
            draw = torch.rand(len(ids))
            kept = ~words | (draw > self._share) | (draw == draw[words].max())
            left.append(ids[kept].tolist())
        ids, mask = padded(left, self._pad)
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def padded(rows: Sequence[Numbers], value: int) -> tuple[Tensor, Tensor]:
    """Rows as one tensor (B, T), filled up with `value`, and its mask (B, T)."""
    given = [_long(row) for row in rows]
    ids = pad_sequence(given, batch_first=True, padding_value=value)
    mask = pad_sequence([torch.ones_like(row) for row in given], batch_first=True)
    return ids, mask


def _long(row: Numbers) -> Tensor:
    return torch.tensor(row, dtype=torch.int64)
