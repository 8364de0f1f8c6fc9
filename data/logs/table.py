"""A table (CSV, TSV, Parquet, flat JSONL).

A row is a turn, a question with its answer, or a whole conversation in one cell. Columns are
guessed, see `columns`; `--map text=Body` names one. Rows of one conversation may lie apart; they
are put in order of time where all have one, else in file order.
"""

import io
import itertools
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from data.logs.columns import GUESSES, SAMPLE, cell, match_columns, moment
from data.logs.grouping import PASS_BYTES, grouped, passes_over
from data.logs.roles import AGENT, named_agents
from data.logs.speaker_words import FALSE, TRUE, role_of, roles_of
from data.logs.times import day_order
from data.logs.transcript import Said, said_in
from data.rows import SUFFIXES, BadRows, Row, read_rows
from data.schema import Conversation, Outcome, Turn
from data.sources import Source

_DAY_AND_MONTH = re.compile(r"\W?\d{1,2}[./-]\d{1,2}[./-]")
logger = logging.getLogger(__name__)
FIELDS = (*GUESSES, AGENT)  # of --map
_OUTCOMES: dict[str, Outcome] = {
    **dict.fromkeys(("solved", "resolved", "closed", "done", "complete", "completed"), "solved"),
    **dict.fromkeys(("handed_over", "escalated", "transferred", "handed over"), "handed_over"),
    **dict.fromkeys(("abandoned", "expired", "dropped", "no_response"), "abandoned"),
}


class _Piece(NamedTuple):
    """What one row gives to its conversation, as text: less memory than turns while it waits."""

    said: tuple[Said, ...]
    time: object
    speaker_id: str
    customer_id: str
    channel: str
    outcome: str
    rating: str
    intent: str


@dataclass(frozen=True, slots=True)
class _Table:
    """How one table is read: its columns by our fields, and what its values mean."""

    names: Mapping[str, str]
    is_agent: Callable[[str], bool] | None
    day_first: bool


def fits(source: Source) -> bool:
    """Whether it is a table by its suffix; flat JSONL counts as one."""
    return not source.holds_members and source.suffix in (*SUFFIXES, ".ndjson")


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the table's conversations, in order of their first row where one pass is enough.

    Raises:
        LogFormatError: If a needed column is neither guessed nor mapped.
    """
    sample = [row.values for row in itertools.islice(read_rows(source, BadRows()), SAMPLE)]
    if not sample:
        for _ in read_rows(source, bad):
            pass  # notes what is wrong with it
        return
    names = match_columns(source.name, sample, columns)
    told = ", ".join(f"{field}={column}" for field, column in names.items())
    logger.info("%s: columns %s", source.name, told)
    day_first, one_to_five = _meanings(source, names, sample)
    if not one_to_five:
        bad.left_out["rating column of another scale than 1 to 5"] += 1
        names = {field: column for field, column in names.items() if field != "rating"}
    table = _Table(names, named_agents(columns, bad.heard), day_first)
    read_pieces = partial(_pieces, source, names)
    if "id" in names:
        for identity, pieces in grouped(read_pieces, _passes(source), bad):
            yield _conversation(identity, pieces, table, bad)
        return
    for number, (_, piece) in enumerate(read_pieces(bad), start=1):
        yield _conversation(f"{row_id(source)}:{number}", [piece], table, bad)


def _meanings(
    source: Source, names: Mapping[str, str], sample: Sequence[Mapping[str, Any]]
) -> tuple[bool, bool]:
    """Whether dates have their day first, and whether all ratings lie from 1 to 5.

    Where the first rows do not tell, all are read, once and keeping none.
    """
    time, rating = names.get("time", ""), names.get("rating", "")
    times = [cell(row.get(time)) for row in sample]
    order = day_order(times)
    unclear = order is None and any(map(_DAY_AND_MONTH.match, times))
    in_scale = all(_in_scale(cell(row.get(rating))) for row in sample)
    if not unclear and (not rating or not in_scale):
        return order is not False, in_scale
    for row in read_rows(source, BadRows(sink=lambda where, why: None)):
        if unclear and order is None:
            order = day_order([cell(row.values.get(time))])
        in_scale = in_scale and _in_scale(cell(row.values.get(rating)))
        if not (unclear and order is None) and (not rating or not in_scale):
            break
    return order is not False, in_scale


def _in_scale(rating: str) -> bool:
    """Whether it is no number, or one from 1 to 5."""
    try:
        return not rating or not (float(rating) < 1 or float(rating) > 5)
    except ValueError:
        return True


def row_id(source: Source) -> str:
    """What ids of rows without one begin with: the file's folder and name, whatever the path."""
    path = PurePosixPath(source.name.replace("\\", "/").replace(":", "/"))
    return "/".join(path.parts[-2:]).removesuffix(".gz").removesuffix(path.suffix)


