"""What a customer's case is, as far as rules turn on it, and whether a passage's rule is for it."""

import re
from dataclasses import dataclass
from decimal import Decimal

from apps.guard.evidence import Evidence
from apps.guard.figures import values
from apps.guard.finding import Value

_FAULT = (
    r"damag\w*|brok\w+|crack\w*|smash\w*|dent\w*|chip(?:s|ped)?\b|shatter\w*|fault\w*|defect\w*"
    r"|wrong (?!size|colou?r)\w+|wrong\b(?! size| colou?r)|missing|left out|(?:not|n['’]?t"
    r"|stopped|no longer) "
    r"(?:work|start|turn|switch|hold|heat|boil)\w*|\bdead\b|leak\w*|torn|scratch\w*|incorrect"
    r"|mistake|not (?:what you|as) ordered|our fault|at fault|坏|碎|破|损|错|故障|漏|缺"
)
_WHIM = (
    r"(?:n['’]?t|not|no longer|never) (?:really )?(?:like|want|need|fit|suit|love|fancy)\w*"
    r"|dislike"
    r"|\bmind\b|unwanted|too (?:small|big|large|wide|long|short|dark|bright|heavy|expensive)"
    r"|(?:ordered|bought|chose|picked|took) (?:the |a )?wrong (?:size|colou?r)|regret"
    r"|不喜欢|不想要|改变主意"
)
_UNUSED = (
    r"\bunused\b|\bunopened\b|\bsealed\b|\bnot (?:been )?(?:used|opened)|\bunspent\b|未使用"
    r"|没拆|未拆"
)
_USED = (
    r"(?<!not )(?<!never )(?<!not been )(?<!un)\b(?:opened|used|worn|slept|washed|cooked"
    r"|wore|open|(?:made|cooked|baked|fried|had) (?:one|two|a|an|my|some|it in) \w+ in)\b"
)
_BEFORE = (
    r"\b(?:until|before|while|as long as|unless)\b[^.;]{0,40}\b(?:dispatch|process|ship"
    r"|sent|leave)\w*"
)
_GONE = (
    r"\b(?:dispatched|shipped|delivered)\b|\b(?:already|been|was|it['’]?s|is) (?:sent|out|gone)\b"
    r"|\b(?:is |it['’]?s )?on (?:its|the) way\b|\barrived\b|\bleft the warehouse\b"
    r"|out for delivery"
)
_FIRST = r"\bfirst order|\bnew customers?\b|\bfirst[- ]time\b|首单|新客"
_LATER = (
    r"\b(?:second|third|2nd|3rd|[4-9]th|another|next|later|existing|regular"
    r"|long[- ]time)\b(?! (?:working )?day)"
    r"|\bnot my first|\bordered before|\b(?:bought|ordered) (?:here|from you) (?:before"
    r"|for years)"
)
_SINGLE = (
    r"\bonce\b(?! (?:it|you|we|the|a|an|your|that|this|they|in|every|per|each|is|has|opened"
    r"|used)\b)"
    r"|\b(?:one-off|single)\b|\bone (?:free )?(?:swap|exchange|change|code)\b"
)
_MORE = (
    r"\b(?:second|third|2nd|3rd|another) (?:swap|time|exchange|change|go\b|one\b|code)|\bagain\b"
    r"|\btwice\b"
    r"|\b(?:already|before) (?:swapped|exchanged|changed)|\b(?:swapped|exchanged) \w+"
    r"(?: \w+){0,2} already"
)
_AXES = tuple(
    (re.compile(needs, re.I), re.compile(other, re.I), why)
    for needs, other, why in (
        (_FAULT, _WHIM, "a passage promises it for faults only"),
        (_UNUSED, _USED, "a passage promises it for unused things only"),
        (_BEFORE, _GONE, "a passage promises it until dispatch only"),
        (_FIRST, _LATER, "a passage promises it once only"),
        (_SINGLE, _MORE, "a passage promises it once only"),
    )
)
_NEGATED = re.compile(
    r"(?:\b(?:not|never|no|until|before|once|after|when|if|unless)|n['’]t)(?: \w+){0,3} ?$", re.I
)
_AGO = re.compile(r"^\s*(?:ago|back|too late|late now)\b", re.I)
_PASSED = re.compile(r"\s*(?:ago|back|now|already|late|and (?:still )?(?:nothing|no|not))\b", re.I)
_COUNTS = re.compile(
    r"\s+(?:after|from|since|past) [^.;]{0,40}\b(?:counts? as|is (?:lost|late))\b", re.I
)
_MINUTES = {"month": 30 * 1440, "working day": 1440}  # a working day takes at least so many
_SPENT = frozenset({"free", "keep"})  # what hangs on how much something costs


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of it: the customer's words, the facts, and the answer that is checked."""

    words: frozenset[str]
    said: str
    answer: str
    figures: tuple[Value, ...]
    claimed: tuple[Value, ...]

    @classmethod
    def of(cls, evidence: Evidence, answer: str) -> "Case":
        """The case that evidence tells of."""
        sources = evidence.of("said", "fact")
        words = frozenset().union(*(source.words for source in sources))
        said = "\n".join(source.told.text for source in sources)
        return cls(words, said, answer, tuple(values(said)), tuple(values(answer)))


