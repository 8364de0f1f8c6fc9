"""Private values out of a text: each becomes a placeholder that names its kind, `[email]`.

The placeholders are the entity types of the models, so that an answer learned from a redacted log
can be filled again with the values of the customer who asks.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import phonenumbers

from data.schema import Conversation, Entity, Turn

PLACEHOLDER = re.compile(r"\[(email|phone|card|order_number|tracking_number|link|person)\]")

_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"']+[^\s<>\"'.,;:!?)]", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_TRACKING = re.compile(r"(?<!\w)[A-Za-z]{2}\d{9,13}(?:[A-Za-z]{2})?(?!\w)")
_ORDER = re.compile(
    r"(?<!\w)(?:[A-Za-z]{1,4}-?\d{5,10}|(?!(?i:or|on|at|is|no|my|to|in|of|by|and|for|was|from|call)\b)"
    r"[A-Za-z]{2,4} \d{5,10}|#\s?\d{4,10})(?!\w)"
    r"|(?<=order )\d{4,10}(?!\w)|(?<=order number )\d{4,10}(?!\w)|(?<=order no )\d{4,10}(?!\w)"
)
_DIGITS = re.compile(r"\d(?:[^\da-zA-Z]{0,3}\d){6}")
_NAME = r"[A-Z][A-Za-z'’]+(?:[ -][A-Z][A-Za-z'’]+){0,2}"
_NAMED = re.compile(
    rf"(?:\b(?:[Hh]i|[Hh]ello|[Hh]ey|[Dd]ear|[Tt]hanks|[Tt]hank you|[Cc]heers|[Rr]egards|"
    rf"[Mm]y name is|[Mm]y name's|[Tt]his is|[Ss]incerely|[Bb]est|[Ww]ishes),?\s+)"
    rf"(?:(?:Mr|Mrs|Ms|Miss|Dr)\.?\s+)?({_NAME})"
)
_NOT_NAMES = frozenset(
    "There All Team Everyone Guys Folks Sir Madam Support Customer Again Very So The That This It I "
    "We You Your Our For Please Just Can Could Is Are Was Not No Yes My What When Where Why How If A An "
    "And But Would Will Do Does Did Have Has Had On In At To From Of Regards Wishes Hi Hello Hey Both "
    "Let Still Any Also".split()
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text without private values, the entities at their new places, and counts by kind."""

    text: str
    entities: tuple[Entity, ...]
    counts: Counter[str]


def redact(text: str, entities: Sequence[Entity] = (), region: str = "GB") -> Redacted:
    """Replace emails, links, card, phone, tracking and order numbers, and names after greetings.

    Args:
        text: What a person wrote.
        entities: Spans marked in it; they keep their type and move with the text.
        region: Where phone numbers without a country code are read (ISO 3166-1, two letters).
    """
    spans = _spans(text, region)
    pieces, moved, place = [], [], 0
    for start, end, kind in spans:
        pieces += [text[place:start], f"[{kind}]"]
        moved.append((start, end, len(kind) + 2))
        place = end
    pieces.append(text[place:])
    new = "".join(pieces)
    return Redacted(
        new,
        tuple(_move(entity, moved, new) for entity in entities),
        Counter(kind for _, _, kind in spans),
    )


def redact_conversation(
    conversation: Conversation, region: str = "GB"
) -> tuple[Conversation, Counter[str]]:
    """The conversation with every turn redacted, and counts by kind."""
    counts: Counter[str] = Counter()
    turns: list[Turn] = []
    for turn in conversation.turns:
        clean = redact(turn.text, turn.entities, region)
        counts += clean.counts
        turns.append(replace(turn, text=clean.text, entities=clean.entities))
    return replace(conversation, turns=tuple(turns)), counts


def _spans(text: str, region: str) -> list[tuple[int, int, str]]:
    """Non-overlapping (start, end, kind) in text order; an earlier finder wins over a later one."""
    taken: list[tuple[int, int, str]] = []
    for find in _FINDERS:
        for start, end, kind in find(text, region):
            if all(end <= left or start >= right for left, right, _ in taken):
                taken.append((start, end, kind))
    return sorted(taken)


def _pattern(
    pattern: re.Pattern[str], kind: str
) -> Callable[[str, str], Iterator[tuple[int, int, str]]]:
    def find(text: str, region: str) -> Iterator[tuple[int, int, str]]:
        for match in pattern.finditer(text):
            yield match.start(), match.end(), kind

    return find


def _cards(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    for match in _CARD.finditer(text):
        digits = [int(char) for char in match.group() if char.isdigit()]
        if _luhn(digits):
            yield match.start(), match.end(), "card"


def _luhn(digits: Sequence[int]) -> bool:
    """Whether the last digit is the check digit of a card number (ISO/IEC 7812-1, annex B)."""
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _phones(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    if not _DIGITS.search(text):  # the matcher is a hundred times slower than this
        return
    leniency = phonenumbers.Leniency.POSSIBLE
    for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=leniency):
        if sum(char.isdigit() for char in match.raw_string) >= 9:
            yield match.start, match.end, "phone"


def _names(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    for match in _NAMED.finditer(text):
        words = re.split(r"[ -]", match.group(1))
        known = next(
            (n for n, word in enumerate(words) if word.split("'")[0] in _NOT_NAMES), len(words)
        )
        if known:
            name = match.group(1)[: sum(map(len, words[:known])) + known - 1]
            yield match.start(1), match.start(1) + len(name), "person"


_FINDERS = (
    _pattern(_EMAIL, "email"),
    _pattern(_LINK, "link"),
    _cards,
    _pattern(_TRACKING, "tracking_number"),
    _phones,
    _pattern(_ORDER, "order_number"),
    _names,
)


def _move(entity: Entity, moved: Sequence[tuple[int, int, int]], text: str) -> Entity:
    """The entity at its place in the redacted text; a replaced one becomes its placeholder."""

    def shift(offset: int, at_end: bool) -> int:
        delta = 0
        for start, end, length in moved:
            if offset >= end:
                delta += length - (end - start)
            elif offset > start or (offset == start and at_end and offset != start):
                return start + delta + (length if at_end else 0)
        return offset + delta

    start, end = shift(entity.start, False), shift(entity.end, True)
    return replace(entity, start=start, end=end, text=text[start:end])
