"""What training needs to know of a task; `train.py` knows nothing else about one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from finetune.config import TrainConfig
from finetune.reading import Splits
from finetune.run_dir import RunDir


@dataclass(frozen=True, slots=True)
class Scored:
    """Metrics by name, the rows that went wrong, and what a report shows beside them.

    `detail` may hold `per_class` (name → precision, recall, support), `confusion` ([right, given,
    count] of what went wrong), `confidence` and `right` (n each: how sure the model was of its best
    answer, in [0, 1], and whether that was right), `scope` and `inside` (n each: a score of being
    in scope, and whether the row is), `exact` (n: whether all of a row's answer is right, None
    where nothing can be; a report parts it by kind of row). `resample` gives the metrics of the
    rows at some places (m,), repeats counted: what a bootstrap needs. `rows` is how many it draws
    from, where a task scores fewer than it was given.
    """

    metrics: Mapping[str, float]
    errors: list[dict[str, Any]] = field(default_factory=list)
    detail: Mapping[str, Any] = field(default_factory=dict)
    resample: Callable[[NDArray[np.int_]], Mapping[str, float]] | None = None
    rows: int | None = None


Scorer = Callable[[list[Example]], Scored]


@dataclass(frozen=True, slots=True)
class Before:
    """Scorers of what tuning must beat: the untuned encoder; the majority class or chance.

    `vectors` (n, D) are the training rows' by the untuned encoder, where its scorer needed them.
    """

    untuned: Scorer
    baseline: Scorer
    vectors: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is trained and saved, and what it says of the last set of rows.

    `scored` is the run on `examples`; `vectors` are those of Before.
    """

    run: Path
    config: TrainConfig
    splits: Splits
    examples: list[Example]
    scored: Scored
    vectors: NDArray[np.float32] | None


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

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """What tuning must beat."""

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """A scorer over the finished run, served as it will be."""

    def findings(self, finished: Finished) -> Mapping[str, Any]:
        """What a report tells beyond scores, under the names that `report_html` takes as extras."""


def no_findings(finished: Finished) -> Mapping[str, Any]:
    """The findings of a task whose report has the scores alone."""
    return {}
