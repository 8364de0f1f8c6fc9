"""Whether a figure stands in the sources, and there belongs to what the answer says it of."""

import re
from collections.abc import Iterator

from apps.guard.days import left_out, off_day, shut
from apps.guard.evidence import Evidence, Origin, Read, Source, same, sentence_of, words_of
from apps.guard.figures import values
from apps.guard.finding import Finding, Value
from apps.guard.marks import holds_code
from apps.guard.rivals import asked_of_another, below_tier, of_tier
from apps.guard.roles import another_fact
from apps.guard.words import content
from data import sentences

_FREE = re.compile(r"\bfree\b|\bnothing\b|\bno charge\b", re.I)
_OFFERS = re.compile(
    r"\b(?:you(?:['’]ll| will| can| could| may)?|yours|let you|(?:we|I)(?:['’]ll| will| can"
    r"| could))"
    r" (?:have|get|take|buy|pay|sell|do|make|charge|for)\b",
    re.I,
)
_BESIDE = 25  # characters from a limit to what holds beyond it
_BUT = re.compile(
    r"\b(?:except|but not|closed|apart from|not|other than|besides|(?:any|every|all|each) (?:\w+ )?"
    r"(?:but|bar|save))(?: \w+){0,2} $",
    re.I,
)
# Words that say the other side of a limit too.
_BOTH = re.compile(r"\b(?:above|below|over|under|beyond) that\b|\botherwise\b|\bor else\b", re.I)
_AHEAD = re.compile(r"(?: or (?:more|earlier))? (?:before|ahead|in advance|prior|earlier)\b", re.I)
_CHINESE = re.compile(r"[\u3400-\u9fff]")  # whose pairs of characters overlap
_STOP = re.compile(r"[,;:，；：。—]|[.!?](?=\s|$)")


def unbacked(
    answer: Read,
    evidence: Evidence,
    sentences_promised: list[tuple[int, int]],
    parts_promised: list[tuple[int, int]],
) -> Iterator[Finding]:
    """A finding for each figure that no source holds, or holds of something else.

    For sentences that promise, the customer's words back no money, and for the parts of them that
    hold the promise, no figure at all.
    """
    asked = [
        (start, end)
        for start, end in sentences.spans(answer.text)
        if answer.text[start:end].endswith(("?", "？"))
    ]
    for value in answer.values:
        if (
            value.unit == "weekday"
            and _BUT.search(answer.text[: value.start])
            and left_out(value, evidence)
        ):
            continue
        if value.unit == "weekday" and off_day(value, answer, evidence):
            text = answer.text[value.start : value.end]
            yield Finding("date", text, value.start, value.end, "the sources have other days")
            continue
        if value.unit == "relative" and (_within(value, asked) or _beside_its_day(value, answer)):
            continue
        money = value.kind in ("price", "percentage")
        inside = _within(value, sentences_promised if money else parts_promised)
        inside = inside or (value.kind == "price" and _offered(value, answer))
        inside = inside and (money or value.unit != "")  # how many the customer wants, they say
        origins: tuple[Origin, ...] = ("passage", "fact") if inside else ("passage", "fact", "said")
        why = _missing(value, answer.text, evidence, origins) or _elsewhere(
            value, answer, evidence, origins
        )
        if why:
            text = answer.text[value.start : value.end]
            yield Finding(value.kind, text, value.start, value.end, why)
    for kind, form, start, end in answer.marks:
        why = _elsewhere(
            Value(kind, (form,), kind, start, end), answer, evidence, ("passage", "fact", "said")
        )
        if why:
            yield Finding(kind, answer.text[start:end], start, end, why)


def _beside_its_day(value: Value, answer: Read) -> bool:
    """Whether it is today that is said to be a day of the week, which is checked itself."""
    return value.keys == ("today",) and any(
        other.unit == "weekday" and abs(other.end + 1 - value.start) <= 1 for other in answer.values
    )


def _offered(value: Value, answer: Read) -> bool:
    """Whether it is a price that the customer may have something for."""
    first, _ = sentence_of(answer.text, value)
    return bool(_OFFERS.search(_STOP.split(answer.text[first : value.start])[-1]))


def _within(value: Value, spans: list[tuple[int, int]]) -> bool:
    return any(start <= value.start < end for start, end in spans)


def _missing(value: Value, answer: str, evidence: Evidence, origins: tuple[Origin, ...]) -> str:
    sources = [each for each in evidence.of(*origins) if not _of_another(each, answer, evidence)]
    backing = [
        other for each in sources for other in each.told.values if same(value, other, each.origin)
    ]
    if not backing:
        units = {
            other.unit
            for each in sources
            for other in each.told.values
            if other.kind == value.kind == "number" and other.unit != value.unit
        }
        return f"no source says it{' in that unit' if units and value.unit else ''}"
    if _BOTH.search(answer):
        return ""
    ahead = _AHEAD.match(answer, value.end)
    opposite = {"up": "down", "down": "up"}.get(value.bound)
    if opposite and not ahead and all(other.bound == opposite for other in backing):
        if _other_side(value, answer, evidence):
            return ""
        return "the sources set the limit the other way round"
    return ""


