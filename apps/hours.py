"""When people are there: a week of hours in a time zone, and the days off."""

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from data.config import Config

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
AHEAD = 60  # days in which the next opening is looked for


class HoursConfig(Config):
    """When colleagues take conversations."""

    timezone: str = "UTC"
    week: dict[Day, str] = Field(
        min_length=1, description="day: 08:00-20:00, up to 24:00; others are closed"
    )
    holidays: tuple[date, ...] = Field((), description="days off")
    wait: bool = Field(True, description="a conversation waits till then; false: nobody takes it")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("no such time zone; one like Europe/London") from error
        return value

    @field_validator("week")
    @classmethod
    def _spans(cls, value: dict[Day, str]) -> dict[Day, str]:
        for day, text in value.items():
            try:
                start, end = _span(text)
            except ValueError as error:
                raise ValueError(f"{day}: hours like 08:00-20:00 are needed") from error
            if end is not None and start >= end:
                raise ValueError(f"{day}: it closes before it opens")
        return value


def is_open(hours: HoursConfig, at: datetime) -> bool:
    """Whether somebody is there at an aware time."""
    local = at.astimezone(ZoneInfo(hours.timezone))
    span = _of(hours, local.date())
    if span is None or local.time() < span[0]:
        return False
    return span[1] is None or local.time() < span[1]


def next_open(hours: HoursConfig, at: datetime) -> datetime | None:
    """When somebody is there again, in the company's time; None where that is not known."""
    local = at.astimezone(ZoneInfo(hours.timezone))
    for number in range(AHEAD):
        day = local.date() + timedelta(days=number)
        span = _of(hours, day)
        if span is not None:
            begin = datetime.combine(day, span[0], local.tzinfo)
            if begin > local:
                return begin
    return None


def told(when: datetime) -> str:
    """A time in words: Monday 30 November at 08:00."""
    return f"{when:%A} {when.day} {when:%B} at {when:%H:%M}"


def _of(hours: HoursConfig, day: date) -> tuple[time, time | None] | None:
    text = hours.week.get(DAYS[day.weekday()])
    return None if text is None or day in hours.holidays else _span(text)


def _span(text: str) -> tuple[time, time | None]:
    """When it opens and closes in the company's time; None is the end of the day, 24:00.

    Raises:
        ValueError: If it is no such span, or has a zone of its own.
    """
    opens, closes = (each.strip() for each in text.split("-"))
    start = time.fromisoformat(opens)
    end = None if closes == "24:00" else time.fromisoformat(closes)
    if start.tzinfo is not None or end is not None and end.tzinfo is not None:
        raise ValueError("a time with a zone")
    return start, end
