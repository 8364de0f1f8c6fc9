"""The verb of conversations as a whole: summarize a file or a folder of them."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.growing_file import stamps
from apps.verbs.options import AsJson, Out, Overrides, progress, say
from data.errors import DeskhandError

if TYPE_CHECKING:
    from apps.config import AppConfig

_SHOWN = 20  # bad rows
_EACH = 100  # tickets a line, where stderr is no terminal


def summarize(
    path: Annotated[Path, typer.Argument(help="conversations: a file, a folder or an archive")],
    out: Out,
    format_: Annotated[str | None, typer.Option("--format", help="importer by name")] = None,
    app: Annotated[str, typer.Option("--app", help="summarizer, or a config file")] = "summarizer",
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """A folder or file of conversations → tickets: .jsonl, .csv or .md, resumable."""
    from apps.build import build_summarizer
    from apps.config import app_config
    from apps.growing_file import check_out, partial_of
    from apps.summarizer.batch import SUFFIXES, summarize_file
    from data.errors import ConfigError
    from data.sources import of_path

    config, _ = app_config(app, overrides or ())
    if config.app != "summarizer":
        raise ConfigError(f"--app {app}: a config of the summarizer is needed")
    check_out(path, out, SUFFIXES)
    of_path(path)  # tells what is missing before models are loaded
    summarizer = build_summarizer(config)
    begun = time.perf_counter()
    try:
        with progress("summaries", _EACH) as told:
            done = summarize_file(
                path, out, summarizer.summarize, told, decided_by(config), format_
            )
    except KeyboardInterrupt as stop:
        raise DeskhandError(
            f"stopped; what is done is in {partial_of(out)}, the same command goes on behind it"
        ) from stop
    for line in done.bad.lines[:_SHOWN]:
        typer.echo(f"warning: {line}", err=True)
    say(
        {
            "out": str(out),
            "summaries": done.tickets,
            "resumed_at": done.before,
            "bad_rows": len(done.bad),
            "made_by": summarizer.made_by,
            "seconds": round(time.perf_counter() - begun, 1),
        },
        as_json,
        f"{done.tickets} summaries → {out} ({summarizer.made_by}); {len(done.bad)} bad rows",
    )


def decided_by(config: "AppConfig") -> str:
    """What summaries depend on beside what is read: the config, and the runs that it names."""
    runs = config.runs
    parts = (runs.ner, runs.summary, runs.sentiment, runs.writer, Path(config.encoder))
    return f"{config.model_dump_json(exclude={'store'})} {stamps(parts)}"
