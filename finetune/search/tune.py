"""Search, then train the best in full: the test rows are read once, when nothing is left to choose.

Source: median pruning, Golovin et al. 2017, doi:10.1145/3097983.3098043
"""

import logging
import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna import Study

from data.errors import ConfigError, DeskhandError, RunInUseError
from finetune.config import TrainConfig
from finetune.dialogue.start import is_causal
from finetune.partial import alone, check_out
from finetune.reading import read_splits
from finetune.run_dir import RunDir
from finetune.search.space import Space, Value, unread_in, with_drawn
from finetune.search.study import finished, opened_study, study_file, told, whole
from finetune.search.trials import judged_by, run_trials
from finetune.settings_read import not_read_by
from finetune.tasks import TASKS
from finetune.train import settle_method, train

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tuned:
    """A search that is over.

    `trials` are finished; `best` are the values of the best, `value` its `metric` on the validation
    rows, and `metrics` those of the run that was trained with them, none where another worker
    trains it.
    """

    trials: int
    metric: str
    value: float
    best: dict[str, Value]
    metrics: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        searched = {"trials": self.trials, "metric": self.metric, "value": round(self.value, 5)}
        return {**searched, "best": self.best, **self.metrics}


def tune(
    config: TrainConfig,
    data: Path,
    out: Path,
    space: Space,
    trials: int,
    minutes: float | None = None,
    storage: str | None = None,
    evaluation: Path | None = None,
    resume: bool = False,
) -> Tuned:
    """Search the space, then train a run with the best values.

    A second call with the same `out` goes on with its study; finished trials count. Of workers that
    share a storage, the one that finishes the last trial trains the best.

    Args:
        config: What is trained, and the settings that the space leaves as they are.
        data: As for `train`; its test rows are not read before the search is over.
        out: The run directory; the study lies beside it.
        space: What may vary.
        trials: How many there are to be, of all workers and calls.
        minutes: No trial begins or goes on after so many; the last training comes on top.
        storage: URL of a database that several workers share, instead of a file beside the run.
        evaluation: A test file: reported once, never read for a choice.
        resume: The last training goes on from its checkpoint where it was cut off.

    Raises:
        DeskhandError: If a number, the data, the study or the space is not what is needed, or the
            search was stopped.
    """
    if trials < 1:
        raise ConfigError(f"--trials {trials}: at least 1 is needed")
    if minutes is not None and not minutes > 0:  # nan is neither
        raise ConfigError(f"--minutes {minutes:g}: more than 0 is needed")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("a search trains in one process; give workers a --storage to share")
    check_out(RunDir(out))
    task = TASKS[config.task]
    splits = read_splits(data, evaluation, lambda path: task.read(path, config), tested=False)
    # The rows tell whether they have several labels, and with it what is measured.
    found, _ = settle_method(config, splits)
    if idle := unread_in(space, found, is_causal(found)):
        raise ConfigError(f"{', '.join(idle)}: {not_read_by(found, is_causal(found))} of the space")
    config = config.model_copy(update={"multi_label": found.multi_label, "intent": found.intent})
    metric = judged_by(config)
    # Without a storage the study is this process's own: what still runs in it was cut off.
    one = alone(RunDir(study_file(out))) if storage is None else nullcontext()
    with one, opened_study(out, storage, config, space, splits) as study:
        try:
            last = run_trials(study, config, space, splits, trials, minutes)
        except KeyboardInterrupt as stop:
            raise DeskhandError(
                f"stopped; {len(finished(study))} finished trials are kept, the same command goes "
                "on with them"
            ) from stop
        best = _best(study, config)
        logger.info("the best of %d trials: %s", len(finished(study)), study.best_params)
        extras = {"search": told(study, metric)}
        metrics: dict[str, Any] = {}
        if last or storage is None:
            try:
                metrics = train(best, data, out, evaluation, resume, extras).metrics
            except RunInUseError:
                if storage is None:
                    raise
        if not metrics:
            logger.info("another worker trains the best")
        return Tuned(
            trials=len(finished(study)),
            metric=metric,
            value=float(study.best_value),
            best=dict(study.best_params),
            metrics=metrics,
        )


def _best(study: Study, config: TrainConfig) -> TrainConfig:
    """The config with the values of the best trial.

    Raises:
        ConfigError: If no trial was trained to its end.
    """
    if not whole(study):
        raise ConfigError(
            f"none of {len(finished(study))} trials was trained to its end; narrow the space or "
            "lower its rates"
        )
    return with_drawn(config, study.best_params)
