"""Prices, percentages, spans of time, measures and counts of a text."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from apps.guard.dates import dates, times
from apps.guard.finding import Kind, Value
from apps.guard.numerals import CHINESE, DIGITS, NUMERAL, WORDS, number

_POUNDS = r"pounds?(?: sterling)?|quid|gbp|英镑"
_CURRENCIES = {
    "£": "£", "$": "$", "€": "€", "¥": "¥", "euro": "€", "euros": "€", "eur": "€", "dollar": "$",
    "dollars": "$", "usd": "$", "欧元": "€", "美元": "$", "元": "¥",
}  # fmt: skip
_PRICES = (
    re.compile(rf"(?P<sign>[£$€¥]) ?(?P<n>{DIGITS})"),
    re.compile(rf"\b(?P<sign>gbp|eur|usd) (?P<n>{DIGITS})", re.I),
    re.compile(
        rf"(?P<n>{NUMERAL})[ -]?(?P<sign>{_POUNDS}|euros?|eur|dollars?|usd|欧元|美元|元)(?![a-z])"
        rf"(?: (?:and )?(?P<pence>{WORDS}|\d\d)(?: p(?:ence)?\b)?(?! ?(?:%|[a-z]*(?:day|week"
        rf"|month|year))))?",
        re.I,
    ),
    re.compile(r"\b(?P<p>\d{1,2}) ?p(?:ence)?\b"),
)
_PER_CENT = re.compile(rf"(?P<n>{NUMERAL}) ?(?:%|％|per ?cent\b)|百分之(?P<c>\d+|{CHINESE})", re.I)
_FRACTIONS = {"half": 50, "third": 33, "quarter": 25, "fifth": 20, "tenth": 10}
_FRACTION = re.compile(
    r"\b(?:an? )?(?P<word>half|third|quarter|fifth|tenth)(?= (?:off|price|of (?:the|your|its) "
    r"(?:price|sum|amount))\b)",
    re.I,
)
_MINUTES = {
    "minute": 1, "min": 1, "hour": 60, "day": 1440, "night": 1440, "week": 10080,
    "fortnight": 20160, "分钟": 1, "小时": 60, "天": 1440, "日": 1440, "周": 10080, "星期": 10080,
}  # fmt: skip
_MONTHS = {"month": 1, "year": 12, "个月": 1, "年": 12}
_SPANS = (
    {unit: ("minute", Decimal(count)) for unit, count in _MINUTES.items()}
    | {unit: ("month", Decimal(count)) for unit, count in _MONTHS.items()}
    | {"second": ("second", Decimal(1))}
)
_MEASURES = {
    "litre": "l", "liter": "l", "l": "l", "ml": "ml", "cm": "cm", "centimetre": "cm", "mm": "mm",
    "m": "m", "metre": "m", "inch": "inch", "inche": "inch", "kg": "kg", "kilo": "kg",
    "kilogram": "kg", "g": "g", "gram": "g", "watt": "watt", "w": "watt", "升": "l", "公斤": "kg",
    "厘米": "cm", "mile": "mile", "km": "km", "degree": "degree", "°c": "degree", "°": "degree",
    "℃": "degree", "度": "degree",
}  # fmt: skip
_ENGLISH_SPAN = r"(?:minute|min|hour|day|night|week|fortnight|month|year|second)s?\b"
_SPAN = re.compile(
    rf"(?P<n>{NUMERAL}|(?<!\bis )(?<!n['’]t )(?<!\bnot )(?<!\bbe )\ban?(?! (?:day|night|minute"
    rf"|second)s?\b)|\bwithin the\b|"
    rf"(?<=once )a|(?<=twice )a|(?<=times )a|(?<=within )a|(?<=in )a|\b(?:each"
    rf"|every(?! day (?:but|except|bar|save)\b)|per"
    rf"|one)(?=[ -]))[ "
    rf"-]?(?P<extra>(?:more|extra|further|full"
    rf"|whole|calendar) )?"
    rf"(?P<working>working |business |个?工作)?(?P<unit>{_ENGLISH_SPAN}|分钟|个?小时|天|日(?!期)"
    rf"|周(?![一二三四五六日])|个?星期|个月|年(?!\d))",
    re.I,
)
_COUPLE = Decimal(2)
_SOME = (Decimal(3), Decimal(4), Decimal(5))  # what "a few" may be
_VAGUE = re.compile(
    rf"\b(?P<couple>a couple of) (?:more |extra |further |whole |full )?"
    rf"(?P<working>working |business )?(?P<unit>{_ENGLISH_SPAN})"
    r"|\ba few (?:more |extra |further |whole |full )?(?P<few>(?:week|month|year)s)\b",
    re.I,
)
_PARTS = re.compile(
    r"\b(?P<part>half|(?:a )?quarter of|three quarters of) an? (?P<unit>hour|day|year|month)\b"
    r"|(?P<half>半)(?P<chinese>个?小时|天|年|个月)",
    re.I,
)
_DEPOSIT = re.compile(
    r"\b(?:deposit|discount|reduction|share|part) (?:of|is) (?P<said>(?:an? |one )?"
    r"(?P<word>half|third|quarter|fifth|tenth))\b(?! (?:an? )?(?:hour|year|day))",
    re.I,
)
_OFTEN = re.compile(
    r"\b(?P<n>once|twice|(?:three|four|five|six|\d) times) (?:a|per|each|every|in a) "
    r"(?P<unit>day|week|month|year)\b|\b(?P<half>half[- ](?:a )?)(?P<halved>year)\b"
    r"|\b(?P<ly>weekly|monthly|yearly|annually|half[- ]yearly)\b",
    re.I,
)
_LY = {"weekly": "week", "monthly": "month"}
_MEASURE = re.compile(
    rf"(?P<n>{NUMERAL})[ "
    rf"-]?(?P<unit>{'|'.join(sorted(_MEASURES, key=len, reverse=True))})s?(?![a-z])",
    re.I,
)
_COUNT = re.compile(rf"(?P<n>{NUMERAL})(?:st|nd|rd|th)?", re.I)
_TWICE = re.compile(r"\b(?:twice|double)\b|两次", re.I)
_LIST_MARK = re.compile(r"^[ \t]*\(?\d{1,2}[.):](?=\s)", re.M)
# Numerals that count nothing.
_IDIOMS = re.compile(
    r"\b(?:a |the )?one[- ](?:off|time|stop|way|sided)\b|\bone (?:by|after|or) (?:one|another"
    r"|the other"
    r"|two)\b|\bone (?:more|another|or the other)\b|\bnumber one\b|\bdouble[- ]?check\w*"
    r"|\bfifty[- ]fifty\b|\b(?:nine|99) times out of (?:ten|100)\b|\bten to one\b|\b24/7\b"
    r"|\b(?:in|of) two minds\b|\ba (?:thousand|million) (?:apologies|thanks|times)\b"
    r"|\b(?:first|second) (?:of all|thoughts?|to none|things first|nature|hand)\b"
    r"|\b(?:a|one) hundred per ?cent (?:sure|certain|right|with you)\b|\btwo[- ]fold\b",
    re.I,
)
_LISTED = re.compile(
    r"\s+(?:ways|things|steps|options|questions|points|choices|possibilities)\b", re.I
)
_THESE = re.compile(r"\b(?:these|those|all|other|first|last|of the) $", re.I)
_OR_TWO = re.compile(rf"\ban? (?!{_ENGLISH_SPAN})[a-z]+ or $", re.I)  # two: a line or two
_FEW = 5  # things that an answer may count itself: "any of these three"
_LOW = re.compile(
    rf"(?<![\d.,:/£$€])(?P<n>{NUMERAL})\s*(?:\bto\b|-|–|—|\band\b|\bor\b|\bby\b|x|×|至|到|~)\s*$",
    re.I,
)
_LOOK_BACK = 40  # characters before a figure in which the other end of its range stands
_UP_BEFORE = re.compile(
    r"\b(?:from|no less than|at least|over|more than|above|minimum(?: of)?|longer than"
    r"|later than)\s*$"
    r"|(?:至少|超过|满)\s*$",
    re.I,
)
_DOWN_BEFORE = re.compile(
    r"\b(?:up to|at most|under|(?<!no )less than|below|within|before|until|by|maximum(?: of)?"
    r"|no (?:more|later|longer) "
    r"than|as long as)\s*"
    r"(?:£|\$|€)?$|(?:最长|最多|不到|不超过)$",
    re.I,
)
_UP_AFTER = re.compile(
    r"^\s*(?:or (?:more|later|above|over)|and (?:up|more|above)|upwards?|及以[上后]|以上)", re.I
)
_DOWN_AFTER = re.compile(
    r"^\s*(?:or (?:less|fewer|earlier|under)|and under|at (?:the )?(?:latest|most)|以下"
    r"|以内|之前|内)",
    re.I,
)
_ORDINARY = re.compile(r"^(?:one|zero|一)$|^[一十百千万]$", re.I)


def values(text: str) -> list[Value]:
    """Every figure of a text in its order; no two share a character.

    Put marks of the same length in place of what holds digits but is no figure, such as a link.
    """
    whole = text
    for no_figure in (_LIST_MARK, _IDIOMS):
        text = no_figure.sub(lambda match: "\0" * len(match.group()), text)
    found: list[Value] = []
    for finder in (dates, times, _prices, _percentages, _often, _vague, _spans, _measures, _counts):
        for value in finder(text):
            if "\0" not in text[value.start : value.end]:
                found.append(value)
                text = text[: value.start] + "\0" * (value.end - value.start) + text[value.end :]
    found.sort(key=lambda value: value.start)
    return [replace(value, bound=_bound(whole, value)) for value in found]


def _ranged(
    text: str, match: re.Match[str], kind: Kind, unit: str, factor: Decimal = Decimal(1)
) -> Iterator[Value]:
    """The match's own value, and that of a bare number which begins its range."""
    said = match["n"]
    amount = number(said) if said[-1].isdigit() or re.fullmatch(NUMERAL, said, re.I) else Decimal(1)
    yield Value(kind, (amount * factor,), unit, *match.span(), said=amount)
    begin = max(0, match.start() - _LOOK_BACK)
    low = _LOW.search(text[begin : match.start()])
    if low:
        amount = number(low["n"])
        span = (begin + low.start("n"), begin + low.end("n"))
        yield Value(kind, (amount * factor,), unit, *span, said=amount)


