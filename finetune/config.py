"""Training configs: typed YAML, unknown keys refused, every mistake told at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from data.config import Config, load_config
from data.encoders import DEFAULT_ENCODER

TaskName = Literal["intent", "ner", "reply"]
Method = Literal["full", "lora", "frozen"]
CONFIGS = Path(__file__).parent / "configs"

# Which way to tune works with which task; each cell is tried in tests/test_training.py.
METHODS: dict[str, tuple[Method, ...]] = {
    "intent": ("frozen", "full", "lora"),
    "ner": ("full", "lora"),
    "reply": ("full", "lora"),
}


class OptimConfig(Config):
    """Optimizer (AdamW) and schedule (linear)."""

    lr: float = Field(2e-4, gt=0, description="peak learning rate")
    weight_decay: float = Field(0.01, ge=0, description="not on biases and norms")
    batch_size: int = Field(32, ge=1, description="examples a step")
    epochs: float = Field(5, gt=0, description="passes over the training rows")
    max_steps: int = Field(-1, ge=-1, description="stop after so many steps; -1: by epochs")
    warmup_fraction: float = Field(0.06, ge=0, le=1, description="part of all steps")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the target spread out")
    patience: int = Field(0, ge=0, description="epochs without gain before stopping; 0: never")


class LoraConfig(Config):
    """Low-rank adapters (Hu et al. 2021, arXiv:2106.09685)."""

    rank: int = Field(16, ge=1, description="width of the update")
    alpha: int = Field(32, ge=1, description="scale: alpha / rank")
    dropout: float = Field(0.05, ge=0, lt=1, description="share of inputs dropped")


class HeadConfig(Config):
    """The logistic head on a frozen encoder."""

    c: tuple[float, ...] = Field(
        (5.0, 20.0), min_length=1, description="inverse regularization; chosen by cross-validation"
    )
    folds: int = Field(5, ge=2, description="cross-validation folds")


class ReplyConfig(Config):
    """What a reply model learns from."""

    hard_negatives: int = Field(1, ge=0, description="mined wrong answers beside each right one")
    min_weight: float = Field(
        0.5, ge=0, le=2, description="answers that the log speaks for less are left out"
    )
    max_pairs: int = Field(6000, ge=1, description="pairs at most; the most trusted are kept")
    temperature: float = Field(0.05, gt=0, description="of the softmax over in-batch answers")
    context_turns: Literal[3] = Field(
        3, description="last turns that make the context: recorded, fixed for training and serving"
    )


class TrainConfig(Config):
    """One fine-tuning run."""

    task: TaskName
    encoder: str = Field(DEFAULT_ENCODER, description="name, path or hub id")
    method: Method = Field("full", description="what is trained")
    freeze_words: bool = Field(True, description="leave the word embeddings as they are")
    freeze_layers: int = Field(0, ge=0, description="lowest layers left as they are")
    words: bool = Field(True, description="intent: a linear model over words beside the network")
    max_tokens: int = Field(128, ge=8, le=512, description="a text; longer ones are cut")
    seed: int = Field(0, ge=0, description="of every random choice")
    threads: int = Field(2, ge=1, description="CPU threads")
    text_column: str = "text"
    label_column: str = "label"
    optim: OptimConfig = OptimConfig()
    lora: LoraConfig = LoraConfig()
    head: HeadConfig = HeadConfig()
    reply: ReplyConfig = ReplyConfig()

    @model_validator(mode="after")
    def _tried(self) -> "TrainConfig":
        if self.method not in METHODS[self.task]:
            raise ValueError(
                f"method {self.method} is not offered for task {self.task}; "
                f"one of {', '.join(METHODS[self.task])}"
            )
        return self


def train_config(
    task: str,
    path: Path | None = None,
    overrides: Sequence[str] = (),
    **values: Any,  # noqa: ANN401 - pydantic checks them
) -> TrainConfig:
    """The task's shipped config or `path`, with `section.key=value` overrides last.

    Raises:
        ConfigError: One line for each mistake.
    """
    return load_config(
        TrainConfig, path or CONFIGS / f"{task}.yaml", overrides, task=task, **values
    )
