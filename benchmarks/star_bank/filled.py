"""Whether the bot had what the wizard's query used."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dateutil import parser

from benchmarks.star_bank.dialogues import Query
from benchmarks.star_bank.next_step import Taken

DETAILS = "fraud_details"
HALF = 0.5  # of the words of the wizard's report that stand in the customer's own
_MEANT = re.compile(r"[a-z]{3,}|\d+")


def filled(places: Sequence[Taken]) -> Iterator[tuple[str, bool]]:
    """Each slot of the last query of each dialogue, and whether the bot had it by then."""
    for query, slots in _last_queries(places):
        for name, value in query.slots.items():
            yield name, same(name, slots.get(name, ""), value)


def same(name: str, had: str, wanted: str) -> bool:
    """Whether two values of a slot are the same, however they are written."""
    if name == DETAILS:
        words = set(_MEANT.findall(wanted.lower()))
        return bool(had) and len(words.intersection(_MEANT.findall(had.lower()))) >= HALF * len(
            words
        )
    if name == "birth_date":
        return bool(had) and not _days(had).isdisjoint(_days(wanted))
    return _bare(had) == _bare(wanted)


def _last_queries(places: Iterable[Taken]) -> Iterator[tuple[Query, Mapping[str, str]]]:
    by_dialogue: dict[str, list[Taken]] = {}
    for place in places:
        by_dialogue.setdefault(place.dialogue.conversation.id, []).append(place)
    for found in by_dialogue.values():
        queries = found[0].dialogue.queries
        if queries:
            later = [place for place in found if place.place >= queries[-1].turn]
            yield queries[-1], (later or found[-1:])[0].slots


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _days(text: str) -> set[str]:
    """What a date may mean: a day first or a month first, and else its digits."""
    meant = {"".join(re.findall(r"\d+", text)) or _bare(text)}
    for first in (True, False):
        try:
            meant.add(parser.parse(text, dayfirst=first, fuzzy=True).date().isoformat())
        except (ValueError, OverflowError):
            continue
    return meant
