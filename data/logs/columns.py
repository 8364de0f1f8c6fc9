"""Which column of a table holds what: by `--map`, by its usual names, and by what stands in it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from statistics import fmean
from typing import Any

from data.errors import LogFormatError
from data.logs.roles import AGENT
from data.logs.speaker_words import FALSE, ROLES, TRUE, role_of
from data.logs.times import time_of
from data.logs.transcript import is_transcript

SAMPLE = 200  # rows that are looked at
GUESSES: dict[str, tuple[str, ...]] = {
    "id": ("conversation_id", "conversationid", "conversation", "ticket_id", "ticketid", "ticket",
           "case_id", "case", "case_number", "thread_id", "thread", "chat_id", "session_id",
           "dialogue_id", "dialog_id", "id"),
    "speaker": ("speaker", "author_type", "sender_type", "role", "sender", "author", "from",
                "direction", "inbound", "is_agent", "from_agent", "is_customer", "who"),
    "text": ("text", "message", "body", "content", "msg", "comment", "utterance", "message_text"),
    "time": ("time", "timestamp", "created_at", "sent_at", "date", "datetime", "created"),
    "speaker_id": ("speaker_id", "author_id", "sender_id", "agent_id", "user_id"),
    "customer_id": ("customer_id", "requester_id", "contact_id", "customer", "customer_email"),
    "channel": ("channel", "ticket_channel", "source", "via"),
    "outcome": ("outcome", "status", "ticket_status", "state", "resolution"),
    "rating": ("rating", "csat", "satisfaction", "customer_satisfaction_rating", "stars", "score"),
    "intent": ("intent", "contact_reason", "ticket_type", "topic", "label", "category"),
    "private": ("private", "internal", "is_private", "is_internal", "is_public", "public"),
    "question": ("question", "instruction", "ticket_description", "customer_message", "request",
                 "description", "query", "prompt", "input"),
    "answer": ("answer", "response", "reply", "agent_message", "agent_response", "resolution",
               "completion", "output"),
    "transcript": ("transcript", "conversation_text", "chat_transcript", "dialogue", "dialog",
                   "chat_log", "messages", "conversation", "chat"),
}  # fmt: skip
MESSAGES, PAIRS, TRANSCRIPT = ("id", "speaker", "text"), ("question", "answer"), ("transcript",)
_MOSTLY = 0.8
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)  # ="00042": a spreadsheet's way to keep the zeros
_NEUTRAL = re.compile(r"'[=+\-@\t\r]")
# A date has a year: dateutil reads `5` as the fifth of this month.
_DATE = re.compile(r"(?:19|20)\d\d|\d{1,2}[/.-]\d{1,2}[/.-]\d\d|\d{9}")
_YEAR_FIRST = re.compile(r"\s*\d{4}\D")
_SPACE = re.compile(r"[\s_]+")


def cell(value: object) -> str:
    """A cell's text, without what keeps a spreadsheet from running it or from changing it."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    text = str(value).strip()
    if text.startswith("="):
        whole = _FORMULA.fullmatch(text)
        return whole[1].replace('""', '"') if whole else text
    return text[1:] if _NEUTRAL.match(text) else text


def match_columns(
    name: str, sample: Sequence[Mapping[str, Any]], mapped: Mapping[str, str]
) -> dict[str, str]:
    """From our field to the file's column.

    Args:
        name: The file's, for messages.
        sample: Its first rows.
        mapped: From `--map field=column`; these win.

    Raises:
        LogFormatError: If no set of needed fields has columns, or a mapped field or column does not
            exist.
    """
    found = list(dict.fromkeys(column for row in sample for column in row))
    mapped = {field: column for field, column in mapped.items() if field != AGENT}
    for field, column in mapped.items():
        if field not in GUESSES or column not in found:
            wrong = f"field {field!r}" if field not in GUESSES else f"column {column!r}"
            raise LogFormatError(
                f"{name}:1: --map {field}={column}: no {wrong}; fields: {', '.join(GUESSES)}; "
                f"columns: {', '.join(found)}"
            )
    columns = by_name(found, mapped)
    values = {column: _values(sample, column) for column in found}
    for layout in (TRANSCRIPT, PAIRS):
        if mapped.keys() & set(layout) and columns.keys() >= set(layout):
            return _of_layout(columns, layout)
    if "speaker" not in mapped and (transcript := _transcript(columns, values)) is not None:
        return _of_layout(columns | {"transcript": transcript}, TRANSCRIPT)
    if not mapped.keys() & {"speaker", "text"} and _is_pairs(columns, values):
        return _of_layout(columns, PAIRS)
    columns = _by_content(columns, mapped, values)
    missing = [field for field in MESSAGES if field not in columns]
    if missing:
        raise LogFormatError(
            f"{name}:1: no column for {', '.join(missing)}; found: {', '.join(found)}. "
            f"Name it with --map {missing[0]}=COLUMN"
        )
    return _of_layout(columns, MESSAGES)


def by_name(found: Sequence[str], mapped: Mapping[str, str]) -> dict[str, str]:
    """The columns that names tell, each mapped one as it is."""
    lower = {_SPACE.sub("_", name.strip().lower()): name for name in reversed(found)}
    columns = dict(mapped)
    for field, guesses in GUESSES.items():
        column = next((lower[guess] for guess in guesses if guess in lower), None)
        if field not in columns and column is not None:
            columns[field] = column
    return columns


def speaks(values: Sequence[str]) -> bool:
    """Whether nearly all values are words for a customer, an agent, a bot or the system."""
    words = [value.casefold() for value in values]
    return bool(words) and _share(words, ROLES.__contains__) >= _MOSTLY