def _prices(text: str) -> Iterator[Value]:
    for pattern in _PRICES[:3]:
        for match in pattern.finditer(text):
            sign = _CURRENCIES.get(match["sign"].lower(), "£")
            pence = match.groupdict().get("pence")
            if pence:
                amount = number(match["n"]) + number(pence) / 100
                yield Value("price", (amount,), sign, *match.span())
            else:
                yield from _ranged(text, match, "price", sign)
    for match in _PRICES[3].finditer(text):
        yield Value("price", (Decimal(match["p"]) / 100,), "£", *match.span())


def _percentages(text: str) -> Iterator[Value]:
    for match in _PER_CENT.finditer(text):
        if match["c"]:
            yield Value("percentage", (number(match["c"]),), "%", *match.span())
        else:
            yield from _ranged(text, match, "percentage", "%")
    for match in _FRACTION.finditer(text):
        share = Decimal(_FRACTIONS[match["word"].lower()])
        yield Value("percentage", (share,), "%", *match.span())
    for match in _DEPOSIT.finditer(text):
        share = Decimal(_FRACTIONS[match["word"].lower()])
        yield Value("percentage", (share,), "%", *match.span("said"))


def _often(text: str) -> Iterator[Value]:
    """How often, as the span between two times: twice a year is every six months."""
    for match in _OFTEN.finditer(text):
        if match["ly"] and match["ly"].lower().startswith("half"):
            unit, times = "year", Decimal(2)
        elif match["ly"]:
            unit, times = _LY.get(match["ly"].lower(), "year"), Decimal(1)
        elif match["half"]:
            unit, times = "year", Decimal(2)
        else:
            word = match["n"].lower().removesuffix(" times")
            unit = match["unit"].lower()
            times = {"once": Decimal(1), "twice": Decimal(2)}.get(word) or number(word)
        name, factor = _SPANS[unit]
        yield Value("number", (factor / times,), name, *match.span())


