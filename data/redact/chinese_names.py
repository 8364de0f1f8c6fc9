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
_CN_NICK_DOES = re.compile(
    r"(?:^|(?<=[，。！？、,\s卫姐哥台长给找]))([小老阿][\u4e00-\u9fff])(?=那里|那儿|說|说|让|答应|帮|您好|你好|拍|今天|的快递|那边)"
)
# 小李, 阿强 behind what they do, or before what they did.
_CN_CALLED = re.compile(
    rf"(?:(?:{'|'.join(words('chinese_jobs'))})[-—:： ]?)([小老阿]{_HAN})(?!{_HAN}{{0,1}}[号米])"
)
_CN_DOES = re.compile(
    rf"(?:^|(?<=[，。！？,!?\s：:是找的跟过、]))({_HAN}{{2,3}})(?={'|'.join(words('chinese_does'))})"
)
_CN_DOUBLE = re.compile(
    rf"(?:{'|'.join(sorted(s for s in words('chinese_surnames') if len(s) == 2))})(?={_HAN})"
)
_CN_FAMILY = re.compile(rf"姓({_HAN}{{1,2}}?)(?=[，,。、！!？? ]|$|的)")
# 丽丽姐, 翠兰阿姨: a given name with a title.
_CN_TENDER = re.compile(
    r"(?:^|(?<=[，。、,\s！!]))([\u4e00-\u9fff]{2}(?:阿姨|叔叔|姐|哥|奶奶|爷爷))(?![\u4e00-\u9fff]?[妹弟])"
)
_CN_LISTED = re.compile(
    r"[小老阿][\u4e00-\u9fff](?![\u4e00-\u9fff])|[\u4e00-\u9fff]{2}(?:阿姨|叔叔|姐|哥)"
)
_CN_FOUND = re.compile(
    rf"(?:找|问问|联系|问|让|叫|是|改成|改为|客服-)({_HAN}{{2,4}}?)(?=[，。,.!！？?】）)]|$|的|说|吗|要)"
)
_CN_BRACKET = re.compile(rf"^【?({_HAN}{{2,3}})(?=[（(](?:客服|售后|经理|专员))")
_ENDS = ("", "，", "。", "、", "！", "？", ",", " ", "都", "的", "说", "两", "三", "来", "态", "各")
_CN_BEFORE_ID = re.compile(rf"({_HAN}{{2,3}})[\s:：,，]*(?=\d{{17}}[\dXx]|1[3-9]\d{{9}})")
_CN_NOT = frozenset("".join(words("chinese_small_words")))
_CN_WORDS = words("chinese_words")


def chinese_names(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of names of persons, with their titles; an earlier one wins."""
    if text.isascii() or not _ANY.search(text):
        return
    for finder in (_titled, _family, _after_a_cue, _nicknames, _by_what_they_do):
        for start, end in finder(text):
            value = text[start:end]
            if value not in _CN_WORDS and not (value[0] in "小老阿" and value[:2] in _CN_WORDS):
                yield start, end
                yield from _beside(text, end)


def _beside(text: str, end: int) -> Iterator[tuple[int, int]]:
    """Names that a list goes on with: 邵阳、邵一帆、上官云珠."""
    while text[end : end + 1] and text[end] in "、和跟及与":
        titled = _CN_LISTED.match(text, end + 1)
        size = _chinese_name(text, end + 1)
        if titled is not None:
            yield titled.span()
            end = titled.end()
        elif size and (text[end] == "、" or text[end + 1 + size : end + 2 + size] in _ENDS):
            yield end + 1, end + 1 + size
            end += 1 + size
        else:
            return


def _family(text: str) -> Iterator[tuple[int, int]]:
    """A surname that is told as one: 我姓柴, and the whole name that may follow."""
    for match in _CN_FAMILY.finditer(text):
        if match.group(1) in chinese_surnames():
            yield match.span(1)
            start = match.end() + 1
            size = _chinese_name(text, start)
            if size and text[start] == match.group(1)[0]:
                yield start, start + size
    for match in _CN_TENDER.finditer(text):
        if not set(match.group(1)) & _CN_NOT and match.group(1) not in _CN_WORDS:
            yield match.span(1)


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
    for pattern in (_CN_FOUND, _CN_BRACKET, _CN_DOES):
        for match in pattern.finditer(text):
            if _chinese_name(text, match.start(1)) == len(match.group(1)):
                yield match.span(1)
    for match in _CN_DOUBLE.finditer(text):
        size = _chinese_name(text, match.start())
        if size:
            yield match.start(), match.start() + size


def _nicknames(text: str) -> Iterator[tuple[int, int]]:
    """小李, 阿强: where a clause begins and ends with it, or its work stands beside it."""
    for match in _CN_NICK.finditer(text):
        if match.group(1) in chinese_surnames() or match.group()[0] == "阿":
            yield match.span()
    for pattern in (_CN_CALLED, _CN_NICK_DOES):
        for match in pattern.finditer(text):
            yield match.span(1)


def _begins_with_surname(piece: str) -> bool:
    known = chinese_surnames()
    return piece[:2] in known or (piece[:1] in known and len(piece) <= 3)


def _chinese_name(text: str, start: int) -> int:
    """The length of the Chinese name that begins at `start`, 0 where none does."""
    known = chinese_surnames()
    family = 2 if text[start : start + 2] in known and len(text[start : start + 2]) == 2 else 1
    if text[start : start + family] not in known or text[start : start + 1] in _CN_NOT:
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
