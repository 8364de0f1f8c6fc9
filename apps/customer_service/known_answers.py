"""What the company has already said: searched, and selected or written anew from what was found."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from apps.app import since
from apps.customer_service.bot_turn import BotTurn
from apps.customer_service.fitness import Competing, Fitness
from apps.customer_service.hand_over import SHOWN
from apps.customer_service.phrases import BACK
from apps.customer_service.questions import MOST, follow_up, single
from apps.customer_service.readings import FOUND, Message, Readings
from apps.customer_service.selection import select
from apps.customer_service.workflow import Workflows
from apps.generation.writer import AnswerWriter
from data.schema import Answer, Passage, Situation
from finetune.intent.model import IntentModel
from finetune.ner.model import NerModel
from retrieval.filters import Filter
from retrieval.index import Index


class KnownAnswers:
    """Answers to questions.

    Args:
        index: FAQ, policies and solved conversations.
        intents: The intent run, which reads questions within a message.
        entities: The ner run, which reads whose product a passage is about.
        workflows: For the question of one in progress, which is asked again behind an answer.
        writer: What writes answers, where there is one.
        fitness: How probable an answer must be; without it the index's threshold decides.
    """

    def __init__(
        self,
        index: Index,
        intents: IntentModel,
        entities: NerModel,
        workflows: Workflows,
        writer: AnswerWriter | None,
        fitness: Fitness | None,
    ) -> None:
        self._index, self._workflows = index, workflows
        self._writer, self._fitness, self._readings = writer, fitness, Readings(intents, entities)

    @property
    def judges(self) -> bool:
        """Whether it knows itself what nothing answers, whatever the intent run takes it for."""
        return self._fitness is not None

    def read_ahead(self) -> None:
        """Read what needs no message, so that the first turns are as quick as later ones."""
        if self._fitness is not None:
            self._readings.read_ahead(self._index)

    def search(self, turn: BotTurn, asked: Sequence[str] = ()) -> Passage | None:
        """The passage to answer the turn with, or None where none is close enough.

        Args:
            turn: What was said.
            asked: Questions in it that alone are to be answered; else all of it, or any in it.
        """
        clock = time.perf_counter()
        self._index = self._index.current()  # someone may have added to it
        chosen: Passage | None = None
        if self._fitness is None:
            chosen = self._selected(turn)
        else:
            chosen = self._likeliest(turn, self._fitness, asked)
        turn.ms["search"] = since(clock)
        return chosen

    def _selected(self, turn: BotTurn) -> Passage | None:
        """The best by the search's score alone."""
        found = self._index.search(turn.text, FOUND, where=Filter(valid_on=date.today()))
        turn.passages, turn.found = tuple(found), self._index.answerable(found)
        if not turn.found:
            return None
        products = [entity.text for entity in turn.said.entities if entity.type == "product"]
        chosen = select(found, turn.values, self._index.manifest.threshold, products)
        turn.passages = _first([chosen] if chosen else [], found)
        return chosen

    def _likeliest(self, turn: BotTurn, fitness: Fitness, asked: Sequence[str]) -> Passage | None:
        """The passage that most probably answers the message, with a second that is likely too."""
        least = fitness.led if turn.led else fitness.threshold
        message = Message(
            turn.text, turn.read, turn.said.entities, turn.conversation, turn.values, turn.told
        )
        said = list(self._of_each(message, fitness, asked, least))
        if said:
            turn.passages, turn.found = tuple(said), True
        else:
            found = self._readings.competing(self._index, message, asked)
            said, turn.passages, chance = _likeliest(found, fitness)
            turn.found = chance >= least
        if not turn.found and turn.told:  # who asks again for what was just said is told it again
            again = self._readings.competing(self._index, replace(message, told=()), asked)
            said, _, chance = _likeliest(again, fitness)
            turn.found = chance >= least
            turn.passages = _first(said, turn.passages) if turn.found else turn.passages
        if not turn.found and asked:
            said = list(self._alone(message, fitness, asked, least))
            turn.found, turn.passages = bool(said), _first(said, turn.passages)
        if not turn.found:
            return None
        turn.telling = [passage.id for passage in said]
        return replace(said[0], text="\n\n".join(passage.text for passage in said))

    def _alone(
        self, message: Message, fitness: Fitness, asked: Sequence[str], least: float
    ) -> tuple[Passage, ...]:
        """What answers a question that is by itself surely of another intent than the message."""
        for text, read in zip(asked, self._readings.intents(asked), strict=True):
            if self._readings.sure(read) and read.intent.name != message.read.intent.name:
                alone = replace(message, text=text, read=read)
                said, _, chance = _likeliest(self._readings.competing(self._index, alone), fitness)
                if said and chance >= least:
                    return tuple(said)
        return ()

    def _of_each(
        self, message: Message, fitness: Fitness, asked: Sequence[str], least: float
    ) -> tuple[Passage, ...]:
        """What answers each question of several, each read in the message without the others."""
        if follow_up(message.text, message.conversation):
            return ()  # a short one is understood by what it goes on from
        texts = single(message.text, asked)
        found: dict[str, Passage] = {}
        for text, read in zip(texts, self._readings.intents(texts), strict=True):
            alone = replace(message, text=text, read=read)
            competing = self._readings.competing(self._index, alone)
            said, _, chance = _likeliest(competing, fitness)
            if said and chance >= least:
                found |= {passage.id: passage for passage in said}
        return tuple(found.values())[:MOST]

    def answer(self, turn: BotTurn) -> Answer | None:
        """The best known answer with its sources, or one that `turn.writing` is to write; or None.

        A written answer is an empty Answer until then.
        """
        chosen = self.search(turn)
        found = turn.passages if turn.found else ()
        if self._writer is not None and self._writer.wants(chosen, found, turn.values):
            *before, last = turn.conversation.turns
            asked = replace(last, text=turn.text, entities=tuple(turn.said.entities))
            # Of several wishes the model reads this one.
            situation = Situation((*before, asked), found[:SHOWN], turn.values)
            turn.writing = self._writer.answers(situation, chosen)
            return Answer("", step="generate")
        return self.selected(turn, chosen) if chosen is not None else None

    def selected(self, turn: BotTurn, chosen: Passage, lead: str = BACK) -> Answer:
        """The chosen passage as an answer; a workflow in progress asks its question again."""
        text = chosen.text + self.asked_again(turn, lead)
        step = f"select:{chosen.metadata.get('kind', 'passage')}"
        return replace(turn.answered(text, step), passages=turn.passages[:SHOWN])

    def asked_again(self, turn: BotTurn, lead: str = BACK) -> str:
        """What a workflow in progress asked, asked again; nothing where none is."""
        if turn.progress is None:
            return ""
        return f"\n\n{lead}: {self._workflows.resume_question(turn.progress)}"


def _likeliest(
    found: Competing, fitness: Fitness
) -> tuple[list[Passage], tuple[Passage, ...], float]:
    """What would be said of what competes, all of it best first, and how probable the former is."""
    if not found.passages:
        return [], (), 0.0
    chances = fitness.probabilities(found)
    best = fitness.said(chances)
    said = [found.passages[at] for at in best]
    ordered = _first(said, [found.passages[at] for at in np.argsort(-chances)])
    return said, ordered, float(chances[best].sum())


def _first(chosen: Sequence[Passage], found: Sequence[Passage]) -> tuple[Passage, ...]:
    """All that was found, what was chosen first."""
    ids = {passage.id for passage in chosen}
    return (*chosen, *(passage for passage in found if passage.id not in ids))
