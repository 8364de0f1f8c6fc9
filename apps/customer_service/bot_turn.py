"""What the bot knows about the turn that it is answering, and hands on to the next one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from apps.customer_service.progress import Progress, Said
from data.schema import Answer, Conversation, Entity, Intent, Passage
from finetune.intent.model import IntentPrediction

REMEMBERED = 8  # steps that a summary tells


@dataclass(slots=True)
class BotTurn:
    """What is known about the turn that is being answered.

    `entities` are those of the whole message, where they stand in it: a trace of it, and what is
    learned from it, marks them there. `text` and `said` are the part of it that is understood, with
    the entities of that part.
    """

    text: str
    read: IntentPrediction
    entities: tuple[Entity, ...]
    values: dict[str, str]
    progress: Progress | None
    misses: int
    said: Said
    conversation: Conversation
    anger: tuple[float, float] = (0.0, 0.0)  # of this message and of the one before
    waiting: list[Progress] = field(default_factory=list)  # workflows to come back to
    wishes: list[str] = field(default_factory=list)  # what was asked beside
    tried: list[str] = field(default_factory=list)
    last: Progress | None = None  # the workflow that ended last
    ms: dict[str, float] = field(default_factory=dict)
    passages: tuple[Passage, ...] = ()
    person: bool = False  # whether a sentence in it asks for a person
    told: tuple[str, ...] = ()  # ids of the passages that the answer before said
    telling: list[str] = field(default_factory=list)  # of those that this one says
    found: bool = False  # whether one of them is close enough to answer
    writing: Iterator[Answer] | None = None  # an answer that is still to be written

    @property
    def intent(self) -> Intent:
        """What the customer wants."""
        return self.read.intent

    @property
    def led(self) -> bool:
        """Whether a person has led the conversation so far: an agent wrote, and it was not us."""
        before = self.conversation.turns[:-1]
        return not self.tried and any(turn.speaker == "agent" for turn in before)

    def answered(self, text: str, step: str, misses: int = 0) -> Answer:
        """An Answer to this turn; `misses` in a row could not be helped, this one included."""
        self.misses = misses
        return Answer(text, intent=self.intent, entities=self.entities, step=step)

    def state(self) -> dict[str, Any]:
        """What the next turn is to know, in plain values."""
        return {
            "values": self.values,
            "workflow": self.progress.to_dict() if self.progress else None,
            "misses": self.misses,
            "anger": self.anger[0],
            "waiting": [each.to_dict() for each in self.waiting],
            "wishes": self.wishes,
            "tried": self.tried[-REMEMBERED:],
            "told": self.telling,
            "last": self.last.to_dict() if self.last else None,
        }
