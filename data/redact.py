"""Private values out of a text: each becomes a placeholder that names its kind, `[email]`.

The placeholders are the entity types of the models, so that an answer learned from a redacted log
can be filled again with the values of the customer who asks.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import phonenumbers

from data.schema import Conversation, Entity, Turn

PLACEHOLDER = re.compile(r"\[(email|phone|card|order_number|tracking_number|link|person)\]")

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+(?:['’][\w.+%-]+)*@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"']+[^\s<>\"'.,;:!?)]", re.IGNORECASE)
_CARD = re.compile(r"(?<!\w)(?:\d{13,19}|\d{4}(?:[ .\u00a0-]{1,2}\d{3,7}){2,5})")
# Two letters before a number are a prefix (fk 204881), unless they are a word.
_PREFIX = (
    r"(?!(?i:am|an|as|at|be|by|do|go|he|hi|if|in|is|it|me|my|no|of|ok|on|or|so|to|uk|up|us|we|"
    r"and|for|was|from|call|cost|need|only|paid|with|over|than|have)\b)"
)
_TRACKING = re.compile(
    r"(?<!\w)(?:[A-Za-z]{2}\d{9,13}(?:[A-Za-z]{2})?"
    rf"|{_PREFIX}[A-Za-z]{{2}}[ -]?[1-9](?: ?\d){{8,12}})(?!\w)"
)
_ORDER = re.compile(
    rf"(?<!\w)(?:[A-Za-z]{{1,4}}\d{{5,10}}|[A-Za-z]{{1,6}}-\d{{5,10}}|#\s?\d{{4,10}}"
    rf"|{_PREFIX}(?:[A-Za-z]{{2}}|[A-Z]{{3,4}}) \d{{5,10}})(?!\w)"
)
_ORDER_SAID = re.compile(
    r"\b(?:order|ord|ref|reference|invoice|booking|ticket|case)\s*"
    r"(?:(?:number|num|no|nr|id)\b[ .:]*(?:is |was )?|:\s*|(?=\d{5}))(\d{4,10})(?!\w)",
    re.IGNORECASE,
)
_MONEY = r"(?:[£$€¥]|quid|pounds?|gbp|eur|euros?|usd|dollars?|points?|miles|km)"
_ORDER_BARE = re.compile(
    r"(?<![\w£$€¥.,:/+-])(?<![£$€¥] )(?!(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d(?!\d))"
    rf"(\d{{6,10}})(?![\w/%-]|[.,:]\d|\s?{_MONEY}(?!\w))",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d(?:[^\da-zA-Z]{0,3}\d){6}")
_LIST = re.compile(r"[1-9]\d?|(?:19|20)\d\d")  # a size, a day or a year among others
_NAME = r"[A-Z][A-Za-z'’]+(?:[ -][A-Z][A-Za-z'’]+){0,2}"
_NAMED = re.compile(
    rf"(?:\b(?:[Hh]i|[Hh]ello|[Hh]ey|[Dd]ear|[Tt]hanks|[Tt]hank you|[Cc]heers|[Rr]egards|"
    rf"[Mm]y name is|[Mm]y name's|[Tt]his is|[Ss]incerely|[Bb]est(?=[,\n])|[Ww]ishes),?\s+)"
    rf"(?:(?:Mr|Mrs|Ms|Miss|Dr)\.?\s+)?({_NAME})"
)
_NOT_NAMES = frozenset(
    "There All Team Everyone Guys Folks Sir Sirs Madam Mr Mrs Ms Miss Dr Support Customer Again "
    "Very So The That This It I We You Your Our For Please Just Can Could Is Are Was Not No Yes My "
    "What When Where Why How If A An And But Would Will Do Does Did Have Has Had On In At To From "
    "Of Regards Wishes Hi Hello Hey Good Morning Afternoon Evening Thanks Thank Cheers Dear Both "
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
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: entity.start):
        at_new_place = _move(entity, moved, new)
        # Two entities inside one replaced span would both be its placeholder: the first stays.
        if not kept or at_new_place.start >= kept[-1].end:
            kept.append(at_new_place)
    return Redacted(
        new,
        tuple(kept),
        Counter(kind for _, _, kind in spans),
    )


def redact_conversation(
    conversation: Conversation, region: str = "GB"
) -> tuple[Conversation, Counter[str]]:
    """The conversation with every turn and label redacted, and counts by kind of the turns.

    An id that is an email, a phone or a card number becomes the same pseudonym wherever it stands.
    """
    counts: Counter[str] = Counter()
    turns: list[Turn] = []
    for turn in conversation.turns:
        clean = redact(turn.text, turn.entities, region)
        counts += clean.counts
        turns.append(
            replace(
                turn,
                text=clean.text,
                entities=clean.entities,
                speaker_id=_pseudonym(turn.speaker_id, region),
            )
        )
    return replace(
        conversation,
        id=_pseudonym(conversation.id, region) or "",
        customer_id=_pseudonym(conversation.customer_id, region),
        channel=conversation.channel and redact(conversation.channel, region=region).text,
        labels={name: redact(v, region=region).text for name, v in conversation.labels.items()},
        turns=tuple(turns),
    ), counts


def _pseudonym(identity: str | None, region: str) -> str | None:
    """The id itself where it is only an id; a bare number is one, unless it begins as a phone."""
    if identity is None or (identity.isdigit() and not identity.startswith("0")):
        return identity
    if redact(identity, region=region).counts.keys().isdisjoint(("email", "phone", "card")):
        return identity
    return f"id-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


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
    group = pattern.groups  # the last one, if there are any, is what is private

    def find(text: str, region: str) -> Iterator[tuple[int, int, str]]:
        for match in pattern.finditer(text):
            yield match.start(group), match.end(group), kind

    return find


def _cards(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    for match in _CARD.finditer(text):
        ends = [group.end() for group in re.finditer(r"\d+", match.group())]
        for end in reversed(ends):  # an expiry date or a check code may stand behind the number
            digits = [int(char) for char in match.group()[:end] if char.isdigit()]
            if 13 <= len(digits) <= 19 and _luhn(digits):
                yield match.start(), match.start() + end, "card"
                break


def _luhn(digits: Sequence[int]) -> bool:
    """Whether the last digit is the check digit of a card number (ISO/IEC 7812-1, annex B)."""
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _phones(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    if not _DIGITS.search(text):  # the matcher is a hundred times slower than this
        return
    leniency = phonenumbers.Leniency.POSSIBLE
    for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=leniency):
        groups = re.findall(r"\d+", match.raw_string)
        listed = all(_LIST.fullmatch(group) for group in groups)
        if sum(map(len, groups)) >= 9 and (not listed or match.raw_string.startswith("+")):
            yield match.start, match.end, "phone"


def _names(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    for match in _NAMED.finditer(text):
        words = re.split(r"[ -]", match.group(1))
        known = next(
            (n for n, word in enumerate(words) if re.split("['’]", word)[0] in _NOT_NAMES),
            len(words),
        )
        if known:
            name = match.group(1)[: sum(map(len, words[:known])) + known - 1]
            yield match.start(1), match.start(1) + len(name), "person"


_FINDERS = (
    _pattern(_LINK, "link"),  # before email: an address inside a link goes with the link
    _pattern(_EMAIL, "email"),
    _cards,
    _pattern(_TRACKING, "tracking_number"),
    _phones,
    _pattern(_ORDER, "order_number"),
    _pattern(_ORDER_SAID, "order_number"),
    _pattern(_ORDER_BARE, "order_number"),
    _names,
)


def _move(entity: Entity, moved: Sequence[tuple[int, int, int]], text: str) -> Entity:
    """The entity at its place in the redacted text; a replaced one becomes its placeholder."""

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
