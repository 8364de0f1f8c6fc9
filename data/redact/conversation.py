"""A whole conversation without private values: turns, ids and labels."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from data.redact.find import find, find_all, free, redact
from data.redact.ids import hidden
from data.redact.repeats import again
from data.redact.spans import KINDS, Span, put
from data.redact.standins import stand_in
from data.schema import Conversation, Entity, Turn

_KEY = secrets.token_bytes(32)  # of this process: gone with it, so that nothing can be reversed


class EntityFinder(Protocol):
    """Anything that finds entities, such as a `ner` run: it knows names that no rule finds."""

    def predict(self, texts: Sequence[str]) -> Sequence[Sequence[Entity]]:
        """The entities of each text."""


def redact_conversation(
    conversation: Conversation,
    region: str = "GB",
    key: bytes = _KEY,
    finder: EntityFinder | None = None,
) -> tuple[Conversation, Counter[str]]:
    """The conversation with stand-ins for its private values, and counts by kind of the turns.

    A value has the same stand-in in all of the conversation, marked as an entity of its kind. An id
    that may name a person becomes the same pseudonym wherever it stands, see `ids`. Labels get
    placeholders.

    Args:
        conversation: As it was imported.
        region: Where phone numbers without a country code are read.
        key: What stand-ins and pseudonyms are drawn with; keep it secret, or do not keep it.
        finder: Finds more, beside the rules; of its entities those of a private kind count.
    """
    counts: Counter[str] = Counter()
    found = finder.predict([t.text for t in conversation.turns]) if finder is not None else ()
    more: list[list[Span]] = [
        [
            (entity.start, entity.end, entity.type)
            for entity in (*turn.entities, *(found[place] if found else ()))
            if entity.type in KINDS
        ]
        for place, turn in enumerate(conversation.turns)
    ]
    turns: list[Turn] = []
    spans_of = find_all([turn.text for turn in conversation.turns], region, more)
    for turn, spans in zip(conversation.turns, spans_of, strict=True):
        counts.update(kind for _, _, kind in spans)
        if not spans and turn.speaker_id is None and not turn.facts and not turn.passages:
            turns.append(turn)
            continue
        marked = _with_marks(turn, spans)
        clean = put(
            turn.text,
            spans,
            marked,
            lambda value, kind: stand_in(kind, value, key, conversation.id),
        )
        turns.append(
            replace(
                turn,
                text=clean.text,
                entities=clean.entities,
                speaker_id=hidden(turn.speaker_id, key),
                passages=(),  # another conversation's words may stand in them
            )
        )
    if any(turn.facts for turn in turns):
        raw = [turn.text for turn in conversation.turns]
        turns = [
            replace(turn, facts=_facts(turn, raw, spans_of, region, key, conversation.id))
            for turn in turns
        ]
    return replace(
        conversation,
        id=hidden(conversation.id, key) or "",
        customer_id=hidden(conversation.customer_id, key),
        channel=conversation.channel and _label(conversation.channel, region),
        labels={name: _label(value, region) for name, value in conversation.labels.items()},
        turns=tuple(turns),
    ), counts


def _facts(
    turn: Turn,
    texts: Sequence[str],
    spans_of: Sequence[Sequence[Span]],
    region: str,
    key: bytes,
    scope: str,
) -> dict[str, str]:
    """What was looked up, as private as the turns: a value has the stand-in that it has there."""
    clean = {}
    for name, value in turn.facts.items():
        own = find(value, region, before=f"What is the {name.replace('_', ' ')}?")
        repeated = again([*texts, value], [*spans_of, own])[-1]
        spans = free(value, [*own, *repeated])
        put_in = put(value, spans, (), lambda text, kind: stand_in(kind, text, key, scope))
        clean[name] = put_in.text
    return clean


@lru_cache(maxsize=1024)
def _label(value: str, region: str) -> str:
    """A label or channel without private values; a log has few different ones."""
    return redact(value, region=region).text


def _with_marks(turn: Turn, spans: Sequence[Span]) -> list[Entity]:
    """The turn's entities, and one for each span that none of them touches."""
    marks = list(turn.entities)
    for start, end, kind in spans:
        if all(end <= each.start or start >= each.end for each in turn.entities):
            marks.append(Entity(kind, turn.text[start:end], start, end))
    return marks