def _other_side(value: Value, answer: str, evidence: Evidence) -> bool:
    """Whether it is told what holds beyond the limit: under £50 it is £3.95, another price."""
    first, last = sentence_of(answer, value)
    return not _FREE.search(_STOP.split(answer[value.end : last])[0]) and any(
        other is not value
        and other.kind == value.kind == "price"
        and 0 < other.start - value.end < _BESIDE
        and any(same(other, x, "passage") for s in evidence.of("passage") for x in s.told.values)
        for other in values(answer)
        if first <= other.start < last and other.start != value.start
    )


def _elsewhere(value: Value, answer: Read, evidence: Evidence, origins: tuple[Origin, ...]) -> str:
    """Why the figure is said of something else; empty where it is not.

    Of the clauses of the passages that hold a figure of its unit, the one that shares most words
    with the answer's clause should hold this one. A figure that the clause says as well is no
    rival, nor is one with none of the words around this one.
    """
    told = any(
        same(value, other, "passage") and (other.unit == value.unit or value.kind == "date")
        for source in evidence.of("passage")
        for other in source.told.held
    )
    if any(
        same(value, other, source.origin)
        for source in evidence.of(*origins)
        if source.origin == "fact" or (source.origin == "said" and not told)
        if not _of_another(source, answer.text, evidence)
        for other in source.told.held
    ):
        return "" if told else another_fact(value, answer, evidence)
    if value.kind == "time" and shut(value, answer, evidence):
        return "the sources say that day is shut"
    if _torn(value, answer, evidence):
        return "the sources say it with another figure"
    words = words_of(answer, value)
    mark = value.unit == value.kind
    beside = [other for other in answer.held if words_of(answer, other) is words]
    near = words if mark else _near(answer, value)
    mine: list[frozenset[str]] = []
    rivals: list[tuple[frozenset[str], int]] = []
    for source in evidence.of("passage"):
        for other in source.told.held:
            shared = words & words_of(source.told, other)
            if same(value, other, "passage"):
                shared |= words & of_tier(source.told, other)
                mine.append(shared | _companions(value, answer, source.told, other))
            elif (other.unit == value.unit or value.kind == other.kind == "date") and not any(
                same(each, other, "passage") for each in beside
            ):
                theirs = _near(source.told, other) or words_of(source.told, other)
                theirs = shared if mark else theirs
                shared |= _companions(value, answer, source.told, other, days=True)
                rivals.append((shared, len(near & theirs)))
    best = max((len(shared) for shared in mine), default=0)
    for rival, distance in rivals:
        latin = any(not _CHINESE.search(word) for word in rival)
        more = len(rival) - best > (1 if not latin and _CHINESE.search(answer.text) else 0)
        if more and distance and all(rival - shared for shared in mine):
            return "the sources say it of something else"
    return below_tier(value, answer, evidence) or asked_of_another(value, answer, evidence)


def _of_another(source: Source, answer: str, evidence: Evidence) -> bool:
    """Whether a fact is about another order than the answer: it has a code that is not said."""
    codes = {form for kind, form, _, _ in source.told.marks if kind == "code"}
    if source.origin != "fact" or not codes or any(holds_code(answer, each) for each in codes):
        return False
    return any(
        kind == "code"
        for other in evidence.of("fact")
        if other is not source
        for kind, _, _, _ in other.told.marks
    )


def _companions(
    value: Value, answer: Read, told: Read, other: Value, *, days: bool = False
) -> frozenset[str]:
    """The other figures, or days alone, that both the value's and the other's sentence have."""
    first, last = sentence_of(answer.text, value)
    start, end = sentence_of(told.text, other)
    return frozenset(
        f"{each.kind} {each.keys[0]}"
        for each in answer.values
        if (each.kind == "date" or not days) and first <= each.start < last and each is not value
        if any(same(each, x, "passage") for x in told.values if start <= x.start < end)
    )


def _torn(value: Value, answer: Read, evidence: Evidence) -> bool:
    """Whether the sources put another figure of its unit to one that its clause says as well."""
    words = words_of(answer, value)
    companions = [
        other
        for other in answer.values
        if other is not value and other.unit != value.unit and words_of(answer, other) is words
    ]
    clauses = [
        [other for other in source.told.held if start <= other.start < end]
        for source in evidence.of("passage")
        for start, end, _ in source.told.clauses
    ]
    for companion in companions:
        beside = [
            held
            for held in clauses
            if any(same(companion, x, "passage") and x.unit != value.unit for x in held)
        ]
        if any(same(value, other, "passage") for held in beside for other in held):
            continue
        if any(other.unit == value.unit for held in beside for other in held):
            return True
    return False


def _near(told: Read, value: Value) -> frozenset[str]:
    """What the words around a figure mean, up to the next comma on both sides."""
    before = _STOP.split(told.text[: value.start])[-1]
    after = _STOP.split(told.text[value.end :], maxsplit=1)[0]
    return content(f"{before} {after}")
