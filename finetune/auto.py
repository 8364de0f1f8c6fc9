"""`method: auto`: what to train, by the rows a label has and the hardware there is."""

from collections import Counter
from statistics import median

import torch

from data.schema import OOS
from finetune.config import TrainConfig
from finetune.methods import METHODS, Method
from finetune.reading import Splits

FEW_ROWS = 50  # rows a label: fewer, and comparing texts teaches more than labels one by one
LARGE = 150_000_000  # parameters from which a CPU tunes adapters alone


def settled(config: TrainConfig, splits: Splits, parameters: int) -> tuple[TrainConfig, str]:
    """The config with a method in place of `auto`, and why it is that one.

    Args:
        config: As it was asked for.
        splits: The rows.
        parameters: Of the encoder.
    """
    if config.method != "auto":
        return config, "asked for"
    method, why = _choose(config, splits, parameters)
    return config.model_copy(update={"method": method}), why


def _choose(config: TrainConfig, splits: Splits, parameters: int) -> tuple[Method, str]:
    offered = METHODS[config.task]
    cuda = torch.cuda.is_available() and config.device != "cpu"
    rows = Counter(row.label for row in splits.train if row.label and row.label != OOS)
    if "contrastive" in offered and rows and median(rows.values()) < FEW_ROWS:
        return "contrastive", f"{median(rows.values()):.0f} rows a label: few"
    if config.task == "pretrain":
        return "full", "it is there to learn the words of these texts too"
    if parameters >= LARGE and not cuda and "lora" in offered:
        return "lora", f"{parameters / 1e6:.0f} million parameters without a GPU"
    return "frozen_embeddings", (
        f"{len(splits.train):,} rows: enough for every layer; words stay as they were pre-trained"
    )