def moment(value: object, day_first: bool) -> datetime | None:
    """The time of a cell; a date that begins with its year has its month second."""
    if isinstance(value, str) and not _DATE.search(value):
        return None
    return time_of(value, day_first and not _YEAR_FIRST.match(str(value)))


def _of_layout(columns: Mapping[str, str], layout: Sequence[str]) -> dict[str, str]:
    """Without the text columns of other layouts, and with no column read as two fields."""
    others = {*MESSAGES, *PAIRS, *TRANSCRIPT} - set(layout) - {"id"}
    own = {columns[field] for field in layout}
    return {
        field: column
        for field, column in columns.items()
        if field in layout or (field not in others and column not in own)
    }


def _transcript(columns: Mapping[str, str], values: Mapping[str, list[str]]) -> str | None:
    """A column whose values are whole conversations."""
    named = [columns[field] for field in ("transcript", "text") if field in columns]
    for column in dict.fromkeys([*named, *values]):
        if _share(values[column], is_transcript) >= _MOSTLY:
            return column
    return None


def _is_pairs(columns: Mapping[str, str], values: Mapping[str, list[str]]) -> bool:
    """Whether a question and an answer have columns, and no column says who speaks."""
    if not columns.keys() >= set(PAIRS) or columns["question"] == columns["answer"]:
        return False
    speaker = columns.get("speaker")
    return not _says_who(speaker, values.get(speaker or "", []))


def _by_content(
    columns: dict[str, str], mapped: Mapping[str, str], values: Mapping[str, list[str]]
) -> dict[str, str]:
    """The columns of a table of messages, with those that only their content tells."""
    named = columns.get("speaker")
    if "speaker" not in mapped and not _says_who(named, values.get(named or "", [])):
        free = [column for column in values if column not in mapped.values()]
        if told := next((column for column in free if speaks(values[column])), None):
            if named is not None:
                columns.setdefault("speaker_id", named)
            columns["speaker"] = told
    for field, choose in (("time", _time), ("text", _text), ("id", _id), ("speaker", _person)):
        if field not in columns:
            free = [column for column in values if column not in columns.values()]
            if (column := choose(free, values, columns)) is not None:
                columns[field] = column
    return columns


def _says_who(column: str | None, values: list[str]) -> bool:
    return column is not None and _share(values, lambda value: bool(role_of(value))) >= _MOSTLY


def _time(
    free: Sequence[str], values: Mapping[str, list[str]], columns: Mapping[str, str]
) -> str | None:
    for plain in (False, True):  # a number may be a time; it is more often an id
        for column in free:
            dates = [value for value in values[column] if value.isdigit() == plain]
            if values[column] and len(dates) >= _MOSTLY * len(values[column]):
                times = [time for value in dates if (time := moment(value, True)) is not None]
                if len(times) >= _MOSTLY * len(dates) and all(
                    2000 <= time.year < 2100 for time in times
                ):
                    return column
    return None


def _text(
    free: Sequence[str], values: Mapping[str, list[str]], columns: Mapping[str, str]
) -> str | None:
    """The column of the longest values, if they are of more than one word."""
    lengths = {
        column: fmean(map(len, values[column])) for column in free if _share(values[column], _prose)
    }
    return max(lengths, key=lengths.__getitem__, default=None)


def _id(
    free: Sequence[str], values: Mapping[str, list[str]], columns: Mapping[str, str]
) -> str | None:
    """The column whose values repeat, and the most frequent of them the least.

    An agent's name, a channel and a state stand in many conversations.
    """
    rows = max(map(len, values.values()), default=0)
    most: dict[str, int] = {}
    for column in free:
        counts = Counter(values[column])
        if (
            len(values[column]) == rows
            and 1 < len(counts) <= _MOSTLY * rows
            and fmean(map(len, counts)) <= 64
            and not {value.casefold().removesuffix(".0") for value in counts} <= {*TRUE, *FALSE}
        ):
            most[column] = max(counts.values())
    return min(most, key=most.__getitem__, default=None)


def _person(
    free: Sequence[str], values: Mapping[str, list[str]], columns: Mapping[str, str]
) -> str | None:
    """The column that takes two or a few values within most conversations."""
    ids = values.get(columns.get("id", ""), [])
    for column in free:
        if not ids or len(values[column]) != len(ids) or fmean(map(len, values[column])) > 64:
            continue
        people: dict[str, list[str]] = {}
        for identity, person in zip(ids, values[column], strict=True):
            people.setdefault(identity, []).append(person)
        longer = [found for found in people.values() if len(found) > 2]
        if longer and _share(longer, lambda found: 1 < len(set(found)) < len(found)) >= _MOSTLY:
            return column
    return None


def _values(sample: Sequence[Mapping[str, Any]], column: str) -> list[str]:
    return [text for row in sample if (text := cell(row.get(column)))]


def _share(values: Sequence[Any], holds: Callable[[Any], bool]) -> float:
    return fmean(map(holds, values)) if values else 0.0


def _prose(value: str) -> bool:
    return " " in value and any(map(str.isalpha, value))


def looks_labelled(sample: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the rows are texts with labels: no speaker, no answer, and labels that repeat."""
    found = list(dict.fromkeys(column for row in sample for column in row))
    columns = by_name(found, {})
    asked = {"text", "question"} & columns.keys()
    if not asked or "intent" not in columns or {"speaker", "answer"} & columns.keys():
        return False
    values = {column: _values(sample, column) for column in found}
    if any(speaks(values[column]) for column in found) or _transcript(columns, values):
        return False
    labels = values[columns["intent"]]
    return bool(labels) and fmean(map(len, labels)) <= 64
