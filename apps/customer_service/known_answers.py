"""What the company has already said: searched, and selected or written anew from what was found."""

import time
from dataclasses import replace
from datetime import date

from apps.customer_service.bot_turn import BotTurn, since
from apps.customer_service.hand_over import SHOWN
from apps.customer_service.phrases import BACK
from apps.customer_service.selection import select
from apps.customer_service.workflow import Workflows
from apps.generation.writer import AnswerWriter
from data.schema import Answer, Passage, Situation
from retrieval.filters import Filter
from retrieval.index import Index

FOUND = 8  # passages that an answer is selected from


class KnownAnswers:
    """Answers to questions.

    Args:
        index: FAQ, policies and solved conversations.
        workflows: For the question of one in progress, which is asked again behind an answer.
        writer: What writes answers, where there is one.
    """

    def __init__(self, index: Index, workflows: Workflows, writer: AnswerWriter | None) -> None:
        self._index, self._workflows, self._writer = index, workflows, writer

    def search(self, turn: BotTurn) -> Passage | None:
        """The passage to answer the turn with, or None where none is close enough."""
        clock = time.perf_counter()
        self._index = self._index.current()  # someone may have added to it
        found = self._index.search(turn.text, FOUND, where=Filter(valid_on=date.today()))
        turn.passages = tuple(found)
        turn.ms["search"] = since(clock)
        clock = time.perf_counter()
        chosen = None
        if self._index.answerable(found):
            products = [entity.text for entity in turn.entities if entity.type == "product"]
            chosen = select(found, turn.values, self._index.manifest.threshold, products)
        turn.ms["select"] = since(clock)
        return chosen

    def answer(self, turn: BotTurn) -> Answer | None:
        """The best known answer with its sources, or one that `turn.writing` is to write; or None.

        A written answer is an empty Answer until then.
        """
        chosen = self.search(turn)
        found = turn.passages if self._index.answerable(turn.passages) else ()
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
        sources = (chosen, *(p for p in turn.passages if p.id != chosen.id))[:SHOWN]
        text = chosen.text + self.asked_again(turn, lead)
        step = f"select:{chosen.metadata.get('kind', 'passage')}"
        return replace(turn.answered(text, step), passages=sources)

    def asked_again(self, turn: BotTurn, lead: str = BACK) -> str:
        """What a workflow in progress asked, asked again; nothing where none is."""
        if turn.progress is None:
            return ""
        return f"\n\n{lead}: {self._workflows.resume_question(turn.progress)}"
