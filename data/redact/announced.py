"""What the words before a word say of it: that it is a person's name, or may be one."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

from data.redact.gazetteer import phrases, words

Kind = Literal["told", "strong", "sure", "greeting"]
# told: a known name counts there. strong: a rare word in capitals does. sure: any word in capitals.
Level = Literal["told", "strong", "sure"]

WORD = re.compile(r"[^\W\d_\u4e00-\u9fff]+(?:['’-][^\W\d_\u4e00-\u9fff]+)*")
_ASCII_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")  # the same in plain text, and quicker
_BEGINS = re.compile(
    r"(?:^|[\n.!?,;:–—-]\s*|\b(?:oh|ok|okay|ah|yes|no|well|right|great|perfect)\s+)$"
)
_SIGNED = re.compile(r"(?:[.!?,]\s|\n|^)[^.!?\n]{0,40}[,.!]?[ \t]*\n+[-–—~* \t]*$")
_BACK = 48  # characters before a name in which the words stand that announce it
_TITLES, _CLOSINGS = words("titles"), words("closings")


def words_of(text: str) -> Iterator[re.Match[str]]:
    """The words of a text in Latin and other letters, not Chinese."""
    return (_ASCII_WORD if text.isascii() else WORD).finditer(text)


def announced(text: str, start: int, before: str) -> Level | None:
    """What the words before `start` say of it; `before` is the last of them, in lower case."""
    if before in _TITLES:
        return "sure"
    cues = _cues().get(before)
    closing = before in _CLOSINGS
    if cues is None and not closing:
        return None
    said = text[max(0, start - _BACK) : start]
    if closing and "\n" in said[-6:] and _SIGNED.search(said):
        return "sure"
    told = said.lower().rstrip(' ,:=("“')
    for phrase, kind in cues or ():
        if told.endswith(phrase):
            ahead = told[: -len(phrase)]
            if kind == "greeting":
                if _BEGINS.search(ahead):
                    return "sure"
            elif not ahead[-1:].isalnum():
                return kind
    return None


@cache
def _cues() -> dict[str, list[tuple[str, Kind]]]:
    """The phrases that announce a name, by their last word."""
    found: dict[str, list[tuple[str, Kind]]] = {}
    kinds: tuple[Kind, ...] = ("greeting", "sure", "strong", "told")
    for kind in kinds:
        for phrase in phrases(f"{kind}_cues"):
            last = WORD.findall(phrase)[-1]
            found.setdefault(last, []).append((phrase, kind))
    return found


@cache
def last_words() -> frozenset[str]:
    """The words of which one stands before every announced name."""
    return frozenset(_cues()) | _TITLES | _CLOSINGS
