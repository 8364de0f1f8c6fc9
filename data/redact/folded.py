"""Texts with one form for each letter, digit and sign that people type in several."""

import re
from functools import cache

_WIDE = 0xFEE0  # between a full-width form and the plain one
_SIGNS = (
    "＃％＆＋－．／＝＠＿"  # not those that end a Chinese clause: they are looked for as they are
)
_LETTERS = "".join(map(chr, (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))))
_LAST_DIGIT = 0x1FBF9
# Where such characters may stand: few texts hold one, and this is quicker than to look for each.
_HELD = re.compile(
    rf"[\u0130\u0660-\u1fff\u3000{_SIGNS}\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\ua620-\uabf9"
    r"\U000104a0-\U0001d7ff\U0001e140-\U0001e959\U0001fbf0-\U0001fbf9]"
)


def folded(text: str) -> str:
    """The text with plain letters, digits and signs for full-width and other forms of them.

    Each character stands where it stood, in lower case too: `İ`, which is two then, becomes `I`.
    """
    if text.isascii() or not _HELD.search(text):
        return text
    return text.translate(_plain())


@cache
def _plain() -> dict[int, str]:
    signs = {ord(char): chr(ord(char) - _WIDE) for char in _SIGNS + _LETTERS}
    digits = {
        code: str(int(chr(code))) for code in range(0x80, _LAST_DIGIT + 1) if chr(code).isdecimal()
    }
    return {**signs, **digits, 0x3000: " ", 0x0130: "I"}
