"""What a summary may quote: short runs of sentences of one side, and what tells a good one.

No word of any language is looked at but the sentence's vector: places, lengths and cosines carry
over from one company to another.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from data.schema import Speaker, Turn

Floats = NDArray[np.floating[Any]]
Run = tuple[int, ...]  # places of sentences, in order

SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+")  # Latin and Chinese
SIDES: tuple[Speaker, ...] = get_args(Speaker)
FEATURES = 27  # the last is the share of words that a run has in common with the rule
_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")  # a Chinese sign is a word
_SPOKEN = re.compile(r"^(customer|agent): ?", re.MULTILINE)
_RUN = 4  # sentences of one turn that follow each other, at most
_PAIRED = 200  # sentences of a side up to which one of them is also put beside the first or last


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of turn `turn`, the `place`th of `of` in it; `words` in lower case."""

    turn: int
    place: int
    of: int
    speaker: Speaker
    text: str
    words: tuple[str, ...]


def talk_of(text: str) -> list[Turn]:
    """The turns of a text whose lines begin with `customer: ` or `agent: `.

    A text without any is a customer's one turn.
    """
    found = list(_SPOKEN.finditer(text))
    if not found:
        return [Turn("customer", text)]
    ends = [each.start() for each in found[1:]] + [len(text)]
    return [
        Turn("customer" if each[1] == "customer" else "agent", text[each.end() : end].strip())
        for each, end in zip(found, ends, strict=True)
    ]


def sentences_of(turns: Sequence[Turn]) -> list[Sentence]:
    """Every sentence of a conversation, in order; turns without a word have none."""
    found = []
    for number, turn in enumerate(turns):
        parts = [part.strip() for part in SENTENCES.split(turn.text) if part and part.strip()]
        for place, part in enumerate(parts):
            words = tuple(_WORDS.findall(part.lower()))
            found.append(Sentence(number, place, len(parts), turn.speaker, part, words))
    return found


def runs_of(sentences: Sequence[Sentence], side: Speaker, most_words: int) -> list[Run]:
    """What may be quoted of a side; nothing where it says nothing.

    Runs inside a turn, and short ones of its first or last turn with a sentence of another.
    Those of more than `most_words` words are left out; where all are, the shortest stays.
    """
    own = [place for place, each in enumerate(sentences) if each.speaker == side]
    turns = [list(group) for _, group in groupby(own, key=lambda place: sentences[place].turn)]
    if not turns:
        return []
    found: set[Run] = set()
    for turn in turns:
        found.add(tuple(turn))
        for start in range(len(turn)):
            found |= {tuple(turn[start : start + size]) for size in range(1, _RUN + 1)}
    if len(own) <= _PAIRED:
        for turn in (turns[0], turns[-1]):
            short = [run for run in found if run[0] in turn and run[-1] in turn and len(run) <= 2]
            others = [place for place in own if place not in turn]
            found |= {tuple(sorted((*run, other))) for run in short for other in others}

    def words(run: Run) -> int:
        return sum(len(sentences[place].words) for place in run)

    fit = [run for run in sorted(found) if words(run) <= most_words]
    return fit or [min(sorted(found), key=words)]


def rule(sentences: Sequence[Sentence]) -> dict[Speaker, Run]:
    """The customer's first turn and the agent's last: what is quoted where nothing was learned."""
    quoted: dict[Speaker, Run] = {}
    for side, last in zip(SIDES, (False, True), strict=True):
        turns = [each.turn for each in sentences if each.speaker == side]
        wanted = (turns[-1] if last else turns[0]) if turns else None
        quoted[side] = tuple(place for place, each in enumerate(sentences) if each.turn == wanted)
    return quoted


def describe(
    sentences: Sequence[Sentence], vectors: Floats, side: Speaker, runs: Sequence[Run]
) -> tuple[Floats, Floats]:
    """What tells a good run: numbers (R, FEATURES), and the mean of its sentences' vectors (R, D).

    Args:
        sentences: All of the conversation's, n.
        vectors: Theirs, (n, D), of unit length.
        side: Whose runs they are.
        runs: R of them.
    """
    own = [place for place, each in enumerate(sentences) if each.speaker == side]
    own_turns = sorted({sentences[place].turn for place in own})
    order = {turn: number for number, turn in enumerate(own_turns)}
    turns = 1 + max((each.turn for each in sentences), default=0)
    said = Counter(word for each in sentences for word in each.words)
    other = {word for each in sentences if each.speaker != side for word in each.words}
    side_words = max(1, sum(len(sentences[place].words) for place in own))
    mean = vectors.mean(axis=0)
    start = rule(sentences)
    centres = [mean, vectors[own].mean(axis=0)] + [
        vectors[list(start[each])].mean(axis=0) if start[each] else mean for each in SIDES
    ]
    means = np.stack([vectors[list(run)].mean(axis=0) for run in runs])
    by_rule = [shared_words(sentences, run, start[side]) for run in runs]
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    cosines = unit @ np.stack(centres).T
    rows = []
    for run in runs:
        parts = [sentences[place] for place in run]
        words = [word for part in parts for word in part.words]
        known = set(words)
        first, last = order[parts[0].turn], len(own_turns) - 1 - order[parts[-1].turn]
        rows.append(
            [
                len(parts),
                len(words),
                np.log1p(len(words)),
                len({part.turn for part in parts}),
                parts[0].turn,
                turns - 1 - parts[-1].turn,
                first,
                last,
                first == 0,
                last == 0,
                parts[0].place,
                parts[-1].of - 1 - parts[-1].place,
                np.mean([part.of for part in parts]),
                len(own_turns),
                turns,
                len(own),
                sum(part.text.endswith(("?", "？")) for part in parts),
                any(letter.isdigit() for part in parts for letter in part.text),
                np.mean([said[word] for word in words] or [0]),
                sum(said[word] > 1 for word in known) / max(1, len(known)),
                len(known & other) / max(1, len(known)),
                len(words) / side_words,
            ]
        )
    numbers = np.hstack([np.array(rows, dtype=np.float64), cosines, np.array(by_rule)[:, None]])
    return numbers, means


def shared_words(sentences: Sequence[Sentence], one: Run, other: Run) -> float:
    """Words in the sentences of both runs, as a share of those of either, in [0, 1]."""

    def words(places: set[int]) -> int:
        return sum(len(sentences[place].words) for place in places)

    return words(set(one) & set(other)) / max(1, words(set(one) | set(other)))
