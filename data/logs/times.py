"""Times as exports write them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from dateutil import parser

# 31/10/2017 22:10, 10/31/17, 10:10 PM, 2017/10/31 22:10:05: most exports, and dateutil is slow
_NUMERIC = re.compile(
    r"(\d{1,4})([/.-])(\d{1,2})\2(\d{2,4}|\d)"
    r"(?:,?\s+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s*([ap])\.?\s?m\.?)?)?",
    re.IGNORECASE | re.ASCII,
)
_NO_YEAR = datetime(1, 1, 1)
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
            pass
        if numeric := _NUMERIC.fullmatch(text):
            return _numeric(numeric, day_first)
        year_first = re.match(r"\d{4}\D", text) is not None
        time = parser.parse(text, dayfirst=day_first and not year_first, default=_NO_YEAR)
        return time if time.year > 1 else None  # `5` and `10:22` are no dates
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def day_comes_first(values: Iterable[str]) -> bool:
    """Whether dates such as `3/4/2025` of one file write the day first: yes, until one cannot."""
    return day_order(values) is not False


def day_order(values: Iterable[str]) -> bool | None:
    """Whether the first date that tells has its day first; None where none tells."""
    for value in values:
        first, _, rest = (
            value.strip().lstrip("[").replace(".", "/").replace("-", "/").partition("/")
        )
        second = rest.partition("/")[0]
        if first.isdecimal() and second.isdecimal() and len(first) <= 2:
            if int(first) > 12:
                return True
            if int(second) > 12:
                return False
    return None


def _numeric(date: re.Match[str], day_first: bool) -> datetime:
    first, _, second, third, hour, minute, second_of, half = date.groups()
    if len(first) == 4:
        year, month, day = int(first), int(second), int(third)
    else:
        day, month, year = int(first), int(second), int(third)
        if (not day_first or month > 12) and day <= 12:
            day, month = month, day
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + 12 * (half in "pP")
    return datetime(
        year + 2000 * (year < 100), month, day, hours, int(minute or 0), int(second_of or 0)
    )


def _is_number(text: str) -> bool:
    return len(text) >= 9 and text.replace(".", "", 1).isdigit()
