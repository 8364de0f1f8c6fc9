"""The customer service bot: understand, run a workflow, else select an answer, else hand over."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate

from apps.app import State, clean, polite_refusal, since
from apps.customer_service.agreement import denies
from apps.customer_service.bot_turn import BotTurn
from apps.customer_service.fitness import Fitness
from apps.customer_service.hand_over import SHOWN, Colleagues
from apps.customer_service.known_answers import KnownAnswers
from apps.customer_service.mood import ANGRY, anger, upset
from apps.customer_service.phrases import (
    ANYTHING_ELSE,
    BACK,
    CORRECTS,
    GLAD,
    GOODBYE,
    INSTEAD,
    NEXT,
    OFFER,
    TO_BE_SURE,
    UNDERSTOOD,
    WISHES,
    closes,
    is_grave,
    small_talk,
)
from apps.customer_service.progress import MISSES, Progress, Step
from apps.customer_service.questions import rule_questions
from apps.customer_service.remarks import bare, overdue, praises
from apps.customer_service.turning import Turning
from apps.customer_service.understanding import Understanding
from apps.customer_service.workflow import Workflows
from apps.customer_service.workflow_file import FAILED
from apps.generation.answering import HAND_OVER as PASSED_ON
from apps.generation.writer import AnswerWriter
from apps.hours import HoursConfig
from data.schema import Answer, Conversation, Passage
from data.sentences import sentences
from finetune.intent.model import IntentModel
from finetune.ner.model import NerModel
from retrieval.index import Index


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
        writer: What writes answers; without it they are selected.
        fitness: How probable an answer must be; without it the index's threshold decides.
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
        fitness: Fitness | None = None,
    ) -> None:
        self.examples = examples
        self._intents, self._workflows = intents, workflows
        self._understanding = Understanding(intents, entities, workflows, mood)
        self._known = KnownAnswers(index, intents, entities, workflows, writer, fitness)
        self._turning = Turning(workflows, intents, self._known.judges)
        self._colleagues = Colleagues(hours, now, workflows.passed_on)

    def read_ahead(self) -> None:
        """Read what needs no message, so that the first turns are as quick as later ones."""
        self._known.read_ahead()

    def answer(self, conversation: Conversation, state: State) -> Iterator[Answer]:
        """See App."""
        start = time.perf_counter()
        text = clean(conversation.turns[-1].text)
        refusal = polite_refusal(text)
        if refusal is not None:
            yield Answer(refusal, step="not_read", ms={"total": since(start)}, state=dict(state))
            return
        turn = self._understanding.of(text, conversation, state)
        last = self._decide(turn)
        written = turn.writing is not None
        for place, draft in enumerate(turn.writing or ()):
            if place:
                yield last  # as far as it is written and checked
            last = draft
        final = self._went_on(turn, self._whole(turn, last))
        final = replace(final, ms={**turn.ms, "total": since(start)}, state=turn.state())
        yield from [final] if written else growing(final)

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
        other = self._understanding.read(wish, turn.conversation, f"{turn.said.turn}+", turn.values)
        other.values |= {entity.type: entity.text for entity in other.entities}
        other.wishes, other.tried, other.last = turn.wishes, turn.tried, turn.last
        decided = self._decide(other)
        *_, last = other.writing or (decided,)  # what is written is shown when it is whole
        follows = self._went_on(other, self._whole(other, last))
        turn.progress, turn.misses, turn.last = other.progress, other.misses, other.last
        turn.waiting, turn.telling = other.waiting, [*turn.telling, *other.telling]
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
        started = self._workflows.for_intent(turn.intent.name, turn.said.entities)
        if started is not None and self._turning.ahead(turn, started):
            started = None
        misses = turn.misses + (turn.progress.misses if turn.progress else 0)
        if turn.intent.name != "talk_to_human" and upset(*turn.anger, misses):
            return self._colleagues.take(turn, "upset")
        dealt_with = turn.progress.name if turn.progress else started
        if is_grave(turn.text) and not self._workflows.grave(dealt_with):
            return self._colleagues.take(turn, "no_answer", "hand_over:grave")
        if turn.progress is None and self._turning.corrects(turn, started):
            assert turn.last is not None
            return self._workflow(turn, Progress(turn.last.name, turn.last.slots))
        if (replied := self._replied(turn, started)) is not None:
            return replied
        if (spoken := self._without_pages(turn, started)) is not None:
            return spoken
        if started is not None:
            return self._start(turn, started)
        if turn.intent.name is None:
            return self._unlike(turn)
        return self._select(turn)

    def _without_pages(self, turn: BotTurn, started: str | None) -> Answer | None:
        """To what no page and no workflow is for: talk, remarks, a person, an undoing, a wait."""
        words = small_talk(turn.text, turn.progress is not None)
        if not words and turn.progress is None and len(turn.conversation.turns) == 1:
            words = UNDERSTOOD if bare(turn.text) else ""
        if not words and started is None and praises(turn.text):
            words = GLAD
        if words:
            return turn.answered(words, "small_talk")
        if turn.person or self._turning.asks_for_person(turn):
            return self._colleagues.take(turn, "asked_for_person")
        if self._turning.undoes(turn):
            return self._colleagues.take(turn, "action_failed")
        waits = started is None and turn.intent.name is not None and overdue(turn.text)
        if waits and not rule_questions(turn.text):
            return self._colleagues.take(turn, "no_answer", "hand_over:overdue")
        return None

    def _unlike(self, turn: BotTurn) -> Answer:
        """To what the intent run takes for out of scope: what is known all the same, or no."""
        chosen = self._known.search(turn) if self._known.judges else None
        if chosen is not None:
            return self._known.selected(turn, chosen)
        if turn.progress is not None:
            return self._workflow(turn, turn.progress)  # which asks again, a few times
        return self._out_of_scope(turn)

    def _replied(self, turn: BotTurn, started: str | None) -> Answer | None:
        """To what replies to a workflow's question; None where none is open, or all else."""
        progress = turn.progress
        if progress is None:
            return None
        if self._turning.lacks(turn, progress):
            return self._colleagues.take(turn, "action_failed")
        if self._turning.switches(turn, progress, started):
            return None
        asked = rule_questions(turn.text) if progress.asked == "confirm" else []
        if self._turning.agrees_on_condition(turn, progress):
            turn.progress = replace(progress, misses=progress.misses + 1)
            if turn.progress.misses >= MISSES:
                return self._colleagues.take(turn, "action_failed")
            chosen = self._known.search(turn, asked) if asked else None
            if chosen is not None:
                return self._known.selected(turn, chosen)
            question = self._workflows.resume_question(progress)
            words = f"{TO_BE_SURE}: {question}"
            return turn.answered(words, f"workflow:{progress.name}:confirm")
        answer = self._workflow(turn, progress)
        ended = asked and turn.progress is None
        chosen = self._known.search(turn, asked) if ended else None
        return answer if chosen is None else self._beside(turn, chosen, answer)

    def _start(self, turn: BotTurn, name: str) -> Answer:
        """Begin a workflow, or stay in it; a question about the rules is answered on the way."""
        going_on = turn.progress if turn.progress and turn.progress.name == name else None
        progress = going_on or self._workflows.begin(name, turn.values)
        left = turn.progress if going_on is None else None
        taken_back = CORRECTS.search(turn.text) and denies(turn.text)
        dropped = taken_back or INSTEAD.search(turn.text)
        if left is not None and left.asked and not dropped:
            turn.waiting = [*(each for each in turn.waiting if each.name != name), left]
        asked = rule_questions(turn.text) if self._workflows.question_first(name) else []
        chosen = self._known.search(turn, asked) if asked else None
        if chosen is None and asked and not self._turning.wished_for(turn, progress):
            looks_up = bool(progress.slots) and not self._workflows.changes(name)
            chosen = self._known.search(turn) if looks_up else None
            if chosen is None:
                return self._select(turn)
        if chosen is None:
            return self._workflow(turn, progress)
        if going_on is not None:
            return self._known.selected(turn, chosen)
        if self._workflows.asks_nothing(name):
            return self._known.selected(turn, chosen)
        if not progress.slots:
            turn.progress = self._workflows.moved(progress, turn.said).progress
            return self._known.selected(turn, chosen, OFFER)
        return self._beside(turn, chosen, self._workflow(turn, progress))

    def _beside(self, turn: BotTurn, chosen: Passage, answer: Answer) -> Answer:
        """A workflow's answer and that to a question about the rules; what is asked comes last."""
        if answer.hand_over:
            return answer
        texts = [chosen.text, answer.text] if turn.progress else [answer.text, chosen.text]
        return replace(answer, text="\n\n".join(texts), passages=turn.passages[:SHOWN])

    def _workflow(self, turn: BotTurn, progress: Progress) -> Answer:
        clock = time.perf_counter()
        step: Step = self._workflows.moved(progress, turn.said)
        turn.ms["workflow"] = since(clock)
        turn.last = Progress(progress.name, {**progress.slots, **step.slots})
        if step.progress is not None or step.stage == "cancelled":
            turn.last = None
        turn.progress = step.progress
        asks = step.progress is not None and step.stage != "confirm"
        # A person who leads the conversation has the order before them, or will ask for it.
        if step.stage == "gave_up" or (asks and turn.led):
            return self._colleagues.take(turn, "action_failed")
        if step.stage == f"answer:{FAILED}":
            answer = self._colleagues.take(turn, "action_failed")
            return replace(answer, text=f"{step.text} {answer.text}")
        answer = turn.answered(step.text, f"workflow:{progress.name}:{step.stage}")
        return replace(answer, effects=step.effects, choices=step.choices)

    def _select(self, turn: BotTurn) -> Answer:
        """What is known, or a hand-over where nothing is close enough."""
        answer = self._known.answer(turn)
        if answer is None:
            doubtful = turn.intent.confidence < self._intents.levels.doubtful
            if turn.anger[0] >= ANGRY:
                return self._colleagues.take(turn, "upset")
            return self._colleagues.take(turn, "low_confidence" if doubtful else "no_answer")
        return answer

    def _whole(self, turn: BotTurn, answer: Answer) -> Answer:
        """A written answer with what the bot knows; a hand-over in the bot's own words."""
        if turn.writing is None:
            return answer
        turn.ms |= answer.ms
        if answer.hand_over:
            passed_on = self._colleagues.take(turn, answer.reason or "no_answer")
            text = answer.text.removesuffix(PASSED_ON) + passed_on.text
            return replace(passed_on, text=text, step=answer.step)
        finished = turn.answered(answer.text + self._known.asked_again(turn), answer.step)
        return replace(finished, passages=answer.passages)

    def _out_of_scope(self, turn: BotTurn) -> Answer:
        """A first one is declined, a second in a row goes to a person."""
        if turn.anger[0] >= ANGRY:
            return self._colleagues.take(turn, "upset")
        if turn.last is not None and not WISHES.search(turn.text):  # said of what was just done
            words = GOODBYE if closes(turn.text) or turn.misses else ANYTHING_ELSE
            return turn.answered(words, "small_talk", misses=1)
        if turn.misses:
            return self._colleagues.take(turn, "out_of_scope")
        words = (
            "I can help with orders, deliveries, returns, payments, accounts and our products, and "
            "that seems to be something else. Could you put it in other words if it is about one "
            "of these?"
        )
        words = self._workflows.out_of_scope or words
        return replace(turn.answered(words, "out_of_scope", misses=1), reason="out_of_scope")


def growing(answer: Answer) -> Iterator[Answer]:
    """The Answer sentence by sentence; the last is complete and alone carries state and effects."""
    for text in [*accumulate(sentences(answer.text))][:-1]:
        yield replace(answer, text=text, state={}, effects=())
    yield answer
