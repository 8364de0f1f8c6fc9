"""Days that the passages leave out, or on which they say that nobody is there."""

import re

from apps.guard.evidence import Evidence, Read, same, sentence_of
from apps.guard.finding import Value
from apps.guard.promises import says_no

_SHUT = re.compile(
    r"\bclos(?:e|ed|es|ing)\b|\bshut\b|\bday off\b|\bdays off\b|关门|休息|放假", re.I
)
_TIME = re.compile(r"\d:\d\d|\d ?[ap]m\b", re.I)
_MOST_DAYS = 4  # from which on the days that are not named are those left out


def left_out(value: Value, evidence: Evidence) -> bool:
    """Whether the passages' days of the week are all but this one."""
    days = {
        key
        for source in evidence.of("passage")
        for other in source.told.values
        if other.unit == "weekday"
        for key in other.keys
    }
    return len(days) >= _MOST_DAYS and not days & set(value.keys)


def off_day(value: Value, answer: Read, evidence: Evidence) -> bool:
    """Whether it is a day that the passages' days leave out, in a sentence that says no no."""
    first, last = sentence_of(answer.text, value)
    return (
        len(value.keys) == 1
        and not says_no(answer.text[first:last])
        and not _SHUT.search(answer.text[first:last])
        and not answer.text[first:last].endswith("?")
        and not any(
            other.keys == ("today",) and abs(other.start - value.end - 1) <= 1
            for other in answer.values
        )
        and (left_out(value, evidence) or _always_shut(value, evidence))
    )


def _always_shut(value: Value, evidence: Evidence) -> bool:
    """Whether the passages tell of the day only that nobody is there."""
    told = [
        (source.told.text[start:end], other)
        for source in evidence.of("passage")
        for other in source.told.values
        if other.unit == "weekday" and set(value.keys) & set(other.keys)
        for start, end in [sentence_of(source.told.text, other)]
    ]
    return bool(told) and all(
        _SHUT.search(text) and len(other.keys) == 1 and not _TIME.search(text)
        for text, other in told
    )


def shut(value: Value, answer: Read, evidence: Evidence) -> bool:
    """Whether it is a time on a day of which the passages only say that nobody is there."""
    first, last = sentence_of(answer.text, value)
    days = [each for each in answer.values if each.unit == "day" and first <= each.start < last]
    before = [each for each in days if each.start < value.start]
    for day in (before or days)[-1:]:
        told = [
            source.told.text[start:end]
            for source in evidence.of("passage")
            for other in source.told.values
            if other.kind == "date" and same(day, other, "passage")
            for start, end in [sentence_of(source.told.text, other)]
        ]
        if told and all(_SHUT.search(each) and not _TIME.search(each) for each in told):
            return not _SHUT.search(answer.text[first:last])
    return False
