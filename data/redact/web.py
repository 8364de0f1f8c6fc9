"""Mail addresses, also spelled or disguised, and links that carry something personal."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

Found = Iterator[tuple[int, int, str]]

_EMAIL = re.compile(
    r"(?<![^\W_\u4e00-\u9fff])(?<![.+%-])[^\W\u4e00-\u9fff][^\W\u4e00-\u9fff.]*"
    r"(?:(?:[.+%-]|['’])[^\W\u4e00-\u9fff]+)*@[^\W\u4e00-\u9fff](?:[^\W\u4e00-\u9fff]|-)*"
    r"(?:\.[^\W\u4e00-\u9fff](?:[^\W\u4e00-\u9fff]|-)*)+"
)
_DOT = r"(?:\s*(?:\[dot\]|\[punkt\]|\(dot\)|\{dot\}|点)\s*|\s+dot\s+|\.)"
_JOIN = (
    r"(?:\s*(?:\[dot\]|\(dot\)|点|下划线|\[underscore\])\s*"
    r"|\s+(?:dot|underscore|dash|hyphen|plus)\s+|[.+_-])"
)
_AT = (
    r"(?:\s*(?:在|\[at\]|\[ät\]|@@|\"at\"|圈a|#|\(at\)|\{at\}|<at>|艾特|\(a\)|＠)\s*"
    r"|\s*,?\s+at(?: sign)?,?\s+|\s+@\s+)"
)
_WORD = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_SPELLED = re.compile(
    rf"(?<![A-Za-z0-9_.@])({_WORD}(?:{_JOIN}{_WORD})*)({_AT})({_WORD})({_DOT})({_WORD}(?:{_DOT}{_WORD})?)"
    r"(?!\s+at\b)(?![A-Za-z0-9_])",
    re.IGNORECASE,
)
_HINT = re.compile(
    r"\bdot\b|点|艾特|＠|在e|@@|圈a|\w#\w|[\[({<\"]\s?(?:at|a|ät)\s?[\])}>\"]| @ |\w at \w+\.\w",
    re.IGNORECASE,
)
_MARKS = (
    "dot",
    " at ",
    "@",
    "#",
    "[",
    "(",
    "{",
    "<",
    '"',
    "点",
    "艾特",
    "＠",
    "在",
    "圈",
)  # one in each hint
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'\u4e00-\u9fff，。；！？（）【】]+", re.IGNORECASE)
_BARE_LINK = re.compile(  # shop.com/u/jane?sid=1: without a scheme
    r"(?<![A-Za-z0-9_@./:-])(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?::\d{1,5})?"
    r"[/?][^\s<>\"'\u4e00-\u9fff，。；！？（）【】]+"
)
_BARE_HINT = re.compile(r"\.[A-Za-z]{2,24}(?::\d{1,5})?[/?]")
_TRAIL = ".,;:!?)]}'\"~"
_LONG_SECRET = re.compile(
    r"(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{10,}|\d{5,}"
)
_SECRET_PATH = re.compile(
    r"/(?:reset|verify|magic|invite|share|unsub\w*|confirm|token|auth|login|dl|download|u|c|j|s|t|r)/"
    r"(?=[\w.-]*\d)?[\w.-]{6,}",
    re.IGNORECASE,
)
_PLAIN_QUERY = frozenset(
    "lang language locale page tab utm_source utm_medium utm_campaign utm_content utm_term ref "
    "sort view category color colour size region country".split()
)


def emails(text: str, region: str) -> Found:
    """Mail addresses: as they are written, and as people write them to hide them from a filter."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield match.start(), match.end(), "email"
    low = text.lower()
    if not any(mark in low for mark in _MARKS) or not _HINT.search(text):
        return
    for match in _SPELLED.finditer(text):
        _, at, _, dot, ending = match.groups()
        spoken_at = at.strip(" ,").lower() in ("at", "at sign")
        spoken_dot = dot.strip() != "."
        # "meet me at noon.then": a spoken `at` needs a spoken `dot`, or the whole is prose.
        joined = not match.group(1).isalpha()  # `lou.jr at example.net` needs no spoken dot
        if (spoken_at and not spoken_dot and not joined) or not ending[:1].isalpha():
            continue
        yield match.start(), match.end(), "email"


def links(text: str, region: str) -> Found:
    """Links with a token, an id or a personal parameter; a plain page's address stays."""
    for match in _LINK.finditer(text) if "://" in text or "www." in text.lower() else ():
        link = match.group().rstrip(_TRAIL)
        if personal(link):
            yield match.start(), match.start() + len(link), "link"
    for match in _BARE_LINK.finditer(text) if _BARE_HINT.search(text) else ():
        link = match.group().rstrip(_TRAIL)
        asks = "=" in link.partition("?")[2]  # `is it late.When/if?no` asks, and is no link
        if (asks or "?" not in link) and not link.lower().startswith("www.") and personal(link):
            yield match.start(), match.start() + len(link), "link"


def personal(link: str) -> bool:
    """Whether a link says more than which public page is meant."""
    try:
        parts = urlsplit(link if "//" in link else f"//{link}")
    except ValueError:
        return True
    names = {each.partition("=")[0].lower() for each in parts.query.split("&") if each}
    if "@" in link or "%40" in link or names - _PLAIN_QUERY:
        return True
    return bool(_LONG_SECRET.search(parts.path) or _SECRET_PATH.search(parts.path)
                or _LONG_SECRET.search(parts.fragment))  # fmt: skip
