"""From turns to topics: every turn placed, topics named, matched and written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.encoders import Encoder
from data.errors import LogFormatError
from data.topics.agreed import clusters_of
from data.topics.before import NONE, State, carry_over, states_of
from data.topics.clusters import Labels, centres_of
from data.topics.count import Count
from data.topics.files import NamedTopic
from data.topics.known import known_topics
from data.topics.names import central_texts, distinguishing_words, names_of
from data.topics.texts import Text, normalised
from data.topics.vectors import Vectors, encoded, with_words


@dataclass(frozen=True, slots=True)
class Topic:
    """A row of topics.csv: `size` in turns, `known` the intent it is, "" where none."""

    topic: str
    name: str
    size: int
    questions: tuple[str, ...]
    words: tuple[str, ...]
    known: str
    state: State


@dataclass(frozen=True, slots=True)
class Discovered:
    """Topics, largest first; the topic's id and the cosine to its centre of each turn given."""

    topics: tuple[Topic, ...]
    ids: tuple[str, ...]
    fits: tuple[float, ...]
    count: Count | None
    moved: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier run found: its topics, and its turns with their ids."""

    topics: dict[str, NamedTopic]
    placed: Sequence[tuple[str, str]]


def discover_topics(
    turns: Sequence[Text],
    encoder: Encoder,
    *,
    topics: int | None = None,
    known: tuple[Sequence[str], Sequence[str]] | None = None,
    before: Earlier | None = None,
    seed: int = 0,
) -> Discovered:
    """Find, name and match the topics of customer turns.

    Args:
        turns: Any number from FEWEST different ones.
        encoder: What gives texts their vectors.
        topics: How many topics; None to find it from the data.
        known: Texts and labels of intents that are known already.
        before: An earlier run that ids, names and placings are carried over from.
        seed: Two runs of the same seed give the same topics.

    Raises:
        LogFormatError: If `topics` does not fit the turns.
    """
    rows = _different(turns)
    texts = [turns[own[0]].text for own in rows.values()]
    vectors = encoded(texts, encoder)
    if topics is not None and not 2 <= topics <= len(texts):
        raise LogFormatError(
            f"{topics} topics of {len(texts)} different texts; ask for 2 to {len(texts)}"
        )
    wide = with_words(texts, vectors, seed)
    labels, space, count = clusters_of(texts, wide, topics, seed)
    total, moved = int(labels.max()) + 1, 0
    old = list(before.topics.values()) if before else []
    if before:
        labels, total, moved = _carried(list(rows), space, labels, before)
    sizes = [0] * total
    for label, own in zip(labels, rows.values(), strict=True):
        sizes[label] += len(own)
    fits = (space * centres_of(space, labels, total)[labels]).sum(axis=1)
    words = distinguishing_words(texts, labels, total)
    questions = central_texts(texts, fits, labels, total)
    same = [""] * total
    if known:
        same = known_topics(*known, encoded(known[0], encoder), vectors, labels, total)
    then = Counter(topic for _, topic in before.placed) if before else Counter()
    states = states_of(sizes, [then[each.id] for each in old], [bool(name) for name in same])
    names = _names(old, same, words)
    ids = _ids(old, sizes)
    made = [
        Topic(ids[place], names[place], sizes[place], tuple(questions[place]),
              tuple(words[place]), same[place], states[place])
        for place in range(total)
    ]  # fmt: skip
    of_turn = {row: place for place, own in enumerate(rows.values()) for row in own}
    places = [of_turn[row] for row in range(len(turns))]
    return Discovered(
        tuple(sorted(made, key=lambda topic: -topic.size)),
        tuple(ids[labels[place]] for place in places),
        tuple(round(float(fits[place]), 3) for place in places),
        count,
        moved,
    )


def _different(turns: Sequence[Text]) -> dict[str, list[int]]:
    """The places of the turns by their normalised text."""
    rows: dict[str, list[int]] = {}
    for place, turn in enumerate(turns):
        rows.setdefault(normalised(turn.text), []).append(place)
    return rows


def _carried(
    keys: Sequence[str], space: Vectors, fresh: Labels, before: Earlier
) -> tuple[Labels, int, int]:
    places = {topic: place for place, topic in enumerate(before.topics)}
    earlier = {normalised(text): places[topic] for text, topic in before.placed}
    placed = np.array([earlier.get(key, NONE) for key in keys], dtype=np.intp)
    done = carry_over(space, fresh, placed, len(places))
    return done.labels, done.count, done.moved


def _names(
    old: Sequence[NamedTopic], same: Sequence[str], words: Sequence[Sequence[str]]
) -> list[str]:
    """Old names as they are; a new topic has its known intent's, or one made of its words."""
    names = [topic.name for topic in old]
    fresh = names_of(
        [
            own
            for own, intent in zip(words[len(old) :], same[len(old) :], strict=True)
            if not intent
        ],
        [*names, *same],
    )
    made = iter(fresh)
    return names + [intent or next(made) for intent in same[len(old) :]]


def _ids(old: Sequence[NamedTopic], sizes: Sequence[int]) -> list[str]:
    """Old ids, then numbers that none of them has, the largest new topic first."""
    last = max((int(topic.id) for topic in old if topic.id.isdecimal()), default=0)
    new = sorted(range(len(old), len(sizes)), key=lambda place: -sizes[place])
    numbers = {place: str(last + 1 + rank) for rank, place in enumerate(new)}
    return [topic.id for topic in old] + [numbers[place] for place in range(len(old), len(sizes))]
