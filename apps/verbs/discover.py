"""The verb `discover`: topics of unlabelled turns, edited by a person, applied."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.verbs.options import AsJson, say
from data.errors import ConfigError

if TYPE_CHECKING:
    from data.topics.discover import Discovered
    from data.topics.texts import Text

KEPT = "topics.old.csv"
logger = logging.getLogger(__name__)


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
    from data.encoders import DEFAULT_ENCODER

    if out is None or (path is None) == (apply is None):
        raise ConfigError("give PATH --out DIR, or --apply DIR --out FILE")
    if apply is not None:
        done = apply_topics(apply, out)
        text = f"{done['rows']} rows of {len(done['labels'])} labels → {out}"
    else:
        assert path is not None
        done = discover_log(
            path, out, encoder=encoder or DEFAULT_ENCODER, known=known, before=before,
            topics=topics, text_column=text_column, threads=threads,
        )  # fmt: skip
        text = "\n".join(
            [f"{done['turns']} turns, {len(done['topics'])} topics → {out}"]
            + [f"  {each['size']:>6}  {each['name']}  ({each['state']})"
               for each in done["topics"][:20]]
        )  # fmt: skip
    say(done, as_json, text)


def discover_log(
    path: Path,
    out: Path,
    *,
    encoder: str,
    known: Path | None = None,
    before: Path | None = None,
    topics: int | None = None,
    text_column: str = "text",
    threads: int = 2,
    seed: int = 0,
) -> dict[str, Any]:
    """Find the topics of a log and write `topics.csv` and `turns.csv` into `out`.

    The report of a prepared folder shows them from then on.

    Args:
        path: A prepared folder, conversations, a table or lines.
        out: The folder to write; what is there already is replaced once all is found.
        encoder: Name, path or run.
        known: A labelled table of intents that are known already.
        before: The folder of an earlier run, whose topics are carried over.
        topics: How many; None to find it from the data.
        text_column: Of a table.
        threads: CPU threads of the encoder.
        seed: Two runs of the same seed write the same files.

    Returns:
        What `--json` prints.

    Raises:
        DeskhandError: If a path cannot be read or written, or has too few turns to speak of topics.
    """
    from apps.build import opened_encoder
    from data.log_report import add_to_report
    from data.outputs import check_folder
    from data.topics.discover import Earlier, discover_topics
    from data.topics.files import read_placed, read_topics
    from data.topics.known import read_known
    from data.topics.texts import check_turns, read_turns

    check_folder(out)
    start = time.perf_counter()
    turns = read_turns(path, text_column)
    check_turns(path, turns)
    labelled = read_known(known) if known else None
    earlier = None
    if before is not None:
        was = read_topics(before)
        earlier = Earlier(was, read_placed(before, was))
    logger.info("%s customer turns", f"{len(turns):,}")
    found = discover_topics(
        turns, opened_encoder(encoder, threads), topics=topics, known=labelled, before=earlier,
        seed=seed,
    )  # fmt: skip
    write_found(out, turns, found)
    add_to_report(
        path,
        topics=[
            {"name": topic.name, "size": topic.size, "questions": list(topic.questions)}
            for topic in found.topics
        ],
    )
    return {
        "out": str(out),
        "turns": len(turns),
        "topics": [
            {
                "topic": topic.topic,
                "name": topic.name,
                "size": topic.size,
                "questions": list(topic.questions),
                "words": list(topic.words),
                "known": topic.known or None,
                "state": topic.state,
            }
            for topic in found.topics
        ],
        "moved": found.moved,
        "tried": [list(each) for each in found.count.tried] if found.count else [],
        "seconds": round(time.perf_counter() - start, 1),
    }


def write_found(out: Path, turns: "list[Text]", found: "Discovered") -> None:
    """Write both tables; the turns first, so that a topic's table never stands alone.

    A table of topics that is there already may have been edited: it is kept beside the new one.
    """
    from data.topics.files import TOPIC_COLUMNS, TOPICS, TURN_COLUMNS, TURNS, write_table

    if (out / TOPICS).exists():
        (out / TOPICS).replace(out / KEPT)
        logger.info("%s: the topics that were here are kept as %s", out, KEPT)
    write_table(
        out / TURNS,
        TURN_COLUMNS,
        (
            {"text": turn.text, "topic": topic, "fit": fit, "where": turn.where}
            for turn, topic, fit in zip(turns, found.ids, found.fits, strict=True)
        ),
    )
    write_table(
        out / TOPICS,
        TOPIC_COLUMNS,
        (
            {
                "topic": topic.topic,
                "name": topic.name,
                "size": topic.size,
                "questions": " | ".join(topic.questions),
                "words": " ".join(topic.words),
                "known": topic.known,
                "state": topic.state,
            }
            for topic in found.topics
        ),
    )


def apply_topics(folder: Path, out: Path) -> dict[str, Any]:
    """Write the training rows that an edited folder gives; what `--json` prints.

    Raises:
        LogFormatError: If a table of the folder does not fit, or `out` cannot be told to be JSONL.
    """
    from data.outputs import check_file
    from data.rows import write_jsonl
    from data.topics.files import training_rows

    if out.suffix.lower() != ".jsonl":
        raise ConfigError(f"{out}: training rows are JSONL; give --out a name that ends in .jsonl")
    check_file(out)
    rows = training_rows(folder)
    write_jsonl(out, rows)
    return {"out": str(out), "rows": len(rows), "labels": sorted({row["label"] for row in rows})}
