"""Whether a passage or an action makes a promise too, and for this customer's case."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

from apps.guard.actions import VAGUE, Told, by_action, not_announced, reported, retold
from apps.guard.cases import Case, amount, unmet
from apps.guard.evidence import Evidence
from apps.guard.figures import values
from apps.guard.finding import Finding, Value
from apps.guard.promises import MOST, PROMISES, Made, denied, piece, says_no, segment
from apps.guard.topics import TOPICS
from apps.guard.words import content, covered, meaning
from data import sentences

_IF = re.compile(
    r"\b(?:if|when|once|while|unless|until|provided|providing|as long as|as soon as|should|as"
    r"|since|because"
    r"|for (?:an?|the|any|your|all|each|every|\w+ed|items?|orders?|returns?|things?)"
    r"|in case|within|after|where|only|whoever|anyone who|up to|who)\b",
    re.I,
)
_ONLY_IF = re.compile(r"\b(?:if|when|once|unless|until|provided|as long as|should|failing)\b", re.I)
# What a passage must say in the same word: for all cases, or how money is given back.
_SWEEPING = re.compile(
    r"\b(?:always|anyway|all the same|even so|nonetheless|nevertheless|(?:just )?this once"
    r"|on this occasion|one-off|as an exception|used or not|sale item or not|late or not"
    r"|as well(?=[.!])|no matter|in any case|unconditional\w*|automatically|cash|cheque"
    r"|bank transfer"
    r"|bank account|waive[ds]?|store credit|whenever you (?:like|want|wish|please)"
    r"|any ?time(?! (?:of|in|within|until"
    r"|before|between|from|on))|as often as|however (?:long|often|many)|any reason|forever"
    r"|unlimited|regardless|lifelong|lifetime|without (?:any )?(?:limit|conditions?))\b",
    re.I,
)
# Announcing one of these announces what the sentence promises, which is checked by itself.
_TOPICAL = {
    meaning(verb)
    for verb in (
        "refund replace send give get pay offer provide issue credit return arrange swap "
        "exchange "
        "make process grant cover add apply take knock throw waive compensate reimburse match "
        "transfer put have keep guarantee promise ensure deliver dispatch bear absorb honour "
        "organise be reduce collect"
    ).split()
}
_EVER = re.compile(r"\bany ?time\b|\bwhenever\b|\bno deadline\b", re.I)
# How passages speak of what answers have in more definite words.
_SPOKEN = {
    "amends": re.compile(
        r"\b(?:refund|replac|repair|mend|warrant|cover|guarant)\w*|\bthe right one\b", re.I
    ),
    "warranty": re.compile(r"\b(?:warrant|guarant|cover)\w*|保修|质保", re.I),
    "replacement": re.compile(
        TOPICS["replacement"].pattern
        + r"|\b(?:new|fresh|another|second) (?:one|parcel)\b|\bchang(?:e|es|ed|ing)\b",
        re.I,
    ),
    "discount": re.compile(TOPICS["discount"].pattern + r"|\bworth\b|\btaken off\b", re.I),
    "change": re.compile(r"\b(?:cancel|chang|amend|alter|redirect|edit|stop)\w*", re.I),
}
_PLAIN = frozenset(
    {"amends", "warranty", "change", "sweeping"}
)  # of these only what is against them counts
_BACK = frozenset({"refund", "full refund"})  # whose conditions often stand beside
_PAIRS = frozenset({"refund", "replacement"})
_ANYTHING = content("item thing")  # any product is one
_CHINESE = re.compile(r"[\u3400-\u9fff]")
COVERED = 0.3  # of the words of a passage's promise that must be the customer's case
COVERED_PAIRS = 0.1  # of the pairs of Chinese characters
ABOUT_FIGURE = 0.5  # where the passage's promise has the same figure
ABOUT = 0.6  # or of the words that the answer puts the promise in, by the passage's
RETOLD = 0.6  # of a sentence's words that tell a passage's anew
SHARED = 3  # or words of the passage's sentence

_NOT_FOUND = "no passage promises it"
_IN_ANOTHER_CASE = "a passage promises it in another case"
_STRICT = frozenset({"guarantee", "sweeping", "free", "reserve"})

_Read = Callable[[str], Sequence[Value]]  # the figures of a text


@dataclass(frozen=True, slots=True)
class _Asked:
    """A promise of an answer, with what a passage's words are compared with.

    Attributes:
        part: Words of the part of its sentence, between commas, that it is in.
        about: Those of them that are not the promise's own.
        aside: Words of the sentence that are not the promise's own.
        known: Words of the sentence, of the one before it and of the customer's case.
        besides: Names of the other promises of the sentence.
        figures: Of the sentence, by unit.
        conditional: Whether the sentence says for when it holds.
    """

    promise: Made
    part: frozenset[str]
    about: frozenset[str]
    aside: frozenset[str]
    known: frozenset[str]
    besides: frozenset[str]
    figures: set[object]
    conditional: bool


def broken(
    promises: Sequence[Made], text: str, evidence: Evidence, case: Case
) -> Iterator[Finding]:
    """A finding for each promise that neither a passage nor an action makes for this customer."""
    if not promises:
        return
    told = list(_told(evidence))
    read: _Read = cache(values)  # for this check alone: passages may tell of other customers
    for promise in promises:
        why = _unbacked(promise, promises, text, case, evidence, told, read)
        if why:
            start, end = promise.start, promise.end
            yield Finding("promise", text[start:end], start, end, why)


def _told(evidence: Evidence) -> Iterator[Told]:
    for source in evidence.of("passage"):
        whole = source.told.text
        parts = [whole[first:last] for first, last in sentences.spans(whole)]
        for before, part in zip(["", *parts], parts, strict=False):
            if part != source.title:
                yield Told(part, before, source.title)


def _unbacked(
    promise: Made,
    others: Sequence[Made],
    text: str,
    case: Case,
    evidence: Evidence,
    told: Sequence[Told],
    read: _Read,
) -> str:
    """Why nothing makes this promise; empty where something does."""
    if by_action(promise, text, evidence):
        return ""
    if promise.name == "done":
        stands = retold(promise, text, case) or reported(promise, text, told)
        return "" if stands else "no action did it"
    plain = "\n".join(each.text for each in told).lower()
    if _EVER.search(plain):
        plain += (
            " whenever you like whenever you want whenever you wish whenever you please any time"
        )
    for word in _SWEEPING.findall(text[promise.first : promise.last]):
        if word.lower().removesuffix("d") not in plain:
            return f"no passage says {word.lower()}"
    if promise.name == "action":
        part = segment(text, promise)
        beside = any(segment(text, each) == part for each in others if each.name in TOPICS)
        if beside and meaning(promise.verb) in _TOPICAL:
            return ""
        return not_announced(promise, text, case, told)
    why = _unpromised(_asked(promise, others, text, case), case, told, read)
    lenient = why in (_NOT_FOUND, _IN_ANOTHER_CASE) and promise.name not in _STRICT
    return "" if lenient and _retold(promise, text, case, told) else why


def _retold(promise: Made, text: str, case: Case, told: Sequence[Told]) -> bool:
    """Whether the promise's sentence says, in most of its words, what one of a passage does."""
    sentence = text[promise.first : promise.last]
    words = content(sentence) - VAGUE
    return len(words) >= SHARED and any(
        covered(words, content(each.text)) >= RETOLD
        and not says_no(each.text)
        and (not _ONLY_IF.search(each.text) or _ONLY_IF.search(sentence))
        and not unmet(promise.name, each.text, f"{each.before} {each.title}", case)
        for each in told
    )


