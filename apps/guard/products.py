"""Names in an answer that no source knows, and names put to another thing than theirs."""

import re
from collections.abc import Iterator

from apps.guard.evidence import Evidence
from apps.guard.finding import Finding
from apps.guard.promises import says_no
from apps.guard.words import COMMON, stem
from data import sentences

_NAME = re.compile(r"(?<![\w.@/-])[A-ZÀ-Þ][\w'’]*[a-zß-ÿ][\w]*")
_CLITIC = re.compile(r"['’](?:d|ll|ve|re|m|s)$")
_NO_NAMES = frozenset(
    "i ok uk vat january february march april may june july august september "
    "october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday "
    "saturday sunday mondays "
    "tuesdays wednesdays thursdays fridays saturdays sundays christmas easter new year year's "
    "day "
    "eve english british "
    "mr mrs ms dr pdf html pm am gbp eur usd britain united kingdom boxing".split()
)
_NO_THING = frozenset(
    "range ranges product products item items order orders goods thing things one ones model "
    "models series collection "
    "warranty piece pieces stuff gear kit line lines brand family kind sort type version bits "
    "parcel parcels set sets is are was were has have had costs cost comes come and or "
    "for with from will can "
    "may must at in on of to the not also only as but now in that which who takes gives holds "
    "stays needs says decides accepts refuses declines sends texts rings calls tries delivers "
    "keeps brings leaves "
    "gets covers offers lasts includes works".split()
)


# What follows a verb rather than a thing: `Parcelway texts you`, `Bramble rusts if`.
_OBJECT = re.compile(
    r"\s+(?:you|us|me|it|them|him|her|a|an|the|your|our|this|that|these|up|down|off|out|away|back"
    r"|no|yes|so|that|whether|twice|once|only|again|when|if|until|from|within|by|into)\b"
    r"|\s+[£$€\d]",
    re.I,
)
_ADDED = re.compile(r"\s+(?:at|on|in|for|to|with|over|under|about|after|before|as)\b", re.I)
_OWNED = re.compile(r"\b(?:an?|the|your|our|my|his|her|their|this|that|one|each|every)\s+$", re.I)


_ELSEWHERE = re.compile(r"\b(?:to|in|into|from|outside) (?:the )?$", re.I)


def unknown_names(text: str, evidence: Evidence) -> Iterator[Finding]:
    """A finding for each name within a sentence that no source has.

    A sentence's first word has a capital anyway, and is left out, as are places that nothing is
    sent to.
    """
    known = {stem(word) for word in re.findall(r"[^\W\d_]+", evidence.plain)}
    for match in _names(text):
        if _ELSEWHERE.search(text[: match.start()]) and _refused(text, match.start()):
            continue
        parts = re.findall(r"[^\W\d_]+", _CLITIC.sub("", match.group()))
        if any(stem(part) not in known for part in parts):
            yield Finding("product", match.group(), *match.span(), "no source names it")


def other_things(text: str, evidence: Evidence) -> Iterator[Finding]:
    """A finding for each product's name that the sources put to other things only."""
    plain = evidence.plain
    named = {
        match.group()
        for source in evidence.sources
        for match in _names(source.told.text, first=source.origin == "fact")
    }
    for match in _names(text, first=True):
        if match.group() not in named:
            continue
        name = match.group().lower()
        follower = re.match(r"\s+([a-zß-ÿ]{3,})\b(?!['’])", text[match.end() :])
        if name not in plain or not follower or not _thing(text, match, follower):
            continue
        after = re.findall(rf"\b{re.escape(name)}\b\s+((?:[\w'’-]+\s*){{1,4}})", plain)
        things = {
            stem(word)
            for run in after
            if (words := run.split())[0] not in _NO_THING | COMMON
            for word in words
        }
        thing = stem(follower.group(1))
        elsewhere = any(thing == stem(word) for word in re.findall(r"[^\W\d_]+", plain))
        if things - {stem(word) for word in _NO_THING} and thing not in things and not elsewhere:
            end = match.end() + follower.end()
            yield Finding("product", text[match.start() : end], match.start(), end,
                          "the sources put this name to something else")  # fmt: skip


def _refused(text: str, at: int) -> bool:
    return any(
        first <= at < last and says_no(text[first:last]) for first, last in sentences.spans(text)
    )


def _thing(text: str, name: re.Match[str], follower: re.Match[str]) -> bool:
    """Whether the word after a name is what bears it, rather than what is done or how."""
    word = follower.group(1)
    plural = name.group().endswith("s") and not name.group().endswith("ss")
    if word in _NO_THING or word in COMMON or word.endswith("ly") or plural:
        return False
    end = name.end() + follower.end()
    verbal = _OBJECT.match(text, end) or (word.endswith("s") and _ADDED.match(text, end))
    return not verbal or bool(_OWNED.search(text[: name.start()]))


def _names(text: str, first: bool = False) -> Iterator[re.Match[str]]:
    starts = {_first_letter(text, start) for start, _ in sentences.spans(text)}
    for match in _NAME.finditer(text):
        word = _CLITIC.sub("", match.group().lower().replace("’", "'"))
        if word in COMMON or word in _NO_NAMES or word.removesuffix("'s") in _NO_NAMES:
            continue
        opens = match.start() in starts or text[: match.start()].rstrip().endswith((":", '"', "“"))
        if first or not opens:
            yield match


def _first_letter(text: str, start: int) -> int:
    while start < len(text) and not text[start].isalpha():
        start += 1
    return start
