"""Dates and times of day in English and Chinese, in any of their writings."""

import calendar
import re
from collections.abc import Iterator

from apps.guard.finding import Value
from apps.guard.numerals import CHINESE, number
from data.sentences import spans

MONTHS = {
    name.lower(): place
    for names in (calendar.month_name, calendar.month_abbr)
    for place, name in enumerate(names)
    if name
} | {"sept": 9}
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_WEEKDAYS = {name: place for place, name in enumerate(_DAYS)} | {
    name[:3]: place for place, name in enumerate(_DAYS)
}
_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
_MONTH = rf"(?P<month>{_NAMES})\b(?:(?<=\b[a-z]{{3}})\.(?= \d))?"
_ORDINALS = {
    word: place
    for place, word in enumerate(
        (
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth "
            "twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth "
            "twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
        ).split(),
        start=1,
    )
}
_ORDINAL = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?P<year>(?:19|20)\d\d)\b)?"
_DATES = (
    re.compile(r"\b(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?=T|\b)"),
    re.compile(rf"\b{_DAY}(?: of)? {_MONTH}{_YEAR}", re.I),
    re.compile(rf"\b(?P<day>{_ORDINAL}) of {_MONTH}{_YEAR}", re.I),
    re.compile(rf"\b{_MONTH} (?:the )?{_DAY}\b(?!:|%){_YEAR}", re.I),
    re.compile(r"(?<![\d/.])(?P<day>[0-3]?\d)/(?P<month>[01]?\d)(?:/(?P<year>\d{2,4}))?(?![\d/])"),
    re.compile(
        rf"(?:(?P<year>\d{{4}})\s?年\s?)?(?P<month>\d+|{CHINESE})\s?月\s?(?P<day>\d+"
        rf"|{CHINESE})\s?[日号]"
    ),
)
# Days before the one that has their month: 25 and 26 December, the 25th to the 26th.
_DAYS_BEFORE = re.compile(
    r"(?:\b(?P<day>[0-3]?\d)(?:st|nd|rd|th)?,? ?(?:and|or|to|until|till|,|-|–|&) ?(?:the )?)$", re.I
)
_FEASTS = {
    "christmas day": (12, 25), "christmas eve": (12, 24), "boxing day": (12, 26),
    "new year's day": (1, 1), "new year's eve": (12, 31),
}  # fmt: skip
_FEAST = re.compile(r"\b(?:christmas (?:day|eve)|boxing day|new year['’]s (?:day|eve))\b", re.I)
_DAY_ALONE = re.compile(r"\bthe (?P<day>[0-3]?\d)(?:st|nd|rd|th)\b", re.I)
_ANOTHER_DAY = re.compile(r" (?:and|or|to) (?P<said>(?P<day>[0-3]?\d)(?:st|nd|rd|th)\b)", re.I)
_END_OF = re.compile(rf"\b(?:end|last day) of {_MONTH}{_YEAR}", re.I)
_MONTH_ALONE = re.compile(rf"\b(?:in|of|since|until|till|by|during) {_MONTH}{_YEAR}", re.I)
_WEEKDAY = re.compile(
    r"\b(?P<first>(?:mon|tues|wednes|thurs|fri|satur|sun)day)s?\b"
    r"(?:(?: to | until | through |–| - )(?P<last>(?:mon|tues|wednes|thurs|fri|satur"
    r"|sun)day)s?\b)?",
    re.I,
)
_WEEKDAYS_ALL = re.compile(r"\b(?:weekdays|an? weekday)\b", re.I)
_CHINESE_WEEKDAY = re.compile(
    r"(?:周|星期)([一二三四五六日天])(?:(?:到|至)(?:周|星期)([一二三四五六日天]))?"
)
_RELATIVE = re.compile(
    r"\b(?:today|tomorrow|tonight|yesterday|(?:the )?next working day|(?:this|next|last) "
    r"(?:week|weekend|month|morning|afternoon|evening)(?=s?\b))|下一个工作日|今天|明天|昨天|今晚|后天|下周|本周",
    re.I,
)
_PART = {"am": "am", "pm": "pm", "a.m.": "am", "p.m.": "pm"}
_CLOCK = re.compile(
    r"(?<![\d:£$€])(?P<hour>[01]?\d|2[0-4])[:.](?P<minute>[0-5]\d)(?::[0-5]\d)? ?"
    r"(?P<part>[ap]\.m\.|[ap]m\b)(?![\d])"
    r"|(?<![\d:.£$€])(?P<hour2>[01]?\d|2[0-4]):(?P<minute2>[0-5]\d)(?::[0-5]\d)?(?!\d)"
    r"|(?:(?<=\bat )|(?<=\bby )|(?<=\bfrom )|(?<=\btill )|(?<=\buntil )|(?<=\bbefore ))"
    r"(?P<hour4>[01]\d|2[0-3])\.(?P<minute4>[0-5]\d)(?![\d%])(?! ?(?:%|per|kg|l\b|litres?|cm|m\b))"
    r"|(?<![\d:.£$€])(?P<hour3>1[0-2]|\d) ?(?P<part3>[ap]\.m\.|[ap]m\b|o['’]clock\b)",
    re.I,
)
_SENTENCE = re.compile(r"[.!?](?=\s)|\n")
_HOURS = "one two three four five six seven eight nine ten eleven twelve".split()
_HOUR = rf"(?:{'|'.join(_HOURS)}|1[0-2]|[1-9])"
_FIRST_HOUR = re.compile(rf"(?<![\d:.£$€])\b(?P<hour>{_HOUR}) ?(?:-|–|to|and|until|till) ?$", re.I)
_SPOKEN = re.compile(
    rf"\b(?P<past>half (?:past )?|quarter past |quarter to )?(?P<hour>{_HOUR})"
    r"(?P<part> o['’]clock| ?[ap]m\b| in the (?:morning|afternoon|evening)| at night)?\b",
    re.I,
)
# Hours that open and close: nine to five, where nothing is counted and its sentence tells of days
# or of opening, or of being there right before.
_HOURS_FROM_TO = re.compile(
    rf"(?<![\d:.£$€])\b(?P<first>{_HOUR}) ?(?:to|till|til|until|through|-|–|and) ?"
    rf"(?P<last>{_HOUR})\b"
    r"(?![.:]\d)(?=\s*(?:[.,;:!?)]|$)| (?:on|every|daily|each|from|mon|tues|wednes|thurs|fri|satur"
    r"|sun"
    r"|in the|at night|o['’]clock|as|but|and|or)\b| (?:mon|tues|wednes|thurs|fri|satur|sun)day)",
    re.I,
)
_OF_DAYS = re.compile(
    r"\b(?:open\w*|clos\w+|shut|hours|daily|staffed|(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|weekdays|"
    rf"{_NAMES}|christmas|(?:every|each) day)\b",
    re.I,
)
_REACHED = re.compile(
    r"\b(?:here|there|around|available|call|ring|phone|reach|answer\w*)"
    r"(?: (?:us|you|it|the phones?|the line))? (?:from |between )?$",
    re.I,
)
_OPENING = re.compile(r"\b(?:open|clos|shut|hours)\w*", re.I)
_ENDS = {"until", "till", "before", "by"}  # whose hour in words needs no more to be one
_AT_HOUR = re.compile(
    rf"\b(?P<by>at|until|till|from|to|before|after|by) (?P<hour>{_HOUR})"
    r"(?= (?:on|and|from|until|till|to|in the|every|each|or)\b|\s*[.,;:!?)]|\s*$)(?![.:,]\d)",
    re.I,
)
_NOON = re.compile(
    r"\b(?P<noon>noon|midday|midnight)\b|(?P<chinese>中午|正午)(?!\s?\d|[一二十])", re.I
)
_CHINESE_CLOCK = re.compile(
    rf"(?P<part>早上|上午|凌晨|中午|下午|晚上|傍晚)?\s?(?P<hour>\d{{1,2}}|{CHINESE})\s?点(?!数)"
    rf"(?:(?P<half>半)|(?P<minute>\d{{1,2}}|{CHINESE})分?)?"
)


