"""The customer service bot: understand, run a workflow, else select an answer, else hand over."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from apps.app import State, clean, polite_refusal
from apps.customer_service.selection import select
from apps.customer_service.workflow import Progress, Said, Step, Workflows
from apps.customer_service.workflow_file import FAILED
from data.schema import Answer, Conversation, Entity, Intent, Passage, Reason
from finetune.intent_model import IntentModel
from finetune.ner_model import NerModel
from retrieval.filters import Filter
from retrieval.index import Index

FOUND = 8  # passages that an answer is selected from
SHOWN = 5
_GREETING = re.compile(
    r"^\W*(?:hi|hiya|hello|hey|good (?:morning|afternoon|evening|day)|morning|evening)"
    r"(?: there| all| team)?\W*$",
    re.I,
)
_THANKS = re.compile(
    r"^\W*(?:(?:ok|okay|great|brilliant|lovely|perfect|many|no)\W+)*"
    r"(?:thanks|thank you|thx|ta|cheers|bye|goodbye)"
    r"(?:\W+(?:so much|very much|a lot|a bunch|for (?:your|the) help|all|again|bye|then))*\W*$",
    re.I,
)
_WISHES = re.compile(
    r"\?|\b(?:instead|actually|wait|rather|where|i want|i'd like|can you|could you|please)\b", re.I
)
_PERSON = re.compile(
    r"\b(?:humans?|person|people|someone|somebody|manager|supervisor|adviser|advisor|agent|colleague"
    r"|representative|speak|talk|call me|ring me)\b",
    re.I,
)
_PASSING = "I am passing this conversation to a colleague"
_HAND_OVER: dict[Reason, str] = {
    "asked_for_person": f"Of course. {_PASSING}, who will read it and write to you here.",
    "no_answer": f"I do not have a reliable answer to that. {_PASSING} who can help.",
    "low_confidence": f"I am not sure that I understood you rightly. {_PASSING}.",
    "out_of_scope": f"I cannot help with that myself. {_PASSING}.",
    "action_failed": f"I could not get that done here. {_PASSING}.",
}


@dataclass(slots=True)
class _Turn:
    """What is known about the turn that is being answered."""

    text: str
    intent: Intent
    entities: tuple[Entity, ...]
    values: dict[str, str]
    progress: Progress | None
    misses: int
    said: Said
    ms: dict[str, float] = field(default_factory=dict)
    passages: tuple[Passage, ...] = ()


class CustomerServiceBot:
    """Answers a customer with workflows on orders and with what the company has already said.

    Args:
        intents: The intent run.
        entities: The ner run.
        index: FAQ, policies and solved conversations.
        workflows: What can be looked up and changed.
        examples: Messages to begin with, for the page.
    """

    title = "Customer service"

    def __init__(
        self,
        intents: IntentModel,
        entities: NerModel,
        index: Index,
        workflows: Workflows,
        examples: tuple[str, ...] = (),
    ) -> None:
        self._intents, self._entities, self._index = intents, entities, index
        self._workflows = workflows
        self.examples = examples

    def answer(self, conversation: Conversation, state: State) -> Iterator[Answer]:
        """See App."""
        start = time.perf_counter()
        text = clean(conversation.turns[-1].text)
        refusal = polite_refusal(text)
        if refusal is not None:
            yield Answer(refusal, step="not_read", ms={"total": _since(start)}, state=dict(state))
            return
        turn = self._understand(text, conversation, state)
        final = self._decide(turn)
        total = {**turn.ms, "total": _since(start)}
        yield from growing(replace(final, ms=total))

    def _understand(self, text: str, conversation: Conversation, state: State) -> _Turn:
        """Intent and entities of the message, and what is remembered."""
        ms: dict[str, float] = {}
        clock = time.perf_counter()
        intent = self._intents.predict([text])[0].intent
        ms["intent"] = _since(clock)
        clock = time.perf_counter()
        entities = tuple(self._entities.predict([text])[0])
        ms["entities"] = _since(clock)
        values = dict(state.get("values", {})) | {entity.type: entity.text for entity in entities}
        progress = Progress.from_dict(state.get("workflow"))
        if progress is not None and not self._workflows.knows(progress.name):
            progress = None
        # The time is stored with the message: it is the same when that is answered again.
        time_ = conversation.turns[-1].time
        anchor = time_.isoformat() if time_ else str(len(conversation.turns))
        said = Said(text, entities, conversation.id, anchor)
        misses = int(state.get("misses", 0))
        return _Turn(text, intent, entities, values, progress, misses, said, ms)

    def _decide(self, turn: _Turn) -> Answer:
        """The complete Answer."""
        started = self._workflows.for_intent(turn.intent.name)
        if turn.progress is not None and not self._switches(turn, turn.progress, started):
            return self._workflow(turn, turn.progress)
        if turn.intent.name == "talk_to_human":
            return self._hand_over(turn, "asked_for_person")
        if started is not None:
            return self._start(turn, started)
        if _THANKS.match(turn.text) or _GREETING.match(turn.text):
            words = "Hello! What can I help you with?"
            if _THANKS.match(turn.text):
                words = "You are welcome. Is there anything else?"
            return self._finish(turn, words, "small_talk", misses=0)
        if turn.intent.name is None:
            return self._out_of_scope(turn)
        return self._select(turn)

    def _switches(self, turn: _Turn, progress: Progress, started: str | None) -> bool:
        """Whether the message leaves the workflow's question unanswered or wants another workflow.

        An answer such as "it is order FK-123456" may look like another intent: only a message that
        also asks or wishes counts as a change of mind. Whoever asks for a person gets one, whatever
        else the message says; but a bare "yes please" may be taken for that too.
        """
        if not self._workflows.takes(progress, turn.text, turn.entities):
            return True
        sure = turn.intent.confidence >= self._intents.levels.sure
        if turn.intent.name == "talk_to_human" and sure and _PERSON.search(turn.text):
            return True
        other = started is not None and started != progress.name
        return other and sure and bool(_WISHES.search(turn.text))

    def _start(self, turn: _Turn, name: str) -> Answer:
        """Begin a workflow, or stay in it; a question about the rules is answered on the way."""
        going_on = turn.progress if turn.progress and turn.progress.name == name else None
        progress = going_on or self._workflows.begin(name, turn.values)
        ruled = going_on is not None or not progress.slots
        asks = ruled and self._workflows.answers_first(name, turn.text)
        chosen = self._search(turn) if asks else None
        if chosen is None:
            return self._workflow(turn, progress)
        if going_on is not None:
            return self._selected(turn, chosen, "Back to where we were")
        turn.progress = self._workflows.moved(progress, turn.said).progress
        return self._selected(turn, chosen, "If you want me to do it for you")

    def _workflow(self, turn: _Turn, progress: Progress) -> Answer:
        clock = time.perf_counter()
        step: Step = self._workflows.moved(progress, turn.said)
        turn.ms["workflow"] = _since(clock)
        turn.progress = step.progress
        if step.stage == "gave_up":
            return self._hand_over(turn, "action_failed")
        if step.stage == f"answer:{FAILED}":
            answer = self._hand_over(turn, "action_failed")
            return replace(answer, text=f"{step.text} {answer.text}")
        answer = self._finish(turn, step.text, f"workflow:{progress.name}:{step.stage}", misses=0)
        return replace(answer, effects=step.effects, choices=step.choices)

    def _select(self, turn: _Turn) -> Answer:
        """The best known answer, with its sources; a hand-over where none is close enough."""
        chosen = self._search(turn)
        if chosen is None:
            doubtful = turn.intent.confidence < self._intents.levels.doubtful
            return self._hand_over(turn, "low_confidence" if doubtful else "no_answer")
        return self._selected(turn, chosen, "Back to where we were")

    def _selected(self, turn: _Turn, chosen: Passage, lead: str) -> Answer:
        """The chosen passage as an answer; a workflow in progress asks its question again."""
        sources = (chosen, *(p for p in turn.passages if p.id != chosen.id))[:SHOWN]
        text = chosen.text
        if turn.progress is not None:
            text += f"\n\n{lead}: {self._workflows.resume_question(turn.progress)}"
        step = f"select:{chosen.metadata.get('kind', 'passage')}"
        return replace(self._finish(turn, text, step, misses=0), passages=sources)

    def _search(self, turn: _Turn) -> Passage | None:
        clock = time.perf_counter()
        self._index = self._index.current()  # someone may have added to it
        found = self._index.search(turn.text, FOUND, where=Filter(valid_on=date.today()))
        turn.passages = tuple(found)
        turn.ms["search"] = _since(clock)
        clock = time.perf_counter()
        chosen = None
        if self._index.answerable(found):
            products = [entity.text for entity in turn.entities if entity.type == "product"]
            chosen = select(found, turn.values, self._index.manifest.threshold, products)
        turn.ms["select"] = _since(clock)
        return chosen

    def _out_of_scope(self, turn: _Turn) -> Answer:
        """A first one is declined, a second in a row goes to a person."""
        if turn.misses:
            return self._hand_over(turn, "out_of_scope")
        words = (
            "I can help with orders, deliveries, returns, payments, accounts and our products, and "
            "that seems to be something else. Could you put it in other words if it is about one "
            "of these?"
        )
        return replace(self._finish(turn, words, "out_of_scope", misses=1), reason="out_of_scope")

    def _hand_over(self, turn: _Turn, reason: Reason) -> Answer:
        turn.progress = None
        answer = self._finish(turn, _HAND_OVER[reason], "hand_over", misses=0)
        return replace(answer, hand_over=True, reason=reason, passages=turn.passages[:SHOWN])

    def _finish(self, turn: _Turn, text: str, step: str, misses: int) -> Answer:
        state: dict[str, Any] = {
            "values": turn.values,
            "workflow": turn.progress.to_dict() if turn.progress else None,
            "misses": misses,
        }
        return Answer(text, intent=turn.intent, entities=turn.entities, step=step, state=state)


def growing(answer: Answer) -> Iterator[Answer]:
    """The Answer sentence by sentence; the last is complete and alone carries state and effects."""
    ends = [match.end() for match in re.finditer(r"[.!?]\s+", answer.text)]
    for end in ends:
        yield replace(answer, text=answer.text[:end], state={}, effects=())
    yield answer


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
