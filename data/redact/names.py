"""Names of persons: announced by what stands before, or known and not the name of a thing."""

import re
from collections.abc import Iterator
from functools import cache

from data.redact.announced import WORD, Level, announced, last_words, words_of
from data.redact.chinese_names import chinese_names
from data.redact.gazetteer import common, first_names, is_word, phrases, rare, surnames, words
from data.redact.likeness import unknown_name
from data.redact.name_shapes import known, person_word, shaped

_GAP = re.compile(r" {1,2}|-|\. ?| ?[\"“”](?=[A-Z])|[\"“”] ")
_SHORTENED = re.compile(r"['’](?:m|s|ll|ve|re|d|t)$")
_OWN = re.compile(r"['’]s$")
_JOINED = re.compile(
    r"(?:,| and| or| &|/|, and| \(\d+\),)? ?(?:and |or |& |baby |\d{1,2}[.)] |\n\d{1,2}[.)] ?|"
    r"not )?"
)
_APART = 12  # characters between names that stand beside each other
_MYSELF = frozenset(("i'm", "im", "i’m", "am"))
_AGAIN = re.compile(r" (?:again|here|speaking)\b|,? (?:from|in) [A-Z]")
_NAMING = frozenset(("name", "is", "surname"))
_DETERMINERS = frozenset("the a an this that these those your my our any".split())
_PARTICLES, _NEVER = words("particles"), words("never_names")
_SMALL, _NO_ANSWER = words("small_words"), words("no_answer_names")
_COLOURS, _SHADES, _PLACES = words("colours"), words("shades"), words("place_ends")
_NOT_FAMILIES, _DOES = words("surname_words"), words("does")


