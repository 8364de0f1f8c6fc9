"""From exports to a folder of redacted, split conversations with a report of all that happened."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.conversations import to_dict
from data.errors import LogFormatError
from data.logs import importer_for
from data.redact import redact_conversation
from data.rows import SUFFIXES, BadRows, require_file, write_jsonl
from data.schema import Conversation
from data.split import SPLITS, Split, split_of

REPORT = "report.json"
DROPPED = "dropped.jsonl"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an import gave: conversations by split, turns, redactions by kind, and bad rows."""

    conversations: Mapping[str, int]
    turns: int
    redacted: Mapping[str, int]
    bad: tuple[str, ...]


def prepare(
    paths: Sequence[Path],
    out: Path,
    *,
    importer: str | None = None,
    columns: Mapping[str, str] | None = None,
    region: str = "GB",
    keep_split: Split | None = None,
) -> Prepared:
    """Import, redact and split; write `train.jsonl`, `validation.jsonl`, `test.jsonl` into `out`.

    Nothing of `out` changes before everything has been read, and what is written is redacted. A row
    that cannot be read is noted in `dropped.jsonl` with its place and the reason, never its text.

    Args:
        paths: Files, or folders whose files of a known kind are taken in order of their names.
        out: The folder to write.
        importer: Its name in IMPORTERS, or None to choose by content.
        columns: From our field to the file's column, for tables.
        region: Where phone numbers without country code are read.
        keep_split: Put everything in this split instead of splitting by the hash of the id.

    Raises:
        LogFormatError: If a file cannot be read at all, nothing was found in any, or `out` is a
            file.
    """
    if out.exists() and not out.is_dir():
        raise LogFormatError(f"{out}: is a file; choose a folder as --out")
    bad = BadRows()
    conversations: dict[str, Conversation] = {}
    redacted: Counter[str] = Counter()
    for raw in _read(paths, importer, columns or {}, bad):
        conversation, counts = redact_conversation(raw, region)
        if conversation.id in conversations:
            bad.add(f"conversation {conversation.id}", "its id occurs twice; the first one is kept")
            continue
        conversations[conversation.id] = conversation
        redacted += counts
    if not conversations:
        detail = f" ({bad.lines[0]})" if bad.lines else ""
        raise LogFormatError(f"{', '.join(map(str, paths))}: no conversation could be read{detail}")
    splits: dict[str, list[dict[str, Any]]] = {name: [] for name in SPLITS}
    for conversation in conversations.values():
        splits[keep_split or split_of(conversation.id)].append(to_dict(conversation))
    result = Prepared(
        {name: len(rows) for name, rows in splits.items()},
        sum(len(conversation.turns) for conversation in conversations.values()),
        dict(redacted.most_common()),
        tuple(bad.lines),
    )
    _write(out, splits, result, bad)
    return result


def _read(
    paths: Sequence[Path], importer: str | None, columns: Mapping[str, str], bad: BadRows
) -> Iterator[Conversation]:
    for path in _files(paths):
        yield from importer_for(path, importer).read(path, columns, bad)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        require_file(path)
        if path.is_file():
            yield path
            continue
        found = sorted(
            file
            for file in path.iterdir()
            if file.suffix.lower() in SUFFIXES and file.name != DROPPED
        )
        if not found:
            raise LogFormatError(f"{path}: no {', '.join(SUFFIXES)} file in this folder")
        yield from found


def _write(
    out: Path,
    splits: Mapping[str, Iterable[Mapping[str, Any]]],
    result: Prepared,
    bad: BadRows,
) -> None:
    partial = out.parent / f".{out.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, rows in splits.items():
        write_jsonl(partial / f"{name}.jsonl", rows)
    write_jsonl(partial / DROPPED, ({"where": where, "why": why} for where, why in bad.rows))
    report = {
        "conversations": dict(result.conversations),
        "turns": result.turns,
        "redacted": dict(result.redacted),
        "rows_dropped": len(bad),
    }
    (partial / REPORT).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    out.mkdir(parents=True, exist_ok=True)
    for file in partial.iterdir():
        file.replace(out / file.name)
    partial.rmdir()
