"""Marked places of a text and what is put there; light, because serving needs it too.

The kinds are the entity types of the models, so that an answer learned from a redacted log can be
filled again with the values of the customer who asks.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from data.schema import Entity, Turn

KINDS = (
    "email", "phone", "card", "iban", "national_id", "ip", "address", "order_number",
    "account_number", "tracking_number", "link", "person",
)  # fmt: skip
PLACEHOLDER = re.compile(rf"\[({'|'.join(KINDS)})\]")
Span = tuple[int, int, str]  # start, end, kind


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text without private values, the entities at their new places, and counts by kind."""

    text: str
    entities: tuple[Entity, ...]
    counts: Counter[str]


def put(
    text: str,
    spans: Sequence[Span],
    entities: Sequence[Entity],
    instead: Callable[[str, str], str],
) -> Redacted:
    """Put `instead(value, kind)` in the place of each span, and move the entities along."""
    pieces, moved, place = [], [], 0
    for start, end, kind in spans:
        new_value = instead(text[start:end], kind)
        pieces += [text[place:start], new_value]
        moved.append((start, end, len(new_value)))
        place = end
    pieces.append(text[place:])
    new = "".join(pieces)
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: entity.start):
        at_new_place = _move(entity, moved, new)
        # Two entities inside one replaced span would both be its placeholder: the first stays.
        if not kept or at_new_place.start >= kept[-1].end:
            kept.append(at_new_place)
    return Redacted(new, tuple(kept), Counter(kind for _, _, kind in spans))


def _move(entity: Entity, moved: Sequence[tuple[int, int, int]], text: str) -> Entity:
    """The entity at its place in the redacted text; a replaced one becomes what replaced it."""

    def shift(offset: int, at_end: bool) -> int:
        delta = 0
        for start, end, length in moved:
            if offset >= end:
                delta += length - (end - start)
            elif offset > start:
                return start + delta + (length if at_end else 0)
        return offset + delta

    start, end = shift(entity.start, False), shift(entity.end, True)
    return replace(entity, start=start, end=end, text=text[start:end])


def with_placeholders(turn: Turn) -> Turn:
    """The turn with `[kind]` for each private value or stand-in that is marked as an entity."""
    spans = [(e.start, e.end, e.type) for e in turn.entities if e.type in KINDS]
    if not spans:
        return turn
    clean = put(turn.text, spans, turn.entities, lambda value, kind: f"[{kind}]")
    return replace(turn, text=clean.text, entities=clean.entities)
