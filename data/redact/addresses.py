"""Postal addresses: a street and a number, with what stands around them."""

import re
from collections.abc import Iterator

Found = Iterator[tuple[int, int, str]]

_STREET = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct|crescent|cres|terrace|"
    r"gardens?|square|sq|boulevard|blvd|hill|walk|row|mews|grove|place|pl|parade|highway|hwy|"
    r"broadway|quay|wharf|park|rise|green|vale|view|way|yard|gate|embankment|circle|trail|pike|"
    r"parkway|pkwy|loop|brae|wynd)"
)
_WORD = r"[^\W\d_][\w'’.-]*"
_UK = r"[A-Za-z]{1,2}\d[\dA-Za-z]?\s?\d[A-Za-z]{2}"
_ZIP = r"(?:[A-Z]{2},?\s+)?\d{5}(?:-\d{4})?"
_UNIT_SAID = r"(?:flat|apartment|apt|unit|suite|room|house|floor|studio)\.?\s+[\w/]{1,5}"
_UNIT = rf"{_UNIT_SAID},?\s+"
_NAMED = (
    r"(?:[A-Z][\w'’-]+\s+){1,2}(?:House|Hall|Court|Lodge|Cottage|Building|Mansions|Towers?),\s+"
)
_ENGLISH = re.compile(
    r"(?<![A-Za-z0-9_£$€#./-])\d{1,5}(?:[a-zA-Z]|/\d{1,3}[A-Za-z]?|-\d{1,4})?,?\s+"
    rf"(?P<street>(?:(?:[NSEW]|north|south|east|west)\.?\s+)?(?:{_WORD}\s+){{1,3}}?{_STREET}\b\.?)"
    rf"(?:,?\s+{_UNIT_SAID})?",
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"(?:(?i:{_UNIT}))?(?:{_NAMED})?$")
_DIGIT = re.compile(r"\d")
_POSTCODE = re.compile(rf"\b(?:{_UK}|\d{{5}})\b", re.IGNORECASE)
_FORTH = 90  # characters behind a street in which its postcode stands
_BACK = 70  # characters before a number in which its flat and house stand
_CODED = re.compile(  # up to the postcode, whatever the case of the words before it
    rf"(?:,?\s+(?:{_WORD}\s?){{1,4}}?){{0,3}}?,?\s+(?:{_UK}|{_ZIP})\b", re.IGNORECASE
)
_CITY = re.compile(
    r"(?:,\s+[A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+)?){1,2}(?=\s*(?:[.;!?\n]|$)|,?\s+[a-z])"
)
_FRENCH = re.compile(
    r"(?<!\w)\d{1,4}(?:\s?(?:bis|ter))?,?\s+(?:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours)\s+"
    rf"(?:{_WORD}\s?){{1,5}}?(?:,\s*(?:F-)?\d{{5}}\s+{_WORD}(?:[ -]{_WORD})?|(?=[,.;!?\n]|$))",
    re.IGNORECASE,
)
_GERMAN = re.compile(
    r"(?<!\w)[A-ZÄÖÜ][\wäöüß-]*(?:(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|"
    r"gracht|straat|laan|plein|kade|vägen|gatan|gade|vej|katu)"
    r"|[ -](?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm|Ufer))\s+\d{1,4}\s?[a-zA-Z]?"
    rf"(?:,?\s+(?:[A-Z]{{1,2}}-)?\d{{3,5}}\s?(?:[A-Z]{{2}}\s)?\d{{0,2}}\s?{_WORD}(?:\s[A-Z]{_WORD})?)?",
)
_SPANISH = re.compile(
    r"(?<!\w)(?:calle|c/|avenida|avda\.?|plaza|paseo|camino|via|viale|piazza|corso|rua|travessa|ul\.|ulica)\s+"
    rf"(?:{_WORD}\s?){{1,4}}?,?\s*(?:n[ºo°.]\s*)?\d{{1,4}}(?:,?\s*\d[ºªo°]?\s?\w?)?"
    rf"(?:,\s*\d{{2}}-?\d{{3}}\s+{_WORD}(?:\s{_WORD})?)?",
    re.IGNORECASE,
)
_ANY_HAN = re.compile(r"[\u4e00-\u9fff]")
_HAN = r"[\u4e00-\u9fff]"
_PLACES = (
    rf"(?:{_HAN}{{2,8}}?(?:省|自治区|市|區|区|县|縣|镇|鎮|乡|鄉|旗|新区|开发区|园区|工业园区|村))"
)
_CHINESE = re.compile(
    rf"(?:{_PLACES}{{0,5}}{_HAN}{{1,8}}?(?:大街|大道|胡同|公路|路|街|道|巷|弄|里|段|村|新村)"
    rf"(?:[一二三四五六七八九十\d]+段)?[0-9A-Za-z一二三四五六七八九十-]+(?:號|号院?|弄|巷)"
    rf"|{_PLACES}{{2,5}}{_HAN}{{2,10}}?(?:小区|花园|公寓|大厦|家园|苑|城|庄园|广场))"
    rf"(?:[0-9A-Za-z一二三四五六七八九十-]+(?:号楼|號樓|栋|棟|幢|单元|座|室|樓|楼|层|層|号|號|户)"
    rf"|[\u4e00-\u9fff]{{1,8}}?[0-9A-Za-z一二三四五六七八九十-]+(?:号楼|栋|幢|单元|座|室|樓|楼|层|号|號)"
    rf"|[A-Z]座|[A-Z]室)*"
)
_LEAD = re.compile(
    r"^(?:.*(?:寄到|送到|送去|寄去|改成|改为|换成|搬到|住在|住|在|地址是|地址|到|是|为|至|去|我家|我们家|家))(?=.{6})"
)


def addresses(text: str, region: str) -> Found:
    """Streets with a number, with flat, house, city and postcode where they stand beside it."""
    if _DIGIT.search(text):
        coded = bool(_POSTCODE.search(text))
        for match in _ENGLISH.finditer(text):
            tail = _CODED.match(text, match.end(), match.end() + _FORTH) if coded else None
            if tail is None and not _in_capitals(match["street"]):
                continue
            tail = tail or _CITY.match(text, match.end())
            end = tail.end() if tail else match.end()
            start = _start(text, match.start())
            yield start, start + len(text[start:end].rstrip(" ,.;")), "address"
        for pattern in (_FRENCH, _GERMAN, _SPANISH):
            for match in pattern.finditer(text):
                yield match.start(), match.start() + len(match.group().rstrip(" ,.;")), "address"
    for match in _CHINESE.finditer(text) if _ANY_HAN.search(text) else ():
        lead = _LEAD.match(match.group())
        start = match.start() + (lead.end() if lead else 0)
        yield start, match.end(), "address"


def _in_capitals(street: str) -> bool:
    """Whether a street is named in capitals: `2 hours a way` is none."""
    return all(word[0].isupper() for word in re.findall(r"[^\W\d_][\w'’-]*", street))


def _start(text: str, number: int) -> int:
    """Where an address begins whose street number stands there: at its flat or house, if any."""
    for place in range(max(0, number - _BACK), number):
        if (place == 0 or not text[place - 1].isalnum()) and _BEFORE.match(text[place:number]):
            return place
    return number