def names(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    """Names of persons, without their English titles; a Chinese one with its title."""
    found: list[tuple[int, int]] = []
    past = 0
    before = ""
    cues, plain_names, rare_names = last_words(), first_names(), _rare_names()
    for match in words_of(text):
        token = match.group()
        start = match.start()
        ahead, before = before, token.lower()
        if start < past:
            continue
        if token == before and token not in rare_names and "-" not in token:
            # A word in lower case is none, unless a known one stands behind a word that tells.
            if ahead not in cues:
                continue
            own = _OWN.sub("", token)
            again = own not in plain_names and _AGAIN.match(text, match.end())
            if own not in plain_names and ahead not in _NAMING and not again:
                continue
        name, past = _name_at(text, match, ahead)
        if name is None and found and past <= match.end() and token[0].isupper():
            gap = start - found[-1][1]
            if gap < _APART and _JOINED.fullmatch(text, found[-1][1], start):
                name = _listed(text, match)
        if name is not None:
            found.append(name)
            past = max(past, name[1])
    for start, end in (*found, *shaped(text), *chinese_names(text)):
        yield start, end, "person"


@cache
def _rare_names() -> frozenset[str]:
    """First names that are hardly ever a word: they are names in lower case too."""
    return frozenset(
        name for name in first_names() if len(name) > 4 and "-" not in name and rare(name)
    )


def _name_at(text: str, match: re.Match[str], before: str) -> tuple[tuple[int, int] | None, int]:
    """The name that begins with a token, if it is one, and where the next may begin.

    Args:
        text: The turn.
        match: The token.
        before: The token before it, in lower case.
    """
    token = match.group()
    low = token.lower()
    if "'" in low or "’" in low:
        low = _OWN.sub("", low)
    capital = token[0].isupper()
    none = None, match.end()
    if not (capital or before in _NAMING or known(low) or _AGAIN.match(text, match.end())):
        return none
    if len(low) < 2 or _SHORTENED.search(low) or (low in _NEVER and before not in _NAMING):
        return none
    level = announced(text, match.start(), before)
    if not capital:
        asked = level == "sure" and before in _NAMING and (known(low) or rare(low))
        told = known(low) and (
            (level is not None and _told_in_lower_case(text, match, level)) or low in _rare_names()
        )
        if level is not None and unknown_name(low) and _AGAIN.match(text, match.end()):
            told = True  # `its oyin again`
        small = low in _NO_ANSWER and before not in _MYSELF
        if low in _NEVER or small or not (told or asked):
            return none
        return (match.start(), _lower_end(text, match)), match.end()
    run = _run(text, match)
    last = _OWN.sub("", run[-1].group().lower())
    if low in _NEVER and (level != "sure" or len(run) == 1 or last not in surnames()):
        return none
    if not _is_name(text, run, low, last, level):
        return none
    thing = level != "sure" and _is_thing(text, run, low, last, before, level)
    if thing or (level != "sure" and _is_brand(text, match)):
        return None, run[-1].end()
    end = run[-1].end() - (2 if _OWN.search(run[-1].group()) else 0)
    return (match.start(), end), run[-1].end()


def _is_name(text: str, run: list[re.Match[str]], low: str, last: str, level: Level | None) -> bool:
    """Whether words in capitals are a person's name.

    Args:
        text: The turn.
        run: The words.
        low: The first of them in lower case.
        last: The last of them in lower case.
        level: What announces them, if anything does.
    """
    is_known = known(low)
    family = last in surnames() and last not in _NOT_FAMILIES
    if "-" in last and not family:  # Okafor-Lindley
        family = any(part in surnames() and rare(part) for part in last.split("-"))
    several = len(run) > 1 and (is_known or family) and last not in _COLOURS
    if run[0].group().isupper() and len(low) > 1:  # a currency, an airport, a shout
        shouted = level == "sure" and (rare(low) or (family and not common(low)))
        told = level is not None and len(run) > 1 and (is_known or rare(low))
        return len(low) > 3 and (
            shouted or told or (several and is_known and (family or known(last)))
        )
    if level == "sure" or (level and (several or (family and not is_word(last)))):
        return True
    if is_known and (not is_word(low) or (several and last in surnames())):
        return True
    if family and (rare(last) or "-" in last) and (len(run) > 1 or "'" in low or "-" in low):
        return True
    if level == "strong" and rare(low):
        return True
    others = [token.group().lower() for token in run[1:]]
    if level == "told" and unknown_name(low) and all(map(_may_follow, others)):
        return True
    does = WORD.match(text, run[-1].end() + 1)
    acts = does is not None and does.group().lower() in _DOES
    return acts and low not in _NOT_FAMILIES and (is_known or family or rare(low))


def _may_follow(low: str) -> bool:
    return rare(low) or known(low) or low in surnames() or low in _PARTICLES


def _is_thing(
    text: str, run: list[re.Match[str]], low: str, last: str, before: str, level: Level | None
) -> bool:
    """Whether words in capitals are a place, a firm, a product or a colour: `Baker Street`."""
    if len(run) > 1 and last in _PLACES:
        return True
    after = WORD.match(text, run[-1].end() + 1)
    owner = _OWN.search(run[-1].group())
    if after is not None and not owner and after.group().lower() in _PLACES:
        return True
    beside = text[: run[0].start()].lower().endswith(f"{before} ")
    if level is None and len(run) == 1 and before in _DETERMINERS and beside and not owner:
        return True  # `the Winston`, `my Jasper table`; a family is `the Quayles`
    return low in _SHADES and (last in _COLOURS or (level is None and len(run) == 1))


@cache
def _brands() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for brand in phrases("brands"):
        found.setdefault(brand.split()[0].split("'")[0], []).append(brand)
    return found


def _is_brand(text: str, match: re.Match[str]) -> bool:
    low = match.group().lower().replace("’", "'").split("'")[0]
    said = text[match.start() : match.start() + 30].lower().replace("’", "'")
    return any(said.startswith(brand) for brand in _brands().get(low, ()))


def _lower_end(text: str, first: re.Match[str]) -> int:
    """Where a name in lower case ends: known and rare words go on, at most three."""
    end, last = first.end(), first
    for _ in range(2):
        gap = _GAP.match(text, last.end())
        match = WORD.match(text, gap.end()) if gap and "." not in gap.group() else None
        low = match.group() if match else ""
        if match is None or not low.islower() or low in _NEVER:
            break
        if not (person_word(low) or rare(low)):
            break
        end, last = match.end(), match
    return end


def _listed(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """A name that stands beside another: `Ffion, Tunde and me`."""
    token = match.group()
    low = token.lower()
    if not token[0].isupper() or low in _NEVER or is_word(low) or _SHORTENED.search(low):
        return None
    if low in _NOT_FAMILIES or len(low) < 3 or (token.isupper() and len(token) < 5):
        return None
    if common(low) and not known(low):
        return None
    run = _run(text, match)
    return match.start(), run[-1].end() - (2 if _OWN.search(run[-1].group()) else 0)


def _told_in_lower_case(text: str, match: re.Match[str], level: Level) -> bool:
    """Whether a known name in lower case is meant as one: `im may,` and `hi sarah` are."""
    after = text[match.end() : match.end() + 2]
    ends = not after.strip() or after[0] in ",.!?\n;" or after.startswith(" ,")
    before = text[: match.start()].rstrip().lower()
    if is_word(match.group()):
        return ends and (level == "sure" or before.endswith(("i'm", "im", "i’m")))
    return (
        level in ("sure", "strong")
        or ends
        or rare(match.group())
        or before.endswith(("i'm", "im", "this is", "it's", "its"))
    )


def _run(text: str, first: re.Match[str]) -> list[re.Match[str]]:
    """The tokens of the name that begins with `first`: capitals go on."""
    tokens = [first]
    while len(tokens) < 5 and not _OWN.search(tokens[-1].group()):
        last = tokens[-1]
        gap = _GAP.match(text, last.end())
        match = WORD.match(text, gap.end()) if gap else None
        if gap is None or match is None or ("." in gap.group() and len(last.group()) > 1):
            break
        low = _OWN.sub("", match.group().lower())
        joined = low.partition("-")[0] in _PARTICLES  # al-Rashid
        if not joined and (not match.group()[0].isupper() or low in _NEVER):
            break
        tokens.append(match)
    while len(tokens) > 1 and tokens[-1].group() in _PARTICLES:
        tokens.pop()
    return tokens
