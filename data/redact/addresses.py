"""Postal addresses: a street and a number, or a named house, with what stands around them."""

import re
from collections.abc import Iterator

from data.redact.addresses_chinese import chinese_addresses
from data.redact.addresses_europe import at_digits, european_addresses
from data.redact.gazetteer import words

Found = Iterator[tuple[int, int, str]]

_STREET = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct|crescent|cres|terrace|"
    r"gardens?|square|sq|boulevard|blvd|hill|walk|row|mews|grove|place|pl|parade|highway|hwy|"
    r"broadway|quay|wharf|park|rise|green|vale|view|way|yard|gate|embankment|circle|trail|pike|"
    r"parkway|pkwy|loop|brae|wynd)"
)
_SURE_STREET = r"(?:street|road|avenue|lane|close|crescent|drive|terrace|gardens|grove|mews)"
_WORD = r"[^\W\d_][\w'’.-]*"
_UK = r"[A-Za-z]{1,2}\d[\dA-Za-z]?\s?\d[A-Za-z]{2}"
_ZIP = r"(?:[A-Z]{2},?\s+)?\d{5}(?:-\d{4})?"
_AU = r"(?:VIC|NSW|QLD|WA|SA|TAS|ACT|NT)\s+\d{4}"
_CA = r"[A-Z]{2},?\s+[A-Z]\d[A-Z]\s?\d[A-Z]\d"
_UNIT_SAID = (
    r"(?:flat|apartment|apt|unit|suite|room|house|floor|studio|level|tower|block|blk|plot|shop|lot)"
    r"\.?\s+[\w/]{1,5}"
)
_UNIT = rf"(?:(?:{_UNIT_SAID}|\d{{1,2}}/F)(?:,|\s+-)?\s+){{1,3}}"
_NAMED = (
    r"(?:[A-Z][\w'’-]+\s+){1,2}(?:House|Hall|Court|Lodge|Cottage|Building|Mansions|Towers?|Crest|"
    r"Heights|Park|Gardens|Plaza|Centre),\s+"
)
_ENGLISH = re.compile(
    r"(?<![A-Za-z0-9_£$€#./-])\d{1,5}(?:[a-zA-Z]|/\d{1,3}[A-Za-z]?|-\d{1,4})?,?\s+"
    rf"(?P<street>(?:(?:[NSEW]|north|south|east|west)\.?\s+)?(?:{_WORD}\s+){{1,3}}?{_STREET}\b\.?)"
    rf"(?:,?\s+{_UNIT_SAID})?",
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"(?i:unit|flat|apt|suite|shop|lot)\s+$|(?:(?i:{_UNIT}))?(?:{_NAMED})?$")
_POSTCODE = re.compile(rf"\b(?:{_UK}|\d{{4,5}}|\d[A-Z]\d)\b", re.IGNORECASE)
_FORTH = 90  # characters behind a street in which its postcode stands
_BACK = 70  # characters before a number in which its flat and house stand
_CODED = re.compile(  # up to the postcode, whatever the case of the words before it
    rf"(?:,?\s+(?:{_WORD}\s?){{1,4}}?){{0,3}}?,?\s+(?:{_UK}|{_CA}|{_AU}|{_ZIP})\b"
    r"|,\s+[A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+)?\s\d{4}\b(?!%)",
    re.IGNORECASE,
)
_CITY = re.compile(
    r"(?:,\s+[A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+)?){1,2}(?=\s*(?:[.;!?\n]|$)|,?\s+[a-z])"
)
_LOWER = re.compile(  # 205 moor end lane, dewsbury, wf13
    rf"(?<![\w£$€#./-])\d{{1,4}}[a-z]?\s+(?P<words>(?:[a-z][a-z'’]+\s+){{1,3}}?){_SURE_STREET}\b"
    rf"(?P<tail>(?:,\s*[a-z]+(?:\s[a-z]+)?){{0,2}}?,?\s+{_UK}\b|,\s*[a-z]+(?:,\s*[a-z]{{1,2}}\d{{1,2}}\b)?)?"
)
_NO_STREET = words("no_street_words")
_CAPITAL = r"[A-Z][^\W\d_]+(?:['’-][^\W\d_]+)*(?!\w)"
_HOUSES = (
    r"(?:Cottages?|House|Lodge|Farm|Farmhouse|Barns?|Mill|Hall|Forge|Rectory|Vicarage|Manor|Villa|"
    r"Bungalow|Stables|Oast|Grange|Maltings|Granary|Smithy|Tannery|Croft|Cabin|Gatehouse|"
    r"Sorting House)"
)
_HOUSE = re.compile(
    rf"(?<![\w'’-])(?:(?:Flat|Apartment|Apt|Unit|Suite)\.?\s\w{{1,5}},?\s)?(?:The\s)?(?:{_CAPITAL}\s){{0,3}}"
    rf"{_HOUSES},\s+(?:The\s)?{_CAPITAL}(?:\s(?:(?:of|the|on|upon|le|in)\s)?{_CAPITAL}){{0,3}}"
    rf"(?:,\s+{_CAPITAL}(?:\s(?:(?:of|the|on|upon|le|in)\s)?{_CAPITAL}){{0,3}}){{0,3}}(?:,?\s+{_UK}\b)?"
)
_CODE = re.compile(
    r"\b[A-Z]{1,2}\d[\dA-Z]? \d[A-Z]{2}\b|\b[A-Z]\d[A-Z] \d[A-Z]\d\b|\b[A-Z]\d[\dW] [A-Z0-9]{4}\b"
    r"|\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|(?<=[a-z] )(?:\d{6}|\d{4})\b(?=,|$|\n| landmark| c/)"
    r"|\b(?:VIC|NSW|QLD|WA|SA|TAS|ACT|NT) \d{4}\b"
)
_PART = re.compile(  # one part, up to where the next begins: words in capitals, numbers
    r"(?:(?:[A-Z0-9#][\w'’./#-]*|of|the|de|la|du|des|on)(?: |(?=[,\n]|$))){1,6}[, \n]*$"
)
_BOX = re.compile(
    r"\bP\.? ?O\.? ?Box \d+(?:,? [A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)?(?:,? (?:[A-Z]{2} \d{5}"
    rf"|{_UK}))?",
    re.IGNORECASE,
)
_SINGAPORE = re.compile(
    r"(?<!\w)(?:Blk |Block )?\d{1,4}[A-Z]? [A-Z]\w+(?: \w+){0,4}?,? #\d{2}-\d{2,4}"
    r"(?:,? [A-Z]\w+(?: [A-Z]\w+)?)?(?:,? (?:Singapore |S ?\(?)\d{6}\)?)?"
)
_INDIA = re.compile(
    r"(?<!\w)(?:(?:(?:plot|flat|house|door|no\.?|h\.?no\.?|site)\s?#?\s?[\w/-]+|\d[\w/-]*(?:\s[\w'.]+){0,3}|"
    r"[A-Za-z][\w'.]*(?:\s[\w'.]+){0,3}),\s*){1,5}?"
    r"[A-Za-z][\w'.]*(?:\s[A-Za-z][\w'.]*){0,2},?[ -]+\d{3} ?\d{3}(?!\d)",
    re.IGNORECASE,
)
_INDIAN = re.compile(
    r"\b(?:nagar|layout|colony|cross|road|street|main|sector|phase|block|marg|enclave|vihar|"
    r"puram|pet|salai|society|apartments?|towers?|bazaar|chowk|gali|lane)\b",
    re.IGNORECASE,
)
_NUMBER_ON = re.compile(rf"\b[Nn]umber \d{{1,4}}[a-z]? on (?:{_CAPITAL} ){{1,3}}?(?i:{_STREET})\b")


