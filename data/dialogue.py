"""Values a model must not make up: out of the texts before it reads them, back in when it wrote.

Numbers, links, addresses and marked entities stand in a conversation, in a passage or among the
facts. A model that writes sees and writes placeholders for them, such as `{order_number}`; what it
wrote is filled with the values of this conversation, and with no others.

Source: delexicalisation, Wen et al. 2015, https://aclanthology.org/D15-1199
"""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, product

from data.schema import Entity, Example, Passage, Situation, Turn

VALUE = re.compile(
    r"(?:https?://|www\.)\S*[\w/]"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[A-Za-z]+[-_]?)?\d(?:[\w.,:/-]*\w)?"
)
PLACEHOLDER = re.compile(r"\{\s*([^{}]{1,60}?)\s*\}")
_LONG = 60  # characters of a fact that is a text to read rather than a value to name
_SHOWN, _NAMED = 40, 35  # characters of a placeholder's name, and of a name before a letter
_NO_VALUES = {"true", "false", "none", "yes", "no"}


@dataclass(frozen=True, slots=True)
class Hidden:
    """A Situation without its values.

    `turns` are (speaker, text), `facts` (name, placeholder, value or text), `passages` texts with
    their titles; `values` are by placeholder, `known` the placeholders by lower-case value. `step`
    is the situation's, empty where it has none.
    """

    turns: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str, str], ...]
    passages: tuple[str, ...]
    values: Mapping[str, str]
    known: Mapping[str, str]
    step: str = ""


def hide(situation: Situation) -> Hidden:
    """Put placeholders in the place of the situation's values.

    A fact's is its name, an entity's its type; other values are lettered, the latest turn's first,
    so that a long history does not change what they are called.
    """
    names = _Names()
    facts = [(name, " ".join(value.split())) for name, value in situation.facts.items()]
    short = [(name, value) for name, value in facts if 0 < len(value) <= _LONG]
    for name, value in short:
        if len(value) > 2 or VALUE.fullmatch(value):
            if value.lower() not in _NO_VALUES:
                names.give(value, name)
    turns = [_named(turn, names) for turn in reversed(situation.turns)]
    # Facts were named first, and they alone may stand for words without a digit.
    shown = tuple((name, names.of(value), value) for name, value in short)
    long = tuple((name, "", _lettered(value, names)) for name, value in facts if len(value) > _LONG)
    passages = tuple(_lettered(_whole(passage), names) for passage in situation.passages)
    return Hidden(
        tuple(reversed(turns)),
        shown + long,
        passages,
        dict(names.values),
        dict(names.known),
        situation.step or "",
    )


def hide_in_answer(answer: str, hidden: Hidden, entities: Sequence[Entity] = ()) -> str | None:
    """The answer with placeholders for its values; None where nothing shows one of them.

    Args:
        answer: What an agent wrote.
        hidden: What it was written from.
        entities: Marked in the answer: values, whatever they are made of.
    """
    found = _known_values(answer, hidden.known)
    taken = list(found)
    for start, end in [*((each.start, each.end) for each in entities), *_spans(VALUE, answer)]:
        if not any(start < right and left < end for left, right, _ in taken):
            placeholder = hidden.known.get(answer[start:end].lower())
            if placeholder is None:
                return None
            taken.append((start, end, placeholder))
    return _put(answer, taken)


def fill(text: str, values: Mapping[str, str]) -> str | None:
    """The text with the values of its placeholders; None where one has none.

    Case, blanks and underscores of a placeholder do not count: models split words.
    """
    by_key = {_key(placeholder): value for placeholder, value in values.items()}
    unknown = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal unknown
        value = by_key.get(_key(match[1]))
        unknown = unknown or value is None
        return value or ""

    filled = PLACEHOLDER.sub(value_of, text)
    return None if unknown else filled


