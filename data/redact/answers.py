"""What answers a question for a name, an address or a number, with no word to announce it."""

import re
from collections.abc import Iterator

from data.redact.asked import asked
from data.redact.gazetteer import (
    chinese_surnames,
    common,
    first_names,
    is_word,
    rare,
    surnames,
    words,
)

Found = Iterator[tuple[int, int, str]]

_LONG = 140  # characters; a longer turn is no short answer
_LEAD = re.compile(
    r"(?:(?:yes|yeah|yep|sure|ok|okay|of course|no problem|no|hi|hello|thanks|right|then|just|"
    r"it['’]?s|it is|"
    r"its|that['’]?s|that would be|that is|this is|my(?: full)? name is|my name['’]s|name is|"
    r"name['’]s|i am|"
    r"i['’]m|im|it should be|should be|under|for|to|from|at|c/o|mrs?\.?|ms\.?|dr\.?|frau|herr|"
    r"don|doña|de|of|met|ja|"
    r"oui|sí|si|soy|c['’]est|chez|hier ist|ich bin|ich heiße|je m['’]appelle|je suis|me llamo|"
    r"a nombre de|booked under|either me or|me or|mine|his|hers|ours|her|my|husband|wife|"
    r"new one is|"
    r"the new address is|the address is|"
    r"address is|postcode is|same|um+|er+|well|so|please|now)\b[\s,:.…-]*)+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_\u4e00-\u9fff]+(?:['’-][^\W\d_\u4e00-\u9fff]+)*")
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9£$€¥.,-])#?(?:[A-Za-z]{1,5}[ -]?)?\d[A-Za-z0-9]*"
    r"(?:[-/. ]{1,2}[A-Z0-9]*\d[A-Z0-9]*){0,6}(?:[-/][A-Z]{1,2}(?![A-Za-z]))?"
    r"(?![A-Za-z0-9%]|[.,:]\d)"
)
_MIXED = re.compile(r"(?<![A-Za-z0-9])(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{5,9}(?![A-Za-z0-9])")
_MEASURED = re.compile(
    r"\s?(?:[£$€¥%]|(?:gbp|eur|usd|pounds?|euros?|dollars?|quid|pence|p|kg|g|cm|mm|m|km|miles?|kwh|w|v|mb|gb|am|pm|"
    r"days?|weeks?|months?|years?|hours?|mins?|minutes?|times|people|items?|points?|digits?)\b|元|块|分|天|个|件)",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\d{1,4}([-/. ])\d{1,2}\1\d{1,4}|\d{1,2}[-/.]\d{1,4}|(?:19|20)\d\d|\d{1,2}:\d\d"
)
_UK_CODE = re.compile(r"(?<!\w)[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}(?!\w)", re.IGNORECASE)
_SHORTENED = re.compile(r"['’](?:m|ll|ve|re|d|t)$")
_OTHER = re.compile(r"[ ,]+(?:or|maybe|not|and|&|then)[ ,]+")  # `castellanos, maybe castelanos`
_HAN = re.compile(r"[\u4e00-\u9fff]")
_HAN_NAME = re.compile(
    r"(?:是|叫|我叫|我是|就叫|改成|写|还是|，|,|\s)*([\u4e00-\u9fff]{2,4})(?=$|[，。,. !！]|\d|的$)"
)
_HAN_ADDRESS = re.compile(
    r"(?:(?:在|是|寄到?|送到?|地址是?|我家在?|家里|住在?|改成)[，,:： ]?)*"
    r"(?P<place>[\u4e00-\u9fff]{2,}[\u4e00-\u9fff0-9A-Za-z-]*[\d一二三四五六七八九十]+[\u4e00-\u9fff0-9A-Za-z-]*)"
)
_REMARK = re.compile(
    r"[.!?;\n]|,? (?:no number|please|thanks|thank you|buzzer|not |and not|but |third floor|"
    r"if |it's|its|same|"
    r"is |are |was |which |where |next to|opposite|near )|, (?:in|and) "
)
_PLACE = re.compile(
    r",|\b(?:flat|apartment|apt|unit|house|cottage|farm|lodge|mill|barn|hall|court|street|st|road|rd|lane|avenue|ave|"
    r"close|drive|way|place|square|terrace|po box|hof|rue|calle|platz|weg)\b",
    re.IGNORECASE,
)
_HOUSE = re.compile(r"(?<![\w£$€#])\d{1,5}[a-z]? [A-Z][\w'’]+(?: [A-Z][\w'’]+)?")
_CLOCK = re.compile(
    r"(?:am|pm|may|(?:mon|tues?|wednes|thurs?|fri|satur|sun)(?:day)?|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|"
    r"june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b",
    re.IGNORECASE,
)