def unmet(name: str, clause: str, around: str, case: Case, whole: str = "") -> str:
    """Which condition of a passage's promise the case does not meet; empty where it meets all.

    Args:
        name: Of the promise.
        clause: Of the passage, which holds the promise.
        around: The passage's title and the sentences beside it.
        whole: All passages, where a condition for unused things may stand apart.
        case: What the promise is made for. A condition that the answer states is met.
    """
    for needs, other, why in _AXES:
        wanted = needs.search(clause) or needs.search(around)
        if needs is _AXES[1][0]:
            wanted = wanted or needs.search(whole)
        if wanted and not needs.search(case.answer):
            contrary = _says(other, case.said) and not needs.search(case.said)
            if contrary or _says(other, case.answer):
                return why
    if name in _SPENT:
        why = _spent(clause, case)
        if why:
            return why
    return _late(f"{clause} {around}", case) or _early(f"{around} {clause}", case)


def against(rule: str, case: Case) -> str:
    """Which condition of a rule, used or sent things and the like, the customer's words deny."""
    for needs, other, why in _AXES[1:]:
        if needs.search(rule) and not needs.search(case.answer) and not _says(other, case.answer):
            if _says(other, case.said) and not needs.search(case.said):
                return why
    return ""


def _says(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a text has a pattern without a no or a condition before it."""
    return any(not _NEGATED.search(text[: match.start()]) for match in pattern.finditer(text))


def _spent(clause: str, case: Case) -> str:
    """Why a sum that a promise hangs on is not met, nor said by the answer."""
    for limit in values(clause):
        if limit.kind != "price" or not limit.bound:
            continue
        if any(set(limit.keys) & set(other.keys) for other in case.claimed):
            continue
        bound = amount(limit)
        sums = [amount(other) for other in case.figures if other.kind == "price"]
        if not any(paid >= bound if limit.bound == "up" else paid < bound for paid in sums):
            return "a passage promises it for other sums only"
    return ""


def amount(value: Value) -> float:
    """A price, percentage or span in its unit; dates are none."""
    key = value.keys[0]
    assert isinstance(key, int | float | Decimal)
    return float(key)


def minutes(value: Value) -> float:
    """A span in minutes, whether it is in these, in months or in working days."""
    return amount(value) * _MINUTES.get(value.unit, 1)


def _late(rule: str, case: Case) -> str:
    """Why the customer comes too late for a rule; empty where nothing says so."""
    passed = [
        minutes(value)
        for value in case.figures
        if value.unit in ("minute", "month") and _AGO.match(case.said[value.end : value.end + 12])
    ]
    limits = [
        minutes(value)
        for value in values(rule)
        if value.unit in ("minute", "month")
        and (value.bound == "down" or rule[: value.start].endswith(("for ", "have ")))
    ]
    if passed and limits and max(passed) > max(limits):
        return "a passage promises it for a shorter time"
    return ""


def _early(rule: str, case: Case) -> str:
    """Why a rule that something counts as after a time does not hold yet; empty otherwise."""
    if not case.figures or not _COUNTS.search(rule):
        return ""
    for limit in values(rule):
        after = _COUNTS.match(rule, limit.end)
        if not after or limit.unit not in ("minute", "month", "working day"):
            continue
        if any(limit.unit == value.unit and limit.keys == value.keys for value in case.claimed):
            continue
        if any(
            value.unit == limit.unit and amount(value) < amount(limit)
            for value in case.figures
            if _PASSED.match(case.said, value.end)
        ):
            return "a passage promises it after a longer time"
    return ""
