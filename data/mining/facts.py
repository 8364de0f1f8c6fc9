"""Answers that contradict each other: the same thing said with another number, date or amount."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.pairs import merged
from data.redact.spans import PLACEHOLDER
from data.schema import Conversation, Turn

ALIKE = 0.72  # cosine of two sentences that say something about the same thing
SHOWN = 200  # contradictions that are given, the most frequent questions first
BLOCK = 2000  # sentences that are compared with all others at once
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|[.!?](?=\S))+")
_SMALL = "one two three four five six seven eight nine ten eleven twelve".split()
_NUMBER_WORDS = {word: number for number, word in enumerate(_SMALL, start=1)} | {
    "fourteen": 14, "fifteen": 15, "twenty": 20, "thirty": 30, "sixty": 60, "ninety": 90,
}  # fmt: skip
_UNITS = {
    "day": "day", "days": "day", "week": "week", "weeks": "week", "month": "month",
    "months": "month", "year": "year", "years": "year", "hour": "hour", "hours": "hour",
    "minute": "minute", "minutes": "minute", "%": "%", "percent": "%", "points": "point",
    "天": "day", "小时": "hour", "周": "week", "个月": "month", "年": "year", "元": "money",
}  # fmt: skip
_FACT = re.compile(
    rf"(?P<money>[£$€¥])\s?(?P<amount>\d[\d,]*(?:\.\d+)?)"
    rf"|\b(?P<number>\d+(?:\.\d+)?|{'|'.join(_NUMBER_WORDS)})[ -]?"
    r"(?:(?:more |full |working |business |calendar |extra )*)(?P<unit>"
    rf"{'|'.join(sorted(map(re.escape, _UNITS), key=len, reverse=True))})(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of an agent: where, what, and its numbers by unit."""

    conversation: str
    turn: int
    text: str
    facts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two sentences about the same thing with different numbers of the same unit.

    `traffic` is the number of conversations in which something alike is said.
    """

    first: Said
    second: Said
    unit: str
    traffic: int


def contradictions(log: Sequence[Conversation], encoder: Encoder) -> list[Contradiction]:
    """Answers that contradict each other, those on frequent questions first.

    For each sentence the most similar one with another number of the same unit is taken, if it is
    at least ALIKE and closer than chance would have it: none of the two is explained by the other
    (`express 1 day, standard 3 days` has both).

    Args:
        log: Conversations, redacted.
        encoder: Turns sentences into vectors.
    """
    said = [each for conversation in log for each in _said(conversation)]
    if len(said) < 2:
        return []
    # Without its numbers a sentence is what it is about.
    vectors = encoder.encode([_FACT.sub("#", each.text) for each in said])
    found: list[Contradiction] = []
    taken: set[frozenset[str]] = set()
    for begin in range(0, len(said), BLOCK):
        near = vectors[begin : begin + BLOCK] @ vectors.T
        for place, row in enumerate(near):
            each = _against(said, begin + place, row)
            if each is None:
                continue
            pair = frozenset((each.first.text, each.second.text))
            if pair not in taken:
                taken.add(pair)
                found.append(each)
    found.sort(key=lambda each: (-each.traffic, each.first.conversation, each.first.turn))
    return found[:SHOWN]


def _against(said: Sequence[Said], number: int, near: NDArray[np.float32]) -> Contradiction | None:
    mine = said[number]
    alike = np.flatnonzero(near >= ALIKE)
    traffic = len({said[int(other)].conversation for other in alike})
    for other in alike[np.argsort(-near[alike])]:
        theirs = said[int(other)]
        if theirs.conversation == mine.conversation and theirs.turn == mine.turn:
            continue
        for unit in {unit for unit, _ in mine.facts} & {unit for unit, _ in theirs.facts}:
            ours = {value for of, value in mine.facts if of == unit}
            others = {value for of, value in theirs.facts if of == unit}
            if not ours & others:
                return Contradiction(mine, theirs, unit, traffic)
    return None


def _said(conversation: Conversation) -> Iterator[Said]:
    turns: list[Turn] = merged(conversation.turns)
    for place, turn in enumerate(turns):
        if turn.speaker != "agent":
            continue
        for match in _SENTENCE.finditer(turn.text):
            text = match.group().strip()
            facts = tuple(facts_of(text))
            if facts and len(text.split()) >= 4 and not PLACEHOLDER.fullmatch(text):
                yield Said(conversation.id, place, text, facts)


def facts_of(text: str) -> Iterator[tuple[str, float]]:
    """The numbers of a text with their units: `("day", 30.0)`, `("£", 4.95)`."""
    for match in _FACT.finditer(text):
        if match["money"]:
            yield match["money"], float(match["amount"].replace(",", ""))
        else:
            low = match["number"].lower()
            yield _UNITS[match["unit"].lower()], float(_NUMBER_WORDS.get(low, 0) or low)
