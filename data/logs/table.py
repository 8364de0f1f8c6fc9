"""A table (CSV, TSV, Parquet, flat JSONL) with one turn a row.

Columns are guessed by name; `--map text=Body` names one. Rows of one conversation are put in order
of time where there is one, else in file order.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.errors import LogFormatError
from data.rows import SUFFIXES, BadRows, Row, read_rows
from data.schema import Conversation, Outcome, Speaker, Turn

GUESSES: dict[str, tuple[str, ...]] = {
    "id": ("conversation_id", "conversation", "ticket_id", "ticket", "case_id", "case", "thread_id",
           "thread", "chat_id", "session_id", "id"),
    "speaker": ("speaker", "author_type", "sender_type", "role", "sender", "author", "from",
                "direction", "inbound", "who"),
    "text": ("text", "message", "body", "content", "msg", "comment", "utterance"),
    "time": ("time", "timestamp", "created_at", "sent_at", "date", "datetime", "created"),
    "speaker_id": ("speaker_id", "author_id", "sender_id", "agent_id", "user_id"),
    "customer_id": ("customer_id", "requester_id", "contact_id", "customer"),
    "channel": ("channel", "source", "via"),
    "outcome": ("outcome", "status", "resolution", "state"),
    "rating": ("rating", "csat", "satisfaction", "stars", "score"),
}  # fmt: skip
NEEDED = ("id", "speaker", "text")
_SPEAKERS: dict[str, Speaker] = {
    **dict.fromkeys(
        ("customer", "user", "client", "visitor", "end-user", "end_user", "requester", "contact",
         "inbound", "incoming", "in", "true", "1", "buyer", "guest", "human"), "customer"),
    **dict.fromkeys(
        ("agent", "support", "staff", "operator", "assistant", "bot", "outbound", "outgoing", "out",
         "false", "0", "admin", "representative", "rep", "employee", "advisor"), "agent"),
}  # fmt: skip
_OUTCOMES: dict[str, Outcome] = {
    **dict.fromkeys(("solved", "resolved", "closed", "done", "complete", "completed"), "solved"),
    **dict.fromkeys(("handed_over", "escalated", "transferred", "handed over"), "handed_over"),
    **dict.fromkeys(("abandoned", "expired", "dropped", "no_response"), "abandoned"),
}


def fits(path: Path) -> bool:
    """Whether it is a table by its suffix; flat JSONL counts as one."""
    return path.suffix.lower() in SUFFIXES


def read(path: Path, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the table's conversations, in order of their first row.

    Raises:
        LogFormatError: If a needed column is neither guessed nor mapped.
    """
    cases: dict[str, list[tuple[Row, Turn]]] = {}
    names: dict[str, str] = {}
    for row in read_rows(path, bad):
        names = names or match_columns(path, list(row.values), columns)
        try:
            turn = _turn(row.values, names)
            identity = _needed(row.values, names["id"])
        except ValueError as error:
            bad.add(row.where, str(error))
            continue
        cases.setdefault(identity, []).append((row, turn))
    for identity, pairs in cases.items():
        yield _conversation(identity, pairs, names)


def match_columns(path: Path, found: list[str], mapped: Mapping[str, str]) -> dict[str, str]:
    """From our field to the file's column, by option first and by usual names second.

    Raises:
        LogFormatError: If a needed field has no column, or a mapped field or column does not exist.
    """
    for field, column in mapped.items():
        if field not in GUESSES or column not in found:
            wrong = f"field {field!r}" if field not in GUESSES else f"column {column!r}"
            raise LogFormatError(
                f"{path}:1: --map {field}={column}: no {wrong}; fields: {', '.join(GUESSES)}; "
                f"columns: {', '.join(found)}"
            )
    lower = {name.strip().lower().replace(" ", "_"): name for name in reversed(found)}
    names = {
        field: next((lower[guess] for guess in guesses if guess in lower), None)
        for field, guesses in GUESSES.items()
    } | dict(mapped)
    missing = [field for field in NEEDED if names[field] is None]
    if missing:
        raise LogFormatError(
            f"{path}:1: no column for {', '.join(missing)}; found: {', '.join(found)}. "
            f"Name it with --map {missing[0]}=COLUMN"
        )
    return {field: column for field, column in names.items() if column is not None}


def _needed(values: Mapping[str, Any], column: str) -> str:
    """The text of a column; rows of JSONL may lack it, Parquet's may be null."""
    value = values.get(column)
    text = "" if value is None else str(value).strip()
    if not text:
        raise ValueError(f"no value in column {column!r}")
    return text


def _turn(values: Mapping[str, Any], names: Mapping[str, str]) -> Turn:
    speaker = _SPEAKERS.get(_needed(values, names["speaker"]).lower())
    if speaker is None:
        raise ValueError(f"column {names['speaker']!r} says neither customer nor agent")
    text = _needed(values, names["text"])
    moment = values.get(names.get("time", ""))
    speaker_id = values.get(names.get("speaker_id", ""))
    return Turn(
        speaker, text, time=_time(moment), speaker_id=str(speaker_id) if speaker_id else None
    )


def _time(value: Any) -> datetime | None:  # noqa: ANN401 - text, number or datetime
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, int | float) or str(value).isdigit():
            seconds = float(value)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        return datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        return None  # an unreadable time costs the order by time, not the turn


def _conversation(
    identity: str, pairs: list[tuple[Row, Turn]], names: Mapping[str, str]
) -> Conversation:
    turns = [turn for _, turn in pairs]
    if all(turn.time for turn in turns):
        turns.sort(key=lambda turn: turn.time.timestamp() if turn.time else 0.0)
    outcome = _last(pairs, names.get("outcome", "")).lower()
    rating = _last(pairs, names.get("rating", "")).removesuffix(".0")
    customer = pairs[0][0].values.get(names.get("customer_id", ""))
    channel = pairs[0][0].values.get(names.get("channel", ""))
    return Conversation(
        identity,
        tuple(turns),
        customer_id=str(customer) if customer else None,
        channel=str(channel) if channel else None,
        outcome=_OUTCOMES.get(outcome, "unknown"),
        rating=int(rating) if rating in tuple("12345") else None,
    )


def _last(pairs: list[tuple[Row, Turn]], column: str) -> str:
    """The column's last value: a case's outcome and rating may stand in one of its rows only."""
    values = (row.values.get(column) for row, _ in reversed(pairs))
    return next((str(value).strip() for value in values if value not in (None, "")), "")