def situations(turns: Sequence[Turn]) -> Iterator[tuple[int, Situation]]:
    """The place of each agent turn that follows a customer's, and what it was written from.

    Its action is the situation's step.
    """
    for place, turn in enumerate(turns):
        if turn.speaker == "agent" and place > 0 and turns[place - 1].speaker == "customer":
            yield place, Situation(tuple(turns[:place]), turn.passages, turn.facts, turn.action)


def hidden_example(example: Example) -> tuple[Hidden, str | None]:
    """An Example's situation and answer, both without values."""
    assert example.situation is not None
    assert example.answer is not None
    hidden = hide(example.situation)
    return hidden, hide_in_answer(example.answer, hidden, example.entities)


class _Names:
    """Placeholders in the order in which they were asked for."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.known: dict[str, str] = {}
        self._keys: set[str] = set()
        self._letters = _letters()

    def give(self, value: str, name: str | None) -> str:
        """The placeholder of a value, a new one where it has none yet."""
        low = value.lower()
        if low in self.known:
            return self.known[low]
        placeholder = _braced(name) if name else _braced(next(self._letters))
        while _key(placeholder) in self._keys:
            letter = next(self._letters)
            # Two that are cut after as many letters must still differ.
            placeholder = _braced(
                f"{name[: _SHOWN - len(letter) - 1]} {letter}" if name else letter
            )
        self._keys.add(_key(placeholder))
        self.values[placeholder] = value
        self.known[low] = placeholder
        return placeholder

    def of(self, value: str) -> str:
        """The placeholder of a value, nothing where it has none."""
        return self.known.get(value.lower(), "")


def _braced(name: str) -> str:
    return "{" + re.sub(r"[{}\s]+", " ", name).strip()[:_SHOWN] + "}"


def _letters() -> Iterator[str]:
    """`a` to `z`, `aa`, `ab`, and so on, without end."""
    for length in count(1):
        yield from map("".join, product(string.ascii_lowercase, repeat=length))


def _named(turn: Turn, names: _Names) -> tuple[str, str]:
    taken = [(e.start, e.end, names.give(e.text, e.type)) for e in turn.entities if _is_value(e)]
    for start, end in _spans(VALUE, turn.text):
        if not any(start < right and left < end for left, right, _ in taken):
            taken.append((start, end, names.give(turn.text[start:end], None)))
    return turn.speaker, _put(turn.text, taken)


def _is_value(entity: Entity) -> bool:
    """Whether an entity is somebody's own, or a number: a product's name is a word like others."""
    return entity.type != "product" or any(char.isdigit() for char in entity.text)


def _lettered(text: str, names: _Names) -> str:
    return _put(text, [(s, e, names.give(text[s:e], None)) for s, e in _spans(VALUE, text)])


def _whole(passage: Passage) -> str:
    return f"{passage.title}. {passage.text}" if passage.title else passage.text


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]


def _known_values(answer: str, known: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """Where known values stand in the answer, the longest first, none inside another."""
    taken: list[tuple[int, int, str]] = []
    low = answer.lower()
    for value in sorted(known, key=len, reverse=True):
        start = low.find(value)
        while start >= 0:
            end = start + len(value)
            whole = not _joined(low, start, end)
            if whole and not any(start < right and left < end for left, right, _ in taken):
                taken.append((start, end, known[value]))
            start = low.find(value, end)
    return taken


def _joined(text: str, start: int, end: int) -> bool:
    """Whether what stands there goes on to the left or right, as 12 does in 512 or in 12.50."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    more = after in ".,:" and end + 1 < len(text) and text[end + 1].isdigit()
    return before.isalnum() or after.isalnum() or (text[end - 1].isdigit() and more)


def _put(text: str, spans: Sequence[tuple[int, int, str]]) -> str:
    pieces, place = [], 0
    for start, end, placeholder in sorted(spans):
        pieces += [text[place:start], placeholder]
        place = end
    return "".join([*pieces, text[place:]])


def _key(placeholder: str) -> str:
    return re.sub(r"[\s_{}]", "", placeholder).lower()
