"""Zendesk tickets: the JSON export (a ticket a line), or the API's with comments or audits.

Source: https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/ and
https://developer.zendesk.com/documentation/ticketing/reference-guides/ticket-audit-events-reference
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from data.json_items import first_item, items_beside, json_items
from data.logs.helpdesk import (
    NOTE,
    case,
    each,
    fields,
    is_false,
    labels_of,
    leave_out_empty,
    moment,
    outcome_of,
    rating_of,
    text_of,
    word,
)
from data.rows import BadRows
from data.schema import Conversation, Mark, Speaker, Turn
from data.sources import Source

_KEYS = ("tickets", "results")
_OWN = {"comments", "audits", "submitter_id", "submitter", "raw_subject", "satisfaction_rating"}
_SAID = ("Comment", "VoiceComment")
_RATINGS = {"good": 5, "bad": 1}
_DONE = ("solved", "closed")
_MACHINES = ("rule", "answer_bot", "system", "trigger", "automation")
FIELDS: tuple[str, ...] = ()  # of --map


def fits(source: Source) -> bool:
    """Whether the first ticket has a requester, and what only Zendesk calls so."""
    first = first_item(source, _KEYS)
    if first is None:
        return False
    ticket = _ticket(first)
    named = "requester_id" in ticket or "requester" in ticket
    return named and (not _OWN.isdisjoint(ticket) or isinstance(ticket.get("via"), dict))


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the tickets that are not deleted."""
    roles = _roles(items_beside(source, "users"))
    for row in json_items(source, _KEYS, bad):
        ticket = _ticket(row.values)
        if word(ticket.get("status")) == "deleted":
            bad.left_out["deleted ticket"] += 1
            continue
        users = ticket.get("users")
        own = _roles(users) if isinstance(users, list) else {}
        requester = word(ticket.get("requester_id")) or _id(ticket.get("requester"))
        turns = tuple(_turns(row.where, ticket, requester, {**roles, **own}, bad))
        done = word(ticket.get("status")).casefold() in _DONE
        rating = ticket.get("satisfaction_rating")
        score = fields(rating).get("score") if isinstance(rating, dict) else rating
        found = Conversation(
            word(ticket.get("id")),
            turns,
            customer_id=requester,
            channel=word(fields(ticket.get("via")).get("channel")),
            outcome=outcome_of(done, turns),
            rating=_RATINGS.get(word(score).casefold()) or rating_of(score),
            labels=labels_of(
                word(ticket.get("subject")) or ticket.get("raw_subject"),
                ticket.get("tags"),
                _is_reopened(ticket),
            ),
        )
        yield from case(row.where, found, bad)


def _ticket(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A ticket; one under `ticket` has its comments or audits beside it."""
    inner = values.get("ticket")
    beside = {key: values[key] for key in ("comments", "audits", "users") if key in values}
    return {**beside, **inner} if isinstance(inner, dict) else values


def _turns(
    where: str, ticket: Mapping[str, Any], requester: str, roles: Mapping[str, str], bad: BadRows
) -> Iterator[Turn]:
    comments = "comments" if ticket.get("comments") or not ticket.get("audits") else "audits"
    if comments == "comments":
        said = list(each(ticket.get("comments"), where, "comment", bad))
    else:
        said = list(_of_audits(where, ticket["audits"], bad))
    if not said:  # the description is the first comment
        keys = ("description", "created_at")
        first = {key: ticket[key] for key in keys if isinstance(ticket.get(key), str)}
        said = [(where, {**first, "author_id": requester})] if "description" in first else []
    for place, comment in said:
        if is_false(comment.get("public")):
            bad.left_out[NOTE] += 1
            continue
        text = text_of(comment, ("html_body", "plain_body"), ("body", "description"))
        if not text:
            leave_out_empty(comment, bad)
            continue
        author = word(comment.get("author_id")) or _id(comment.get("author"))
        if not author:
            bad.add(place, "no author_id")
            continue
        requester = requester or author  # whoever opens a ticket of nobody
        role = word(fields(comment.get("author")).get("role")) or roles.get(author)
        speaker: Speaker = "customer" if author == requester or role == "end-user" else "agent"
        mark: Mark | None = None
        if author == "-1":
            speaker, mark = "agent", "system"
        elif word(fields(comment.get("via")).get("channel")) in _MACHINES:
            mark = "bot"
        yield Turn(speaker, text, moment(comment.get("created_at")), author, mark=mark)


def _of_audits(where: str, audits: object, bad: BadRows) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The comments among the audits' events; one that was made private later is private."""
    comments: dict[str, tuple[str, dict[str, Any]]] = {}
    for place, audit in each(audits, where, "audit", bad):
        for inner, event in each(audit.get("events"), place, "event", bad):
            key, kind = word(event.get("id")) or inner, word(event.get("type"))
            if kind in _SAID:
                common = {name: audit.get(name) for name in ("author_id", "created_at", "via")}
                event_own = {name: value for name, value in event.items() if value is not None}
                comments[key] = (inner, {**common, **event_own})
            elif kind == "CommentPrivacyChange":
                changed = comments.get(word(event.get("comment_id")))
                if changed is not None:
                    changed[1]["public"] = event.get("public")
    yield from comments.values()


def _is_reopened(ticket: Mapping[str, Any]) -> bool:
    """Whether it was open again after it had been solved."""
    count = fields(ticket.get("metric_set")).get("reopens")
    if word(count) not in ("", "0"):
        return True
    silent = BadRows(sink=lambda where, why: None)
    return any(
        event.get("field_name") == "status"
        and event.get("previous_value") in _DONE
        and event.get("value") not in _DONE
        for _, audit in each(ticket.get("audits"), "", "audit", silent)
        for _, event in each(audit.get("events"), "", "event", silent)
        if event.get("type") == "Change"
    )


def _id(value: object) -> str:
    return word(fields(value).get("id"))


def _roles(users: Iterable[object]) -> dict[str, str]:
    """From users' ids to `end-user`, `agent` or `admin`."""
    return {_id(user): word(fields(user).get("role")) for user in users}
