"""Our own conversations file: JSONL, one Conversation a line, in and out."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from data.errors import LogFormatError
from data.rows import BadRows, read_rows
from data.schema import Conversation, Entity, Gold, Mark, Outcome, Passage, Speaker, Turn
from data.sources import Source

_SPEAKERS = get_args(Speaker)
_OUTCOMES = get_args(Outcome)
_GOLD = get_args(Gold)
_MARKS = get_args(Mark)


def read_conversations(path: Path | Source, bad: BadRows | None = None) -> Iterator[Conversation]:
    """Yield the conversations of a JSONL file.

    Raises:
        LogFormatError: At a bad row when `bad` is None; else the row is noted there.
    """
    for row in read_rows(path, bad):
        try:
            yield from_dict(row.values)
        except ValueError as error:
            if bad is None:
                raise LogFormatError(f"{row.where}: {error}") from error
            bad.add(row.where, str(error))


def from_dict(values: Mapping[str, Any]) -> Conversation:
    """A Conversation from plain values.

    Raises:
        ValueError: If a needed field is missing or a value is not one of those allowed.
    """
    turns = values.get("turns")
    if not isinstance(turns, list) or not turns:
        raise ValueError("no 'turns' list; each line needs an id and turns")
    if values.get("id") in (None, ""):
        raise ValueError("no 'id'")
    outcome: Any = values.get("outcome") or "unknown"
    if outcome not in _OUTCOMES:
        raise ValueError(f"unknown 'outcome'; one of {', '.join(_OUTCOMES)}")
    labels = values.get("labels") or {}
    if not isinstance(labels, dict):
        raise ValueError("'labels' must be an object")
    return Conversation(
        id=str(values["id"]),
        turns=tuple(_turn(turn) for turn in turns),
        customer_id=_text(values.get("customer_id")),
        channel=_text(values.get("channel")),
        outcome=outcome,
        rating=_rating(values),
        labels={str(name): str(value) for name, value in labels.items()},
    )


def to_dict(conversation: Conversation) -> dict[str, Any]:
    """Plain values of a Conversation, without the empty ones; `from_dict` reads them back."""
    values = {
        "id": conversation.id,
        "customer_id": conversation.customer_id,
        "channel": conversation.channel,
        "outcome": conversation.outcome,
        "rating": conversation.rating,
        "labels": dict(conversation.labels) or None,
        "turns": [_turn_values(turn) for turn in conversation.turns],
    }
    return {key: value for key, value in values.items() if value is not None}


def entity_values(entity: Entity) -> dict[str, Any]:
    """Plain values of an Entity."""
    return {
        "type": entity.type,
        "text": entity.text,
        "start": entity.start,
        "end": entity.end,
        "confidence": round(entity.confidence, 4),
    }


def entities_of(values: Mapping[str, Any], text: str) -> tuple[Entity, ...]:
    """The `entities` of a row, checked against its text.

    Raises:
        ValueError: If an offset lies outside the text, or the entity's text is not what stands
            there.
    """
    found = []
    entities = values.get("entities") or []
    if not isinstance(entities, list):
        raise ValueError("'entities' must be a list")
    for entity in entities:
        try:
            start, end, kind = int(entity["start"]), int(entity["end"]), str(entity["type"])
            confidence = float(entity.get("confidence", 1.0))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError("an entity needs type, start and end") from error
        if not 0 <= start < end <= len(text):
            raise ValueError(f"entity {kind!r} [{start}, {end}) lies outside the text")
        if entity.get("text", text[start:end]) != text[start:end]:
            raise ValueError(f"entity {kind!r} [{start}, {end}) does not match its text")
        found.append(Entity(kind, text[start:end], start, end, confidence))
    return tuple(sorted(found, key=lambda entity: entity.start))


def _turn(values: Any) -> Turn:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(values, dict) or not isinstance(values.get("text"), str):
        raise ValueError("each turn needs a speaker and a text")
    speaker: Any = values.get("speaker")
    if speaker not in _SPEAKERS:
        raise ValueError(f"unknown 'speaker'; one of {', '.join(_SPEAKERS)}")
    gold: Any = values.get("gold")
    if gold is not None and gold not in _GOLD:
        raise ValueError(f"unknown 'gold'; one of {', '.join(_GOLD)}")
    mark: Any = values.get("mark")
    if mark is not None and mark not in _MARKS:
        raise ValueError(f"unknown 'mark'; one of {', '.join(_MARKS)}")
    facts = values.get("facts") or {}
    if not isinstance(facts, dict):
        raise ValueError("'facts' must be an object")
    return Turn(
        speaker=speaker,
        text=values["text"],
        time=_time(values.get("time")),
        speaker_id=_text(values.get("speaker_id")),
        rating=_rating(values),
        entities=entities_of(values, values["text"]),
        gold=gold,
        mark=mark,
        action=_text(values.get("action")),
        facts={str(name): str(value) for name, value in facts.items()},
        passages=_passages(values.get("passages") or []),
    )


def _passages(values: Any) -> tuple[Passage, ...]:  # noqa: ANN401 - whatever JSON holds
    try:
        return tuple(Passage(str(each["id"]), str(each["text"]), str(each.get("title", "")))
                     for each in values)  # fmt: skip
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("'passages' must be a list of objects with id and text") from error


def _text(value: Any) -> str | None:  # noqa: ANN401 - whatever JSON holds
    return None if value is None else str(value)


def _rating(values: Mapping[str, Any]) -> int | None:
    rating = values.get("rating")
    if rating is not None and (type(rating) is not int or not 1 <= rating <= 5):
        raise ValueError("'rating' must be a whole number from 1 to 5")
    return rating


def _time(value: Any) -> datetime | None:  # noqa: ANN401 - whatever JSON holds
    try:
        return datetime.fromisoformat(value) if value else None
    except (TypeError, ValueError) as error:
        raise ValueError("'time' is not an ISO 8601 time") from error  # quotes no value


def _turn_values(turn: Turn) -> dict[str, Any]:
    values = {
        "speaker": turn.speaker,
        "speaker_id": turn.speaker_id,
        "time": turn.time.isoformat() if turn.time else None,
        "text": turn.text,
        "rating": turn.rating,
        "gold": turn.gold,
        "mark": turn.mark,
        "action": turn.action,
        "facts": dict(turn.facts) or None,
        "entities": [entity_values(entity) for entity in turn.entities] or None,
        "passages": [
            {"id": each.id, "title": each.title, "text": each.text} for each in turn.passages
        ]
        or None,
    }
    return {key: value for key, value in values.items() if value is not None}
