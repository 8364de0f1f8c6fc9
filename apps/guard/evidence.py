"""What an answer may rest on: the passages, what the customer said, and an action's facts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from apps.guard.figures import values
from apps.guard.finding import Value
from apps.guard.injected import speaks_to_machine
from apps.guard.marks import Mark, marks
from apps.guard.words import clauses, content
from data import sentences
from data.schema import Passage

_DIGIT = re.compile(r"\d")
Origin = Literal["passage", "said", "fact"]


def hidden(text: str, found: Sequence[Mark]) -> str:
    """The text with marks of the same length in place of links, addresses and codes."""
    for _, _, start, end in found:
        text = text[:start] + "\0" * (end - start) + text[end:]
    return text


@dataclass(frozen=True, slots=True)
class Read:
    """A text taken apart: its marks, its figures, its clauses with their words.

    `held` has the figures and the marks, these as values whose unit is their kind.
    """

    text: str
    marks: list[Mark]
    values: list[Value]
    held: list[Value]
    clauses: list[tuple[int, int, frozenset[str]]]


def read(text: str) -> Read:
    """Take a text apart."""
    found = marks(text)
    figures = values(hidden(text, found))
    as_values = [Value(kind, (form,), kind, start, end) for kind, form, start, end in found]
    held = sorted([*figures, *as_values], key=lambda value: value.start)
    worded = hidden(text, [mark for mark in found if mark[0] != "code"])
    return Read(text, found, figures, held, clauses(worded, held))


@dataclass(frozen=True, slots=True)
class Source:
    """One text that an answer may rest on.

    A question as a passage's title asks, and backs nothing: `told` leaves it out, `words` has it.
    """

    origin: Origin
    told: Read
    words: frozenset[str]
    name: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of them; `plain` is their text together, in lower case."""

    sources: tuple[Source, ...]
    plain: str = field(default="")

    def of(self, *origins: Origin) -> list[Source]:
        """Those of some origins."""
        return [source for source in self.sources if source.origin in origins]


def gather(passages: Sequence[Passage], said: Sequence[str], facts: Mapping[str, str]) -> Evidence:
    """Take all of it apart, but for passages that speak to the machine."""
    found = []
    for passage in passages:
        whole = f"{passage.title}\n{passage.text}"
        if not speaks_to_machine(whole):
            asks = passage.title.rstrip().endswith(("?", "？"))
            told = passage.text if asks else whole
            found.append(Source("passage", read(told), content(whole), title=passage.title))
    found += [Source("said", read(text), content(text)) for text in said]
    found += [
        Source("fact", read(value), content(f"{name.replace('_', ' ')} {value}"), name)
        for name, value in facts.items()
    ]
    plain = "\n".join([*(p.title for p in passages), *(source.told.text for source in found)])
    return Evidence(tuple(found), plain.lower())


def about(evidence: Evidence, answer: Read) -> Evidence:
    """The evidence for an answer: where it names another order, only the facts that name it too."""
    facts = evidence.of("fact")
    own = {
        form
        for fact in facts
        for kind, form, start, end in fact.told.marks
        if kind == "code" and (start, end) == (0, len(fact.told.text)) and "order" in fact.name
    }
    shapes = {_shape(code) for code in own}
    named = {code for code in _codes(answer) if _shape(code) in shapes}
    if not named or named & own:
        return evidence
    left = [source for source in evidence.sources if source.origin != "fact"]
    left += [fact for fact in facts if named & _codes(fact.told)]
    return Evidence(tuple(left), evidence.plain)


def _codes(text: Read) -> set[str]:
    return {form for kind, form, _, _ in text.marks if kind == "code"}


def _shape(code: str) -> str:
    """A code with one sign for all digits: orders are of one shape, tracking numbers of another."""
    return _DIGIT.sub("0", code)


def same(value: Value, other: Value, origin: Origin) -> bool:
    """Whether a value of the answer is the other one of a source, however it is written."""
    if value.unit == other.unit == "weekday" and len(value.keys) > 1 and len(other.keys) > 1:
        return set(value.keys) == set(other.keys)  # Monday to Friday is not Monday to Saturday
    if value.unit == other.unit == "weekday" and len(value.keys) > 1 and origin == "said":
        return False  # asked for one day, and told of several
    if value.kind == "date" or other.kind == "date":
        return value.kind == other.kind and any(
            _same_day(a, b) for a in value.keys for b in other.keys
        )
    if value.unit == other.unit:
        return bool(set(value.keys) & set(other.keys))
    # A bare number may leave out what it counts, and a fact such as `total` its unit.
    bare = not value.unit or (origin == "fact" and not other.unit)
    return bare and value.said is not None and value.said == other.said


def _same_day(first: object, second: object) -> bool:
    if isinstance(first, tuple) and isinstance(second, tuple):
        return all(a is None or b is None or a == b for a, b in zip(first, second, strict=True))
    if isinstance(first, int) and isinstance(second, tuple):
        return _weekday(second) == first
    if isinstance(second, int) and isinstance(first, tuple):
        return False  # a weekday alone backs no day of a month
    return first == second


def _weekday(day: tuple[object, ...]) -> int | None:

    year, month, number = day
    if not (isinstance(year, int) and isinstance(month, int) and isinstance(number, int)):
        return None
    try:
        return date(year, month, number).weekday()
    except ValueError:
        return None


def sentence_of(text: str, value: Value) -> tuple[int, int]:
    """Where the sentence is that holds a value."""
    spans = sentences.spans(text)
    return next(((a, b) for a, b in spans if a <= value.start < b), (0, len(text)))


def words_of(told: Read, value: Value) -> frozenset[str]:
    """The words of the clause that holds a value."""
    for start, end, words in told.clauses:
        if start <= value.start < end:
            return words
    return frozenset()
