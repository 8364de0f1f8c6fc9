"""Every private value of a text, by all the finders; an earlier finder wins over a later one."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from data.redact.addresses import addresses
from data.redact.answers import answers, asks_for_a_code
from data.redact.checked import cards, ibans, ip_addresses, national_ids
from data.redact.digits import accounts, orders, phones, tracking
from data.redact.names import names
from data.redact.repeats import again, denied
from data.redact.spans import PLACEHOLDER, Redacted, Span, put
from data.redact.spoken import spoken
from data.redact.web import emails, links
from data.schema import Entity

MAX_CHARS = 200_000  # of one text that is searched; what is longer is no message
Finder = Callable[[str, str], Iterator[Span]]
# An earlier finder wins over a later one where both want the same characters: an address inside a
# link goes with the link, a phone number inside a card's is the card's. The number is how many
# digits a text must have for the finder to find anything.
_FINDERS: tuple[tuple[int, Finder], ...] = (
    (0, links), (0, emails), (8, ibans), (7, national_ids), (13, cards), (4, ip_addresses),
    (9, tracking), (0, addresses), (4, accounts), (7, phones), (1, orders), (0, spoken),
    (0, names),
)  # fmt: skip
_SURE = -6  # an answer comes before those of these finders that a check digit does not decide
_DIGIT = re.compile(r"\d")


def find(text: str, region: str = "GB", more: Sequence[Span] = (), before: str = "") -> list[Span]:
    """The private values of a text: non-overlapping (start, end, kind) in text order.

    Args:
        text: At most MAX_CHARS characters are searched.
        region: Where phone numbers without a country code are read (ISO 3166-1, two letters).
        more: Values that are already known, such as a model's; they come last.
        before: The turn before, which may ask for what this one answers.
    """
    searched = text[:MAX_CHARS]
    digits = len(_DIGIT.findall(searched))
    found = [finder(searched, region) for needed, finder in _FINDERS if digits >= needed]
    found.insert(_SURE, answers(searched, region, before))
    spans = free(text, itertools.chain(*found, more))
    if digits and asks_for_a_code(before):
        spans = [span for span in spans if span[2] != "order_number"]
    return spans


def find_all(
    texts: Sequence[str], region: str = "GB", more: Sequence[Sequence[Span]] = ()
) -> list[list[Span]]:
    """The private values of each turn of a conversation; what one turn tells helps in others.

    Args:
        texts: The turns in their order.
        region: See `find`.
        more: For each turn, see `find`; or nothing.
    """
    found = [
        find(text, region, more[place] if more else (), texts[place - 1] if place else "")
        for place, text in enumerate(texts)
    ]
    found = denied(texts, found)
    further = again(texts, found)
    return [
        free(text, [*known, *new]) if new else known
        for text, known, new in zip(texts, found, further, strict=True)
    ]


def free(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans in text order without those that meet an earlier one or a placeholder."""
    taken: list[Span] = []
    held = [match.span() for match in PLACEHOLDER.finditer(text)] if "[" in text else []
    for start, end, kind in spans:
        if all(end <= left or start >= right for left, right, _ in taken) and all(
            end <= left or start >= right for left, right in held
        ):
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
