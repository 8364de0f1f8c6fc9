"""Which passages a search may return: by their metadata, and by the day they are valid on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeGuard

VALID_FROM, VALID_UNTIL = "valid_from", "valid_until"
SOURCE = "source"  # the file a passage came from, filtered by like a metadata key
FOR_ALL = frozenset({"audience", "language", "product"})
LANGUAGE = "language"
BETWEEN = "|"  # between several values of a key in FOR_ALL


@dataclass(frozen=True, slots=True)
class Filter:
    """Passages whose metadata has one of the wanted values, for each key that is named.

    Make one with `Filter.of`. A passage without a key is not found by it. Three keys narrow down
    instead of naming a kind: a passage without `audience`, `language` or `product` is for all of
    them, and is found. One may have several of them (`retail|business`), and is found by each; a
    passage in `en-GB` is found by `en`, too.

    `valid_on` leaves out what is not valid yet on that day, or no longer: `valid_from` and
    `valid_until` (ISO dates, both days included). Without them a passage is always valid.
    """

    any_of: tuple[tuple[str, frozenset[str]], ...] = ()
    valid_on: date | None = None

    @classmethod
    def of(
        cls, values: Mapping[str, object | Collection[object]], valid_on: date | None = None
    ) -> "Filter":
        """A filter from a value, or values, for each key; metadata is text, and so are numbers."""
        wanted = {
            key: frozenset(map(str, value if _are_several(value) else [value]))
            for key, value in values.items()
        }
        return cls(tuple(sorted(wanted.items(), key=lambda pair: pair[0])), valid_on)

    def keys(self) -> set[str]:
        """The metadata keys that it reads."""
        dates = {VALID_FROM, VALID_UNTIL} if self.valid_on is not None else set()
        return {key for key, _ in self.any_of} | dates

    def admits(self, key: str, value: str | None) -> bool:
        """Whether a passage with this value (None: without the key) passes, as far as it tells."""
        for wanted_key, wanted in self.any_of:
            if key == wanted_key and not (
                key in FOR_ALL if value is None else _is_wanted(key, value, wanted)
            ):
                return False
        if self.valid_on is not None and value is not None and key in (VALID_FROM, VALID_UNTIL):
            day = _day(value)
            if day is not None:
                return day <= self.valid_on if key == VALID_FROM else self.valid_on <= day
        return True


def _is_wanted(key: str, value: str, wanted: frozenset[str]) -> bool:
    if value in wanted:
        return True
    several = value.split(BETWEEN) if key in FOR_ALL else []
    if key == LANGUAGE:
        ranges = tuple(f"{_language(one)}-" for one in wanted)
        return any(f"{_language(one)}-".startswith(ranges) for one in several)
    return not wanted.isdisjoint(several)


def _language(tag: str) -> str:
    """`en-GB` and `en_gb` are one."""
    return tag.strip().lower().replace("_", "-")


def _are_several(value: object) -> TypeGuard[Collection[object]]:
    return isinstance(value, Collection) and not isinstance(value, str)


def _day(value: str) -> date | None:
    """The date that a value begins with; None, which limits nothing, where it is none."""
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None
