"""Values that a conversation repeats: once one is known, it is one wherever it stands again."""

import re
from collections.abc import Iterator, Mapping, Sequence

from data.redact.digits import is_thing
from data.redact.folded import folded
from data.redact.gazetteer import common, first_names, is_word, rare, words
from data.redact.spans import Span

_LONG = 5  # characters of a number that is looked for again
_RUN = re.compile(r"[^\W_]+")  # of letters and digits
_MANY = 500  # values from which each is no longer looked for by itself
_KINDS = ("order_number", "account_number", "phone", "card", "iban", "national_id",
            "tracking_number")  # fmt: skip
Shown = tuple[set[str], dict[str, str]]  # words of names, and values with their kinds


def again(texts: Sequence[str], found: Sequence[Sequence[Span]]) -> list[list[Span]]:
    """What stands in the texts of a conversation that another place of it shows to be private.

    Args:
        texts: The turns.
        found: The spans of each turn.

    Returns:
        Further spans of each turn; they may overlap with known ones.
    """
    told = shown(texts, found)
    return [repeated(text, told) for text in texts]


def shown(texts: Sequence[str], found: Sequence[Sequence[Span]]) -> Shown:
    """What the spans of the texts show to be private."""
    names: set[str] = set()
    values: dict[str, str] = {}
    for text, spans in zip(texts, found, strict=True):
        for start, end, kind in spans:
            value = folded(text[start:end]).lower()
            if kind == "person":
                names |= set(_telling(value))
            elif kind in _KINDS and sum(map(str.isdigit, value)) >= _LONG:
                values[value] = kind
    return names, values


def repeated(text: str, told: Shown) -> list[Span]:
    """Where a text repeats what is told; the spans may overlap."""
    names, values = told
    return _of(folded(text).lower(), names, values) if names or values else []


def denied(texts: Sequence[str], found: Sequence[Sequence[Span]]) -> list[list[Span]]:
    """The spans without orders whose number another place calls a part, a model or an error."""
    values = {
        text[start:end]
        for text, spans in zip(texts, found, strict=True)
        for start, end, kind in spans
        if kind == "order_number"
    }
    lows = [folded(text).lower() for text in texts] if values else []
    kinds = {folded(value).lower(): "order_number" for value in values}
    called = {
        said[start:end]
        for text, said in zip(texts, lows, strict=False)
        for start, end, _ in _numbers(said, kinds)
        if is_thing(text, start)
    }
    things = {value for value in values if folded(value).lower() in called}
    if not things:
        return [list(spans) for spans in found]
    return [
        [
            span
            for span in spans
            if span[2] != "order_number" or text[span[0] : span[1]] not in things
        ]
        for text, spans in zip(texts, found, strict=True)
    ]


def _telling(low: str) -> list[str]:
    """The words of a name, all in lower case, that are hardly ever anything else."""
    if not low.isascii() and any("\u4e00" <= char <= "\u9fff" for char in low):
        return [low] if len(low) > 1 else []
    told = []
    for word in low.replace("-", " ").replace(".", " ").replace('"', " ").split():
        plain = word.removesuffix("'s").removesuffix("’s")
        listed = plain in words("never_names") or plain in words("surname_words")
        usual = common(plain) and plain not in first_names()
        if len(plain) > 2 and not (listed or usual or is_word(plain)):
            told.append(plain)
            if plain.endswith("s") and len(plain) > 4 and rare(plain):
                told.append(plain[:-1])  # a family: `the Quayles`
    return told


def _of(low: str, names: set[str], values: dict[str, str]) -> list[Span]:
    spans = list(_numbers(low, values))
    people = sorted(span for name in names for span in _places(low, name, "person"))
    for start, end, kind in people:
        if spans and spans[-1][2] == kind and low[spans[-1][1] : start] in (" ", "-"):
            spans[-1] = (spans[-1][0], end, kind)
        else:
            spans.append((start, end, kind))
    return spans


def _numbers(low: str, values: Mapping[str, str]) -> Iterator[Span]:
    """Where values stand, as `_places` tells; many of them are looked for in one pass."""
    if len(values) < _MANY:
        for value, kind in values.items():
            yield from _places(low, value, kind)
        return
    by_run: dict[str, list[tuple[str, int]]] = {}
    for value, kind in values.items():
        run = max(_RUN.finditer(value), key=lambda run: len(run.group()), default=None)
        if run is None or "\u4e00" <= value[0] <= "\u9fff":
            yield from _places(low, value, kind)
        else:
            by_run.setdefault(run.group(), []).append((value, run.start()))
    for run in _RUN.finditer(low) if by_run else ():
        for value, ahead in by_run.get(run.group(), ()):
            start, end = run.start() - ahead, run.start() - ahead + len(value)
            inside = (
                low[max(0, start - 1) : max(0, start)].isalnum() or low[end : end + 1].isalnum()
            )
            if start >= 0 and low.startswith(value, start) and not inside:
                yield start, end, values[value]


def _places(low: str, value: str, kind: str) -> list[Span]:
    """Where a value stands as a word of its own; a family's plural is one too."""
    found: list[Span] = []
    start = low.find(value)
    while start >= 0:
        end = start + len(value)
        if kind == "person" and low[end : end + 1] == "s" and not low[end + 1 : end + 2].isalnum():
            end += 1
        han = "\u4e00" <= value[0] <= "\u9fff"
        if han or not (low[start - 1 : start].isalnum() or low[end : end + 1].isalnum()):
            found.append((start, end, kind))
        start = low.find(value, end)
    return found
