"""Stand-ins: invented values of the same shape, so that a model still learns what stood there."""

import hashlib
import hmac
import random
import re
import string

from data.redact.folded import folded
from data.redact.gazetteer import (
    chinese_surnames,
    chinese_titles,
    first_names,
    is_word,
    surnames,
    words,
)

_HAN = re.compile(r"[\u4e00-\u9fff]")
_KEPT = words("place_words")
_DIGIT_WORDS = "zero one two three four five six seven eight nine".split()
_SAID = frozenset([*_DIGIT_WORDS, "oh", "o", "nought"])
_PLACES = sorted(words("place_names"))
_CHINESE_PLACES = "安康平和新华文明光青云长春东西南北中兴永丰福源松柏梅兰竹桂"
_CHINESE_GIVEN = "安宁嘉文晓晨雨欣思远志明佳怡子涵浩然雪梅建军丽芳"
_CHINESE_KEPT = frozenset("".join(words("chinese_place_words")))
_CHINESE_DIGITS = "零一二三四五六七八九"


def stand_in(kind: str, value: str, key: bytes, scope: str) -> str:
    """An invented value in the place of `value`, always the same within `scope`.

    Who does not hold `key` can neither compute it from a guessed value nor go back.

    Args:
        kind: One of `KINDS`.
        value: What stands in the text.
        key: At least 16 random bytes.
        scope: A conversation's id.
    """
    value = folded(value)
    told = "".join(char for char in value.casefold() if char.isalnum())
    seed = hmac.new(key, f"{scope}\0{kind}\0{told}".encode("utf-8", "replace"), hashlib.sha256)
    draw = random.Random(seed.digest())  # the key makes it secret
    if kind == "person":
        return _person(value, draw)
    if kind == "email":
        return _email(value, draw)
    if kind == "ip":
        if ":" in value:
            return f"2001:db8::{draw.randrange(1, 1 << 16):x}:{draw.randrange(1, 1 << 16):x}"
        return f"{draw.choice(['192.0.2', '198.51.100', '203.0.113'])}.{draw.randrange(1, 255)}"
    if kind == "link":
        head, scheme, rest = value.partition("://")
        path = (rest if scheme else head).partition("/")[2] or (rest if scheme else head)
        return f"{head + scheme if scheme else ''}example.com/{_shape(path, draw)}"
    if kind == "address":
        return _words(value, draw, _PLACES)
    if kind in ("order_number", "tracking_number", "account_number"):
        prefix = re.match(r"[#\s]*[A-Za-z]*", value)
        kept = prefix.end() if prefix else 0  # FK- tells what kind of number it is
        return value[:kept] + _shape(value[kept:], draw)
    if kind == "phone":
        kept = len(value) - len(value.lstrip("+(0 "))
        return value[: kept + 1] + _words(value[kept + 1 :], draw, [])
    return _words(value, draw, [])


def _shape(value: str, draw: random.Random) -> str:
    """Digits for digits and letters for letters; all else stays."""
    return "".join(
        draw.choice(string.digits) if char.isdigit()
        else draw.choice(_CHINESE_DIGITS) if char in _CHINESE_DIGITS
        else draw.choice(string.ascii_uppercase if char.isupper() else string.ascii_lowercase)
        if char.isalpha() and not _HAN.match(char)
        else char
        for char in value
    )  # fmt: skip


def _words(value: str, draw: random.Random, places: list[str]) -> str:
    """Word by word: digits in words stay such, what tells a kind of place stays, names change."""

    def other(match: re.Match[str]) -> str:
        word = match.group()
        low = word.lower().rstrip(".")
        if low in _SAID:
            return _cased(draw.choice(_DIGIT_WORDS), word)
        if low in _KEPT or low in ("double", "triple", "treble"):
            return word
        if places and len(word) > 2 and word.isalpha():
            return _cased(draw.choice(places), word)
        return _shape(word, draw)

    told = re.sub(r"[^\W\u4e00-\u9fff]+", other, value)
    return "".join(
        draw.choice(_CHINESE_PLACES) if _HAN.match(char) and char not in _CHINESE_KEPT
        and char not in _CHINESE_DIGITS else char
        for char in told
    )  # fmt: skip


def _email(value: str, draw: random.Random) -> str:
    local, sign, domain = value.rpartition("@")
    if sign:
        return f"{_shape(_ascii(local), draw)}@example.{'org' if domain.endswith('org') else 'com'}"
    return _words(value, draw, [])


def _ascii(text: str) -> str:
    return "".join(char if char.isascii() else "x" for char in text)


def _person(value: str, draw: random.Random) -> str:
    if _HAN.search(value):
        title = next((t for t in chinese_titles() if value.endswith(t) and len(value) > len(t)), "")
        name = value.removesuffix(title)
        surname = draw.choice(sorted(s for s in chinese_surnames() if len(s) == 1))
        return surname + "".join(draw.choice(_CHINESE_GIVEN) for _ in name[1:]) + title
    tokens = re.split(r"([\s-]+)", value)
    first, last = _drawable()
    told = [
        token if place % 2 else _cased(draw.choice(first if place == 0 else last), token)
        for place, token in enumerate(tokens)
    ]
    return "".join(told)


def _drawable() -> tuple[list[str], list[str]]:
    """First names and surnames that are read as such again."""
    if not _LISTS:
        _LISTS.append(sorted(n for n in first_names() if n.isascii() and n.isalpha() and len(n) > 3
                             and not is_word(n)))  # fmt: skip
        _LISTS.append(sorted(n for n in surnames() if n.isascii() and n.isalpha() and len(n) > 3))
    return _LISTS[0], _LISTS[1]


_LISTS: list[list[str]] = []


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word.lower()