# What the patterns above hold; it is quicker to look for.
_HOUSE_WORDS = re.compile(
    "Cottage|House|Lodge|Farm|Barn|Mill|Hall|Forge|Rectory|Vicarage|Manor|Villa|Bungalow|Stables|Oast|Grange|"
    "Malting|Granary|Smithy|Tannery|Croft|Cabin|Gatehouse"
)
_LOWER_WORDS = re.compile("street|road|avenue|lane|close|crescent|drive|terrace|gardens|grove|mews")
_DIGITS = re.compile(r"\d+")
_PIN = re.compile(r"\d{3} ?\d{3}(?!\d)")
_CODE_BACK = 4  # characters of a postcode at most before its first digits: `NSW 2000`


def addresses(text: str, region: str) -> Found:
    """Streets with a number, with flat, house, city and postcode where they stand beside it."""
    if "," in text and _HOUSE_WORDS.search(text):
        for match in _HOUSE.finditer(text):
            if match.group().split(",")[0] != "House":
                yield match.start(), match.end(), "address"
    if _DIGITS.search(text):
        for finder in (_other, _english, _coded, european_addresses):
            for start, end in finder(text):
                yield start, end, "address"
    for start, end in chinese_addresses(text):
        yield start, end, "address"


def _english(text: str) -> Iterator[tuple[int, int]]:
    coded: bool | None = None
    last: tuple[int, int] | None = None
    for match in at_digits(_ENGLISH, text):
        if coded is None:
            coded = bool(_POSTCODE.search(text))
        tail = _CODED.match(text, match.end(), match.end() + _FORTH) if coded else None
        if tail is None and not _in_capitals(match["street"]):
            continue
        tail = tail or _CITY.match(text, match.end())
        end = tail.end() if tail else match.end()
        start = _start(text, match.start())
        end = start + len(text[start:end].rstrip(" ,.;"))
        if last is not None and start <= last[1]:  # a court with a number, then its street
            last = (last[0], end)
            continue
        if last is not None:
            yield last
        last = (start, end)
    if last is not None:
        yield last
    for match in at_digits(_LOWER, text) if _LOWER_WORDS.search(text) else ():
        if not _NO_STREET & set(match["words"].split()):
            start = _start(text, match.start())
            yield start, match.end()


