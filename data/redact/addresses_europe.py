"""Addresses as the European continent writes them: the street first, then its number."""

import itertools
import re
from collections.abc import Iterator

_WORD = r"[^\W\d_][\w'’.-]*"
_CITY = (
    r"[A-ZÀ-Þ][\w'’-]+(?:[ -][A-ZÀ-Þ][\w'’-]+|\s(?:am|an|der|sur|en|la|de)\s[A-ZÀ-Þ][\w'’-]+){0,2}"
)
_FRENCH = re.compile(
    r"(?<!\w)\d{1,5}(?:-\d{1,5})?(?:\s?(?:bis|ter))?,?\s+(?:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours)\s+"
    rf"(?:{_WORD}\s?){{1,5}}?(?:[,\n]\s*(?:F-)?\d{{5}}\s+{_WORD}(?:[ -]{_WORD})?"
    rf"|,\s*{_WORD}(?:\s{_WORD})?\s[A-Z]\d[A-Z]\s?\d[A-Z]\d|(?=[,.;!?\n]|$))",
    re.IGNORECASE,
)
_FRENCH_NAMED = re.compile(
    r"(?<!\w)(?:résidence|residence|lotissement|hameau|lieu-dit|bâtiment|bat\.?|domaine|villa|appartement|appt?\.?)\s"
    rf"[^,\n]{{1,40}}(?:[,\n]\s*[^,\n]{{1,40}}){{0,3}}?[,\n]\s*(?:F-)?\d{{5}}\s+{_CITY}",
    re.IGNORECASE,
)
_GERMAN = re.compile(
    r"(?<!\w)[A-ZÄÖÜ][\wäöüß-]*(?:(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|stieg|steig|pfad|hof|"
    r"graben|berg|chaussee|wall|markt|gracht|straat|laan|plein|kade|dijk|singel|vägen|gatan|gade|vej|katu)"
    r"|[ -](?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm|Ufer|Ring|"
    r"Hof))\s+\d{1,4}(?:\s?[a-zA-Z](?!\w)|-[IVX]+|-\d+)?"
    rf"(?:,?\s+(?:[A-Z]{{1,2}}-)?\d{{3,5}}\s?(?:[A-Z]{{2}}\s)?\d{{0,2}}\s?{_WORD}(?:\s[A-Z]{_WORD})?)?",
)
# Any street, where a postcode and a city in capitals stand behind its number.
_CODED = re.compile(
    rf"(?<!\w)(?:(?:Am|An der|An den|Im|In der|Zum|Zur|Auf der|Unter den|Bei|Op de|"
    rf"Aan de)\s)?[A-ZÀ-Þ][\w'’.ß-]+(?:\s{_WORD}){{0,4}}?"
    r"\s\d{1,4}(?:\s?[a-zA-Z](?!\w)|-[IVX]+|-\d+)?(?:,\s*[^,\n]{1,18}){0,3}?(?:,\s*|\s+|\n)"
    rf"(?:[A-Z]{{1,2}}-)?(?:\d{{5}}|\d{{4}}\s[A-Z]{{2}}|\d{{3}}\s\d{{2}})\s{_CITY}"
)
_SPANISH = re.compile(
    r"(?<!\w)(?:calle|c/|avenida|avda\.?|av\.|plaza|paseo|camino|via|viale|piazza|corso|rua|travessa|ul\.|ulica)\s+"
    rf"(?:{_WORD}\s?){{1,4}}?,?\s*(?:n[ºo°.]\s*)?\d{{1,4}}(?:,?\s*\d[ºªo°]?\s?\w?(?!\w))?"
    rf"(?:(?:,\s*[^,\n]{{1,14}}){{0,3}}?,\s*(?:\d{{2}}-?\d{{3}}|\d{{5}})\s+{_WORD}(?:\s{_WORD})?)?",
    re.IGNORECASE,
)

_POSTAL = re.compile(r"[0-9][0-9]{2}(?:[0-9]{2}|[0-9]\s[A-Z]{2}|\s[0-9]{2})\s[A-ZÀ-Þ]")
_DIGITS = re.compile(r"\d+")
# A pattern is tried where one of its words stands, the German one where one ends before a number.
_NAMED = tuple(
    "résidence|residence|lotissement|hameau|lieu-dit|bâtiment|bat |bat.|domaine|villa |"
    "appartement|app |app.|appt|apt".split("|")
)
_RUES = tuple("rue avenue av. boulevard bd place chemin allée impasse quai route cours".split())
_ENDS = tuple(
    "straße strasse str. weg platz allee gasse ring damm ufer stieg steig pfad hof graben berg "
    "chaussee wall markt gracht straat laan plein kade dijk singel vägen gatan gade vej "
    "katu".split()
)
_CALLES = tuple(
    "calle|c/|avenida|avda|av.|plaza|paseo|camino|via |viale|piazza|corso|rua |"
    "travessa|ul.|ulica".split("|")
)


def european_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of addresses; where they meet, an earlier one wins."""
    low = text.lower()
    numbers = [match.start() for match in _DIGITS.finditer(text)]
    found: list[Iterator[re.Match[str]]] = []
    if _POSTAL.search(text):
        found.append(_CODED.finditer(text))
    if any(word in low for word in _RUES):
        found.append(at_digits(_FRENCH, text))
    if any(word in low for word in _NAMED):
        found.append(_FRENCH_NAMED.finditer(text))
    if any(low[max(0, place - 20) : place].rstrip().endswith(_ENDS) for place in numbers):
        found.append(_GERMAN.finditer(text))
    if any(word in low for word in _CALLES):
        found.append(_SPANISH.finditer(text))
    for match in itertools.chain(*found):
        yield match.start(), match.start() + len(match.group().rstrip(" ,.;"))


def at_digits(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What `pattern.finditer` yields, for a pattern that begins where digits begin."""
    past = 0
    for digits in _DIGITS.finditer(text):
        match = pattern.match(text, digits.start()) if digits.start() >= past else None
        if match is not None:
            past = match.end()
            yield match
