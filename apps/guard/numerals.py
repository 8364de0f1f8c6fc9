"""Numbers as people write them: digits, English words and Chinese characters."""

import re
from decimal import Decimal

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SMALL = {word: number for number, word in enumerate(_UNITS)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1000}
_CHINESE = {char: number for number, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_CHINESE_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_WORD = "|".join(sorted((*SMALL, *_SCALES), key=len, reverse=True))
# Digits with or without thousands' commas; words, also "a hundred"; Chinese characters.
# A run of digits is taken whole: else a long one is read again from each of its places.
DIGITS = r"(?<!\d)(?:\d{1,3}(?:,\d{3})++(?:\.\d++)?|\d++(?:\.\d++)?)"
_AND = r"(?:(?<=hundred)|(?<=thousand))[ -]and[ -]"  # "ten and two hundred" are two numbers
_MORE = 15  # words of a number behind its first: without an end, a long text of them takes seconds
WORDS = rf"(?:an? )?\b(?:{_WORD})\b(?:(?:[ -]|{_AND})(?:{_WORD})\b){{0,{_MORE}}}"
CHINESE = r"[零〇一二两三四五六七八九十百千万]{1,24}"
NUMERAL = rf"(?:{DIGITS}|{WORDS}|{CHINESE})"


def number(text: str) -> Decimal:
    """The value of a text that NUMERAL matches whole, in any case."""
    if text[0].isdigit():
        return Decimal(text.replace(",", ""))
    if text[0] in _CHINESE or text[0] in _CHINESE_SCALES:
        return Decimal(_chinese(text))
    total = last = 0
    for word in re.split(r"[ -]", text.lower()):
        if word in SMALL:
            last += SMALL[word]
        elif word in _SCALES:
            last = max(last, 1) * _SCALES[word]
            if word == "thousand":
                total, last = total + last, 0
    return Decimal(total + last)


def _chinese(text: str) -> int:
    total = digit = 0
    for char in text:
        if char in _CHINESE:
            digit = _CHINESE[char]
            continue
        scale = _CHINESE_SCALES[char]
        if scale == _CHINESE_SCALES["万"]:
            total, digit = (total + digit) * scale, 0
        else:
            total, digit = total + (digit or 1) * scale, 0
    return total + digit
