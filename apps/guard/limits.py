"""Limits and exclusions of the passages' rules that a customer's case is beyond."""

import re
from collections.abc import Iterator
from dataclasses import replace

from apps.guard.cases import Case, amount, minutes
from apps.guard.evidence import Evidence, Source, same, sentence_of
from apps.guard.finding import Value
from apps.guard.words import content

_ELAPSED_AFTER = re.compile(
    r"\s*(?:\w+ ){0,2}?(?:ago|back|now|already|late|later|since|old|have (?:gone|passed)|passed"
    r"|gone"
    r"|over(?:due)?|too late|and (?:still )?(?:no|nothing|not)|without)\b",
    re.I,
)
_ELAPSED_BEFORE = re.compile(
    r"(?:\b(?:it['’]?s been|been|for|after|waited|waiting|had (?:it|them|this) (?:for )?|since|past"
    r"|within|already|over|more than|almost|nearly|about)\s*)$",
    re.I,
)
_NEEDED_BEFORE = re.compile(r"\b(?:when|after|once|only after|past)\s*$", re.I)
_NEEDED_AFTER = re.compile(r"\s+(?:have (?:passed|gone)|after dispatch|since dispatch)\b", re.I)
_BOTH_ENDS = 2  # times of a passage that leave out what is before and after
_REPORT = re.compile(r"\b(?:within|in the first|up to|have|has)\s*$", re.I)
_LISTED_OUT = re.compile(
    r"(?P<items>[^.;:]+?) (?:is|are) (?:excluded|not covered|not included|left out|exempt)\b"
    r"|\b(?:does not|do not|doesn['’]t|don['’]t|not|never) (?:cover|include|hold for|apply to"
    r"|extend to"
    r"|offered (?:to|in|for)|deliver to|cover for|valid (?:for|on)|work (?:for|on)|available (?:in"
    r"|for))"
    r" (?P<after>[^.;]+)"
    r"|\b(?:except|excluding|apart from|but not|other than) (?:for |to |in |on )?"
    r"(?P<except>[^.;]+)",
    re.I,
)
# Of a sentence that has a rule for what is beyond its limit too.
_OTHERS = re.compile(
    r"\b(?:(?:for|the|all|any) (?:others|rest|other \w+)|otherwise|or else"
    r"|(?:above|below|over|under|beyond|after) that)\b",
    re.I,
)
_IF = re.compile(r"\b(?:if|when|once|where|until)\b", re.I)
_STOP = re.compile(r"[.;!?]\s")
_GENERAL = content("use damage part item product order parcel")
_AND = re.compile(r"\s*(?:and|or|,|/)\s*")
_ITEMS = re.compile(r",|\band\b|\bor\b", re.I)
_SPAN = ("minute", "month")


def over_limits(answer: str, evidence: Evidence, case: Case) -> str:
    """Why the customer's figures are beyond a limit that the answer does not say."""
    asked = evidence.of("said")
    if not asked:
        return ""
    known = content(answer) | asked[-1].words
    limits = [
        limit
        for source in evidence.of("passage")
        for limit, words in _limits_of(source)
        if words & known
    ]
    if any(same(limit, other, "passage") for limit in limits for other in case.claimed):
        return ""
    if _too_early(evidence, case, known) or _outside_hours(evidence, case):
        return "the case is not within a passage's limit"
    for value in case.figures:
        against = [_beyond(value, limit, case.said) for limit in limits if _alike(value, limit)]
        if against and all(against):
            return "the case is beyond a passage's limit"
    return ""


def _too_early(evidence: Evidence, case: Case, known: frozenset[str]) -> bool:
    """Whether a rule holds after a time that the customer says has not passed."""
    needed = [
        value
        for source in evidence.of("passage")
        for value in source.told.values
        if value.unit in (*_SPAN, "working day")
        and (
            _NEEDED_BEFORE.search(source.told.text[: value.start])
            or _NEEDED_AFTER.match(source.told.text, value.end)
        )
        and source.words & known
    ]
    passed = [
        value
        for value in case.figures
        if value.unit in (*_SPAN, "working day") and _elapsed(value, case.said)
    ]
    if not needed or any(
        same(value, other, "passage") for value in needed for other in case.claimed
    ):
        return False
    return any(all(minutes(value) < minutes(each) for each in needed) for value in passed)


def _outside_hours(evidence: Evidence, case: Case) -> bool:
    """Whether the answer takes up a time that all times of the passages leave out."""
    told = [
        key
        for source in evidence.of("passage", "fact")
        for value in source.told.values
        if value.kind == "time"
        for key in value.keys
        if isinstance(key, int)
    ]
    asked = {key for value in case.figures if value.kind == "time" for key in value.keys}
    return len(told) >= _BOTH_ENDS and any(
        value.kind == "time"
        and all(isinstance(key, int) and not min(told) <= key <= max(told) for key in value.keys)
        for value in case.claimed
        if set(value.keys) & asked
    )


def _elapsed(value: Value, said: str) -> bool:
    """Whether a span is what has passed since something."""
    return bool(
        _ELAPSED_AFTER.match(said, value.end) or _ELAPSED_BEFORE.search(said[: value.start])
    )


def _alike(value: Value, limit: Value) -> bool:
    """Whether the two are counted in the same."""
    both = {value.unit, limit.unit}
    return value.kind == limit.kind and (len(both) == 1 or both <= set(_SPAN))


def _limits_of(source: Source) -> Iterator[tuple[Value, frozenset[str]]]:
    text = source.told.text
    before: Value | None = None
    for value in source.told.values:
        if before and before.bound and _AND.fullmatch(text, before.end, value.start):
            value = replace(value, bound=value.bound or before.bound)
        before = value
        if value.kind not in ("number", "price"):
            continue
        if value.unit in _SPAN and not _REPORT.search(text[: value.start]):
            continue
        if value.unit not in _SPAN and not value.bound:
            continue
        first, last = sentence_of(text, value)
        if _OTHERS.search(text, first, last):
            continue
        yield value, content(text[first:last]) | content(source.title)


def _beyond(value: Value, limit: Value, said: str) -> bool:
    if value.unit in _SPAN and limit.unit in _SPAN:
        return _elapsed(value, said) and minutes(value) > minutes(limit)
    mine, theirs = amount(value), amount(limit)
    return mine > theirs if limit.bound == "down" else mine < theirs


def excluded(answer: str, evidence: Evidence) -> str:
    """Whether the case has what a passage's list of exceptions names."""
    asked = evidence.of("said")
    words = frozenset().union(*(each.words for each in asked)) | content(answer)
    for source in evidence.of("passage"):
        for match in _LISTED_OUT.finditer(source.told.text):
            if _IF.search(_STOP.split(source.told.text[: match.end()])[-1]):
                continue
            subject = content(_STOP.split(source.told.text[: match.start()])[-1])
            if subject and not subject & (words | content(source.title)):
                continue
            for item in _ITEMS.split(next(group for group in match.groups() if group)):
                meant = content(item)
                if meant - _GENERAL and meant - _GENERAL <= words:
                    return "a passage leaves it out"
    return ""
