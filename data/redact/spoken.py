"""Numbers that were dictated: `oh seven seven double-o nine`, 幺三八零零."""

import re
from collections.abc import Iterator

from stdnum import luhn

Found = Iterator[tuple[int, int, str]]

_WORDS = "zero one two three four five six seven eight nine".split()
_VALUES = {
    **dict(zip(_WORDS, "0123456789", strict=True)),
    "oh": "0", "o": "0", "nought": "0", "naught": "0",
}  # fmt: skip
_TIMES = {"double": 2, "triple": 3, "treble": 3}
_LONG_WORD = re.compile("|".join(word for word in _VALUES if len(word) > 1))
_O = re.compile(r"o\b")
_NUMBER = "|".join(sorted(_VALUES, key=len, reverse=True))
_SAID = re.compile(
    rf"\b(?:(?:(?:double|triple|treble)[ -]+)?(?:{_NUMBER}|\d)\b[\s,.-]*){{7,}}", re.IGNORECASE
)
_WORD = re.compile(rf"(double|triple|treble)?[ -]*\b({_NUMBER}|\d)\b", re.IGNORECASE)
_CHINESE = dict(zip("零一二三四五六七八九", "0123456789", strict=True)) | {
    "〇": "0", "幺": "1", "两": "2", "洞": "0", "拐": "7",
}  # fmt: skip
_CHINESE_SAID = re.compile(rf"(?:[{''.join(_CHINESE)}][ ，,、-]?){{7,}}")


def spoken(text: str, region: str) -> Found:
    """Seven or more digits in words: a card where they pass Luhn at its length, else a phone."""
    for match in _SAID.finditer(text) if _has_words(text.lower()) else ():
        digits = ""
        words = 0
        for times, word in _WORD.findall(match.group()):
            digits += _VALUES.get(word.lower(), word) * _TIMES.get(times.lower(), 1)
            words += not word.isdigit()
        if words >= 3 and len(digits) >= 7:
            yield (
                match.start(),
                match.start() + len(match.group().rstrip(" ,.-\n\t")),
                _kind(digits),
            )
    for match in _CHINESE_SAID.finditer(text) if not text.isascii() else ():
        said = match.group().rstrip(" ，,、-")
        digits = "".join(_CHINESE.get(char, "") for char in said)
        if len(digits) >= 7:
            yield match.start(), match.start() + len(said), _kind(digits)


def _has_words(low: str) -> bool:
    """Whether a text holds three words for digits, as every number in words does."""
    words = len(_LONG_WORD.findall(low))
    return words > 2 or (words > 0 and words + len(_O.findall(low)) > 2)


def _kind(digits: str) -> str:
    return "card" if 15 <= len(digits) <= 19 and luhn.is_valid(digits) else "phone"