def dates(text: str) -> Iterator[Value]:
    """Calendar days, months, weekdays and days relative to now.

    The key of a day is (year or None, month, day), of a month (year or None, month, None), of a
    weekday its number from Monday 0, of a relative day its words.
    """
    for pattern in _DATES:
        for match in pattern.finditer(text):
            day = _day(match)
            if day is not None and match.group() != "24/7":
                yield Value("date", (day,), "day", *match.span())
                if match.group("day")[0].isdigit() and match.start("day") == match.start():
                    yield from _days_before(text, match.start(), day)
    for match in _FEAST.finditer(text):
        feast = _FEASTS[match.group().lower().replace("’", "'")]
        yield Value("date", ((None, *feast),), "day", *match.span())
    yield from _days_alone(text)
    for match in _END_OF.finditer(text):
        month = MONTHS[match["month"].lower()]
        year = int(match["year"]) if match["year"] else None
        last = calendar.monthrange(year or 2001, month)[1]
        yield Value("date", ((year, month, last),), "day", *match.span())
    for match in _MONTH_ALONE.finditer(text):
        year = int(match["year"]) if match["year"] else None
        yield Value("date", ((year, MONTHS[match["month"].lower()], None),), "day", *match.span())
    yield from _weekdays(text)
    for match in _RELATIVE.finditer(text):
        words = match.group().lower().removeprefix("the ")
        yield Value("date", (words,), "relative", *match.span())


