"""Every private value of a text, by all the finders; an earlier finder wins over a later one."""

import itertools
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from data.redact.addresses import addresses
from data.redact.answers import answers, asks_for_a_code
from data.redact.checked import cards, ibans, ip_addresses, national_ids
from data.redact.digits import accounts, orders, phones, tracking
from data.redact.folded import folded
from data.redact.names import names
from data.redact.repeats import again, denied
from data.redact.spans import PLACEHOLDER, Redacted, Span, put
from data.redact.spoken import spoken
from data.redact.web import emails, links
from data.schema import Entity

WINDOW = 20_000  # characters of a text that are searched at once
OVERLAP = 2_000  # of two windows: no value and what tells it is as long as half of this
Finder = Callable[[str, str], Iterator[Span]]
# An earlier finder wins over a later one where both want the same characters: an address inside a
# link goes with the link, a phone number inside a card's is the card's. The number is how many
# digits a text must have for the finder to find anything.
_FINDERS: tuple[tuple[int, Finder], ...] = (
    (0, links), (0, emails), (8, ibans), (7, national_ids), (13, cards), (4, ip_addresses),
    (6, tracking), (0, addresses), (4, accounts), (7, phones), (1, orders), (0, spoken),
    (0, names),
)  # fmt: skip
_SURE = -6  # an answer comes before those of these finders that a check digit does not decide
_DIGIT = re.compile(r"\d")


def find(text: str, region: str = "GB", more: Sequence[Span] = (), before: str = "") -> list[Span]:
    """The private values of a text: non-overlapping (start, end, kind) in text order.

    Args:
        text: Of any length.
        region: Where phone numbers without a country code are read (ISO 3166-1, two letters).
        more: Values that are already known, such as a model's; they come last.
        before: The turn before, which may ask for what this one answers.
    """
    text, before = folded(text), folded(before)
    if len(text) <= WINDOW:
        return _find(text, region, more, before)
    found: list[Span] = []
    start = 0
    while True:
        at = min(start, len(text) - WINDOW)  # the last one is as long as the others
        meets = at + OVERLAP // 2 if at else 0  # from here on this window decides
        past = found[-1][1] if found else 0
        spans = [(at + a, at + b, kind) for a, b, kind in _find(text[at : at + WINDOW], region)]
        ends = at + WINDOW - OVERLAP // 2 if at + WINDOW < len(text) else len(text)
        found += [span for span in spans if span[0] >= past and meets < span[1] and span[0] < ends]
        if at + WINDOW == len(text):
            return free(text, [*found, *more])
        start = at + WINDOW - OVERLAP


def _find(text: str, region: str, more: Sequence[Span] = (), before: str = "") -> list[Span]:
    digits = len(_DIGIT.findall(text))
    found = [finder(text, region) for needed, finder in _FINDERS if digits >= needed]
    found.insert(_SURE, answers(text, region, before))
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
    held = [match.span() for match in PLACEHOLDER.finditer(text)] if "[" in text else []
    taken: list[Span] = []  # in text order: only the last that begins before an end can meet it
    for span in spans:
        start, end, _ = span
        place, before = bisect_left(taken, (end,)), bisect_left(held, (end,))
        if (not place or taken[place - 1][1] <= start) and (
            not before or held[before - 1][1] <= start
        ):
            taken.insert(place, span)
    return taken


def redact(text: str, entities: Sequence[Entity] = (), region: str = "GB") -> Redacted:
    """Replace private values by placeholders.

    Args:
        text: What somebody wrote.
        entities: Known spans of the text; they move along, one that is private becomes its
            placeholder.
        region: See `find`.
    """
    return put(text, find(text, region), entities, lambda value, kind: f"[{kind}]")
