"""A whole conversation without private values: turns, ids and labels."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from data.redact.find import find, find_all, free
from data.redact.ids import hidden
from data.redact.repeats import Shown, repeated, shown
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
    raw = [turn.text for turn in conversation.turns]
    labels = conversation.labels
    read = finder.predict([*raw, *labels.values()]) if finder is not None else ()
    found = list(map(_private, read)) or [[] for _ in (*raw, *labels)]
    marked = [_private(turn.entities) for turn in conversation.turns]
    more = [[*known, *new] for known, new in zip(marked, found, strict=False)]
    turns: list[Turn] = []
    spans_of = find_all(raw, region, more)
    for turn, spans in zip(conversation.turns, spans_of, strict=True):
        counts.update(kind for _, _, kind in spans)
        if not spans and turn.speaker_id is None and not turn.facts and not turn.passages:
            turns.append(turn)
            continue
        clean = put(
            turn.text,
            spans,
            _with_marks(turn, spans),
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
        turns = [
            replace(turn, facts=_facts(turn, raw, spans_of, region, key, conversation.id))
            for turn in turns
        ]
    told = shown(raw, spans_of)
    of_labels = zip(labels.items(), found[len(raw) :], strict=True)
    return replace(
        conversation,
        id=hidden(conversation.id, key) or "",
        customer_id=hidden(conversation.customer_id, key),
        channel=conversation.channel and _label(conversation.channel, (), told, region),
        labels={
            # An intent is a word of whoever labelled the log: a model reads more into it.
            name: _label(value, () if name == "intent" else new, told, region)
            for (name, value), new in of_labels
        },
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
        told = shown([*texts, value], [*spans_of, own])
        spans = free(value, [*own, *repeated(value, told)])
        put_in = put(value, spans, (), lambda text, kind: stand_in(kind, text, key, scope))
        clean[name] = put_in.text
    return clean


def _label(value: str, more: Sequence[Span], told: Shown, region: str) -> str:
    """A label with placeholders for what is private by itself, or by what the turns told."""
    spans = free(value, [*_found(value, region), *more, *repeated(value, told)])
    return put(value, spans, (), lambda _, kind: f"[{kind}]").text if spans else value


@lru_cache(maxsize=1024)
def _found(value: str, region: str) -> tuple[Span, ...]:
    """What is private in a label or channel by itself; a log has few different ones."""
    return tuple(find(value, region))


def _private(entities: Sequence[Entity]) -> list[Span]:
    return [(entity.start, entity.end, entity.type) for entity in entities if entity.type in KINDS]


def _with_marks(turn: Turn, spans: Sequence[Span]) -> list[Entity]:
    """The turn's entities, and one for each span that none of them touches."""
    marks = list(turn.entities)
    for start, end, kind in spans:
        if all(end <= each.start or start >= each.end for each in turn.entities):
            marks.append(Entity(kind, turn.text[start:end], start, end))
    return marks
