"""Addresses as the European continent writes them: the street first, then its number."""

import re
from collections.abc import Iterator

_WORD = r"[^\W\d_][\w'’.-]*"
_CITY = r"[A-ZÀ-Þ][\w'’-]+(?:[ -][A-ZÀ-Þ][\w'’-]+|\s(?:am|an|der|sur|en|la|de)\s[A-ZÀ-Þ][\w'’-]+){0,2}"
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
    r"|[ -](?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm|Ufer|Ring|Hof))\s+\d{1,4}(?:\s?[a-zA-Z](?!\w)|-[IVX]+|-\d+)?"
    rf"(?:,?\s+(?:[A-Z]{{1,2}}-)?\d{{3,5}}\s?(?:[A-Z]{{2}}\s)?\d{{0,2}}\s?{_WORD}(?:\s[A-Z]{_WORD})?)?",
)
# Any street, where a postcode and a city in capitals stand behind its number.
_CODED = re.compile(
    rf"(?<!\w)(?:(?:Am|An der|An den|Im|In der|Zum|Zur|Auf der|Unter den|Bei|Op de|Aan de)\s)?[A-ZÀ-Þ][\w'’.ß-]+(?:\s{_WORD}){{0,4}}?"
    r"\s\d{1,4}(?:\s?[a-zA-Z](?!\w)|-[IVX]+|-\d+)?(?:,\s*[^,\n]{1,18}){0,3}?(?:,\s*|\s+|\n)"
    rf"(?:[A-Z]{{1,2}}-)?(?:\d{{5}}|\d{{4}}\s[A-Z]{{2}}|\d{{3}}\s\d{{2}})\s{_CITY}"
)
_SPANISH = re.compile(
    r"(?<!\w)(?:calle|c/|avenida|avda\.?|av\.|plaza|paseo|camino|via|viale|piazza|corso|rua|travessa|ul\.|ulica)\s+"
    rf"(?:{_WORD}\s?){{1,4}}?,?\s*(?:n[ºo°.]\s*)?\d{{1,4}}(?:,?\s*\d[ºªo°]?\s?\w?(?!\w))?"
    rf"(?:(?:,\s*[^,\n]{{1,14}}){{0,3}}?,\s*(?:\d{{2}}-?\d{{3}}|\d{{5}})\s+{_WORD}(?:\s{_WORD})?)?",
    re.IGNORECASE,
)

_POSTAL = re.compile(r"(?:\d{5}|\d{4}\s[A-Z]{2}|\d{3}\s\d{2})\s[A-ZÀ-Þ]")
# A pattern is tried where one of its words stands, the first where a postcode and a city do.
_TELLING: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (_FRENCH, ("rue", "avenue", "av.", "boulevard", "bd", "place", "chemin", "allée", "impasse", "quai", "route",
               "cours")),
    (_FRENCH_NAMED, ("résidence", "residence", "lotissement", "hameau", "lieu-dit", "bâtiment", "bat", "domaine",
                     "villa", "appartement", "app", "apt")),
    (_GERMAN, ("straße", "strasse", "str.", "weg", "platz", "allee", "gasse", "ring", "damm", "ufer", "stieg",
               "steig", "pfad", "hof", "graben", "berg", "chaussee", "wall", "markt", "gracht", "straat", "laan",
               "plein", "kade", "dijk", "singel", "vägen", "gatan", "gade", "vej", "katu")),
    (_SPANISH, ("calle", "c/", "avenida", "avda", "av.", "plaza", "paseo", "camino", "via", "viale", "piazza",
                "corso", "rua", "travessa", "ul.", "ulica")),
)  # fmt: skip
_ANY = re.compile("|".join(re.escape(word) for _, telling in _TELLING for word in telling))
_PATTERNS = (
    (_CODED, _POSTAL),
    *((pattern, re.compile("|".join(map(re.escape, telling)))) for pattern, telling in _TELLING),
)


def european_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of addresses; where they meet, an earlier one wins."""
    low = text.lower()
    if not _ANY.search(low) and not _POSTAL.search(text):
        return
    for pattern, telling in _PATTERNS:
        if telling.search(low if telling is not _POSTAL else text):
            for match in pattern.finditer(text):
                yield match.start(), match.start() + len(match.group().rstrip(" ,.;"))
