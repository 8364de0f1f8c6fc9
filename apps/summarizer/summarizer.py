"""A conversation → what the customer wanted, what was tried and done, how it ended, what is open.

All parts are quoted, so none is invented. Wish and answer are chosen by a trained scorer (a run of
`deskhand train summary --set summary.kind=extractive`) where there is one. Without it a sentence
counts by its centrality, the mean cosine to its speaker's other sentences (Radev et al. 2004,
centroid-based summarization), and by its place. A run that writes gives the two sentences alone.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from apps.summarizer.moods import Moods, by_words
from apps.summarizer.summary import Summary
from data.encoders import Encoder
from data.schema import Conversation, Entity, Outcome, Turn
from finetune.summary.extractive import Extract
from finetune.summary.extractive_parts import SENTENCES
from finetune.summary.extractive_wording import Wording

if TYPE_CHECKING:  # redaction loads lists of names, which a page does not need
    from data.redact.conversation import EntityFinder

_SMALL_TALK = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|thanks?|thank you|you'?re welcome"
    r"|bye|ok(?:ay)?|sure|great|of course|no problem|lovely|cheers"
    r"|(?:(?:i|we)(?:['’]?m| am|['’]?re| are) )?(?:so |very |really )?sorry)\b[^?]{0,28}$",
    re.I,
)
_MIN_WORDS = 3
_TRIED = 3  # sentences
_OPEN = 3
_ALIKE = 0.75  # cosine from which a sentence says what another one did
_ENDED: dict[Outcome, str] = {
    "solved": "Solved.",
    "handed_over": "Handed over to a colleague.",
    "abandoned": "The customer stopped answering.",
    "unknown": "The outcome was not recorded.",
}
_THANKED = re.compile(r"\b(?:thank|thanks|thx|cheers|brilliant|perfect|great|lovely)\b", re.I)
_PROMISE = re.compile(r"\b(?:we|i|they|someone|colleague)(?:['’]ll| will| shall)\b", re.I)
_PLAIN = Wording("Customer:", "Agent:")
UNTUNED = "no trained run: the central sentences of each side"


class Scorer(Protocol):
    """Chooses what to quote."""

    def extract(self, turns: Sequence[Turn]) -> Extract:
        """The sentences of each side, and a summary made of them."""


class Writer(Protocol):
    """Writes the two sentences."""

    def write(self, turns: Sequence[Turn]) -> str:
        """A summary of the turns."""


class Summarizer:
    """Summarizes conversations of any length.

    Args:
        encoder: Vectors of sentences.
        entities: Finds what to list; None lists those marked in the turns.
        scorer: A trained scorer of sentences; None takes the central ones.
        writer: Writes the two sentences; None quotes.
        moods: The mood of each text.
        made_by: What the scorer or writer is, for the trace.
    """

    title = "Summarizer"

    def __init__(
        self,
        encoder: Encoder,
        entities: "EntityFinder | None" = None,
        scorer: Scorer | None = None,
        writer: Writer | None = None,
        moods: Moods = by_words,
        made_by: str = UNTUNED,
    ) -> None:
        self._encoder, self._entities = encoder, entities
        self._scorer, self._writer = scorer, writer
        self._moods, self.made_by = moods, made_by

    def summarize(self, conversation: Conversation) -> Summary:
        """The conversation's Summary; empty parts where a speaker said nothing of substance."""
        # The helpdesk's own lines ("assigned to …") are nobody's words.
        turns = [t for t in conversation.turns if t.text.strip() and t.mark != "system"]
        customer = [turn for turn in turns if turn.speaker == "customer"]
        agent = [turn for turn in turns if turn.speaker == "agent"]
        if self._scorer is not None:
            extract = self._scorer.extract(turns)
            wanted = " ".join(extract.quoted["customer"])
            done = " ".join(extract.quoted["agent"])
            short = extract.text
        else:
            # The wish comes early, the solution anywhere: the weights fall or stay level.
            wanted = self._central(customer, early=0.35)
            # What was done is no question, where there is anything else.
            done = self._central(agent, early=0.0, asked=False)
            said = {"customer": [wanted] if wanted else [], "agent": [done] if done else []}
            short = _PLAIN.text(said)  # type: ignore[arg-type]
        if self._writer is not None and turns:
            short = self._writer.write(turns)
        tried = self._tried(agent, wanted, done)
        ended = _ending(conversation, customer)
        left = _left_open(conversation, turns)
        text = _as_text(short, wanted, tried, done, ended, left)
        return Summary(
            wanted,
            done,
            ended,
            self._listed(conversation.turns),
            text,
            short,
            tried,
            left,
            self._moved(conversation.turns),
            self.made_by,
        )

    def _central(self, turns: Sequence[Turn], early: float, asked: bool = True) -> str:
        """The sentence nearest to all the others; `early` in [0, 1] is what an early place adds.

        Unless `asked`, it is no question where there is another sentence of substance.
        """
        sentences = _sentences(turns)
        candidates = _substance(sentences) or sentences
        if not asked:
            candidates = [s for s in candidates if not s.endswith(("?", "？"))] or candidates
        if len(candidates) < 2:
            return candidates[0] if candidates else ""
        vectors = self._encoder.encode(candidates)
        centrality = vectors @ vectors.sum(axis=0) / len(vectors)
        words = np.array([min(len(s.split()), 25) / 25 for s in candidates])
        place = np.linspace(1.0, 0.0, len(candidates))
        return candidates[int((centrality + early * place + 0.2 * words).argmax())]

    def _tried(self, agent: Sequence[Turn], wanted: str, done: str) -> tuple[str, ...]:
        """What else the agent said on the matter, in order, nothing twice."""
        candidates = [each for each in _substance(_sentences(agent)) if each not in done]
        if not candidates or not wanted:
            return ()
        vectors = self._encoder.encode([wanted, done or wanted, *candidates])
        nearness, told = vectors[2:] @ vectors[0], [vectors[1]]
        chosen: list[int] = []
        for place in np.argsort(-nearness, kind="stable"):
            vector: NDArray[Any] = vectors[2 + place]
            if len(chosen) < _TRIED and max(float(vector @ each) for each in told) < _ALIKE:
                chosen.append(int(place))
                told.append(vector)
        return tuple(candidates[place] for place in sorted(chosen))

    def _moved(self, turns: Sequence[Turn]) -> tuple[tuple[int, Any], ...]:
        places = [
            place
            for place, turn in enumerate(turns)
            if turn.speaker == "customer" and turn.text.strip()
        ]
        if not places:
            return ()
        moods = self._moods([turns[place].text for place in places])
        return tuple(zip(places, moods, strict=True))

    def _listed(self, turns: Sequence[Turn]) -> tuple[Entity, ...]:
        found: Sequence[Sequence[Entity]] = [turn.entities for turn in turns]
        if self._entities is not None and turns:
            found = self._entities.predict([turn.text for turn in turns])
        unique: dict[tuple[str, str], Entity] = {}
        for entity in (entity for row in found for entity in row):
            unique.setdefault((entity.type, entity.text.lower()), entity)
        return tuple(unique.values())


