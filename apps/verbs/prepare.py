"""The verb `prepare`: any export as conversations, redacted and split."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from apps.verbs.options import AsJson, Out, say
from data.errors import ConfigError, LogFormatError

if TYPE_CHECKING:
    from data.redact.conversation import EntityFinder

KEY_BYTES = 16  # at least: fewer could be guessed


def prepare(
    logs: Annotated[list[Path], typer.Argument(help="exports: files, folders or archives")],
    out: Out,
    format_: Annotated[str | None, typer.Option("--format", help="importer by name")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="field=column of a table; agent=names")
    ] = None,
    region: Annotated[str, typer.Option(help="country of phone numbers without prefix")] = "GB",
    split: Annotated[str, typer.Option(help="by conversation, customer or time")] = "conversation",
    ner: Annotated[Path | None, typer.Option(help="a ner run, which finds further names")] = None,
    engine: Annotated[str, typer.Option(help="local, or ray (a cluster)")] = "local",
    key_file: Annotated[
        Path | None, typer.Option(help="16 bytes or more: the same stand-ins each time")
    ] = None,
    max_bad: Annotated[int, typer.Option(help="bad rows that still count as success")] = 0,
    as_json: AsJson = False,
) -> None:
    """Any export → conversations, redacted, split, with a report."""
    from data.engines import local, on_ray
    from data.prepare import SplitBy
    from data.prepare import prepare as prepare_logs
    from data.redact.digits import check_region

    columns = dict(_pair(entry) for entry in map_ or ())
    engines = {"local": local, "ray": on_ray}
    if engine not in engines:
        raise ConfigError(f"--engine {engine}: one of {', '.join(engines)}")
    check_region(region)
    ways: tuple[SplitBy, ...] = get_args(SplitBy)
    by = next((each for each in ways if each == split), None)
    if by is None:
        raise ConfigError(f"--split {split}: one of {', '.join(ways)}")
    done = prepare_logs(
        logs, out, importer=format_, columns=columns, region=region, split_by=by,
        key=_key(key_file), finder=_finder(ner), engine=engines[engine],
    )  # fmt: skip
    total = sum(done.conversations.values())
    splits = ", ".join(f"{count} {name}" for name, count in done.conversations.items())
    redacted = ", ".join(f"{count} {kind}" for kind, count in done.redacted.items()) or "nothing"
    say(
        {"out": str(out), **done.report},
        as_json,
        f"{total} conversations, {done.turns} turns → {out} ({splits}); redacted: {redacted}",
    )
    for line in done.bad[:20]:
        typer.echo(f"warning: {line}", err=True)
    if done.rows_dropped > max_bad:
        raise LogFormatError(
            f"{done.rows_dropped} rows could not be read or were dropped, the first at "
            f"{done.bad[0]}; everything else was written to {out}, the places are in "
            f"{out / 'dropped.jsonl'} (--max-bad N accepts some)"
        )


def _pair(entry: str) -> tuple[str, str]:
    key, sign, value = entry.partition("=")
    if not (key and sign and value):
        raise ConfigError(f"--map {entry}: field=column is needed")
    return key, value


def _key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--key-file {path}: cannot be read ({error.strerror})") from error
    if len(key) < KEY_BYTES:
        raise ConfigError(f"--key-file {path}: {len(key)} bytes; it needs {KEY_BYTES} or more")
    return key


def _finder(run: Path | None) -> "EntityFinder | None":
    if run is None:
        return None
    from finetune.ner.model import NerModel

    return NerModel(run)
