"""What a training will take, from a few of its own steps: rows, parameters, minutes, memory."""

import math
import random
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil
import torch
from torch import nn
from transformers import Trainer

from finetune.config import TrainConfig
from finetune.reading import Splits
from finetune.task import Trains

_PROBES = 4  # steps that are timed, after one that warms up on the longest rows
_GIB = 2**30
_STATE = {"adamw": 8, "sgd": 4, "adafactor": 0.1}  # bytes an optimizer keeps for a parameter


@dataclass(frozen=True, slots=True)
class Estimate:
    """Training rows, steps, parameters trained and in all, minutes of training, GiB of memory.

    Minutes are those of the steps: reading, scoring and the report come on top.
    """

    rows: int
    steps: int
    trainable: int
    parameters: int
    minutes: float
    memory_gib: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def __str__(self) -> str:
        share = self.trainable / max(1, self.parameters)
        return (
            f"{self.rows:,} rows, {self.steps:,} steps, {self.trainable:,} of "
            f"{self.parameters:,} parameters trained ({share:.1%}), about {self.minutes:.1f} "
            f"minutes, {self.memory_gib:.1f} GiB"
        )


def estimate(trainer: Trains, config: TrainConfig, splits: Splits) -> Estimate:
    """Time a few steps of this trainer and leave it as it was, its random numbers too."""
    rows = len(splits.train)
    if not isinstance(trainer, Trainer):
        seconds, trainable, total = trainer.probe()  # type: ignore[attr-defined]
        return Estimate(rows, 0, trainable, total, round(seconds / 60, 2), _memory(0.0))
    model = trainer.model
    parameters = list(model.parameters())
    # What is unfrozen on the way counts too.
    trainable = sum(each.numel() for each in parameters if each.requires_grad)
    total = sum(each.numel() for each in parameters)
    uncut = getattr(model, "uncut", None)
    if uncut is not None:  # of an encoder that was cut in two, the half that stays as it is
        total += _size(uncut) - _size(model.encoder)
    with _same_random_numbers():
        steps = _steps(trainer)
        seconds = _step_seconds(trainer)
    state = trainable * _STATE[config.optim.optimizer]
    return Estimate(rows, steps, trainable, total, round(steps * seconds / 60, 2), _memory(state))


def _size(module: nn.Module) -> int:
    """Parameters of a module."""
    return sum(each.numel() for each in module.parameters())


def _steps(trainer: Any) -> int:  # noqa: ANN401 - any of the Trainer family
    """How many steps it will take, by its own arguments: a method may bring its own."""
    args, data = trainer.args, trainer.train_dataset
    if args.max_steps > 0:
        return int(args.max_steps)
    sampler = trainer._get_train_sampler(data)  # may give rows of rare labels more than once
    batches = math.ceil(len(data if sampler is None else sampler) / args.train_batch_size)
    parts = args.world_size * args.gradient_accumulation_steps
    return int(math.ceil(max(1, math.ceil(batches / parts)) * args.num_train_epochs))


def _step_seconds(trainer: Any) -> float:  # noqa: ANN401 - any of the Trainer family
    """Mean seconds of a step, forwards and backwards."""
    data, size = trainer.train_dataset, trainer.args.train_batch_size
    order = list(trainer._get_train_sampler(data) or range(len(data)))
    # The order begins with the longest rows: they warm up and tell the memory, but not the time.
    shares = [0.0, *((place + 0.5) / _PROBES for place in range(_PROBES))]
    starts = [int(share * max(0, len(order) - size)) for share in shares]
    trainer.model.train()
    spent = []
    for start in starts:
        batch = trainer.data_collator([data[place] for place in order[start : start + size]])
        begun = time.perf_counter()
        inputs = trainer._prepare_inputs(batch)
        with trainer.accelerator.autocast():  # in the precision that it trains in
            loss = trainer.compute_loss(trainer.model, inputs)
        loss.backward()
        spent.append(time.perf_counter() - begun)
        trainer.model.zero_grad(set_to_none=False)
    mean = sum(spent[1:]) / len(spent[1:])
    trainer.model.zero_grad(set_to_none=True)
    return mean * int(trainer.args.gradient_accumulation_steps)


def peak_memory() -> dict[str, float]:
    """The most that this process has held so far, in GiB: `memory_gib`, on CUDA also its own."""
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    peak = {"memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _GIB}
    if torch.cuda.is_available():
        peak["cuda_memory_gib"] = torch.cuda.max_memory_allocated() / _GIB
    return {name: round(value, 2) for name, value in peak.items()}


def _memory(state: float) -> float:
    """GiB of the process or of the device, with the optimizer's bytes that are still to come."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        used = torch.cuda.max_memory_allocated()
    else:
        used = psutil.Process().memory_info().rss
    return round((used + state) / _GIB, 1)


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """Afterwards every generator goes on where it stood."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the libraries' own
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002 - the libraries' own
