"""The verb `extend`: add new intents to a trained run."""

from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import (
    THREADS,
    AsJson,
    LabelColumn,
    Out,
    TextColumn,
    columns_named,
    say,
)


def extend(
    run: Annotated[Path, typer.Argument(help="an intent run")],
    data: Annotated[Path, typer.Option("--data", help="labelled rows of new intents alone")],
    out: Out,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    as_json: AsJson = False,
) -> None:
    """Add new intents to a trained run from some ten rows each, in seconds."""
    from apps.build import opened_encoder
    from finetune.intent.extend import extend as add_intents

    columns = columns_named(text_column, label_column)
    done = add_intents(run, data, out, lambda name: opened_encoder(name, THREADS), THREADS, columns)
    added = ", ".join(f"{name} ({count} rows)" for name, count in done.added.items())
    held = done.metrics
    found = (
        f"held out in turn, {held['recall']:.0%} of them are found; they take "
        f"{held['taken_from_old']:.1%} of the old rows that the run remembers"
    )
    values = {"run": str(out), "added": done.added, "held_out": held, "seconds": done.seconds}
    say(values, as_json, f"{out}: {added}; {found}; {done.seconds} s")
