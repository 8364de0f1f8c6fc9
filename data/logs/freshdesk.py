"""Freshdesk tickets: the API's with their conversations, and those of an account export.

Source: https://developers.freshdesk.com/api/#tickets
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
from data.schema import Conversation, Speaker, Turn
from data.sources import Source

_KEYS = ("tickets", "results")
_WRAPPERS = ("helpdesk_ticket", "ticket")
_NOTES = ("conversations", "helpdesk_notes", "notes")
_OWN = {*_NOTES, "description_text", "responder_id", "fr_escalated", "email_config_id"}
_DONE = ("4", "5", "resolved", "closed")
_OUTBOUND = "10"
_CHANNELS = {
    "1": "email", "2": "web", "3": "phone", "4": "forum", "5": "twitter", "6": "facebook",
    "7": "chat", "9": "web", _OUTBOUND: "email", "12": "bot", "13": "whatsapp",
}  # fmt: skip
# 103 extremely happy … 100 neutral … -103 extremely unhappy; 1 to 3 in older accounts.
_RATINGS = {
    "103": 5, "102": 4, "101": 4, "100": 3, "-101": 2, "-102": 2, "-103": 1, "1": 5, "2": 3, "3": 1,
}  # fmt: skip
FIELDS: tuple[str, ...] = ()  # of --map


def fits(source: Source) -> bool:
    """Whether the first ticket is wrapped as in an export, or has a requester and own names."""
    first = first_item(source, _KEYS)
    if first is None:
        return False
    ticket = _unwrapped(first, _WRAPPERS)
    if "helpdesk_ticket" in first:
        return True
    return "requester_id" in ticket and not _OWN.isdisjoint(ticket)


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the tickets that are neither spam nor deleted."""
    for row in json_items(source, _KEYS, bad):
        beside = {key: row.values[key] for key in _NOTES if key in row.values}
        ticket = {**beside, **_unwrapped(row.values, _WRAPPERS)}
        if is_true(ticket.get("spam")) or is_true(ticket.get("deleted")):
            bad.left_out["spam or deleted ticket"] += 1
            continue
        requester = word(ticket.get("requester_id"))
        requester = requester or word(fields(ticket.get("requester")).get("id"))
        turns = tuple(_turns(row.where, ticket, requester, bad))
        states = {word(ticket.get(key)).casefold() for key in ("status", "status_name")}
        source_of = word(ticket.get("source"))
        found = Conversation(
            word(ticket.get("id")) or word(ticket.get("display_id")),
            turns,
            customer_id=requester,
            channel=_CHANNELS.get(source_of) or word(ticket.get("source_name")).casefold(),
            outcome=outcome_of(not states.isdisjoint(_DONE), turns),
            rating=_rating(ticket),
            labels=labels_of(
                ticket.get("subject"),
                ticket.get("tags"),
                moment(fields(ticket.get("stats")).get("reopened_at")) is not None,
            ),
        )
        yield from case(row.where, found, bad)


def _unwrapped(values: Mapping[str, Any], keys: tuple[str, ...]) -> Mapping[str, Any]:
    return next((values[key] for key in keys if isinstance(values.get(key), dict)), values)


def _turns(where: str, ticket: Mapping[str, Any], requester: str, bad: BadRows) -> Iterator[Turn]:
    text = text_of(ticket, ("description_html", "description"), ("description_text",))
    if text:
        # Who writes first is an agent where the company opens the ticket.
        outbound = word(ticket.get("source")) == _OUTBOUND
        agent = word(ticket.get("responder_id")) or None
        time = moment(ticket.get("created_at"))
        if outbound:
            yield Turn("agent", text, time, agent)
        else:
            yield Turn("customer", text, time, requester or None)
    key = next((key for key in _NOTES if ticket.get(key)), _NOTES[0])
    for _, values in each(ticket.get(key), where, "note", bad):
        note = _unwrapped(values, ("helpdesk_note", "note"))
        if is_true(note.get("private")):
            bad.left_out[NOTE] += 1
        elif is_true(note.get("deleted")):
            bad.left_out["deleted message"] += 1
        elif not (text := text_of(note, ("body_html", "body"), ("body_text",))):
            leave_out_empty(note, bad)
        else:
            person = word(note.get("user_id"))
            is_customer = is_true(note.get("incoming")) or person == requester != ""
            speaker: Speaker = "customer" if is_customer else "agent"
            yield Turn(speaker, text, moment(note.get("created_at")), person or None)


def _rating(ticket: Mapping[str, Any]) -> int | None:
    """The last rating; the customer may give several."""
    key = next(
        (key for key in ("satisfaction_ratings", "survey_results") if ticket.get(key)),
        "satisfaction_rating",
    )
    given = ticket.get(key)
    last = given[-1] if isinstance(given, list) and given else given
    if isinstance(last, dict):
        last = last.get("ratings", last.get("rating"))
    score = fields(last).get("default_question") if isinstance(last, dict) else last
    return _RATINGS.get(word(score)) or rating_of(score)