def _asked(promise: Made, others: Sequence[Made], text: str, case: Case) -> _Asked:
    sentence = text[promise.first : promise.last]
    said, own = content(sentence), content(text[promise.start : promise.end])
    first, last = segment(text, promise)
    part = content(text[first:last])
    before = [text[start:end] for start, end in sentences.spans(text[: promise.first])][-1:]
    besides = {
        each.name for each in others if each.first == promise.first and each.name != promise.name
    } | {each for each in _PAIRS - {promise.name} if PROMISES[each].search(sentence)}
    return _Asked(
        promise,
        part,
        part - own - VAGUE,
        said - own,
        said | case.words | content(" ".join([*before, *besides])),
        frozenset(besides),
        {(value.unit, key) for value in values(sentence) for key in value.keys},
        bool(_IF.search(sentence)),
    )


def _unpromised(asked: _Asked, case: Case, told: Sequence[Told], read: _Read) -> str:
    """Why no passage promises it; of its clauses, the one that is most like the answer's counts."""
    name = asked.promise.name
    pattern = _SPOKEN.get(name, PROMISES[name])
    why, found, backed, against = "", False, 0, 0
    whole = "\n".join(each.text for each in told) if name in _BACK else ""
    for each in told:
        for match in islice(pattern.finditer(each.text), MOST):
            clause = _clause(each.text, match.start())
            words = content(clause)
            if denied(each.text, match.start(), match.end()):
                against = max(against, len(words & (asked.part | case.words)))
                continue
            found = True
            if not _alike(asked, case, match, clause, each, read):
                continue
            lacks = unmet(name, clause, f"{each.before} {each.title}", case, whole)
            why = why or lacks
            if not lacks:
                backed = max(backed, len(words & asked.known) + 1)
    if not found:
        return _NOT_FOUND
    if not backed:
        return why or _IN_ANOTHER_CASE
    return "a passage denies it" if against > backed else ""


