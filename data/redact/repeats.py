"""Values that a conversation repeats: once one is known, it is one wherever it stands again."""

from collections.abc import Sequence

from data.redact.digits import is_thing
from data.redact.folded import folded
from data.redact.gazetteer import common, first_names, is_word, rare, words
from data.redact.spans import Span

_LONG = 5  # characters of a number that is looked for again
_NUMBERS = ("order_number", "account_number", "phone", "card", "iban", "national_id",
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
            elif kind in _NUMBERS and sum(map(str.isdigit, value)) >= _LONG:
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
    things = {value for value in values if _called_a_thing(texts, lows, value)}
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


def _called_a_thing(texts: Sequence[str], lows: Sequence[str], value: str) -> bool:
    low = folded(value).lower()
    return any(
        is_thing(text, start)
        for text, said in zip(texts, lows, strict=True)
        if low in said
        for start, _, _ in _places(said, low, "order_number")
    )


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
    spans = [span for value, kind in values.items() for span in _places(low, value, kind)]
    people = sorted(span for name in names for span in _places(low, name, "person"))
    for start, end, kind in people:
        if spans and spans[-1][2] == kind and low[spans[-1][1] : start] in (" ", "-"):
            spans[-1] = (spans[-1][0], end, kind)
        else:
            spans.append((start, end, kind))
    return spans


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