def _days_alone(text: str) -> Iterator[Value]:
    """Days of a month that is not said: the 25th and 26th."""
    for match in _DAY_ALONE.finditer(text):
        yield Value("date", ((None, None, int(match["day"])),), "day", *match.span())
        after = _ANOTHER_DAY.match(text, match.end())
        if after:
            yield Value("date", ((None, None, int(after["day"])),), "day", *after.span("said"))


def _days_before(text: str, before: int, of: tuple[int | None, int, int]) -> Iterator[Value]:
    """The days that share the month of a date which begins at `before`, the nearest first."""
    match = _DAYS_BEFORE.search(text[max(0, before - 20) : before])
    if match and 1 <= int(match["day"]) <= 31:
        start = max(0, before - 20) + match.start("day")
        yield Value(
            "date", ((of[0], of[1], int(match["day"])),), "day", start, start + len(match["day"])
        )
        yield from _days_before(text, start, of)


def _weekdays(text: str) -> Iterator[Value]:
    for match in _WEEKDAY.finditer(text):
        first = _WEEKDAYS[match["first"].lower()]
        last = _WEEKDAYS[match["last"].lower()] if match["last"] else first
        yield Value("date", _week(first, last), "weekday", *match.span())
    for match in _CHINESE_WEEKDAY.finditer(text):
        places = ["一二三四五六日".index(day.replace("天", "日")) for day in match.groups() if day]
        yield Value("date", _week(places[0], places[-1]), "weekday", *match.span())
    for match in _WEEKDAYS_ALL.finditer(text):
        yield Value("date", _week(0, 4), "weekday", *match.span())


def _week(first: int, last: int) -> tuple[object, ...]:
    return tuple((first + step) % 7 for step in range((last - first) % 7 + 1))


