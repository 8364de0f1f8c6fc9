"""Private values out of a text: each becomes a placeholder that names its kind, or a stand-in.

The kinds are the entity types of the models, so that an answer learned from a redacted log can be
filled again with the values of the customer who asks.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from data.redact.addresses import addresses
from data.redact.digits import (
    accounts,
    cards,
    ibans,
    ip_addresses,
    national_ids,
    orders,
    phones,
    tracking,
)
from data.redact.names import names
from data.redact.spoken import spoken
from data.redact.web import emails, links
from data.schema import Entity

KINDS = (
    "email", "phone", "card", "iban", "national_id", "ip", "address", "order_number",
    "account_number", "tracking_number", "link", "person",
)  # fmt: skip
PLACEHOLDER = re.compile(rf"\[({'|'.join(KINDS)})\]")
MAX_CHARS = 200_000  # of one text that is searched; what is longer is no message
Span = tuple[int, int, str]
Finder = Callable[[str, str], Iterator[Span]]
# An earlier finder wins over a later one where both want the same characters: an address inside a
# link goes with the link, a phone number inside a card's is the card's. The number is how many
# digits a text must have for the finder to find anything.
_FINDERS: tuple[tuple[int, Finder], ...] = (
    (0, links), (0, emails), (8, ibans), (7, national_ids), (13, cards), (4, ip_addresses),
    (9, tracking), (0, addresses), (4, accounts), (7, phones), (4, orders), (0, spoken),
    (0, names),
)  # fmt: skip
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text without private values, the entities at their new places, and counts by kind."""

    text: str
    entities: tuple[Entity, ...]
    counts: Counter[str]


def find(text: str, region: str = "GB", more: Sequence[Span] = ()) -> list[Span]:
    """The private values of a text: non-overlapping (start, end, kind) in text order.

    Args:
        text: At most MAX_CHARS characters are searched.
        region: Where phone numbers without a country code are read (ISO 3166-1, two letters).
        more: Values that are already known, such as a model's; they come last.
    """
    taken: list[Span] = []
    held = [match.span() for match in PLACEHOLDER.finditer(text)]
    searched = text[:MAX_CHARS]
    digits = len(_DIGIT.findall(searched))
    finders = (finder(searched, region) for needed, finder in _FINDERS if digits >= needed)
    for found in (*finders, more):
        for start, end, kind in found:
            free = all(end <= left or start >= right for left, right, _ in taken)
            if free and all(end <= left or start >= right for left, right in held):
                taken.append((start, end, kind))
    return sorted(taken)


def redact(text: str, entities: Sequence[Entity] = (), region: str = "GB") -> Redacted:
    """Replace private values by placeholders.

    Args:
        text: What somebody wrote.
        entities: Known spans of the text; they move along, one that is private becomes its
            placeholder.
        region: See `find`.
    """
    return put(text, find(text, region), entities, lambda value, kind: f"[{kind}]")


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
