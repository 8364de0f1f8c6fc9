"""Intercom conversations, as its API and the exports made with it give them.

Source: https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations
"""

from collections.abc import Iterator, Mapping
from typing import Any

from data.json_items import first_item, json_items
from data.logs.helpdesk import (
    NOTE,
    case,
    each,
    fields,
    is_true,
    labels_of,
    leave_out_empty,
    moment,
    outcome_of,
    rating_of,
    text_of,
    word,
)
from data.rows import BadRows
from data.schema import Conversation, Mark, Outcome, Speaker, Turn
from data.sources import Source

_KEYS = ("conversations", "data", "data.conversations")
_CUSTOMERS = ("user", "lead", "contact", "visitor")
_AGENTS = ("admin", "team", "teammate", "bot", "operator")
_BOTS = ("bot", "operator")
_CHANNELS = {"conversation": "chat"}
FIELDS: tuple[str, ...] = ()  # of --map


def fits(source: Source) -> bool:
    """Whether the first conversation has parts, or a source with its author."""
    first = first_item(source, _KEYS)
    if first is None:
        return False
    opened = fields(first.get("source") or first.get("conversation_message"))
    return "conversation_parts" in first or {"author", "body"} <= opened.keys()


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the conversations."""
    for row in json_items(source, _KEYS, bad):
        values = row.values
        parts = _list(values, "conversation_parts")
        opened = fields(values.get("source") or values.get("conversation_message"))
        turns = tuple(_turns(row.where, values, opened, parts, bad))
        channel = word(opened.get("type"))
        rating = values.get("conversation_rating")
        tags = _list(values, "tags")
        found = Conversation(
            word(values.get("id")),
            turns,
            customer_id=_contact(values),
            channel=_CHANNELS.get(channel, channel),
            outcome=_outcome(values, turns),
            rating=rating_of(fields(rating).get("rating") if isinstance(rating, dict) else rating),
            labels=labels_of(
                word(values.get("title")) or opened.get("subject"), tags, _reopened(values, parts)
            ),
        )
        yield from case(row.where, found, bad)


def _turns(
    where: str, values: Mapping[str, Any], opened: Mapping[str, Any], parts: object, bad: BadRows
) -> Iterator[Turn]:
    first = {"created_at": values.get("created_at"), **opened}
    said = [(where, first)] if opened else []
    for place, part in (*said, *each(parts, where, "part", bad)):
        kind = word(part.get("part_type"))
        text = text_of(part, ("body",))
        if kind.startswith("note"):
            bad.left_out[NOTE] += 1
        elif is_true(part.get("redacted")):
            bad.left_out["deleted message"] += 1
        elif not text and kind not in ("", "comment"):
            bad.left_out["event that is no turn"] += 1
        elif not text:
            leave_out_empty(part, bad)
        elif (turn := _turn(part, text)) is not None:
            yield turn
        else:
            bad.add(place, "unknown author.type")


def _turn(part: Mapping[str, Any], text: str) -> Turn | None:
    author = fields(part.get("author"))
    kind = word(author.get("type")).casefold()
    if kind not in (*_CUSTOMERS, *_AGENTS):
        return None
    speaker: Speaker = "customer" if kind in _CUSTOMERS else "agent"
    by_itself = is_true(author.get("from_ai_agent")) or part.get("delivered_as") == "automated"
    mark: Mark | None = "bot" if kind in _BOTS or (by_itself and speaker == "agent") else None
    person = word(author.get("id")) or None
    return Turn(speaker, text, moment(part.get("created_at")), person, mark=mark)


def _outcome(values: Mapping[str, Any], turns: tuple[Turn, ...]) -> Outcome:
    """By the state, and by what became of the AI agent's part in it."""
    answered = any(turn.speaker == "agent" and turn.mark is None for turn in turns)
    resolution = word(fields(values.get("ai_agent")).get("resolution_state"))
    done = word(values.get("state")) == "closed" or values.get("open") is False
    if resolution == "abandoned" and not answered:
        return "abandoned"
    if resolution == "routed_to_team" and not done:
        return "handed_over"
    return outcome_of(done or resolution in ("confirmed_resolution", "assumed_resolution"), turns)


def _reopened(values: Mapping[str, Any], parts: object) -> bool:
    if word(fields(values.get("statistics")).get("count_reopens")) not in ("", "0"):
        return True
    silent = BadRows(sink=lambda where, why: None)
    kinds = [word(part.get("part_type")) for _, part in each(parts, "", "part", silent)]
    closed = kinds.index("close") if "close" in kinds else len(kinds)
    return any(kind == "open" or kind.endswith("_reopen") for kind in kinds[closed:])


def _contact(values: Mapping[str, Any]) -> str:
    contacts = _list(values, "contacts")
    first = contacts[0] if isinstance(contacts, list) and contacts else values.get("user")
    return word(fields(first).get("id"))


def _list(values: Mapping[str, Any], key: str) -> object:
    """The list under a key; the API wraps it into an object that has it under the same key."""
    value = values.get(key)
    return value.get(key) if isinstance(value, dict) else value