def _other(text: str) -> Iterator[tuple[int, int]]:
    low = text.lower()
    for word, pattern in (("box", _BOX), ("#", _SINGAPORE), ("umber ", _NUMBER_ON)):
        for match in pattern.finditer(text) if word in low else ():
            yield match.span()
    for match in (
        _INDIA.finditer(text) if "," in text and _PIN.search(text) and _INDIAN.search(text) else ()
    ):
        if _INDIAN.search(match.group()):
            numbered = re.search(
                r"(?:(?:plot|flat|house|door|no)\b|\d)", match.group(), re.IGNORECASE
            )
            start = match.start() + (numbered.start() if numbered else 0)
            yield start, match.end()


def _coded(text: str) -> Iterator[tuple[int, int]]:
    """Parts in capitals before a postcode: `The Old Forge, Mill Lane, Bakewell DE45 1PL`."""
    for match in _postcodes(text):
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
        begin = match.start() - len(text[start : match.start()].lstrip(" ,\n"))
        if parts >= 2 and (numbered or parts >= 3):
            yield begin, match.end()


def _postcodes(text: str) -> Iterator[re.Match[str]]:
    """What `_CODE.finditer` yields; only the places just before digits are tried."""
    past = 0
    for digits in _DIGITS.finditer(text):
        for place in range(max(past, digits.start() - _CODE_BACK), digits.start() + 1):
            match = _CODE.match(text, place)
            if match is not None:
                past = match.end()
                yield match
                break


def _in_capitals(street: str) -> bool:
    """Whether a street is named in capitals: `2 hours a way` is none."""
    return all(word[0].isupper() for word in re.findall(r"[^\W\d_][\w'’-]*", street))


def _start(text: str, number: int) -> int:
    """Where an address begins whose street number stands there: at its flat or house, if any."""
    for place in range(max(0, number - _BACK), number):
        if (place == 0 or not text[place - 1].isalnum()) and _BEFORE.match(text[place:number]):
            return place
    return number
