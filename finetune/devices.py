"""Where a training runs: CUDA or the CPU, and which of the processes that train together."""

import gc
import os

import torch
from torch.nn.parallel import DistributedDataParallel

from data.errors import ConfigError
from finetune.config import TrainConfig


def uses_cuda(config: TrainConfig) -> bool:
    """Whether this config trains on CUDA here.

    Raises:
        ConfigError: If it must, and there is none.
    """
    here = torch.cuda.is_available()
    if config.device == "cuda" and not here:
        raise ConfigError("device: cuda was asked for, but torch sees none here; use auto or cpu")
    if config.method == "qlora" and not here:
        raise ConfigError("method qlora: its 4-bit weights need a CUDA device; use lora here")
    return here and config.device != "cpu"


def device_name(config: TrainConfig) -> str:
    """`cuda` or `cpu`: where this config trains, and where its run is scored.

    A run that needed CUDA to be trained is scored without it where there is none.
    """
    return "cuda" if torch.cuda.is_available() and config.device != "cpu" else "cpu"


def has_bf16(cuda: bool) -> bool:
    """Whether the hardware multiplies in bfloat16: on CPUs that do, twice as fast as float32."""
    if cuda:
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def reading(config: TrainConfig) -> torch.autocast:
    """In which the CPU runs an encoder that stays as it is: bfloat16 where that is quicker."""
    quicker = config.optim.precision != "fp32" and has_bf16(cuda=False)
    return torch.autocast("cpu", torch.bfloat16, enabled=quicker)


def leave() -> None:
    """Part from the processes that train together, if there are any: they exit without a word."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return
    # A reducer that outlives the group's other owners ends its threads while it holds Python's
    # lock, for which they may be waiting: both would wait for ever.
    for each in gc.get_objects():
        if type(each) is DistributedDataParallel:
            del each.logger, each.reducer
    torch.distributed.destroy_process_group()


def is_main() -> bool:
    """Whether this process is the one that writes: the first of those that train together."""
    return os.environ.get("RANK", "0") == "0"
