"""The verb `tune`: search for the settings of a training, then train with the best of them."""

from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import (
    AsJson,
    LabelColumn,
    Out,
    Overrides,
    TextColumn,
    columns_named,
    say,
)
from data.errors import ConfigError, DeskhandError


def tune(
    task: Annotated[str, typer.Argument(help="intent, ner, reply, …")],
    data: Annotated[Path, typer.Option("--data", help="labelled file, or folder of splits")],
    out: Out,
    trials: Annotated[int, typer.Option("--trials", help="trainings to try, of all workers")],
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="of the search; the last training is more")
    ] = None,
    evaluation: Annotated[
        Path | None, typer.Option("--eval", help="a test set, reported once")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="YAML")] = None,
    space: Annotated[Path | None, typer.Option("--space", help="YAML of what may vary")] = None,
    overrides: Overrides = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    storage: Annotated[
        str | None, typer.Option("--storage", help="URL of a database that workers share")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="the last training goes on from its checkpoint")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search for the settings of a training, then train with the best of them."""
    from finetune.config import train_config
    from finetune.methods import METHODS

    if task not in METHODS:
        raise ConfigError(f"no task {task!r}; one of {', '.join(METHODS)}")
    columns = columns_named(text_column, label_column)
    resolved = train_config(task, config, overrides or (), **columns)
    from finetune.search import load_space
    from finetune.search import tune as run

    wanted = load_space(resolved, space)
    try:
        done = run(resolved, data, out, wanted, trials, minutes, storage, evaluation, resume)
    except KeyboardInterrupt as stop:
        raise DeskhandError(f"stopped; {out} is as it was, go on with --resume") from stop
    place = out if done.metrics else "another worker trains it"
    lines = [f"{place}: best of {done.trials} trials, {done.metric} {done.value:.4f} on validation"]
    lines += [f"  {name}: {value}" for name, value in done.best.items()]
    if "test" in done.metrics:
        reached = done.metrics["test"]["after"][done.metric]
        lines.append(f"  test: {done.metric} {reached:.4f}")
    say({"run": str(out) if done.metrics else None, **done.to_dict()}, as_json, "\n".join(lines))