def _day(match: re.Match[str]) -> tuple[int | None, int, int] | None:
    said = match["month"].lower()
    month = MONTHS.get(said) or int(number(said))
    day = _ORDINALS.get(match["day"].lower()) or int(number(match["day"]))
    year = int(match["year"]) if match["year"] else None
    if year is not None and year < 100:
        year += 2000
    return (year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def times(text: str) -> Iterator[Value]:
    """Times of day; a key is minutes after midnight, two of them where am or pm is not said."""
    for match in _CLOCK.finditer(text):
        hour = int(match["hour"] or match["hour2"] or match["hour3"] or match["hour4"])
        minute = int(match["minute"] or match["minute2"] or match["minute4"] or 0)
        part = (match["part"] or match["part3"] or "").replace(".", "").lower()
        if match["hour2"] or match["hour4"]:
            yield Value("time", (hour * 60 + minute,), "clock", *match.span())
        else:
            yield Value("time", _readings(hour, minute, part), "clock", *match.span())
        yield from _first_hour(text, match.start())
    for match in _SPOKEN.finditer(text):
        if not (match["past"] or match["part"]):
            continue
        hour = _hour(match["hour"])
        past = (match["past"] or "").lower()
        shift = 30 if past.startswith("half") else 0
        shift = {"quarter past ": 15, "quarter to ": -15}.get(past, shift)
        part = (match["part"] or "").strip().lower()
        part = {
            "in the morning": "am",
            "in the afternoon": "pm",
            "in the evening": "pm",
            "at night": "pm",
        }.get(part, part)
        yield Value("time", _readings(hour, shift, part), "clock", *match.span())
        yield from _first_hour(text, match.start())
    yield from _hours(text)
    for match in _NOON.finditer(text):
        midnight = (match["noon"] or "").lower() == "midnight"
        yield Value("time", (0, 1440) if midnight else (720,), "clock", *match.span())
    for match in _CHINESE_CLOCK.finditer(text):
        hour = int(number(match["hour"]))
        minute = 30 if match["half"] else int(number(match["minute"])) if match["minute"] else 0
        part = {"早上": "am", "上午": "am", "凌晨": "am"}.get(match["part"] or "", "pm")
        keys = _readings(hour, minute, part if match["part"] else "")
        yield Value("time", keys, "clock", *match.span())


def _hours(text: str) -> Iterator[Value]:
    """Hours without minutes or a part of the day: nine to five, until eight."""
    ranges = [*_HOURS_FROM_TO.finditer(text)]
    whole = spans(text) if ranges else []
    for match in ranges:
        first, last = (_hour(match[end]) for end in ("first", "last"))
        start, end = next((a, b) for a, b in whole if a <= match.start() < b)
        told = _OF_DAYS.search(text, start, end) or _REACHED.search(text[start : match.start()])
        if first >= last or told:
            yield Value("time", _readings(first, 0, ""), "clock", *match.span("first"))
            yield Value("time", _readings(last, 0, ""), "clock", *match.span("last"))
    for match in _AT_HOUR.finditer(text):
        ends = match["by"].lower() in _ENDS and not match["hour"].isdigit()
        before = _SENTENCE.split(text[: match.start()])[-1]
        at = match["by"].lower() == "at" and _WEEKDAY.search(before)
        if ends or at or _OPENING.search(before):
            keys = _readings(_hour(match["hour"]), 0, "")
            yield Value("time", keys, "clock", *match.span("hour"))


def _first_hour(text: str, before: int) -> Iterator[Value]:
    """The hour that begins a range which ends in the clock time at `before`."""
    first = _FIRST_HOUR.search(text[:before])
    if first:
        yield Value("time", _readings(_hour(first["hour"]), 0, ""), "clock", *first.span("hour"))


def _hour(said: str) -> int:
    return int(said) if said.isdigit() else _HOURS.index(said.lower()) + 1


def _readings(hour: int, minute: int, part: str) -> tuple[object, ...]:
    if hour > 12:
        return (hour * 60 + minute,)
    morning = hour % 12 * 60 + minute
    if part == "am":
        return (morning,)
    return (morning + 720,) if part == "pm" else (morning, morning + 720)