def answers(text: str, region: str, before: str) -> Found:
    """Values that answer what `before`, the turn of the other side, asked for."""
    kinds = asked(before)
    if not kinds or len(text) > _LONG:
        return
    if "person" in kinds:
        for start, end in _name(text):
            yield start, end, "person"
    if "address" in kinds:
        for start, end in _address(text):
            yield start, end, "address"
    number = next((k for k in ("order_number", "account_number", "phone") if k in kinds), None)
    if number is not None:
        for start, end in _numbers(text, number, "last" in kinds):
            yield start, end, number


def asks_for_a_code(before: str) -> bool:
    """Whether a number that answers is no order's: a code, a size, a reading."""
    kinds = asked(before)
    return "code" in kinds and not kinds & {"order_number", "account_number", "phone"}


def _name(text: str) -> Iterator[tuple[int, int]]:
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    han = _HAN_NAME.match(text, start)
    if han is not None:
        name = han.group(1)
        nick = name[0] in "小老阿" and len(name) == 2
        known = name[:1] in chinese_surnames() or name[:2] in chinese_surnames()
        if (nick or known) and name not in words("chinese_words") and (
            name[:2] not in words("chinese_words")
        ):  # fmt: skip
            yield han.span(1)
        return
    while True:
        words_at = _words_at(text, start)
        if words_at is None:
            return
        yield words_at
        other = _OTHER.match(text, words_at[1])
        if other is None:
            return
        start = other.end()


def _words_at(text: str, start: int) -> tuple[int, int] | None:
    """The name that begins at `start`: at most four words."""
    found: list[re.Match[str]] = []
    while len(found) < 4:
        match = _WORD.match(text, found[-1].end() + 1 if found else start)
        if match is None or (found and text[found[-1].end()] not in " ,.") or not _named(match):
            break
        if found and text[found[-1].end()] == "," and not match.group()[0].isupper():
            break
        found.append(match)
    if not found or (len(found) == 1 and len(found[0].group()) < 2):
        return None
    last = found[-1].group()
    return found[0].start(), found[-1].end() - (2 if last.endswith(("'s", "’s")) else 0)


def _named(match: re.Match[str]) -> bool:
    """Whether a word may belong to a name that answers."""
    word = match.group()
    low = word.lower()
    if low in words("never_names") or low in words("no_answer_names") or _SHORTENED.search(low):
        return False
    if word[0].isupper():
        return not (word.isupper() and len(word) > 1 and common(low)) and (
            not common(low) or low in first_names() or low in surnames()
        )
    if low in words("particles"):
        return True
    person = low in first_names() or low in surnames()
    return rare(low) or (person and not (is_word(low) and common(low))) or not common(low)


def _address(text: str) -> Iterator[tuple[int, int]]:
    if _HAN.search(text):
        match = _HAN_ADDRESS.search(text)
        if match is not None and len(match["place"]) > 4:
            yield match.span("place")
        return
    for match in _UK_CODE.finditer(text):
        yield match.span()
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    if "?" in text:
        return
    stop = _REMARK.search(text, start)
    body = text[start : stop.start() if stop else len(text)].rstrip(" ,")
    tokens = len(body.split())
    if _PLACE.search(body) and 3 <= tokens <= 14 and not _everyday(body):
        yield start, start + len(body)
        return
    for match in _HOUSE.finditer(text):
        if not _CLOCK.match(match.group().split()[1]):
            yield match.span()


def _everyday(body: str) -> bool:
    """Whether a text is a sentence: most of its words are small ones."""
    told = [match.group().lower() for match in _WORD.finditer(body)]
    small = sum(word in words("small_words") for word in told)
    return small >= 2 and small * 3 >= len(told)


def _numbers(text: str, kind: str, last_ones: bool) -> Iterator[tuple[int, int]]:
    least = 6 if kind == "phone" else 5 if last_ones else 4
    for pattern in (_NUMBER, _MIXED):
        for match in pattern.finditer(text):
            value = match.group()
            digits = sum(map(str.isdigit, value))
            if pattern is _NUMBER and (digits < least or _DATE.fullmatch(value)):
                continue
            if _MEASURED.match(text, match.end()) or text[max(0, match.start() - 1)] in "£$€¥":
                continue
            yield match.span()
