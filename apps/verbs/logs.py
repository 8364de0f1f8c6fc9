"""The verbs of a log: prepare it, find its topics, mine its answers."""

from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import AsJson, Out, say
from data.errors import ConfigError, LogFormatError

_EACH = 1000  # conversations a line of progress


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
    from apps.verbs.prepare import prepare_logs

    columns = dict(_pair(entry, "--map") for entry in map_ or ())
    done = prepare_logs(
        logs, out, format_, columns, region=region, split=split, ner=ner, engine=engine,
        key_file=key_file,
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


def discover(
    path: Annotated[
        Path | None, typer.Argument(help="prepared folder, conversations, table or lines")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="where to write")] = None,
    known: Annotated[Path | None, typer.Option("--known", help="labelled rows")] = None,
    before: Annotated[
        Path | None, typer.Option("--before", help="an earlier run, whose topics go on")
    ] = None,
    topics: Annotated[int | None, typer.Option("--topics", help="how many, if you know")] = None,
    encoder: Annotated[str, typer.Option("--encoder", help="name, path or run")] = "",
    text_column: Annotated[str, typer.Option(help="column of the text")] = "text",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads", min=1)] = 2,
    apply: Annotated[
        Path | None, typer.Option("--apply", help="an edited run → labelled rows in --out FILE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Unlabelled turns → topics to look at, edit, and train on."""
    from apps.verbs.discover import apply_topics
    from apps.verbs.discover import discover as run
    from data.encoders import DEFAULT_ENCODER

    if out is None or (path is None) == (apply is None):
        raise ConfigError("give PATH --out DIR, or --apply DIR --out FILE")
    if apply is not None:
        done = apply_topics(apply, out)
        text = f"{done['rows']} rows of {len(done['labels'])} labels → {out}"
    else:
        assert path is not None
        done = run(
            path, out, encoder=encoder or DEFAULT_ENCODER, known=known, before=before,
            topics=topics, text_column=text_column, threads=threads,
        )  # fmt: skip
        text = "\n".join(
            [f"{done['turns']} turns, {len(done['topics'])} topics → {out}"]
            + [f"  {each['size']:>6}  {each['name']}  ({each['state']})"
               for each in done["topics"][:20]]
        )  # fmt: skip
    say(done, as_json, text)


def mine(
    path: Annotated[Path, typer.Argument(help="prepared folder or conversations")],
    out: Out,
    encoder: Annotated[str, typer.Option("--encoder", help="name, path or run")] = "",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads", min=1)] = 2,
    as_json: AsJson = False,
) -> None:
    """Solved conversations → best answers, an FAQ to edit, and answers that contradict."""
    from apps.verbs.mine import mine_log
    from data.encoders import DEFAULT_ENCODER

    done = mine_log(path, out, encoder or DEFAULT_ENCODER, threads)
    text = (
        f"{done['pairs']} answers, {done['faq']} FAQ proposals, {done['contradictions']} "
        f"contradictions from {done['conversations']} conversations → {out}"
    )
    if not done["pairs"]:
        text += (
            "\nNo conversation has a question of the customer's that an agent answered well: "
            "see who speaks in report.html of the prepared folder"
        )
    say(done, as_json, text)


def ground(
    path: Annotated[Path, typer.Argument(help="prepared folder or conversations")],
    index: Annotated[Path, typer.Option("--index", help="what the answers may rest on")],
    out: Out,
    most: Annotated[int, typer.Option("-k", min=1, max=10, help="passages of an answer")] = 3,
    as_json: AsJson = False,
) -> None:
    """Conversations → the same with what an index says to each answer, for `train dialogue`."""
    from apps.build import opened_index
    from apps.verbs.ground import ground as run

    def told(done: int) -> None:
        if done % _EACH == 0:
            typer.echo(f"{done} conversations", err=True)

    done = run(path, out, opened_index(index, 2), most, told)
    say(
        {"out": str(out), **done},
        as_json,
        f"{done['conversations']} conversations → {out}; {done['grounded']} of {done['answers']} "
        "answers have passages beside them",
    )


def _pair(entry: str, option: str) -> tuple[str, str]:
    key, sign, value = entry.partition("=")
    if not (key and sign and value):
        raise ConfigError(f"{option} {entry}: field=column is needed")
    return key, value
