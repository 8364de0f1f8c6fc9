"""One trial: a training that reports each epoch and is scored on the validation rows alone."""

import logging
import math
import time
from datetime import datetime
from typing import Any

import torch
from optuna import Study, Trial, TrialPruned
from optuna.trial import TrialState
from transformers import TrainerCallback

from data.errors import ConfigError
from finetune.config import TrainConfig
from finetune.methods import STOP_ON
from finetune.reading import Splits
from finetune.search.space import Space, with_drawn, with_values
from finetune.search.study import finished, whole
from finetune.tasks import TASKS
from finetune.train import settle_method, try_out

logger = logging.getLogger(__name__)
# Where one of these varies, losses of two trials are not on one scale.
_SHAPE_LOSS = (
    "optim.label_smoothing", "optim.class_weights", "reply.kind", "reply.temperature",
    "reply.hard_negatives", "reply.random_negatives", "qa.negatives", "pretrain.objective",
    "pretrain.share",
)  # fmt: skip


class OutOfTime(Exception):
    """The minutes of the search are spent; the trial that was running is dropped."""


class Watch(TrainerCallback):  # type: ignore[misc]
    """Tells the trial how each epoch went, and ends it where others went better.

    Args:
        trial: The trial.
        watched: The validation metric, or `loss`; None never ends a trial early.
        deadline: Seconds of `time.monotonic` after which the trial is dropped; None: never.
    """

    def __init__(self, trial: Trial, watched: str | None, deadline: float | None) -> None:
        self._trial, self._watched, self._deadline = trial, watched, deadline
        self._epochs = 0

    def on_evaluate(
        self,
        args: Any,  # noqa: ANN401 - as the parent
        state: Any,  # noqa: ANN401
        control: Any,  # noqa: ANN401
        metrics: Any = None,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """See TrainerCallback."""
        value = (metrics or {}).get(f"eval_{self._watched}")
        if value is None:
            return
        self._epochs += 1
        self._trial.report(-value if self._watched == "loss" else value, self._epochs)
        # A training that is through costs no more: its own value is worth having.
        if state.global_step < state.max_steps and self._trial.should_prune():
            raise TrialPruned(f"worse than the others after epoch {self._epochs}")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """See TrainerCallback."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise OutOfTime


def judged_by(config: TrainConfig) -> str:
    """The metric of the validation rows that trials are compared by; higher is better."""
    several = config.task == "intent" and config.multi_label
    return "macro_f1" if several else TASKS[config.task].best_metric


def watched_metric(config: TrainConfig, space: Space) -> str | None:
    """What an epoch is judged by: a metric of the validation rows, else their loss, else nothing.

    The head of a contrastive training is fitted at its end, so that its epochs tell nothing.
    """
    if config.method == "contrastive":
        return None
    names = STOP_ON.get(config.task, ())
    best = judged_by(config)
    if best in names:
        return best
    if names:
        return names[0]
    return None if set(_SHAPE_LOSS) & set(space.root) else "loss"


def objective(
    trial: Trial, config: TrainConfig, space: Space, splits: Splits, deadline: float | None
) -> float:
    """The task's metric on the validation rows after a training with this trial's values.

    Raises:
        TrialPruned: If the training was cut short, diverged or cannot be done with these values.
        OutOfTime: If the deadline passed.
    """
    try:
        drawn = with_drawn(config, space.draw(trial))
        drawn, _ = settle_method(drawn, splits)
        watched = watched_metric(drawn, space)
        drawn = with_values(drawn, {"optim.each_epoch": watched is not None})
        metrics = try_out(drawn, splits, [Watch(trial, watched, deadline)])
    except ConfigError as error:  # two values that are right alone may not go together
        raise TrialPruned(str(error)) from error
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise TrialPruned("out of the device's memory") from error
    value = float(metrics[judged_by(config)])
    if not math.isfinite(value):
        raise TrialPruned("it diverged")
    return value


def run_trials(
    study: Study,
    config: TrainConfig,
    space: Space,
    splits: Splits,
    trials: int,
    minutes: float | None,
) -> bool:
    """Run trials until so many are finished, those of other workers too, or the time is spent.

    Whether what follows is this worker's to do: it finished the last of so many, all were finished
    before it came, or the time is spent.

    The first trial of a study is the config as it was given, as far as the space holds it. The one
    that runs when the time is spent is dropped, unless none is whole yet.
    """
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(space.given(config), skip_if_exists=True)
    own: int | None = None
    while len(finished(study)) < trials:
        due = deadline if whole(study) else None
        if due is not None and time.monotonic() > due:
            logger.info("the minutes are spent")
            return True
        trial = study.ask()
        try:
            value = objective(trial, config, space, splits, due)
        except TrialPruned as reason:
            study.tell(trial, state=TrialState.PRUNED)
            logger.info("trial %d %s: ended, %s", trial.number, _shown(trial), reason)
        except OutOfTime:
            study.tell(trial, state=TrialState.FAIL)
            logger.info("the minutes are spent; trial %d is dropped", trial.number)
            return True
        except BaseException:  # Ctrl-C too: the study must know that this one runs no more
            study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            study.tell(trial, value)
            logger.info(
                "trial %d %s: %s %.4f, best %.4f", trial.number, _shown(trial),
                judged_by(config), value, study.best_value,
            )  # fmt: skip
        own = trial.number
    return own is None or own == _ended(study)[trials - 1]


def _ended(study: Study) -> list[int]:
    """Numbers of the finished trials, in the order in which they ended."""
    ends = [(trial.datetime_complete or datetime.max, trial.number) for trial in finished(study)]
    return [number for _, number in sorted(ends)]


def _shown(trial: Trial) -> str:
    return " ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
                    for name, value in trial.params.items())  # fmt: skip
