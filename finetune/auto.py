"""`method: auto`: what to train, by the rows a label has and the hardware there is."""

from collections import Counter
from statistics import median

import torch

from data.errors import ConfigError
from data.schema import OOS
from finetune.config import TrainConfig
from finetune.methods import METHODS, Method
from finetune.reading import Splits
from finetune.reading.labels import names_of

FEW_ROWS = 50  # rows a label: fewer, and comparing texts teaches more than labels one by one
FEW_SEVERAL = 500  # rows with several labels each: fewer, and a logistic head does as well
LARGE = 150_000_000  # parameters from which a CPU tunes adapters alone


def settled(config: TrainConfig, splits: Splits, parameters: int) -> tuple[TrainConfig, str]:
    """The config with a method in place of `auto` and whether rows have several labels; and why.

    Args:
        config: As it was asked for.
        splits: The rows.
        parameters: Of the encoder.

    Raises:
        ConfigError: If the method or the kind of rows does not go with several labels a row.
    """
    if config.task == "intent" and config.multi_label is None:
        rows = (*splits.train, *splits.validation, *splits.test)
        several = any(len(row.labels) > 1 for row in rows)
        config = config.model_copy(update={"multi_label": several})
    if config.task == "intent" and config.intent.reads is None:
        # Rows of a conversation belong together; those of a table of texts belong to nothing.
        reads = "conversations" if any(row.group is not None for row in splits.train) else "texts"
        settled_intent = config.intent.model_copy(update={"reads": reads})
        config = config.model_copy(update={"intent": settled_intent})
    if config.multi_label and config.intent.from_the_end:
        raise ConfigError("multi_label: an agent's turn has one action; texts may have several")
    if config.multi_label and config.method == "contrastive":
        raise ConfigError("method contrastive compares texts of one label; rows here have several")
    if config.method != "auto":
        return config, "asked for"
    method, why = _choose(config, splits, parameters)
    return config.model_copy(update={"method": method}), why


def _choose(config: TrainConfig, splits: Splits, parameters: int) -> tuple[Method, str]:
    offered = METHODS[config.task]
    cuda = torch.cuda.is_available() and config.device != "cpu"
    rows = Counter(
        name for row in splits.train for name in names_of(row) if name not in (None, OOS)
    )
    if config.multi_label and len(splits.train) < FEW_SEVERAL:
        return "head", f"{len(splits.train)} rows with several labels: few"
    few = "contrastive" in offered and not config.multi_label
    if few and rows and median(rows.values()) < FEW_ROWS:
        return "contrastive", f"{median(rows.values()):.0f} rows a label: few"
    if config.task == "summary" and config.summary.kind == "extractive":
        return "head", "a scorer of sentences is a head on the untuned encoder"
    if config.task == "summary":
        return "full", "what starts from random numbers needs all layers to meet it"
    if config.task == "pretrain":
        return "full", "it is there to learn the words of these texts too"
    if parameters >= LARGE and not cuda and "lora" in offered:
        return "lora", f"{parameters / 1e6:.0f} million parameters without a GPU"
    each = "entity type" if config.task == "ner" else "label"
    told = f", {median(rows.values()):.0f} of each {each} at the median" if rows else ""
    return "frozen_embeddings", (
        f"{len(splits.train):,} rows{told}: every layer; words stay as they were pre-trained"
    )
