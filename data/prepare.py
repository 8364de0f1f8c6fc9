"""From exports to a folder of redacted, split conversations with a report of all that happened.

Two passes: exports are read, processed and written as one file, redacted; then its lines go to
their splits, once it is known which conversations belong together. Memory stays flat: 72 bytes
a conversation.
"""

import json
import logging
import secrets
import shutil
import sys
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from tqdm import tqdm

from data.duplicates import BANDS, groups
from data.engines import Engine, local
from data.errors import ConfigError, LogFormatError
from data.log_report import write_report
from data.logs import read_export, refuse_others
from data.logs.roles import agent_names
from data.outputs import check_folder
from data.process import Counts, Drop, Processed, Settings
from data.redact.conversation import EntityFinder
from data.rows import BadRows
from data.schema import Conversation
from data.sources import Source, of_path
from data.split import SPLITS, hash_number, splits_of

DROPPED = "dropped.jsonl"
SplitBy = Literal["conversation", "customer", "time"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an import gave: conversations by split, turns, redactions by kind, and what was dropped.

    `bad` holds the first of what could not be read, `report` all that `report.json` says.
    """

    conversations: Mapping[str, int]
    turns: int
    redacted: Mapping[str, int]
    bad: tuple[str, ...]
    rows_dropped: int
    report: Mapping[str, Any]


@dataclass(slots=True)
class _Seen:
    """What is remembered of each conversation, in flat arrays."""

    ids: "array[int]" = field(default_factory=lambda: array("Q"))
    customers: "array[int]" = field(default_factory=lambda: array("Q"))
    places: "array[int]" = field(default_factory=lambda: array("Q"))
    customer_places: "array[int]" = field(default_factory=lambda: array("Q"))
    starts: "array[float]" = field(default_factory=lambda: array("d"))
    bands: "tuple[array[int], ...]" = field(
        default_factory=lambda: tuple(array("Q") for _ in range(BANDS))
    )

    def add(self, done: Processed) -> None:
        self.ids.append(hash_number(done.id))
        self.customers.append(hash_number(done.customer_id) if done.customer_id else 0)
        self.places.append(done.place)
        self.customer_places.append(done.customer_place)
        self.starts.append(float("nan") if done.start is None else done.start)
        for held, value in zip(self.bands, done.bands, strict=True):
            held.append(value)


def prepare(
    paths: Sequence[Path],
    out: Path,
    *,
    importer: str | None = None,
    columns: Mapping[str, str] | None = None,
    region: str = "GB",
    split_by: SplitBy = "conversation",
    key: bytes | None = None,
    finder: EntityFinder | None = None,
    engine: Engine = local,
) -> Prepared:
    """Import, clean, redact and split; write `train.jsonl`, `validation.jsonl`, `test.jsonl`.

    Nothing of `out` changes before everything has been read, and what touches the disk is
    redacted. What cannot be read or is left out is noted in `dropped.jsonl` with its place and the
    reason, never its text: conversations read = written + dropped.

    Args:
        paths: Files, folders and archives; see `data.logs.read_export`.
        out: The folder to write.
        importer: Its name in IMPORTERS, or None to choose by content.
        columns: From our field to the file's column, for tables; `agent`: the company's names.
        region: Where phone numbers without country code are read.
        split_by: By a hash of the conversation's id or of its customer's, or by time: the latest
            tenth is the test split, the tenth before it validation.
        key: What stand-ins are drawn with: the same key gives the same again. Without one a random
            key is used and forgotten.
        finder: Finds further names, such as a `ner` run.
        engine: What runs the processing; see `data.engines`.

    Raises:
        ConfigError: If nothing can be written to `out`, the exports are there, or an importer, a
            column or a split is asked for that there is not.
        LogFormatError: If a file cannot be read at all, or nothing was found in any.
    """
    check_folder(out)
    for path in paths:
        if _in_the_way(path.resolve(), out.resolve()):
            raise ConfigError(f"{out}: {path} is read from there; choose another folder as --out")
    sources = [of_path(path) for path in paths]
    partial = out.parent / f".{out.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with (partial / DROPPED).open("w", encoding="utf-8") as dropped:

            def note(where: str, why: str) -> None:
                values = {"where": where, "why": why}
                dropped.write(json.dumps(values, ensure_ascii=False) + "\n")

            bad = BadRows(note)
            began = time.perf_counter()
            raw = _conversations(sources, out, importer, columns or {}, bad)
            settings = Settings(key or secrets.token_bytes(32), region)
            seen, counts = _Seen(), Counts()
            with (partial / "lines.jsonl").open("wb") as lines:
                for done in _progress(engine(raw, settings, finder)):
                    _take(done, lines, seen, counts, bad)
            if not seen.ids:
                detail = f" ({bad.lines[0]})" if bad.lines else ""
                raise LogFormatError(
                    f"{', '.join(map(str, paths))}: no conversation could be read{detail}"
                )
            _tell_unheard(columns or {}, bad.heard, paths)
            sizes, alike = _scatter(partial, seen, bad, split_by)
        result = _result(sizes, alike, counts, bad, split_by, time.perf_counter() - began)
        write_report(partial, out.name, result.report)
        out.mkdir(parents=True, exist_ok=True)
        for file in partial.iterdir():
            file.replace(out / file.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return result


def _tell_unheard(columns: Mapping[str, str], heard: set[str], paths: Sequence[Path]) -> None:
    """Warn of the names of `--map agent` that nobody has: one that is mistyped is a customer."""
    read = ", ".join(map(str, paths))
    for name in agent_names(columns):
        if name not in heard:
            logger.warning("--map agent=%s: nobody of that name speaks in %s", name, read)


def _in_the_way(path: Path, out: Path) -> bool:
    """Whether writing `out` could replace what is read, or put its files among them."""
    written = {out / f"{name}.jsonl" for name in SPLITS} | {out / DROPPED}
    return path in written or (path.is_dir() and out.is_relative_to(path))


def _conversations(
    sources: Sequence[Source],
    out: Path,
    importer: str | None,
    columns: Mapping[str, str],
    bad: BadRows,
) -> Iterator[Conversation]:
    taken = set[str]() if len(sources) > 1 else None
    for source in sources:
        before = bad.count
        found = 0
        for conversation in read_export(source, importer, columns, bad, taken):
            found += 1
            yield conversation
        if source.holds_members and not found and bad.count == before:
            raise LogFormatError(f"{source.name}: no export that can be read in this folder")
    if taken is not None:
        refuse_others(columns, taken)


def _take(
    result: Processed | Drop, lines: BinaryIO, seen: _Seen, counts: Counts, bad: BadRows
) -> None:
    if isinstance(result, Drop):
        bad.drop(f"conversation {result.id}", result.why)
        return
    lines.write(result.line)
    seen.add(result)
    counts.update(result.counts)


def _scatter(
    partial: Path, seen: _Seen, bad: BadRows, split_by: SplitBy
) -> tuple[dict[str, int], int]:
    """Send each line to its split, a second conversation of the same id to the dropped ones.

    Returns:
        The size of each split, and how many conversations are near-duplicates of another.
    """
    ids = np.frombuffer(seen.ids, dtype=np.uint64)
    customers = np.frombuffer(seen.customers, dtype=np.uint64)
    decides = np.frombuffer(seen.places, dtype=np.uint64)
    starts = np.frombuffer(seen.starts, dtype=np.float64)
    if split_by == "time" and np.isnan(starts).all():
        raise ConfigError("--split time: the log has no times; map them with --map time=COLUMN")
    if split_by == "customer" and not customers.any():
        raise ConfigError("--split customer: the log names no customers; map customer_id")
    _, first = np.unique(ids, return_index=True)
    kept = np.zeros(len(ids), dtype=bool)
    kept[first] = True
    bands = [np.frombuffer(band, dtype=np.uint64) for band in seen.bands]
    alike = groups(bands)
    together = groups([*bands, customers]) if split_by == "customer" else alike
    near_duplicates = int(kept.sum()) - len(np.unique(alike[kept]))
    if split_by == "customer":
        of_customers = np.frombuffer(seen.customer_places, dtype=np.uint64)
        decides = np.where(customers != 0, of_customers, decides)
    place = splits_of(decides, together, starts if split_by == "time" else None)
    sizes: dict[str, int] = dict.fromkeys(SPLITS, 0)
    files = [(partial / f"{name}.jsonl").open("wb") for name in SPLITS]
    try:
        with (partial / "lines.jsonl").open("rb") as lines:
            for number, line in enumerate(lines):
                if not kept[number]:
                    why = "its id occurs twice; the first one is kept"
                    bad.add(f"conversation {json.loads(line)['id']}", why)
                    bad.dropped[why] += 1
                    continue
                files[place[number]].write(line)
                sizes[SPLITS[place[number]]] += 1
    finally:
        for file in files:
            file.close()
    (partial / "lines.jsonl").unlink()
    return sizes, near_duplicates


def _result(
    sizes: dict[str, int],
    near_duplicates: int,
    counts: Counts,
    bad: BadRows,
    split_by: SplitBy,
    seconds: float,
) -> Prepared:
    turns = {name: counts["turns", name] for name in ("written", "read", "merged")}
    redacted = _part(counts, "redacted")
    report = {
        "conversations": sizes,
        "read": sum(sizes.values()) + bad.dropped.total(),
        "dropped": dict(bad.dropped.most_common()),
        "turns": turns["written"],
        "turns_read": turns["read"],
        "turns_merged": turns["merged"],
        "redacted": redacted,
        "rows_dropped": len(bad),
        "cut": _part(counts, "cut"),
        "mended": dict(bad.mended.most_common()),
        "left_out": dict(bad.left_out.most_common()),
        "near_duplicates": near_duplicates,
        "one_sided": _part(counts, "one_sided"),
        "split_by": split_by,
        **{name: _part(counts, name)
           for name in ("language", "channel", "outcome", "month", "length", "answered", "intent")},
        "seconds": round(seconds, 2),
        "turns_per_second": round(turns["read"] / max(seconds, 1e-9), 1),
    }  # fmt: skip
    return Prepared(sizes, turns["written"], redacted, tuple(bad.lines), len(bad), report)


def _part(counts: Counts, wanted: str) -> dict[str, int]:
    """How often each name of what is counted was, the most frequent first."""
    found = {name: count for (what, name), count in counts.items() if what == wanted and count}
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _progress(results: Iterator[Processed | Drop]) -> Iterator[Processed | Drop]:
    """The results, counted on a terminal."""
    return iter(
        tqdm(results, unit=" conversations", file=sys.stderr, disable=not sys.stderr.isatty())
    )
