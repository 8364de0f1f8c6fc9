"""What an answer allows although a passage says no to it."""

import re
from collections.abc import Iterator

from apps.guard.evidence import Evidence
from apps.guard.finding import Finding
from apps.guard.promises import NO, says_no
from apps.guard.words import content
from data import sentences

_MAY = re.compile(
    r"(?:\b|(?=['’]))(?:can|may|could|will|are able to|is able to|welcome to|possible|allowed"
    r"|fine|okay|ok"
    r"|works?|accept\w*|offers?|covers?|covered|includes?|included|valid|apply|applies|counts?"
    r"|goes?"
    r"|eligible|qualif\w+|entitled|falls? (?:under|within)|go ahead|feel free|do|does|we|yes"
    r"|['’]ll|['’]s|is|are)\b",
    re.I,
)
_UNSURE = re.compile(
    r"\b(?:if|whether|unless|except|sorry|afraid|unfortunately|excluded?|instead|only|just|until"
    r"|too late|refus\w+|would|hope|ask(?:ed|ing)?|avoid|stop\w*|without|hand|please|rather|might"
    r"|out of|lacks?|otherwise|sure you|check|depends?|decides?|no longer|within"
    r"|(?:early|soon) to|(?:may|could|must) (?:well )?have|perhaps|maybe|possibly|probably"
    r"|likely)\b",
    re.I,
)
_CLAUSE = re.compile(
    r"[;:：；]|,? \bbut (?!not\b)| (?:and|but) (?=(?:not|you|we|it|they|the|(?:is|are|does|do|can"
    r"|has|have|will)"
    r" not|cannot)\b)"
    r"|, (?=(?:not|so|and|which|unless|nor)\b)",
    re.I,
)
_BOUND = re.compile(
    r"\b(?:until|unless|before|without|only|need not|do not need|rather than|if|do not wait"
    r"|please"
    r"|do not (?:send|wait|worry|use|put))\b",
    re.I,
)
_BUT = re.compile(
    r"\b(?:everything|anything|all|every\w*|any\w*)(?: \w+){0,3}? (?:but"
    r"|except(?: for)?) (?P<out>[^,.;]+)",
    re.I,
)
_YES_NO = re.compile(r"^(?:no|yes)\b,? ", re.I)
# A no that only tells which thing is meant: a parcel that has not been delivered.
_RELATIVE = re.compile(
    r"\b(?:that|which|who) (?:\w+ )?(?:(?:has|have|is|are|was|were|do|does|did|can|could) not"
    r"|\w+n['’]t|cannot|no longer)\b",
    re.I,
)
_SUBJECTS = re.compile(
    r"^(?P<one>[\w -]{3,30}) (?:and|or) (?P<other>[\w -]{3,30})(?P<no> (?:is|are|do|does|can|will"
    r"|may|have)"
    r"(?: not|n['’]t)\b[^.;]*)",
    re.I,
)
_COMFORT = re.compile(r"\b(?:do not|don['’]t) worry\b|\bno (?:problem|worries|trouble)\b", re.I)
_OPEN = re.compile(r"\bdecides? whether to (?P<open>[^,.;]+)", re.I)
_EMPTY = content(
    "anything something everything things still also yes course really afterwards though well"
)
SHARED = 2  # words of a denial that an answer must share
COVERED = 0.6  # of the denial's words, or of the answer's


def allowed(text: str, evidence: Evidence) -> Iterator[Finding]:
    """A finding for each sentence that allows what a passage denies.

    Of the passages' clauses, the one that shares most words with the sentence must say no, and
    share most of its own words or of the sentence's.
    """
    no, yes = clauses_told(evidence)
    if not no:
        return
    case = frozenset().union(*(source.words for source in evidence.of("said", "fact")))
    for first, last in sentences.spans(text):
        sentence = text[first:last]
        plain = _COMFORT.sub("", _YES_NO.sub("", sentence))
        if plain.endswith(("?", "？")) or NO.search(plain) or _UNSURE.search(plain):
            continue
        words = content(plain) - _EMPTY
        if not _MAY.search(plain) or not words:
            continue
        against = max((_score(words, case, denied) for denied in no), default=0.0)
        if against and against > max((_weight(words, told, words) for told in yes), default=0.0):
            yield Finding("promise", sentence, first, last, "a passage denies it")


def _apart(match: re.Match[str]) -> str:
    """Two subjects of one no, each with it: A and B are not sent."""
    return f"{match['one']}{match['no']}; {match['other']}{match['no']}"


def _score(words: frozenset[str], case: frozenset[str], denied: frozenset[str]) -> float:
    """How much an answer and a denial share; 0 where they are about different things."""
    shared = words & denied
    if not shared:
        return 0
    alike = len(denied & (words | case)) >= COVERED * len(denied) or len(shared) >= COVERED * len(
        words
    )
    count = len(shared | (denied & case))
    return _weight(words, denied, words | case) if alike and count >= SHARED else 0


def _weight(words: frozenset[str], told: frozenset[str], known: frozenset[str]) -> float:
    """The number of words that an answer shares with a clause, by the share of it that is known."""
    return len(words & told) * len(told & known) / len(told)


def clauses_told(evidence: Evidence) -> tuple[list[frozenset[str]], list[frozenset[str]]]:
    """The words of each clause of the passages that says no, and of each other one."""
    no: list[frozenset[str]] = []
    yes: list[frozenset[str]] = []
    for source in evidence.of("passage"):
        text = source.told.text
        for first, last in sentences.spans(text):
            sentence = text[first:last]
            if sentence == source.title:
                continue
            left = _BUT.search(sentence)
            if left:
                no.append(content(left["out"]) - _EMPTY)
                sentence = sentence.replace(left.group(), "")
            sentence = _SUBJECTS.sub(_apart, sentence)
            for whole in _CLAUSE.split(_YES_NO.sub("", sentence)):
                words = content(whole) - _EMPTY
                undecided = _OPEN.search(whole)
                if undecided:
                    no.append(content(undecided["open"]) - _EMPTY)
                if not words:
                    continue
                if not says_no(_RELATIVE.sub(" ", whole)):
                    yes.append(words)
                elif not _BOUND.search(whole):
                    no.append(words)
    return no, yes
