"""The verb `backtest`: what an app would have answered in past conversations."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.growing_file import stamps
from apps.pages import check_page, write_page
from apps.verbs.options import AsJson, Overrides, progress, say
from data.errors import DeskhandError

if TYPE_CHECKING:
    from apps.config import AppConfig

_SHOWN = 20  # bad rows
_EACH = 20  # conversations a line, where stderr is no terminal


def backtest(
    app_name: Annotated[str, typer.Argument(metavar="APP", help="template or config file")],
    log: Annotated[Path, typer.Argument(metavar="LOG", help="past conversations with people")],
    judged: Annotated[
        Path | None, typer.Option("--judged", help="your own judged pairs, to fit the judge on")
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes-per-answer", min=0, help="a person's work, assumed")
    ] = 3.0,
    limit: Annotated[int | None, typer.Option(min=1, help="conversations, the first ones")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="an HTML file for people")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="a .jsonl of all judged turns; resumable")
    ] = None,
    format_: Annotated[str | None, typer.Option("--format", help="importer by name")] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Past conversations through an app: what it would have got right, wrong, or handed over."""
    from apps.backtest.judging import judge_by
    from apps.backtest.pairs import JUDGED, fit_likeness, read_pairs
    from apps.backtest.report import page_html
    from apps.backtest.results import hours_of, result_lines, result_values
    from apps.backtest.running import SUFFIX, backtest_file
    from apps.build import opened_encoder
    from apps.config import app_config
    from apps.growing_file import check_out, partial_of
    from apps.harmless import opened_harmless
    from data.sources import of_path

    check_page(report)
    if out is not None:
        check_out(log, out, (SUFFIX,))
    of_path(log)  # tells what is missing before models are loaded
    pairs = read_pairs(judged or JUDGED)
    config, folder = app_config(app_name, overrides or ())
    app, _ = opened_harmless(config, folder)
    encoder = opened_encoder(config.encoder, config.threads)
    typer.echo(f"fitting the judge on half of {len(pairs)} pairs", err=True)
    likeness = fit_likeness(pairs, encoder)
    begun = time.perf_counter()
    settings = decided_by(config, folder, judged or JUDGED)
    try:
        with progress("conversations", _EACH) as told:
            found = backtest_file(
                log, app, judge_by(likeness, encoder), out, limit, settings, format_, told
            )
    except KeyboardInterrupt as stop:
        kept = "nothing is kept without --out FILE.jsonl"
        if out is not None:
            kept = f"what is done is in {partial_of(out)}, the same command goes on behind it"
        raise DeskhandError(f"stopped; {kept}") from stop
    for line in found.bad.lines[:_SHOWN]:
        typer.echo(f"warning: {line}", err=True)
    hours = hours_of(found, minutes)
    if report is not None:
        title = f"Backtest of {app_name} on {log.name}"
        write_page(report, page_html(title, found, hours, likeness.agreement))
    values = {
        "app": app_name,
        "log": str(log),
        **result_values(found, hours, likeness.agreement),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    say(values, as_json, "\n".join(result_lines(found, hours, likeness.agreement)))


def decided_by(config: "AppConfig", folder: Path, judged: Path) -> str:
    """What judged turns depend on beside the log: the config, and all files that it names."""
    runs, orders = config.runs, config.orders
    parts = (
        judged, config.index, runs.intent, runs.ner, runs.mood, folder / config.workflows,
        None if orders is None else folder / orders, config.answers, config.generate.run,
        Path(config.encoder),
    )  # fmt: skip
    return f"{config.model_dump_json(exclude={'store'})} {stamps(parts)}"
