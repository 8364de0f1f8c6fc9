"""A file or a folder of conversations → a file of tickets, resumable.

Tickets grow in `FILE.partial`, one a line behind a line that says what of; FILE appears when all
are there. The same command goes on behind the last whole line.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.growing_file import begun, check_out, partial_of, stamp
from apps.summarizer.summary import Summary, markdown_of
from data.clean import without_quotes
from data.errors import ConfigError, LogFormatError
from data.logs import read_export
from data.outputs import alone, replacing
from data.rows import BadRows
from data.schema import Conversation
from data.sources import of_path
from data.topics.files import neutral

SUFFIXES = (".jsonl", ".csv", ".md")
_FLAT = ("id", "customer_id", "channel", "outcome", "turns", "first_time", "last_time", "subject",
         "summary", "wanted", "done", "ended", "made_by")  # fmt: skip
Summarize = Callable[[Conversation], Summary]


@dataclass(frozen=True, slots=True)
class Batch:
    """A finished batch: tickets written, those that an earlier start had, rows left out."""

    out: Path
    tickets: int
    before: int
    bad: BadRows


def summarize_file(
    path: Path,
    out: Path,
    summarize: Summarize,
    told: Callable[[int], None] = lambda done: None,
    settings: str = "",
    importer: str | None = None,
) -> Batch:
    """Summarize every conversation of an export.

    Args:
        path: What `deskhand prepare` reads: a file, a folder or an archive.
        out: The file to write: `.jsonl`, `.csv` or `.md`.
        summarize: The summarizer's verb.
        told: Told after each ticket how many there are.
        settings: What the summaries depend on beside the input; another one begins no resume.
        importer: Its name in `data.logs`; None tells it by the content.

    Raises:
        ConfigError: If `out` cannot be written, another process writes it, a half-written one is
            of something else, or there is no such importer.
        LogFormatError: If no conversation can be read.
    """
    check_out(path, out, SUFFIXES)
    with alone(out):
        return _summarized(path, out, summarize, told, settings, importer)


def _summarized(
    path: Path,
    out: Path,
    summarize: Summarize,
    told: Callable[[int], None],
    settings: str,
    importer: str | None,
) -> Batch:
    """See summarize_file."""
    source, bad = of_path(path), BadRows()
    partial = partial_of(out)
    head = {
        "input": str(path.resolve()), "stamp": stamp(path), "importer": importer or "",
        "settings": settings,
    }  # fmt: skip
    before = begun(partial, head)
    tickets = 0
    try:
        with partial.open("a", encoding="utf-8") as file:
            for conversation in read_export(source, importer, {}, bad):
                tickets += 1
                if tickets <= before:
                    continue
                clean = without_quotes(conversation)
                ticket = summarize(clean).ticket(clean)
                file.write(json.dumps(ticket, ensure_ascii=False) + "\n")
                file.flush()
                told(tickets)
    except (ConfigError, LogFormatError):
        if not tickets:
            partial.unlink()
        raise
    except OSError as error:
        raise ConfigError(f"{partial}: cannot be written ({error.strerror})") from error
    if not tickets:
        partial.unlink()
        first = f"; the first at {bad.lines[0]}" if bad.rows else ""
        raise LogFormatError(f"{path}: no conversation could be read ({len(bad)} bad rows{first})")
    _render(partial, out)
    return Batch(out, tickets, before, bad)


def _tickets(partial: Path) -> Iterator[dict[str, Any]]:
    with partial.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            yield json.loads(line)


def _render(partial: Path, out: Path) -> None:
    """Turn the partial file into what is wanted, then give it its name."""
    write = {".jsonl": _lines, ".csv": _table, ".md": _page}[out.suffix.lower()]
    with replacing(out) as made, made.open("w", encoding="utf-8", newline="") as file:
        for text in write(_tickets(partial)):
            file.write(text)
    partial.unlink()


def _lines(tickets: Iterator[dict[str, Any]]) -> Iterator[str]:
    for ticket in tickets:
        yield json.dumps(ticket, ensure_ascii=False) + "\n"


def _table(tickets: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Lists in one cell, ` | ` between; no cell that a spreadsheet would run."""
    line = io.StringIO()
    writer = csv.writer(line)
    yield "\ufeff"  # a spreadsheet reads it as UTF-8
    writer.writerow([*_FLAT, "tried", "open", "entities", "first_mood", "last_mood"])
    for ticket in tickets:
        cells = [ticket[name] for name in _FLAT]
        cells += [" | ".join(ticket["tried"]), " | ".join(ticket["open"])]
        cells += [" | ".join(f"{each['type']}: {each['text']}" for each in ticket["entities"])]
        cells += [ticket["sentiment"]["first"], ticket["sentiment"]["last"]]
        writer.writerow([neutral("" if cell is None else str(cell)) for cell in cells])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _page(tickets: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield "# Summaries\n"
    for ticket in tickets:
        yield "\n" + markdown_of(ticket)
