"""Names of persons: after a greeting or a title, in a signature, told, or known as a first name."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

from data.redact.chinese_names import chinese_names
from data.redact.gazetteer import first_names, is_word, phrases, rare, surnames, words

Kind = Literal["told", "strong", "sure", "greeting"]
# told: a known name counts there. sure: any word in capitals does. closing: it ends a letter.
Level = Literal["told", "strong", "sure"]

_WORD = re.compile(r"[^\W\d_\u4e00-\u9fff]+(?:['’-][^\W\d_\u4e00-\u9fff]+)*")
_GAP = re.compile(r" {1,2}|-|\. ?")
_SHORTENED = re.compile(r"['’](?:m|s|ll|ve|re|d|t)$")
_OWN = re.compile(r"['’]s$")
_JOINED = re.compile(r"(?:,| and| or| &|/|, and)? ?(?:and |or |& )?")
_INITIALS = re.compile(
    r"(?<![^\W_])(?<![.'’&-])(?P<initials>(?:[A-HJ-Z]\. ?){1,3}|[A-HJ-Z] )"
    r"(?P<name>[A-ZÀ-Þ][^\W\d_]{2,}(?:[-'’][A-ZÀ-Þ]?[^\W\d_]+)*)(?![^\W_]|['’])"
)
_NAMING = frozenset(("name", "is", "surname"))
_BARE = re.compile(
    r"(?:(?:yes|ok|sure|name|full name|i am|it is|its)[ ,:]+)?"
    r"(?P<name>[^\W\d_]+(?: [^\W\d_]+){0,2})(?: is my name)?"
    r"(?:[ ,.]+(?:and|my|ssn|social|number|no|is|last|four|digits|4)\b)*[ ,.]*[\d -]*[.!]?",
    re.IGNORECASE,
)
_KISSES = frozenset(("x", "xx", "xxx"))
_NO_SIGNATURE = re.compile(r"[\d@#:?]")
_BEGINS = re.compile(
    r"(?:^|[\n.!?,;:–—-]\s*|\b(?:oh|ok|okay|ah|yes|no|well|right|great|perfect)\s+)$"
)
_SIGNED = re.compile(r"(?:[.!?,]\s|\n|^)[^.!?\n]{0,40}[,.!]?[ \t]*\n+[-–—~* \t]*$")
_COMPANY = re.compile(
    r"^(?:['’]s)?\s+(?:Ltd|Limited|Inc|LLC|PLC|GmbH|Bank|Pay|Prime|Store|Team|Street|St|Road|Rd|"
    r"Avenue|Lane|Hotel|Airport|Station|Insurance|Energy|Airlines?|Express|Day|Sale|Card)\b"
)
_BACK = 48  # characters before a name in which the words stand that announce it
_PARTICLES, _NEVER = words("particles"), words("never_names")
_TITLES = words("titles")
_COLOURS = words("colours")


def names(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    """Names of persons, without their English titles; a Chinese one with its title."""
    found: list[tuple[int, int]] = []
    tokens = list(_WORD.finditer(text))
    for place, token in enumerate(tokens):
        if found and token.start() < found[-1][1]:
            continue
        name = _name_at(text, tokens, place)
        if name is None and found and _JOINED.fullmatch(text, found[-1][1], token.start()):
            name = _listed(text, token)
        if name is not None:
            found.append(name)
    for start, end in (
        *found,
        *_signature(text),
        *_initialled(text),
        *_bare(text),
        *chinese_names(text),
    ):
        yield start, end, "person"


def _name_at(text: str, tokens: list[re.Match[str]], place: int) -> tuple[int, int] | None:
    """The name that begins with a token, if it is one."""
    match = tokens[place]
    token = match.group()
    low = _OWN.sub("", token.lower())
    capital = token[0].isupper()
    known = _known(low)
    before = tokens[place - 1].group().lower() if place else ""
    if low in _NEVER or len(low) < 2 or _SHORTENED.search(low):
        return None
    if not (capital or known) and before not in _NAMING:
        return None
    level = _announced(text, match.start(), before)
    if not capital:
        asked = level == "sure" and before in _NAMING and (known or rare(low))
        told = level is not None and known and _told_in_lower_case(text, match, level)
        return (match.start(), _lower_end(text, match)) if told or asked else None
    run = _run(text, match)
    last = _OWN.sub("", run[-1].group().lower())
    if not _is_name(text, run, low, last, level) or _COMPANY.match(text[run[-1].end() :]):
        return None
    return match.start(), run[-1].end() - (2 if _OWN.search(run[-1].group()) else 0)


def _is_name(text: str, run: list[re.Match[str]], low: str, last: str, level: Level | None) -> bool:
    """Whether words in capitals are a person's name.

    Args:
        text: The turn.
        run: The words.
        low: The first of them in lower case.
        last: The last of them in lower case.
        level: What announces them, if anything does.
    """
    known = _known(low)
    family = last in surnames() and last not in words("surname_words")
    several = len(run) > 1 and (known or family) and last not in _COLOURS
    if run[0].group().isupper() and len(low) > 1:  # a currency, an airport, a shout
        return len(low) > 3 and several and known and (family or _known(last))
    if level == "sure" or (level and (several or (family and not is_word(last)))):
        return True
    if known and (not is_word(low) or (several and last in surnames())):
        return True
    if level == "strong" and rare(low):
        return True
    does = _WORD.match(text, run[-1].end() + 1)
    acts = does is not None and does.group().lower() in words("does")
    return acts and low not in words("surname_words") and (known or family or rare(low))


def _lower_end(text: str, first: re.Match[str]) -> int:
    """Where a name in lower case ends: known and rare words go on, at most three."""
    end, last = first.end(), first
    for _ in range(2):
        gap = _GAP.match(text, last.end())
        match = _WORD.match(text, gap.end()) if gap and "." not in gap.group() else None
        low = match.group() if match else ""
        if match is None or not low.islower() or low in _NEVER:
            break
        if not (_person_word(low) or rare(low)):
            break
        end, last = match.end(), match
    return end


def _person_word(low: str) -> bool:
    """Whether a word in lower case is a first name or a surname and seldom anything else."""
    first = _known(low) and not is_word(low)
    return first or (low in surnames() and low not in words("surname_words"))


def _bare(text: str) -> Iterator[tuple[int, int]]:
    """A turn that is a name and perhaps a number: `anand kann`, `johny 1239`."""
    match = _BARE.fullmatch(text.strip())
    if match is None:
        return
    tokens = match["name"].lower().split()
    named = [token for token in tokens if _person_word(token)]
    others = [token for token in tokens if token not in named]
    if (
        named
        and all(rare(o) or _known(o) or o in surnames() for o in others)
        and not (set(tokens) & _NEVER)
    ):
        start = text.index(match["name"])
        yield start, start + len(match["name"])


def _listed(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """A name that stands beside another: `Ffion, Tunde and me`."""
    low = match.group().lower()
    if not match.group()[0].isupper() or low in _NEVER or is_word(low) or _SHORTENED.search(low):
        return None
    if low in words("surname_words") or len(low) < 3:
        return None
    run = _run(text, match)
    return match.start(), run[-1].end() - (2 if _OWN.search(run[-1].group()) else 0)


def _initialled(text: str) -> Iterator[tuple[int, int]]:
    """A surname behind initials: `J. Okonkwo`, `R Patel`."""
    for match in _INITIALS.finditer(text):
        low = match["name"].lower()
        dotted = "." in match["initials"]
        if low not in _NEVER and (dotted or (low in surnames() and low not in _COLOURS)):
            yield match.span()


def _announced(text: str, start: int, before: str) -> Level | None:
    """What the words before `start` say of it; `before` is the last of them."""
    if before in _TITLES:
        return "sure"
    said = text[max(0, start - _BACK) : start]
    if "\n" in said[-6:] and before in words("closings") and _SIGNED.search(said):
        return "sure"
    told = said.lower().rstrip(' ,:=("')
    for phrase, kind in _cues().get(before, ()):
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
            last = _WORD.findall(phrase)[-1]
            found.setdefault(last, []).append((phrase, kind))
    return found


def _told_in_lower_case(text: str, match: re.Match[str], level: Level) -> bool:
    """Whether a known name in lower case is meant as one: `im may,` and `hi sarah` are."""
    after = text[match.end() : match.end() + 2]
    ends = not after.strip() or after[0] in ",.!?\n;" or after.startswith(" ,")
    before = text[: match.start()].rstrip().lower()
    if is_word(match.group()):
        return ends and (level == "sure" or before.endswith(("i'm", "im", "i’m")))
    return level == "sure" or ends or before.endswith(("i'm", "im", "this is", "it's", "its"))


def _run(text: str, first: re.Match[str]) -> list[re.Match[str]]:
    """The tokens of the name that begins with `first`: capitals go on."""
    tokens = [first]
    while len(tokens) < 5 and not _OWN.search(tokens[-1].group()):
        last = tokens[-1]
        gap = _GAP.match(text, last.end())
        match = _WORD.match(text, gap.end()) if gap else None
        if gap is None or match is None or ("." in gap.group() and len(last.group()) > 1):
            break
        low = _OWN.sub("", match.group().lower())
        if low not in _PARTICLES and (not match.group()[0].isupper() or low in _NEVER):
            break
        tokens.append(match)
    while len(tokens) > 1 and tokens[-1].group().lower() in _PARTICLES:
        tokens.pop()
    return tokens


def _known(low: str) -> bool:
    return low in first_names() or ("-" in low and low.split("-")[0] in first_names())


def _signature(text: str) -> Iterator[tuple[int, int]]:
    """A name alone on the last line, or at the end with a kiss: `Siân x`."""
    body = text.rstrip()
    start = body.rfind("\n") + 1
    if len(body) - start > 50 or _NO_SIGNATURE.search(body, start):
        return
    tokens = list(_WORD.finditer(body, start))
    there = [token for token in tokens if token.group() not in _KISSES]
    if not there or len(tokens) > 4 or (start == 0 and len(there) == len(tokens)):
        return
    if all(token.group()[0].isupper() for token in there) and _known(there[0].group().lower()):
        yield there[0].start(), there[-1].end()