def _sentences(turns: Sequence[Turn]) -> list[str]:
    parts = [part for turn in turns for part in SENTENCES.split(turn.text) if part]
    return [part.strip() for part in parts if part.strip()]


def _substance(sentences: Sequence[str]) -> list[str]:
    """Those that are no small talk."""
    return [s for s in sentences if len(s.split()) >= _MIN_WORDS and not _SMALL_TALK.match(s)]


def _ending(conversation: Conversation, customer: Sequence[Turn]) -> str:
    if conversation.outcome != "unknown":
        return _ENDED[conversation.outcome]
    if len(customer) > 1 and _THANKED.search(customer[-1].text):
        return "The customer thanked us at the end."
    if conversation.turns and conversation.turns[-1].speaker == "customer":
        return "The customer's last message had no answer."
    return _ENDED["unknown"]


def _left_open(conversation: Conversation, turns: Sequence[Turn]) -> tuple[str, ...]:
    """Questions that nobody answered, and of a case that is not solved what the agent promised."""
    if not turns:
        return ()
    last = turns[-1].speaker
    after: list[Turn] = []
    for turn in reversed(turns):
        if turn.speaker != last:
            break
        after.insert(0, turn)
    asked = [each for each in _sentences(after) if each.endswith(("?", "？"))]
    promised: list[str] = []
    agent = [turn for turn in turns if turn.speaker == "agent"]
    if agent and conversation.outcome != "solved":
        promised = [each for each in _sentences(agent[-1:]) if _PROMISE.search(each)]
    if conversation.outcome == "solved":
        asked = [each for each in asked if last == "customer"]  # "Anything else?" is no open point
    return tuple(dict.fromkeys([*asked, *promised]))[:_OPEN]


def _as_text(
    short: str, wanted: str, tried: Sequence[str], done: str, ended: str, left: Sequence[str]
) -> str:
    parts = [
        f"The customer wanted: {wanted}" if wanted else "",
        f"What was tried: {' '.join(tried)}" if tried else "",
        f"What was done: {done}" if done else "",
        f"How it ended: {ended}",
        f"Still open: {' '.join(left)}" if left else "",
    ]
    body = "\n".join(part for part in parts if part)
    return f"{short}\n\n{body}" if short else body


__all__ = ["UNTUNED", "Scorer", "Summarizer", "Summary", "Writer"]
