"""FAQ entries that a log proposes: a topic's central question with the answer given best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.encoders import Encoder
from data.mining.answers import Pair
from data.topics.agreed import clusters_of
from data.topics.vectors import with_words

FEWEST = 10  # pairs below which topics cannot be told
OFTEN = 3  # pairs that a topic needs to be proposed


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question and answer for the FAQ; `size` is the number of conversations behind it."""

    question: str
    answer: str
    conversation: str
    size: int
    chance: float


def propose(pairs: Sequence[Pair], encoder: Encoder, seed: int = 0) -> list[Proposal]:
    """One proposal for each topic of the questions, the most frequent first.

    The question is the one nearest to its topic's middle; the answer is the one that is both likely
    good and near to what others answered.

    Args:
        pairs: From `data.mining.answers.mine`.
        encoder: Turns texts into unit vectors.
        seed: Of the topics.
    """
    unique = list({pair.question: pair for pair in pairs}.values())
    if len(unique) < FEWEST:
        return []
    questions = encoder.encode([pair.question for pair in unique])
    answers = encoder.encode([pair.answer for pair in unique])
    texts = [pair.question for pair in unique]
    topics = max(2, len(unique) // OFTEN // 2)
    labels, _, _ = clusters_of(texts, with_words(texts, questions, seed), topics, seed)
    found = []
    for label in range(int(labels.max()) + 1):
        own = np.flatnonzero(labels == label)
        if len(own) < OFTEN:
            continue
        central = own[int((questions[own] @ questions[own].mean(axis=0)).argmax())]
        agreed = answers[own] @ answers[own].mean(axis=0)
        chances = np.array([unique[place].chance for place in own])
        best = unique[own[int((agreed * chances).argmax())]]
        found.append(
            Proposal(
                unique[central].question, best.answer, best.conversation, len(own), best.chance
            )
        )
    return sorted(found, key=lambda each: -each.size)
