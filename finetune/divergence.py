"""Whether a training ended in numbers at all: one that diverged has no weights to save."""

from typing import Any

from torch import nn

from data.errors import ConfigError
from finetune.config import TrainConfig


def check_finite(model: Any, config: TrainConfig) -> None:  # noqa: ANN401 - a Trainer's or a head
    """Refuse a network whose training diverged; a head, which is fitted, has no steps that could.

    Raises:
        ConfigError: If a trained parameter has a value that is infinite or not a number.
    """
    if not isinstance(model, nn.Module):
        return
    trained = (each for each in model.parameters() if each.requires_grad)
    if all(bool(each.isfinite().all()) for each in trained):
        return
    rate = "contrastive.lr" if config.method == "contrastive" else "optim.lr"
    if config.task == "dialogue" and config.dialogue.objective != "answers":
        rate = "dialogue.preference_lr"
    raise ConfigError(f"the training diverged: its weights are no finite numbers; lower {rate}")
