"""Times as exports write them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from dateutil import parser

_MILLISECONDS = 1e11  # seconds reach this in the year 5138: a larger number counts milliseconds


def time_of(value: Any, day_first: bool = True) -> datetime | None:  # noqa: ANN401 - JSON's
    """The time that a value tells, None where it tells none.

    Args:
        value: A datetime, seconds or milliseconds since 1970, or a text: ISO 8601, a mail's date,
            `Tue Oct 31 22:10:47 +0000 2017`, `31/10/2017 22:10`, `10/31/17, 10:10 PM` and the like.
        day_first: Whether `03/04/2025` is the third of April. See `day_comes_first`.
    """
    if isinstance(value, datetime):
        return value
    if value is None or isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float) or _is_number(str(value)):
            seconds = float(value)
            seconds = seconds / 1000 if seconds > _MILLISECONDS else seconds
            return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
        text = str(value).strip()
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return parser.parse(text, dayfirst=day_first) if any(map(str.isdigit, text)) else None
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def day_comes_first(values: Iterable[str]) -> bool:
    """Whether dates such as `3/4/2025` of one file write the day first: yes, until one cannot."""
    for value in values:
        first, _, rest = (
            value.strip().lstrip("[").replace(".", "/").replace("-", "/").partition("/")
        )
        second = rest.partition("/")[0]
        if first.isdigit() and second.isdigit() and len(first) <= 2:
            if int(first) > 12:
                return True
            if int(second) > 12:
                return False
    return True


def _is_number(text: str) -> bool:
    return len(text) >= 9 and text.replace(".", "", 1).isdigit()
