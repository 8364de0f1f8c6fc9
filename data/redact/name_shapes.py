"""Names that their shape tells: a signature, initials, a spelt name, a turn that is one."""

import re
from collections.abc import Iterator

from data.redact.announced import WORD
from data.redact.gazetteer import common, first_names, is_word, rare, surnames, words
from data.redact.likeness import unknown_name

_INITIALS = re.compile(
    r"(?<![^\W_])(?<![.'’&-])(?P<initials>(?:[A-HJ-Z]\. ?){1,3}|[A-HJ-Z] )"
    r"(?P<name>[A-ZÀ-Þ][^\W\d_]{2,}(?:[-'’][A-ZÀ-Þ]?[^\W\d_]+)*)(?![^\W_]|['’])"
)
_SPELT = re.compile(r"(?<![\w-])(?:[A-Za-z]-){3,}[A-Za-z](?![\w-])")  # p-a-p-a-d-a-k-i-s
_CLOSED = re.compile(  # `Best, Pip` at the end of a line
    r"(?:^|[.!?,\n]\s*)(?i:best|regards|kind regards|best wishes|all the best|yours|"
    r"yours sincerely|cheers|thanks|"
    r"many thanks|love|grüße|gruß|cordialement|"
    r"saludos)[,\n]\s*(?P<name>[A-ZÀ-Þ][\w'’.-]*(?: [A-ZÀ-Þ][\w'’.-]+){0,2})\.?\s*$"
)
_BARE = re.compile(
    r"(?:(?:yes|yeah|ok|sure|hm+|name|full name|i am|im|it is|its|it['’]s|this is|myself|mr|"
    r"mrs|ms|hi|hello)[ ,:]+){0,2}"
    r"(?P<name>[^\W\d_]+(?: [^\W\d_]+){0,2}?)(?: is my name| my first name| here)?"
    r"(?P<tail>[ ,.]*[\d -]*[.!]?|(?:[ ,.]+(?:and|my|ssn|social|security|acc?(?:oun)?t?|ac|a/c|"
    r"no|num|number|last|four|"
    r"digits?|card|credit|debit|dob|is|are|of|the|ending|[\d/-]+)\b)+[ .]*)",
    re.IGNORECASE,
)
_USUAL = 10_000  # ranks of words that a number behind them does not make a name
_CLOSED_BACK = 80  # characters at a turn's end in which its closing stands
_CLOSING = re.compile("best|regards|yours|cheers|thanks|love|grüße|gruß|cordialement|saludos")
_INITIAL = re.compile(r"[A-HJ-Z][. ]")
_BARE_CHARS = 120  # characters of a turn that may be a name and numbers
_KISSES = frozenset(("x", "xx", "xxx"))
_NO_SIGNATURE = re.compile(r"[\d@#:?]")
_NEVER, _COLOURS = words("never_names"), words("colours")
_NO_ANSWER = words("no_answer_names")


def shaped(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of signatures, surnames behind initials and bare names."""
    yield from _closed(text)
    yield from _signature(text)
    if _INITIAL.search(text):
        yield from _initialled(text)
    yield from _bare(text)
    for match in _SPELT.finditer(text) if text.count("-") > 2 else ():
        yield match.span()


def known(low: str) -> bool:
    """Whether a word in lower case is a first name, or begins with one: `anne-sophie`."""
    if "-" not in low or low in first_names():
        return low in first_names()
    first = low.split("-")[0]
    return first in first_names() and not is_word(first)


def person_word(low: str) -> bool:
    """Whether a word in lower case is a first name or a surname and seldom anything else."""
    first = known(low) and not is_word(low)
    return first or (low in surnames() and low not in words("surname_words"))


def _bare(text: str) -> Iterator[tuple[int, int]]:
    """A turn that is a name and perhaps a number: `anand kann`, `johny 1239`."""
    if len(text) > _BARE_CHARS:
        return
    match = _BARE.fullmatch(text.strip())
    if match is None:
        return
    tokens = match["name"].lower().split()
    if set(tokens) & (_NEVER | _NO_ANSWER):
        return
    sure = [token for token in tokens if person_word(token) or unknown_name(token)]
    listed = [token for token in tokens if known(token) or token in surnames()]
    rest = [token for token in tokens if token not in sure and token not in listed]
    both = len(listed) > 1 and known(tokens[0])
    numbered = len(re.findall(r"\d", match["tail"])) > 3 and not any(
        common(token, _USUAL) for token in tokens
    )
    if (sure or both or (listed and numbered)) and all(
        rare(token) or len(token) == 1 or (sure and not common(token)) for token in rest
    ):
        start = text.index(match["name"])
        yield start, start + len(match["name"])


def _initialled(text: str) -> Iterator[tuple[int, int]]:
    """A surname behind initials: `J. Okonkwo`, `R Patel`."""
    for match in _INITIALS.finditer(text):
        low = match["name"].lower()
        dotted = "." in match["initials"]
        if low not in _NEVER and (
            dotted or ((low in surnames() or rare(low)) and low not in _COLOURS)
        ):
            yield match.span()


def _closed(text: str) -> Iterator[tuple[int, int]]:
    """A name behind a letter's closing, on the same line."""
    start = max(0, len(text) - _CLOSED_BACK)
    if _CLOSING.search(text[start:].lower()):
        closed = _CLOSED.search(text, start)
        if closed is not None and closed["name"].lower() not in _NEVER:
            yield closed.span("name")


def _signature(text: str) -> Iterator[tuple[int, int]]:
    """A name alone on the last line, or at the end with a kiss: `Siân x`."""
    body = text.rstrip()
    start = body.rfind("\n") + 1
    if start == 0 and "x" not in body:
        return
    if len(body) - start > 50 or _NO_SIGNATURE.search(body, start):
        return
    tokens = list(WORD.finditer(body, start))
    there = [token for token in tokens if token.group() not in _KISSES]
    if not there or len(tokens) > 4 or (start == 0 and len(there) == len(tokens)):
        return
    if all(token.group()[0].isupper() for token in there) and known(there[0].group().lower()):
        yield there[0].start(), there[-1].end()
