"""What training needs to know of a task; `train.py` knows nothing else about one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from data.schema import Example
from finetune.config import TrainConfig
from finetune.reading import Splits
from finetune.run_dir import RunDir


@dataclass(frozen=True, slots=True)
class Scored:
    """Metrics by name, the rows that went wrong, and what a report shows beside them.

    `detail` may hold `per_class` (a table by name) and `confusion` (pairs with counts).
    """

    metrics: Mapping[str, float]
    errors: list[dict[str, Any]] = field(default_factory=list)
    detail: Mapping[str, Any] = field(default_factory=dict)


Scorer = Callable[[list[Example]], Scored]


class Trains(Protocol):
    """The part of `transformers.Trainer` that training uses.

    trl's and sentence-transformers' trainers have it too.
    """

    model: Any
    state: Any

    def train(self, resume_from_checkpoint: str | None = None) -> Any:  # noqa: ANN401 - the library's record of losses
        """Train to the end."""

    def add_callback(self, callback: Any) -> None:  # noqa: ANN401 - a TrainerCallback
        """Be told of steps and logs."""

    def remove_callback(self, callback: Any) -> None:  # noqa: ANN401 - a kind of TrainerCallback
        """No longer tell a kind of callback."""


class Task(Protocol):
    """One task: how it reads, trains, saves and scores."""

    best_metric: str  # higher is better

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """The file's Examples."""

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """What trains it; checkpoints go to `run.checkpoints`."""

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """Write weights, tokenizer, labels and calibration; the trainer is not used again."""

    def before(self, config: TrainConfig, splits: Splits) -> tuple[Scorer, Scorer]:
        """Scorers of what tuning must beat: the untuned encoder; the majority class or chance."""

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """A scorer over the finished run, served as it will be."""
