"""Where trials are kept: an Optuna study in SQLite beside the run, or in a database that is shared.

A study goes on where it was left, and only for what it was begun for.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna import Study
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.pruners import MedianPruner
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from data.errors import ConfigError
from finetune.config import TrainConfig
from finetune.partial import content_of, rows_behind
from finetune.reading import Splits
from finetune.search.sampler import NumberedSampler
from finetune.search.space import Space

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_FEWEST = 4  # whole trials from which importances are computed


def study_file(out: Path) -> Path:
    """Where a run's study lies if no database is named."""
    return out.parent / f".{out.name}.study.db"


@contextmanager
def opened_study(
    out: Path, storage: str | None, config: TrainConfig, space: Space, splits: Splits
) -> Iterator[Study]:
    """The study of that run's name, new or as it was left.

    Raises:
        ConfigError: If the database cannot be opened, or the study was begun for something else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file = study_file(out)
    file.parent.mkdir(parents=True, exist_ok=True)
    # What follows the last @ names the place; what stands before may be a password.
    name = storage.rsplit("@", 1)[-1] if storage else str(file)
    try:
        rdb = optuna.storages.RDBStorage(storage or f"sqlite:///{file.resolve()}")
    except (SQLAlchemyError, ImportError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"{name}: cannot be opened as a study ({type(error).__name__}); check --storage and "
            "the database's driver"
        ) from error
    try:
        study = optuna.create_study(
            study_name=out.name, storage=rdb, direction="maximize", load_if_exists=True,
            sampler=NumberedSampler(config.seed), pruner=MedianPruner(),
        )  # fmt: skip
        _check(study, name, _marks(config, space, splits))
        if storage is None:  # no other worker has this file: what still runs was cut off
            for trial in study.get_trials(states=(TrialState.RUNNING,)):
                study.tell(trial.number, state=TrialState.FAIL)
        yield study
    finally:
        rdb.remove_session()
        rdb.engine.dispose()


def finished(study: Study) -> list[FrozenTrial]:
    """Trials that have a value or were cut short for being worse."""
    return study.get_trials(deepcopy=False, states=FINISHED)


def whole(study: Study) -> list[FrozenTrial]:
    """Trials that have a value."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def told(study: Study, metric: str) -> dict[str, Any]:
    """What a report shows of a search: `metric`, `best` (a number), `trials`, `importance`."""
    rows = [
        {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value,
            "seconds": round(trial.duration.total_seconds(), 1) if trial.duration else None,
            "values": trial.params,
        }
        for trial in finished(study)
    ]
    return {
        "metric": metric,
        "best": study.best_trial.number,
        "trials": rows,
        "importance": importance(study),
    }


def importance(study: Study) -> dict[str, float]:
    """The share of the values' variance that each setting explains; empty where too few tell.

    Source: functional ANOVA, Hutter et al. 2014, https://proceedings.mlr.press/v32/hutter14.html
    """
    trials = whole(study)
    if len(trials) < _FEWEST or len({trial.value for trial in trials}) < 2:
        return {}
    return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)))


def _marks(config: TrainConfig, space: Space, splits: Splits) -> dict[str, str]:
    """What a study is of, each as a hash: a shared database keeps no text of anyone."""
    base = config.model_dump(mode="json", exclude={"threads", "device"})  # workers' own business
    rows = [[content_of(each) for each in part] for part in rows_behind(config, splits).values()]
    parts = {"config": base, "space": space.model_dump(mode="json"), "data": rows}
    return {name: _hash(value) for name, value in parts.items()}


def _hash(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _check(study: Study, name: str, marks: dict[str, str]) -> None:
    begun = study.user_attrs.get("begun")
    if begun is None:
        study.set_user_attr("begun", marks)
        return
    changed = [part for part, mark in marks.items() if begun.get(part) != mark]
    if changed:
        raise ConfigError(
            f"{name}: study {study.study_name} was begun with another {' and '.join(changed)}; "
            "name another --out, or remove that study"
        )