def _alike(
    asked: _Asked, case: Case, match: re.Match[str], clause: str, told: Told, read: _Read
) -> bool:
    """Whether what a passage promises something for is what is known of the case."""
    own = content(match.group())
    besides = content(clause) - own - _ANYTHING
    if asked.conditional and (besides | content(told.before)) & asked.aside:
        return True
    if asked.promise.name in _PLAIN or asked.figures & _limits(read(f"{told.before} {told.text}")):
        return True
    pair = asked.besides & _PAIRS
    if pair and all(_SPOKEN.get(each, PROMISES[each]).search(told.text) for each in pair):
        return True  # a choice that the passage gives too
    given = {(value.unit, key) for value in case.figures for key in value.keys}
    figures = read(told.text)
    same_figure = asked.figures & _figures(figures, match.start())
    if same_figure and given & _all_figures(figures):
        return True
    if _meets(case, figures):
        return True
    near = content(piece(told.text, match.start(), match.end()))
    if asked.about and covered(asked.about, near) >= ABOUT:
        return True
    if asked.about and same_figure and covered(asked.about, near) >= ABOUT_FIGURE:
        return True
    enough = COVERED_PAIRS if _CHINESE.search(clause) else COVERED
    if covered(besides, asked.known) >= enough:
        return True
    return len((content(told.text) - own) & asked.known) >= SHARED


def _meets(case: Case, figures: Sequence[Value]) -> bool:
    """Whether a figure of the customer's is above one that a text has something from."""
    return any(
        limit.bound == "up"
        and value.kind == limit.kind
        and value.unit in ("", limit.unit)
        and amount(value) >= amount(limit)
        for limit in figures
        if limit.kind in ("price", "number")
        for value in case.figures
        if value.kind in ("price", "number")
    )


def _all_figures(figures: Sequence[Value]) -> set[object]:
    return {(value.unit, key) for value in figures for key in value.keys}


def _figures(figures: Sequence[Value], at: int) -> set[object]:
    """The figures at whose end a place of their text is, or that it lies in: 20| % off."""
    return {
        (value.unit, key)
        for value in figures
        if value.start <= at <= value.end
        for key in value.keys
    }


def _limits(figures: Sequence[Value]) -> set[object]:
    """Those figures that something hangs on: from £50, under £20, 2 hours."""
    return {
        (value.unit, key)
        for value in figures
        if value.bound or (value.kind == "number" and value.unit)
        for key in value.keys
    }


def _clause(sentence: str, at: int) -> str:
    """The part of a sentence between its semicolons and the like that holds a place."""
    ends = [match.end() for match in re.finditer(r"[;；]|, (?:and|but|or) |\bbut\b", sentence)]
    cuts = [0, *ends, len(sentence)]
    for first, last in zip(cuts, cuts[1:], strict=False):
        if first <= at < last:
            return sentence[first:last]
    return sentence
