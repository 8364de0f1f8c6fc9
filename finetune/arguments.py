"""What every task's Trainer is given: its arguments, callbacks and rows; and what it leaves."""

import json
import os
import sys
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import EarlyStoppingCallback, TrainingArguments

from data.errors import ConfigError
from finetune.config import TrainConfig
from finetune.devices import has_bf16, uses_cuda
from finetune.trainable import Unfreeze

# Rows of like length share a batch: less padding is less work.
BY_LENGTH: Mapping[str, Any] = {
    "train_sampling_strategy": "group_by_length",
    "label_names": ["labels"],
}


def arguments(
    config: TrainConfig,
    folder: Path,
    rows: int,
    kind: type = TrainingArguments,
    **more: Any,  # noqa: ANN401 - what the library's arguments take
) -> Any:  # noqa: ANN401 - an object of `kind`
    """Training arguments of this config.

    Args:
        config: The run's config.
        folder: Where checkpoints go.
        rows: Training rows, for the number of warm-up steps.
        kind: TrainingArguments or a library's subclass of it.
        more: Further fields, the task's own.

    Raises:
        ConfigError: If a batch cannot be shared out among the processes, or they are to shard.
    """
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true":
        raise ConfigError(
            "--use_fsdp: sharded weights are not offered; every process holds the whole model, so "
            "launch without it"
        )
    optim = config.optim
    cuda = uses_cuda(config)
    return kind(
        output_dir=str(folder),
        per_device_train_batch_size=_share(config),
        per_device_eval_batch_size=64,
        gradient_accumulation_steps=optim.accumulate,
        num_train_epochs=epochs_of(config, rows),
        max_steps=optim.max_steps,
        learning_rate=optim.lr,
        weight_decay=optim.weight_decay,
        max_grad_norm=optim.clip,
        warmup_steps=int(steps_of(config, rows) * optim.warmup_fraction),
        lr_scheduler_type={"constant": "constant_with_warmup"}.get(optim.schedule, optim.schedule),
        seed=config.seed,
        data_seed=config.seed,
        bf16=optim.precision == "bf16" or (optim.precision == "auto" and has_bf16(cuda)),
        tf32=True if cuda and torch.cuda.get_device_capability() >= (8, 0) else None,
        use_cpu=not cuda,
        eval_strategy="epoch" if optim.watches else "no",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=optim.patience > 0,
        metric_for_best_model=optim.stop_on,
        greater_is_better=optim.stop_on != "loss",
        restore_callback_states_from_checkpoint=True,  # how long early stopping has waited
        logging_steps=10,
        disable_tqdm=not sys.stderr.isatty(),
        report_to=[],
        dataloader_pin_memory=cuda,
        remove_unused_columns=False,
        ddp_find_unused_parameters=config.method == "gradual",
        **more,
    )


def epochs_of(config: TrainConfig, rows: int) -> float:
    """How many passes a training over so many rows makes.

    Source: few rows want steps, not passes, Mosbach et al. 2021, arXiv:2006.04884
    """
    optim = config.optim
    return max(optim.epochs, ceil(optim.least_steps / _pass(config, rows)))


def steps_of(config: TrainConfig, rows: int) -> int:
    """How many steps a training over so many rows has."""
    if config.optim.max_steps > 0:
        return config.optim.max_steps
    return max(1, int(_pass(config, rows) * epochs_of(config, rows)))


def _pass(config: TrainConfig, rows: int) -> int:
    """Steps of one pass."""
    return max(1, ceil(rows / config.optim.batch_size))


def _share(config: TrainConfig) -> int:
    """Examples that one process computes at a time."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    parts = processes * config.optim.accumulate
    if config.optim.batch_size % parts:
        raise ConfigError(
            f"optim.batch_size: {config.optim.batch_size} does not divide by {processes} "
            f"processes times accumulate {config.optim.accumulate}"
        )
    return config.optim.batch_size // parts


def trained(trainer: Any) -> Any:  # noqa: ANN401 - a Trainer
    """The Trainer's module on the CPU, without the mixed-precision wrapper around its forward."""
    model = trainer.model
    if hasattr(trainer, "accelerator"):
        model = trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return model.cpu()


def callbacks(config: TrainConfig, encoder: nn.Module) -> list[Any]:
    """Early stopping and gradual unfreezing, where the config asks for them."""
    patience = config.optim.patience
    wanted: list[Any] = [EarlyStoppingCallback(early_stopping_patience=patience)] * (patience > 0)
    if config.method == "gradual":
        wanted.append(Unfreeze(encoder))
    return wanted


def stay_stopped(trainer: Any, checkpoint: str) -> None:  # noqa: ANN401 - a Trainer
    """Take no further step where early stopping had ended the training at that checkpoint."""
    state = json.loads((Path(checkpoint) / "trainer_state.json").read_text(encoding="utf-8"))
    waited = state["stateful_callbacks"].get(EarlyStoppingCallback.__name__)
    if waited is not None:
        passes = waited["attributes"]["early_stopping_patience_counter"]
        if passes >= waited["args"]["early_stopping_patience"]:
            trainer.args.max_steps = state["global_step"]


def balanced(counts: list[int]) -> torch.Tensor:
    """Weights (K,) by which labels of so many rows count alike; their mean over rows is 1."""
    rows = torch.tensor(counts, dtype=torch.float32)
    return rows.sum() / (len(counts) * rows.clamp(min=1))


class Rows(Dataset[dict[str, Any]]):
    """Rows held in memory."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]
