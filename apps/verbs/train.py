"""The verb `train`: fine-tune one model and write a run directory."""

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


def train(
    task: Annotated[str, typer.Argument(help="intent, ner, reply, …")],
    data: Annotated[Path, typer.Option("--data", help="labelled file, or folder of splits")],
    out: Out,
    evaluation: Annotated[
        Path | None, typer.Option("--eval", help="a test set, reported only")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="YAML")] = None,
    overrides: Overrides = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on from the last checkpoint")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    as_json: AsJson = False,
) -> None:
    """Fine-tune one model and write a run directory."""
    from finetune.config import train_config
    from finetune.methods import METHODS

    if task not in METHODS:
        raise ConfigError(f"no task {task!r}; one of {', '.join(METHODS)}")
    columns = columns_named(text_column, label_column)
    resolved = train_config(task, config, overrides or (), **columns)
    from finetune.report import fitted_note
    from finetune.train import describe
    from finetune.train import train as run

    if dry_run:
        plan = describe(resolved, data, evaluation)
        say(
            plan,
            as_json,
            f"{task} by {plan['method']} ({plan['because']}): {plan['summary']}",
        )
        return
    try:
        done = run(resolved, data, out, evaluation, resume)
    except KeyboardInterrupt as stop:
        raise DeskhandError(f"stopped; {out} is as it was, go on with --resume") from stop
    if not done.metrics:  # one of the processes that only helped
        return
    split = "test" if "test" in done.metrics else "validation"
    lines = [f"{out}: {split}"] + [
        f"  {key}: {done.metrics[split]['before'].get(key)} before, {value} after"
        for key, value in done.metrics[split]["after"].items()
    ]
    if note := fitted_note(done.run.read_config(), split):
        lines.append(note)
    say({"run": str(out), **done.metrics}, as_json, "\n".join(lines))
