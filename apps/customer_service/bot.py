"""The customer service bot: understand, run a workflow, else select an answer, else hand over."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from apps.app import State, clean, polite_refusal
from apps.customer_service.bot_turn import BotTurn
from apps.customer_service.hand_over import summary
from apps.customer_service.mood import anger, upset
from apps.customer_service.phrases import (
    BACK,
    CORRECTS,
    GREETING,
    HAND_OVER,
    INSTEAD,
    NEXT,
    PERSON,
    THANKS,
    WISHES,
)
from apps.customer_service.selection import select
from apps.customer_service.wishes import parts, same_for_others, wishes_something, within
from apps.customer_service.workflow import Progress, Said, Step, Workflows
from apps.customer_service.workflow_file import FAILED
from apps.generation.answering import HAND_OVER as PASSED_ON
from apps.generation.writer import AnswerWriter
from apps.hours import HoursConfig, is_open, next_open, told
from data.schema import Answer, Conversation, Passage, Reason, Situation
from finetune.intent_model import IntentModel
from finetune.ner_model import NerModel
from retrieval.filters import Filter
from retrieval.index import Index

FOUND = 8  # passages that an answer is selected from
SHOWN = 5
SHORT = 6  # words of a mere correction


class CustomerServiceBot:
    """Answers a customer with workflows on orders and with what the company has already said.

    Args:
        intents: The intent run.
        entities: The ner run.
        index: FAQ, policies and solved conversations.
        workflows: What can be looked up and changed.
        examples: Messages to begin with, for the page.
        hours: When colleagues are there; always, where it is not told.
        mood: Anger of a message, as `apps.customer_service.mood` counts it.
        now: The time, aware of its zone.
    """

    title = "Customer service"

    def __init__(
        self,
        intents: IntentModel,
        entities: NerModel,
        index: Index,
        workflows: Workflows,
        examples: tuple[str, ...] = (),
        hours: HoursConfig | None = None,
        mood: Callable[[str], float] = anger,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        writer: AnswerWriter | None = None,
    ) -> None:
        self._intents, self._entities, self._index = intents, entities, index
        self._workflows, self._hours, self._mood, self._now = workflows, hours, mood, now
        self.examples, self._writer = examples, writer

    def answer(self, conversation: Conversation, state: State) -> Iterator[Answer]:
        """See App."""
        start = time.perf_counter()
        text = clean(conversation.turns[-1].text)
        refusal = polite_refusal(text)
        if refusal is not None:
            yield Answer(refusal, step="not_read", ms={"total": _since(start)}, state=dict(state))
            return
        turn = self._understand(text, conversation, state)
        last = self._decide(turn)
        written = turn.writing is not None
        for place, draft in enumerate(turn.writing or ()):
            if place:
                yield last  # as far as it is written and checked
            last = draft
        final = self._went_on(turn, self._whole(turn, last))
        final = replace(final, ms={**turn.ms, "total": _since(start)}, state=turn.state())
        yield from [final] if written else growing(final)

    def _understand(self, text: str, conversation: Conversation, state: State) -> BotTurn:
        """Intent and entities of the message, and what is remembered."""
        # The time is stored with the message: it is the same when that is answered again.
        time_ = conversation.turns[-1].time
        anchor = time_.isoformat() if time_ else str(len(conversation.turns))
        progress, last = (Progress.from_dict(state.get(key)) for key in ("workflow", "last"))
        waiting = [Progress(**each) for each in state.get("waiting", ())]
        turn = self._read(text, conversation, anchor, dict(state.get("values", {})))
        turn.progress, turn.last = self._known(progress), self._known(last)
        turn.waiting = [each for each in waiting if self._known(each)]
        turn.wishes, turn.tried = list(state.get("wishes", ())), list(state.get("tried", ()))
        turn.misses = int(state.get("misses", 0))
        turn.anger = (self._mood(text), float(state.get("anger", 0.0)))
        if turn.progress is None:
            self._cut(turn, anchor)
        turn.values |= {entity.type: entity.text for entity in turn.said.entities}
        return turn

    def _read(
        self, text: str, conversation: Conversation, anchor: str, values: dict[str, str]
    ) -> BotTurn:
        """What the models find in a text."""
        ms: dict[str, float] = {}
        clock = time.perf_counter()
        intent = self._intents.predict([text])[0].intent
        ms["intent"] = _since(clock)
        clock = time.perf_counter()
        entities = tuple(self._entities.predict([text])[0])
        ms["entities"] = _since(clock)
        said = Said(text, entities, conversation.id, anchor)
        return BotTurn(text, intent, entities, values, None, 0, said, conversation, ms=ms)

    def _known(self, progress: Progress | None) -> Progress | None:
        """The progress, unless its workflow is gone from the file."""
        return progress if progress and self._workflows.knows(progress.name) else None

    def _cut(self, turn: BotTurn, anchor: str) -> None:
        """Of several wishes keep the first, and remember the others."""
        name = self._workflows.for_intent(turn.intent.name)
        for kind in self._workflows.carried(name) if name else ():
            text, others = same_for_others(turn.text, turn.entities, kind)
            if others:
                turn.wishes += others
                entities = tuple(self._entities.predict([text])[0])
                turn.text, turn.said = text, replace(turn.said, text=text, entities=entities)
                return
        found = parts(turn.text)
        if len(found) < 2:
            return
        clock = time.perf_counter()
        read = [each.intent for each in self._intents.predict([part.text for part in found])]
        turn.ms["wishes"] = _since(clock)
        sure = self._intents.levels.sure
        wanted = [
            (part, intent)
            for part, intent in zip(found, read, strict=True)
            if intent.name is not None and intent.confidence >= sure and wishes_something(part.text)
        ]
        names = list(dict.fromkeys(intent.name for _, intent in wanted))
        starts = [self._workflows.for_intent(name) for name in names]
        if len(names) < 2 or not any(starts) or "talk_to_human" in (turn.intent.name, *names):
            return
        kept = [next(part for part, intent in wanted if intent.name == name) for name in names]
        first = kept[0]
        turn.text, turn.intent = first.text, wanted[0][1]
        turn.said = Said(first.text, within(first, turn.entities), turn.conversation.id, anchor)
        turn.wishes += [part.text for part in kept[1:]]

    def _went_on(self, turn: BotTurn, answer: Answer) -> Answer:
        """The answer, and where it ended something, what is still open."""
        turn.tried.append(answer.step)
        if turn.progress is not None:
            return replace(answer, choices=self._workflows.choices(turn.progress))
        if answer.hand_over or not answer.step.startswith(("workflow", "select", "generate")):
            return answer
        if answer.step.endswith(":cancelled"):
            turn.waiting, turn.wishes = [], []
            return answer
        if turn.waiting:
            turn.progress = turn.waiting.pop()
            question = self._workflows.resume_question(turn.progress)
            choices = self._workflows.choices(turn.progress)
            text = f"{answer.text}\n\n{BACK}: {question}"
            return replace(answer, text=text, choices=choices)
        return self._wished(turn, answer) if turn.wishes else answer

    def _wished(self, turn: BotTurn, answer: Answer) -> Answer:
        """The answer, followed by that to the next remembered wish."""
        wish = turn.wishes.pop(0)
        other = self._read(wish, turn.conversation, f"{turn.said.turn}+", turn.values)
        other.values |= {entity.type: entity.text for entity in other.entities}
        other.wishes, other.tried, other.last = turn.wishes, turn.tried, turn.last
        decided = self._decide(other)
        *_, last = other.writing or (decided,)  # what is written is shown when it is whole
        follows = self._went_on(other, self._whole(other, last))
        turn.progress, turn.misses, turn.last = other.progress, other.misses, other.last
        turn.waiting = other.waiting
        return replace(
            answer,
            text=f"{answer.text}\n\n{NEXT} “{wish}”. {follows.text}",
            passages=answer.passages or follows.passages,
            effects=(*answer.effects, *follows.effects),
            choices=follows.choices,
            hand_over=follows.hand_over,
            reason=follows.reason,
            summary=follows.summary,
        )

    def _decide(self, turn: BotTurn) -> Answer:
        """The complete Answer; what is said where no workflow runs is chosen in `_select`."""
        started = self._workflows.for_intent(turn.intent.name)
        misses = turn.misses + (turn.progress.misses if turn.progress else 0)
        if turn.intent.name != "talk_to_human" and upset(*turn.anger, misses):
            return self._hand_over(turn, "upset")
        if turn.progress is None and self._corrects(turn, started):
            assert turn.last is not None
            return self._workflow(turn, Progress(turn.last.name, turn.last.slots))
        if turn.progress is not None and not self._switches(turn, turn.progress, started):
            return self._workflow(turn, turn.progress)
        if turn.intent.name == "talk_to_human":
            return self._hand_over(turn, "asked_for_person")
        if started is not None:
            return self._start(turn, started)
        if THANKS.match(turn.text) or GREETING.match(turn.text):
            words = "Hello! What can I help you with?"
            if THANKS.match(turn.text):
                words = "You are welcome. Is there anything else?"
            return self._finish(turn, words, "small_talk")
        if turn.intent.name is None:
            return self._out_of_scope(turn)
        return self._select(turn)

    def _corrects(self, turn: BotTurn, started: str | None) -> bool:
        """Whether the message gives the workflow that has just ended another value."""
        if turn.last is None or not CORRECTS.search(turn.text):
            return False
        elsewhere = started not in (None, turn.last.name)
        if elsewhere and (WISHES.search(turn.text) or len(turn.text.split()) > SHORT):
            return False
        return self._workflows.names_new(turn.last, turn.text, turn.said.entities)

    def _switches(self, turn: BotTurn, progress: Progress, started: str | None) -> bool:
        """Whether the message leaves the workflow's question unanswered or wants another workflow.

        An answer such as "it is order FK-123456" may look like another intent: only a message that
        also asks or wishes counts as a change of mind. Whoever asks for a person gets one, whatever
        else the message says; but a bare "yes please" may be taken for that too.
        """
        if not self._workflows.takes(progress, turn.text, turn.said.entities):
            return True
        sure = turn.intent.confidence >= self._intents.levels.sure
        if turn.intent.name == "talk_to_human" and sure and PERSON.search(turn.text):
            return True
        other = started is not None and started != progress.name
        return other and sure and bool(WISHES.search(turn.text))

    def _start(self, turn: BotTurn, name: str) -> Answer:
        """Begin a workflow, or stay in it; a question about the rules is answered on the way."""
        going_on = turn.progress if turn.progress and turn.progress.name == name else None
        progress = going_on or self._workflows.begin(name, turn.values)
        left = turn.progress if going_on is None else None
        if left is not None and left.asked and not INSTEAD.search(turn.text):
            turn.waiting = [*(each for each in turn.waiting if each.name != name), left]
        ruled = going_on is not None or not progress.slots
        asks = ruled and self._workflows.answers_first(name, turn.text)
        chosen = self._search(turn) if asks else None
        if chosen is None:
            return self._workflow(turn, progress)
        if going_on is not None:
            return self._selected(turn, chosen, "Back to where we were")
        turn.progress = self._workflows.moved(progress, turn.said).progress
        return self._selected(turn, chosen, "If you want me to do it for you")

    def _workflow(self, turn: BotTurn, progress: Progress) -> Answer:
        clock = time.perf_counter()
        step: Step = self._workflows.moved(progress, turn.said)
        turn.ms["workflow"] = _since(clock)
        turn.last = Progress(progress.name, {**progress.slots, **step.slots})
        if step.progress is not None or step.stage == "cancelled":
            turn.last = None
        turn.progress = step.progress
        if step.stage == "gave_up":
            return self._hand_over(turn, "action_failed")
        if step.stage == f"answer:{FAILED}":
            answer = self._hand_over(turn, "action_failed")
            return replace(answer, text=f"{step.text} {answer.text}")
        answer = self._finish(turn, step.text, f"workflow:{progress.name}:{step.stage}")
        return replace(answer, effects=step.effects, choices=step.choices)

    def _select(self, turn: BotTurn) -> Answer:
        """The best known answer, with its sources; a hand-over where none is close enough."""
        chosen = self._search(turn)
        found = turn.passages if self._index.answerable(turn.passages) else ()
        if self._writer is not None and self._writer.wants(chosen, found, turn.values):
            *before, last = turn.conversation.turns
            asked = replace(last, text=turn.text, entities=tuple(turn.said.entities))
            # Of several wishes the model reads this one.
            situation = Situation((*before, asked), found[:SHOWN], turn.values)
            turn.writing = self._writer.answers(situation, chosen)
            return Answer("", step="generate")
        if chosen is None:
            doubtful = turn.intent.confidence < self._intents.levels.doubtful
            return self._hand_over(turn, "low_confidence" if doubtful else "no_answer")
        return self._selected(turn, chosen, "Back to where we were")

    def _whole(self, turn: BotTurn, answer: Answer) -> Answer:
        """A written answer with what the bot knows; a hand-over in the bot's own words."""
        if turn.writing is None:
            return answer
        turn.ms |= answer.ms
        if answer.hand_over:
            passed_on = self._hand_over(turn, answer.reason or "no_answer")
            text = answer.text.removesuffix(PASSED_ON) + passed_on.text
            return replace(passed_on, text=text, step=answer.step)
        finished = self._finish(turn, answer.text + self._back(turn), answer.step)
        return replace(finished, passages=answer.passages)

    def _back(self, turn: BotTurn, lead: str = "Back to where we were") -> str:
        """What a workflow in progress asked, asked again; nothing where none is."""
        if turn.progress is None:
            return ""
        return f"\n\n{lead}: {self._workflows.resume_question(turn.progress)}"

    def _selected(self, turn: BotTurn, chosen: Passage, lead: str) -> Answer:
        """The chosen passage as an answer; a workflow in progress asks its question again."""
        sources = (chosen, *(p for p in turn.passages if p.id != chosen.id))[:SHOWN]
        text = chosen.text + self._back(turn, lead)
        step = f"select:{chosen.metadata.get('kind', 'passage')}"
        return replace(self._finish(turn, text, step), passages=sources)

    def _search(self, turn: BotTurn) -> Passage | None:
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

    def _out_of_scope(self, turn: BotTurn) -> Answer:
        """A first one is declined, a second in a row goes to a person."""
        if turn.misses:
            return self._hand_over(turn, "out_of_scope")
        words = (
            "I can help with orders, deliveries, returns, payments, accounts and our products, and "
            "that seems to be something else. Could you put it in other words if it is about one "
            "of these?"
        )
        return replace(self._finish(turn, words, "out_of_scope", misses=1), reason="out_of_scope")

    def _hand_over(self, turn: BotTurn, reason: Reason) -> Answer:
        """A person takes over, told what has happened; out of hours the customer is told when."""
        lines = summary(
            turn.conversation, turn.progress, turn.values, turn.tried, turn.passages, reason
        )
        turn.progress, turn.waiting, turn.wishes = None, [], []
        text, closed = HAND_OVER[reason], False
        now = self._now()
        if self._hours is not None and not is_open(self._hours, now):
            begins = next_open(self._hours, now)
            back = f" We are back on {told(begins)}." if begins else ""
            closed = not self._hours.wait
            if closed:
                text = f"Nobody is here to take this over right now.{back} Please write again then."
            else:
                text += f" Nobody is here right now.{back} Your message waits for us until then."
        answer = self._finish(turn, text, "hand_over")
        return replace(
            answer,
            hand_over=not closed,
            reason="closed" if closed else reason,
            passages=turn.passages[:SHOWN],
            summary=lines,
        )

    def _finish(self, turn: BotTurn, text: str, step: str, misses: int = 0) -> Answer:
        turn.misses = misses
        return Answer(text, intent=turn.intent, entities=turn.entities, step=step)


def growing(answer: Answer) -> Iterator[Answer]:
    """The Answer sentence by sentence; the last is complete and alone carries state and effects."""
    ends = [match.end() for match in re.finditer(r"[.!?]\s+", answer.text)]
    for end in ends:
        yield replace(answer, text=answer.text[:end], state={}, effects=())
    yield answer


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
