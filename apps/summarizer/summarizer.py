"""A conversation → what the customer wanted, what was done, how it ended, and the entities in it.

Extractive: it quotes sentences, so it cannot invent any. A sentence counts by its centrality, the
mean cosine to its speaker's other sentences (Radev et al. 2004, centroid-based summarization), and
by its place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from data.encoders import Encoder
from data.schema import Conversation, Entity, Outcome, Turn

_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_SMALL_TALK = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|thanks?|thank you|you'?re welcome"
    r"|bye|ok(?:ay)?|sure|great|of course|no problem|lovely|cheers)\b[^?]{0,28}$",
    re.I,
)
_MIN_WORDS = 3
_ENDED: dict[Outcome, str] = {
    "solved": "Solved.",
    "handed_over": "Handed over to a colleague.",
    "abandoned": "The customer stopped answering.",
    "unknown": "The outcome was not recorded.",
}
_THANKED = re.compile(r"\b(?:thank|thanks|thx|cheers|brilliant|perfect|great|lovely)\b", re.I)


class EntityFinder(Protocol):
    """Finds entities in texts."""

    def predict(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a colleague needs to know of a conversation.

    `wanted`, `done` and `ended` are quoted or fixed sentences, `text` is all three as one; the
    entities are each listed once, in order of appearance.
    """

    wanted: str
    done: str
    ended: str
    entities: tuple[Entity, ...]
    text: str


class Summarizer:
    """Summarizes conversations of any length.

    Args:
        encoder: Vectors of sentences.
        entities: Finds what to list; None lists those marked in the turns.
    """

    title = "Summarizer"

    def __init__(self, encoder: Encoder, entities: EntityFinder | None = None) -> None:
        self._encoder, self._entities = encoder, entities

    def summarize(self, conversation: Conversation) -> Summary:
        """The conversation's Summary; empty parts where a speaker said nothing of substance."""
        customer = [turn for turn in conversation.turns if turn.speaker == "customer"]
        agent = [turn for turn in conversation.turns if turn.speaker == "agent"]
        # The wish comes early, the solution anywhere: the weights fall or stay level.
        wanted = self._central(customer, early=0.35)
        done = self._central(agent, early=0.0)
        ended = _ending(conversation, customer)
        parts = [
            f"The customer wanted: {wanted}" if wanted else "",
            f"What was done: {done}" if done else "",
            f"How it ended: {ended}",
        ]
        text = "\n".join(part for part in parts if part)
        return Summary(wanted, done, ended, self._listed(conversation.turns), text)

    def _central(self, turns: Sequence[Turn], early: float) -> str:
        """The sentence nearest to all the others; `early` in [0, 1] is what an early place adds."""
        sentences = [s.strip() for turn in turns for s in _SENTENCES.split(turn.text) if s.strip()]
        substance = [
            s for s in sentences if len(s.split()) >= _MIN_WORDS and not _SMALL_TALK.match(s)
        ]
        candidates = substance or sentences
        if len(candidates) < 2:
            return candidates[0] if candidates else ""
        vectors = self._encoder.encode(candidates)
        centrality = (vectors @ vectors.T).mean(axis=1)
        words = np.array([min(len(s.split()), 25) / 25 for s in candidates])
        place = np.linspace(1.0, 0.0, len(candidates))
        return candidates[int((centrality + early * place + 0.2 * words).argmax())]

    def _listed(self, turns: Sequence[Turn]) -> tuple[Entity, ...]:
        found = [list(turn.entities) for turn in turns]
        if self._entities is not None and turns:
            found = self._entities.predict([turn.text for turn in turns])
        unique: dict[tuple[str, str], Entity] = {}
        for entity in (entity for row in found for entity in row):
            unique.setdefault((entity.type, entity.text.lower()), entity)
        return tuple(unique.values())


def _ending(conversation: Conversation, customer: Sequence[Turn]) -> str:
    if conversation.outcome != "unknown":
        return _ENDED[conversation.outcome]
    if len(customer) > 1 and _THANKED.search(customer[-1].text):
        return "The customer thanked us at the end."
    if conversation.turns and conversation.turns[-1].speaker == "customer":
        return "The customer's last message had no answer."
    return _ENDED["unknown"]
