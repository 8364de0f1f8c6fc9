"""The words of a text that carry its meaning, and the clauses it falls into."""

import re
from functools import lru_cache

from apps.guard.finding import Value
from apps.guard.synonyms import SAME, plainly
from data import sentences

_WORD = re.compile(r"[^\W\d_]+(?:['’][a-z]+)?|\d+(?:\.\d+)?")
_SHORTENED = re.compile(r"(?:['’](?:ll|re|ve|m|d)|n['’]t)$", re.I)  # only common words are
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_IRREGULAR = {
    "sent": "send", "paid": "pay", "bought": "buy", "left": "leave", "came": "come", "kept": "keep",
    "took": "take", "gave": "give", "lost": "lose", "broke": "break", "broken": "break",
    "told": "tell", "got": "get", "went": "go", "made": "make", "sold": "sell", "brought": "bring",
}  # fmt: skip
COMMON = frozenset(
    "a an the and or but if of in on at to for from by with as is are was were be been being am "
    "it its this "
    "that these those there here you your yours we our us i me my he she they them their will "
    "would shall "
    "can could may might must should do does did have has had not no yes so then than too very "
    "just also "
    "about into out up down off over under all any some each every more most one ones please "
    "when "
    "what which who "
    "how where why once while after before until within between per us it's i'm we're you're "
    "only "
    "like get gets need needs take takes two three four five six seven eight nine ten "
    "our ours such other it’s goes go day days hour hours week weeks month months year years "
    "minute minutes "
    "degree degrees working "
    " pound pounds percent cent january february march april june july august september "
    "october "
    "november december eleven twelve fifteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred monday tuesday wednesday thursday friday saturday sunday".split()
)
_ENDINGS = (
    "ingly",
    "ements",
    "ement",
    "ations",
    "ation",
    "ings",
    "ing",
    "ies",
    "ied",
    "ed",
    "es",
    "ly",
    "s",
    "e",
    "y",
)
_BREAK = re.compile(r"(?:[;；，]|,? (?:and|but|or|while|whereas) (?:then )?|, )", re.I)
# What something is only compared with: covered for two years, like the rest of it.
_COMPARED = re.compile(
    r",? (?:just |much |exactly |same )?(?:(?<!would )(?<!['’]d )(?<!you )(?<!we )(?<!they )like"
    r"|as with"
    r"|same as|unlike|compared (?:with|to)|as opposed to|rather than|instead of|besides|apart from"
    r"|other than) [^,.;:!?]+",
    re.I,
)
_GOES_ON = re.compile(
    r"^\W*(?:(?:then|so|and) )?(?:is|are|was|were|has|have|had|takes?|costs?|lasts?|comes?|gives?"
    r"|holds?|"
    r"weighs?|carries|runs?|works?|needs?|stays?|"
    r"arrives?|it|they|its|boils)\b",
    re.I,
)


def stem(word: str) -> str:
    """A word without its ending, so that `refunded` and `refunds` are one."""
    word = word.lower().removesuffix("'s").removesuffix("’s")
    word = _IRREGULAR.get(word, word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


_STEMS = {stem(word): stem(meant) for word, meant in SAME.items()}


@lru_cache(maxsize=4096)
def meaning(word: str) -> str:
    """A word's stem, or that of the word that stands for it."""
    meant = SAME.get(word.lower())
    if meant:
        return stem(meant)
    ending = stem(word)
    return _STEMS.get(ending, ending)


def content(text: str) -> frozenset[str]:
    """What a text's words mean, common ones and numbers left out; pairs of Chinese characters."""
    found = {
        meaning(word.group())
        for word in _WORD.finditer(_CHINESE.sub(" ", plainly(text)))
        if word.group().lower() not in COMMON
        and not word.group()[0].isdigit()
        and not _SHORTENED.search(word.group())
    }
    for run in _CHINESE.findall(text):
        found |= {run[at : at + 2] for at in range(len(run) - 1)}
    return frozenset(found)


def clauses(text: str, found: list[Value]) -> list[tuple[int, int, frozenset[str]]]:
    """(start, end, words) of the parts of a text's sentences that hold a value of their own.

    A part that begins with its verb takes the words of the part before it as its subject.
    """
    result = []
    subject: frozenset[str] = frozenset()
    for start, end in sentences.spans(text):
        cuts = [start]
        for match in _BREAK.finditer(text, start, end):
            left = any(cuts[-1] <= value.start < match.start() for value in found)
            right = any(match.end() <= value.start < end for value in found)
            inside = any(value.start < match.end() and match.start() < value.end for value in found)
            if left and right and not inside and not _ranges(text, match, found):
                cuts.append(match.end())
        for first, last in zip(cuts, [*cuts[1:], end], strict=True):
            words = content(uncompared(text, first, last, found))
            if _GOES_ON.match(text[first:last]):
                words |= subject
            subject = words
            result.append((first, last, words))
    return result


def uncompared(text: str, first: int, last: int, found: list[Value]) -> str:
    """A part of a text without what it compares something with, unless that has a value."""
    part = text[first:last]
    for match in reversed([*_COMPARED.finditer(part)]):
        start, end = first + match.start(), first + match.end()
        if not any(start <= value.start < end for value in found):
            part = part[: match.start()] + part[match.end() :]
    return part


def _ranges(text: str, match: re.Match[str], found: list[Value]) -> bool:
    """Whether it joins two values directly: `between 3 and 5`."""
    ends = any(value.end == match.start() for value in found)
    return ends and any(value.start == match.end() for value in found) and "," not in match.group()


def covered(words: frozenset[str], told: frozenset[str]) -> float:
    """The share of some words that others have, in [0, 1]; 1 where there are none."""
    return len(words & told) / len(words) if words else 1.0
