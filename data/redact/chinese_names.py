"""Chinese names: a surname and what follows it, where the words around announce a person."""

import re
from collections.abc import Iterator

from data.redact.gazetteer import chinese_surnames, chinese_titles, words

_HAN = r"[\u4e00-\u9fff]"
_ANY = re.compile(_HAN)
_CN_CUES = re.compile(
    rf"(?:{'|'.join(sorted(words('chinese_cues'), key=len, reverse=True))})"
    r"(?:名字)?(?:是|叫|为|写)?[:：,，\s]*"
)
_CN_TITLED = re.compile(rf"({_HAN}{{1,4}}?)(?:{'|'.join(chinese_titles())})")
_CN_NICK = re.compile(rf"(?:(?<=^)|(?<=[，。！？,!?\s我找叫是给和跟]))[小老阿]({_HAN})(?!{_HAN})")
# 小李, 阿强 behind what they do, or before what they did.
_CN_CALLED = re.compile(
    rf"(?:(?:{'|'.join(words('chinese_jobs'))})[-—:： ]?)([小老阿]{_HAN})(?!{_HAN}{{0,1}}[号米])"
)
_CN_DOES = re.compile(
    rf"(?:^|(?<=[，。！？,!?\s：:是找的跟过]))({_HAN}{{2,3}})(?={'|'.join(words('chinese_does'))})"
)
_CN_DOUBLE = re.compile(
    rf"(?:{'|'.join(sorted(s for s in words('chinese_surnames') if len(s) == 2))})(?={_HAN})"
)
_CN_BEFORE_ID = re.compile(rf"({_HAN}{{2,3}})[\s:：,，]*(?=\d{{17}}[\dXx]|1[3-9]\d{{9}})")
_CN_NOT = frozenset("".join(words("chinese_small_words")))
_CN_WORDS = words("chinese_words")


def chinese_names(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of names of persons, with their titles; an earlier one wins."""
    if _ANY.search(text):
        yield from _titled(text)
        yield from _after_a_cue(text)
        yield from _by_what_they_do(text)


def _titled(text: str) -> Iterator[tuple[int, int]]:
    for match in _CN_TITLED.finditer(text):
        lead = match.group(1)
        for size in (3, 2, 1):  # the surname nearest to the title, with a given name if any
            piece = lead[-size:]
            if len(lead) >= size and _begins_with_surname(piece) and not set(piece) & _CN_NOT:
                yield match.end(1) - size, match.end()
                break


def _after_a_cue(text: str) -> Iterator[tuple[int, int]]:
    for match in _CN_CUES.finditer(text):
        size = _chinese_name(text, match.end())
        if size:
            yield match.end(), match.end() + size
    for match in _CN_BEFORE_ID.finditer(text):
        if match.start(1) + _chinese_name(text, match.start(1)) == match.end(1):
            yield match.span(1)


def _by_what_they_do(text: str) -> Iterator[tuple[int, int]]:
    for match in _CN_NICK.finditer(text):
        if match.group(1) in chinese_surnames():
            yield match.span()
    for match in _CN_CALLED.finditer(text):
        yield match.span(1)
    for match in _CN_DOES.finditer(text):
        if _chinese_name(text, match.start(1)) == len(match.group(1)):
            yield match.span(1)
    for match in _CN_DOUBLE.finditer(text):
        size = _chinese_name(text, match.start())
        if size:
            yield match.start(), match.start() + size


def _begins_with_surname(piece: str) -> bool:
    known = chinese_surnames()
    return piece[:2] in known or (piece[:1] in known and len(piece) <= 3)


def _chinese_name(text: str, start: int) -> int:
    """The length of the Chinese name that begins at `start`, 0 where none does."""
    known = chinese_surnames()
    family = 2 if text[start : start + 2] in known and len(text[start : start + 2]) == 2 else 1
    if text[start : start + family] not in known:
        return 0
    given = 0
    while given < 2 and start + family + given < len(text):
        char = text[start + family + given]
        if not re.match(_HAN, char) or char in _CN_NOT:
            break
        given += 1
    if not given:
        return 0
    name = text[start : start + family + given]
    if name in _CN_WORDS or name[:2] in _CN_WORDS:
        return 0
    return len(name)
