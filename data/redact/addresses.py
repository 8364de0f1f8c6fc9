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
    rf"(?:{_WORD}\s?){{1,5}}?(?:[,\n]\s*(?:F-)?\d{{5}}\s+{_WORD}(?:[ -]{_WORD})?|(?=[,.;!?\n]|$))",
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
_CODE = re.compile(
    r"\b[A-Z]{1,2}\d[\dA-Z]? \d[A-Z]{2}\b|\b[A-Z]\d[A-Z] \d[A-Z]\d\b|\b[A-Z]\d[\dW] [A-Z0-9]{4}\b"
    r"|\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|(?<=[a-z] )(?:\d{6}|\d{4})\b(?=,|$|\n| landmark| c/)"
    r"|\b(?:VIC|NSW|QLD|WA|SA|TAS|ACT|NT) \d{4}\b"
    r"|\b(?:AL|AK|AZ|CA|CO|FL|GA|IL|IN|MA|MI|MN|MT|NC|NJ|NM|NV|NY|OH|OR|PA|TX|UT|VA|WI) \d{5}\b"
)
_PART = re.compile(  # one part, up to where the next begins: words in capitals, numbers
    r"(?:(?:[A-Z0-9#][\w'’./#-]*|of|the|de|la|du|des|on)(?: |(?=[,\n]|$))){1,6}[, \n]*$"
)
_BOX = re.compile(
    r"\bP\.? ?O\.? ?Box \d+(?:,? [A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)?(?:,? [A-Z]{2} \d{5})?",
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
    rf"|[A-Z]座|[A-Z]室)*(?:之\d|\d{{2,4}}(?!\d|{_HAN}?号))?"
    rf"|{_PLACES}{{3,6}}(?:[一二三四五六七八九十\d]+[组組社队](?:\d+号)?)"
    rf"|{_PLACES}{{1,5}}{_HAN}{{2,8}}(?:花园|小区|公寓|苑|新村[一二三四五六七八九十]区)\d[\d-]*(?:[幢栋]\S{{1,4}}?室)?"
)
_LEAD = re.compile(
    r"^(?:.*(?:寄到|送到|送去|寄去|改成|改为|换成|搬到|住在|住|在|地址是|地址|新址|改寄|改|到|是|为|至|去|我家|我们家|家))(?=.{6})"
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
        for start, end in _coded(text):
            yield start, end, "address"
        for match in _BOX.finditer(text):
            yield match.start(), match.end(), "address"
        for pattern in (_FRENCH, _GERMAN, _SPANISH):
            for match in pattern.finditer(text):
                yield match.start(), match.start() + len(match.group().rstrip(" ,.;")), "address"
    for match in _CHINESE.finditer(text) if _ANY_HAN.search(text) else ():
        lead = _LEAD.match(match.group())
        start = match.start() + (lead.end() if lead else 0)
        yield start, match.end(), "address"


def _coded(text: str) -> Iterator[tuple[int, int]]:
    """Parts in capitals before a postcode: `The Old Forge, Mill Lane, Bakewell DE45 1PL`."""
    for match in _CODE.finditer(text):
        start, parts, numbered = match.start(), 0, False
        while parts < 7:
            part = _PART.search(text, max(0, start - 45), start)
            if part is None or part.start() == start:
                break
            start, parts = part.start(), parts + 1
            numbered = numbered or any(char.isdigit() for char in part.group())
            if text[start - 2 : start] not in (", ", ",\n") and text[start - 1 : start] != "\n":
                break
            start -= 2 if text[start - 2 : start] in (", ", ",\n") else 1
        begin = (
            start
            + len(text[start : match.start()])
            - len(text[start : match.start()].lstrip(" ,\n"))
        )
        if parts >= 2 and (numbered or parts >= 3):
            yield begin, match.end()


def _in_capitals(street: str) -> bool:
    """Whether a street is named in capitals: `2 hours a way` is none."""
    return all(word[0].isupper() for word in re.findall(r"[^\W\d_][\w'’-]*", street))


def _start(text: str, number: int) -> int:
    """Where an address begins whose street number stands there: at its flat or house, if any."""
    for place in range(max(0, number - _BACK), number):
        if (place == 0 or not text[place - 1].isalnum()) and _BEFORE.match(text[place:number]):
            return place
    return number
