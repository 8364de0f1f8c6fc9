"""The one day that a text names, or none: what is not surely a day is asked for."""

import re
from datetime import date, timedelta

from dateutil import parser

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tues?|wed|thu(?:rs?)?|fri"
    r"|(?<=on )(?:sat|sun)|(?<=next )(?:sat|sun)|(?<=this )(?:sat|sun)|(?<=last )(?:sat|sun))\b"
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"
)
_NTH = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:(?:19|20)\d{2}|(?<=[-/'’])\d{2})(?!\w)"
_COUNTS = {word: n for n, word in enumerate(
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1
)} | {"a": 1, "an": 1}  # fmt: skip
_COUNT = rf"(?:\d{{1,3}}|{'|'.join(_COUNTS)})"
_WORDS = {
    "day before yesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1,
    "day after tomorrow": 2,
}  # fmt: skip
_DAY = re.compile(
    r"(?<![a-z\d_./-])(?:"
    r"(?P<year>\d{4})\s?[-/.年]\s?(?P<month>\d{1,2})\s?[-/.月]\s?(?P<day>\d{1,2})(?!\d)"
    rf"|(?:{_WEEKDAY}\W+(?:the\W+)?)?(?P<written>"
    rf"{_NTH}(?:\s+of)?[\s.,/-]*{_MONTH}(?:\.?[\s,/'’-]*{_YEAR})?"
    rf"|{_MONTH}\.?\s*(?:the\s+)?{_NTH}(?![\w:])(?:,?\s+{_YEAR})?"
    r"|\d{1,2}(?P<sep>[/.-])\d{1,2}(?P=sep)(?:\d{4}|\d{2})(?![\w/])"
    rf"|(?!24/7\b)\d{{1,2}}/\d{{1,2}}(?![\w/]|\W*{_MONTH}))(?:[\s,(]+{_WEEKDAY})?"
    rf"|(?P<word>{'|'.join(_WORDS)})\b"
    rf"|in\s+(?P<ahead>{_COUNT})\s+(?P<unit>day|week)s?\b"
    rf"|(?P<count>{_COUNT})\s+(?P<of>day|week)s?\s+(?P<way>ago|from\s+(?:now|today))\b"
    rf"|(?:(?P<which>next|this|last|on|coming)\s+)?(?P<weekday>{_WEEKDAY}))",
    re.I,
)
_NOT_THAT = re.compile(r"(?:\bnot|n['’]t|\binstead of|\brather than)\s+(?:\w+\s+){0,2}$", re.I)
# These move or widen the day that stands beside them: "a week on Friday", "3 to 5 May".
_MOVED = re.compile(
    r"\b(?:next|last|this|following) week\b|\bweek (?:on|from|today|tomorrow)\b"
    rf"|{_WEEKDAY} week\b|\b(?:days?|weeks?|months?) (?:after|before)\b(?! (?:tomorrow|yesterday))"
    rf"|\b{_NTH}\s*(?:-|–|to|or|and|till|until|&)\s*{_NTH}(?:\s+of)?\s*{_MONTH}"
    rf"|\b{_MONTH}\s*{_NTH}\s*(?:-|–|to|or|and|till|until|&)\s*{_NTH}(?![\w:])",
    re.I,
)
_BESIDE = 30  # characters before a day that may deny it


def day_in(text: str) -> date | None:
    """The day that the text names: a date, a weekday, "tomorrow", "in 2 weeks", "3 days ago".

    Of 05/06 the day is first. A weekday is the next one, unless it is said to be the last. None
    where there is none, or more than one that is not denied ("not today, on 5 May").
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        pass
    if _MOVED.search(text):
        return None
    found = [
        _of(match)
        for match in _DAY.finditer(text)
        if not _NOT_THAT.search(text[max(0, match.start() - _BESIDE) : match.start()])
    ]
    return found[0] if len(set(found)) == 1 else None


def _of(match: re.Match[str]) -> date | None:
    """The day of a match; None where the calendar has none such."""
    try:
        if match["year"]:
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
        if match["written"]:
            day: date = parser.parse(match["written"], dayfirst=True).date()
            return day
    except (ValueError, OverflowError):
        return None
    today = date.today()
    if match["word"]:
        return today + timedelta(_WORDS[match["word"].lower()])
    if match["weekday"]:
        ahead = (_WEEKDAYS.index(match["weekday"][:3].lower()) - today.weekday()) % 7
        which = (match["which"] or "").lower()
        return today + timedelta(ahead - 7 if which == "last" else ahead or 7 * (which != "this"))
    count = (match["ahead"] or match["count"]).lower()
    days = int(_COUNTS.get(count) or count) * (7 if (match["unit"] or match["of"]) == "week" else 1)
    return today + timedelta(-days if (match["way"] or "").lower() == "ago" else days)