def seconds(time: datetime) -> float:
    """The time as a number to sort by; one without a zone counts as UTC."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _pieces(source: Source, names: Mapping[str, str], bad: BadRows) -> Iterator[tuple[str, _Piece]]:
    """(conversation id, piece) of each row; rows that lack what is needed are noted."""
    for row in read_rows(source, bad):
        if _is_private(row, names):
            bad.left_out["internal note"] += 1
            continue
        try:
            identity = _needed(row, names, "id") if "id" in names else ""
            said = tuple(_said(row, names))
        except ValueError as error:
            bad.add(row.where, str(error))
            continue
        speaker_id, customer, channel, outcome, rating, intent = (
            cell(row.values.get(names.get(field, ""))) for field in _Piece._fields[2:]
        )
        time = row.values.get(names.get("time", ""))
        yield identity, _Piece(said, time, speaker_id, customer, channel, outcome, rating, intent)


def _said(row: Row, names: Mapping[str, str]) -> Iterator[Said]:
    if "text" in names:
        yield _needed(row, names, "speaker"), _needed(row, names, "text")
    elif "question" in names:
        yield "customer", _needed(row, names, "question")
        if answer := cell(row.values.get(names["answer"])):
            yield "agent", answer
    else:
        said = [(who, text) for who, text in said_in(_needed(row, names, "transcript")) if text]
        if not said:
            raise ValueError(f"no turns in column {names['transcript']!r}")
        yield from said


def _needed(row: Row, names: Mapping[str, str], field: str) -> str:
    """The text of a column; rows of JSONL may lack it, Parquet's may be null."""
    text = cell(row.values.get(names[field]))
    if not text:
        raise ValueError(f"no value in column {names[field]!r}")
    return text


def _is_private(row: Row, names: Mapping[str, str]) -> bool:
    column = names.get("private", "")
    value = cell(row.values.get(column)).casefold().removesuffix(".0")
    return value in (FALSE if "public" in column.casefold() else (*TRUE, "internal", "private"))


def _conversation(
    identity: str, pieces: Sequence[_Piece], table: _Table, bad: BadRows
) -> Conversation:
    timed = [(moment(piece.time, table.day_first), piece) for piece in _once(pieces, bad)]
    unread = sum(time is None and cell(piece.time) != "" for time, piece in timed)
    if unread:
        bad.mended["a time that cannot be read"] += unread
    if all(time for time, _ in timed):
        timed.sort(key=lambda pair: seconds(pair[0]) if pair[0] else 0.0)
    column = table.names.get("speaker", "")
    people = [who for _, piece in timed for who, _ in piece.said]
    roles = iter(roles_of(people, table.is_agent, column))
    turns: list[Turn] = []
    for time, piece in timed:
        for place, (who, text) in enumerate(piece.said):
            speaker, mark = next(roles)
            person = piece.speaker_id or (who if role_of(who, column) is None else None)
            # A row of several turns tells when it began.
            turns.append(Turn(speaker, text, None if place else time, person or None, mark=mark))
    outcome = _first("outcome", reversed(pieces)).casefold()
    rating = _first("rating", reversed(pieces)).removesuffix(".0")
    intent = _first("intent", pieces)
    return Conversation(
        identity,
        tuple(turns),
        customer_id=_first("customer_id", pieces) or None,
        channel=_first("channel", pieces) or None,
        outcome=_OUTCOMES.get(outcome, "unknown"),
        rating=int(rating) if rating in tuple("12345") else None,
        labels={"intent": intent} if intent else {},
    )


def _once(pieces: Sequence[_Piece], bad: BadRows) -> list[_Piece]:
    """The pieces without those that an export holds twice: all alike, and with a time."""
    kept: dict[object, _Piece] = {}
    for number, piece in enumerate(pieces):
        key = (piece.said, str(piece.time), piece.speaker_id) if piece.time else number
        if key in kept:
            bad.left_out["the same row again"] += 1
        kept.setdefault(key, piece)
    return list(kept.values())


def _first(field: str, pieces: Iterable[_Piece]) -> str:
    """The field's first value; an outcome may stand in one row only, and the last one counts."""
    return next((value for piece in pieces if (value := getattr(piece, field))), "")


def _passes(source: Source) -> int:
    """See `passes_over`; Parquet is packed, and knows how large it is without."""
    if source.suffix != ".parquet":
        return passes_over(source)
    import pyarrow.parquet as parquet  # slow to import, and few files are Parquet

    with source.open() as file:
        whole = file if source.path is not None else io.BytesIO(file.read())
        meta = parquet.ParquetFile(whole).metadata
        size: int = sum(meta.row_group(n).total_byte_size for n in range(meta.num_row_groups))
    return max(1, -(-size // PASS_BYTES))