def _spans(text: str) -> Iterator[Value]:
    for match in _PARTS.finditer(text):
        unit, factor = _SPANS[_unit(match["unit"] or match["chinese"])]
        part = (match["part"] or "half").lower()
        quarters = 3 if "three" in part else 1 if "quarter" in part else 2
        yield Value("number", (factor * quarters / 4,), unit, *match.span())
    for match in _SPAN.finditer(text):
        unit, factor = _SPANS[_unit(match["unit"])]
        if match["working"]:
            unit, factor = "working day", factor / _MINUTES["day"]
        yield from _ranged(text, match, "number", unit, factor)


def _vague(text: str) -> Iterator[Value]:
    """A couple of weeks, which are two, and a few, which are three to five.

    A few days are no figure: people say so of any short while.
    """
    for match in _VAGUE.finditer(text):
        unit, factor = _SPANS[_unit(match["unit"] or match["few"])]
        if match["working"]:
            unit, factor = "working day", factor / _MINUTES["day"]
        many = (_COUPLE,) if match["couple"] else _SOME
        yield Value("number", tuple(each * factor for each in many), unit, *match.span())


def _unit(said: str) -> str:
    """A unit as _SPANS has it."""
    said = said.lower()
    short = said.removeprefix("个") if said.endswith(("小时", "星期")) else said
    return short if short in _SPANS else short.removesuffix("s")


def _measures(text: str) -> Iterator[Value]:
    for match in _MEASURE.finditer(text):
        yield from _ranged(text, match, "number", _MEASURES[match["unit"].lower()])


def _counts(text: str) -> Iterator[Value]:
    for match in _COUNT.finditer(text):
        amount = number(match["n"])
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        these = amount <= _FEW and _THESE.search(before)
        these = these or _OR_TWO.search(before)
        if not (_ORDINARY.match(match.group()) or these or _LISTED.match(text, match.end())):
            yield Value("number", (amount,), "", *match.span(), said=amount)
    for match in _TWICE.finditer(text):
        yield Value("number", (Decimal(2),), "", *match.span())


def _bound(text: str, value: Value) -> Literal["", "up", "down"]:
    before, after = text[max(0, value.start - 20) : value.start], text[value.end : value.end + 15]
    if _DOWN_AFTER.match(after) or _DOWN_BEFORE.search(before):
        return "down"
    if _UP_BEFORE.search(before) or _UP_AFTER.match(after):
        return "up"
    return ""
