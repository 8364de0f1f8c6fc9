"""What importers of helpdesks' JSON share: values of any type read safely, cases put together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from data.logs.html_text import text_of_html
from data.logs.table import seconds
from data.logs.times import time_of
from data.rows import BadRows
from data.schema import Conversation, Outcome, Turn

NOTE = "internal note"
_DATED = re.compile(r"\s*(?:(?:19|20)\d\d[-/]\d\d?[-/]\d\d?|\d{9,13}(?:\.\d+)?\s*$)")
_LONGEST = 60  # characters of a time


def word(value: object) -> str:
    """An id, a state or a name as text; "" for what is none of these."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    try:
        return str(value).strip()
    except ValueError:  # a number of more digits than Python writes
        return ""


def words(value: object) -> list[str]:
    """The texts of a list; of its objects, their names."""
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, list):
        return []
    found = [word(one.get("name") if isinstance(one, dict) else one) for one in value]
    return [one for one in found if one]


def fields(value: object) -> Mapping[str, Any]:
    """An object's values; none for what is no object."""
    return value if isinstance(value, dict) else {}


def each(
    value: object, where: str, what: str, bad: BadRows
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (where, values) of each object of a list; what is none is noted."""
    if value is None:
        return
    if not isinstance(value, list):
        bad.add(where, f"the {what}s are no list")
        return
    for number, one in enumerate(value, start=1):
        place = f"{where}, {what} {number}"
        if isinstance(one, dict):
            yield place, one
        else:
            bad.add(place, f"a {what} must be an object")


def is_true(value: object) -> bool:
    """Whether a value says yes, as JSON, as a number or as a word."""
    return value is True or word(value).casefold() in ("1", "true", "yes")


def is_false(value: object) -> bool:
    """Whether a value says no: an unknown one or none says neither."""
    return value is False or word(value).casefold() in ("0", "false", "no")


def moment(value: object) -> datetime | None:
    """The time of a value that has at least a date, or counts seconds or milliseconds."""
    if isinstance(value, str) and (len(value) > _LONGEST or not _DATED.match(value)):
        return None
    known = isinstance(value, str | int | float)
    return time_of(value, day_first=False) if known else None


def rating_of(value: object) -> int | None:
    """A rating from 1 to 5."""
    text = word(value).removesuffix(".0")
    return int(text) if text in tuple("12345") else None


def text_of(values: Mapping[str, Any], html: Sequence[str], plain: Sequence[str] = ()) -> str:
    """The text under the first of these keys that has one: HTML first, it marks what is quoted."""
    for key in html:
        if isinstance(value := values.get(key), str) and (text := text_of_html(value)):
            return text
    for key in plain:
        if isinstance(value := values.get(key), str) and value.strip():
            return value.strip()
    return ""


def leave_out_empty(values: Mapping[str, Any], bad: BadRows) -> None:
    """Count a turn that has no text."""
    attached = any(values.get(key) for key in ("attachments", "attachment", "files"))
    bad.left_out["attachment" if attached else "empty message"] += 1


def labels_of(subject: object, tags: object, reopened: bool = False) -> dict[str, str]:
    """A case's labels, without the empty ones."""
    labels = {
        "subject": text_of_html(word(subject)),
        "tags": "|".join(words(tags)),
        "reopened": "yes" if reopened else "",
    }
    return {name: label for name, label in labels.items() if label}


def outcome_of(is_done: bool, turns: Sequence[Turn]) -> Outcome:
    """How a case ended that the helpdesk calls done or not."""
    if is_done:
        return "solved"
    marks = [turn.mark for turn in turns if turn.speaker == "agent" and turn.mark != "system"]
    return "handed_over" if "bot" in marks and None in marks[marks.index("bot") :] else "unknown"


def case(where: str, conversation: Conversation, bad: BadRows) -> Iterator[Conversation]:
    """Yield the conversation with its turns in order of time where all have one.

    Where nothing tells the customer, it is who writes first as one. Without an id or a turn
    nothing is yielded, and it is noted.
    """
    turns = list(conversation.turns)
    if not conversation.id or not turns:
        bad.add(where, "no turn with a text" if conversation.id else "no id")
        return
    if all(turn.time for turn in turns):
        turns.sort(key=lambda turn: seconds(turn.time) if turn.time else 0.0)
    customer = next((turn.speaker_id for turn in turns if turn.speaker == "customer"), None)
    yield replace(
        conversation,
        turns=tuple(turns),
        customer_id=conversation.customer_id or customer,
        channel=conversation.channel or None,
    )
