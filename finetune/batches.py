"""Which rows make a batch: those of like length, the same however many processes share it out."""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class ByLength(Sampler[int]):
    """Rows in an order where those of a batch are about as long: less padding is less work.

    The order follows from seed and pass alone. A resumed training and one on several processes
    therefore see the batches of an uninterrupted one on one process.

    Args:
        lengths: Tokens of each row.
        batch: Rows of a whole step, over all processes and their parts.
        seed: Of the order.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths, self._batch, self._seed = list(lengths), batch, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which pass over the rows comes next; the Trainer does."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 100_003 + self._epoch)
        order = get_length_grouped_indices(self._lengths, self._batch, generator=generator)
        return iter(order)
