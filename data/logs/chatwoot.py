"""Chatwoot conversations with their messages, as its API gives them.

Source: https://developers.chatwoot.com/api-reference/conversations/conversations-list
"""

import re
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

_KEYS = ("data.payload", "payload", "conversations", "data")
_KINDS = {"0": "incoming", "1": "outgoing", "2": "activity", "3": "template"}
_STATES = {"0": "open", "1": "resolved", "2": "pending", "3": "snoozed"}
_SIDES = {"contact": "incoming", "user": "outgoing"}
_BOTS = ("agent_bot", "agentbot", "captain_assistant", "captain::assistant")
_CHANNELS = {"webwidget": "chat", "facebookpage": "facebook", "twiliosms": "sms"}
_REOPENED = re.compile(r"\breopened\b", re.IGNORECASE)
FIELDS: tuple[str, ...] = ()  # of --map


def fits(source: Source) -> bool:
    """Whether the first conversation has messages with Chatwoot's types, or an inbox."""
    first = first_item(source, _KEYS)
    if first is None or not isinstance(first.get("messages"), list):
        return False
    message = fields(next(iter(first["messages"]), None))
    return "message_type" in message or "inbox_id" in first


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the conversations."""
    for row in json_items(source, _KEYS, bad):
        values, meta = row.values, fields(row.values.get("meta"))
        messages = list(each(values.get("messages"), row.where, "message", bad))
        turns = tuple(turn for place, message in messages for turn in _turn(place, message, bad))
        channel = word(meta.get("channel") or values.get("channel")).casefold()
        channel = channel.removeprefix("channel::")
        contact = fields(meta.get("sender"))
        subject = fields(values.get("additional_attributes")).get("mail_subject")
        ratings = [_rating(message) for _, message in messages]
        ratings.append(rating_of(fields(values.get("csat_survey_response")).get("rating")))
        found = Conversation(
            word(values.get("id")) or word(values.get("display_id")),
            turns,
            customer_id=word(contact.get("id")) or word(values.get("contact_id")),
            channel=_CHANNELS.get(channel, channel),
            outcome=_outcome(values, messages, turns),
            rating=next((rating for rating in reversed(ratings) if rating), None),
            labels=labels_of(
                subject, values.get("labels"), any(_reopens(message) for _, message in messages)
            ),
        )
        yield from case(row.where, found, bad)


def _turn(where: str, message: Mapping[str, Any], bad: BadRows) -> Iterator[Turn]:
    kind, sender = _kind(message), _sender(message)
    if is_true(message.get("private")):
        bad.left_out[NOTE] += 1
        return
    if is_true(fields(message.get("content_attributes")).get("deleted")):
        bad.left_out["deleted message"] += 1
        return
    text = text_of(message, (), ("content",))
    if not text:
        leave_out_empty(message, bad)
        return
    if kind not in _KINDS.values():
        bad.add(where, "unknown message_type")
        return
    speaker: Speaker = "customer" if kind == "incoming" else "agent"
    mark: Mark | None = None
    if kind == "activity" or message.get("content_type") == "input_csat":
        mark = "system"
    elif kind == "template" or sender in _BOTS:
        mark = "bot"
    person = word(fields(message.get("sender")).get("id")) or word(message.get("sender_id"))
    yield Turn(speaker, text, moment(message.get("created_at")), person or None, mark=mark)


def _kind(message: Mapping[str, Any]) -> str:
    kind = word(message.get("message_type")).casefold()
    sender = _sender(message)
    return _KINDS.get(kind, kind) or ("outgoing" if sender in _BOTS else _SIDES.get(sender, ""))


def _sender(message: Mapping[str, Any]) -> str:
    sender = fields(message.get("sender")).get("type") or message.get("sender_type")
    return word(sender).casefold()


def _rating(message: Mapping[str, Any]) -> int | None:
    submitted = fields(fields(message.get("content_attributes")).get("submitted_values"))
    return rating_of(fields(submitted.get("csat_survey_response")).get("rating"))


def _reopens(message: Mapping[str, Any]) -> bool:
    return _kind(message) == "activity" and bool(_REOPENED.search(word(message.get("content"))))


def _outcome(
    values: Mapping[str, Any],
    messages: list[tuple[str, Mapping[str, Any]]],
    turns: tuple[Turn, ...],
) -> Outcome:
    """A bot hands a pending conversation over by opening it."""
    state = word(values.get("status"))
    state = _STATES.get(state, state).casefold()
    had_bot = any(_sender(message) in _BOTS for _, message in messages)
    return "handed_over" if state == "open" and had_bot else outcome_of(state == "resolved", turns)
