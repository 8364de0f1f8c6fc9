"""Whole dialogues: a customer says what the real one said, in the order in which the bot asks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from apps.app import App, State
from apps.customer_service.workflow_file import LACKING
from benchmarks.guideline_customer import asked_for
from benchmarks.star_bank.bot import STAGES, Bank
from benchmarks.star_bank.dialogues import Dialogue, Query
from benchmarks.star_bank.filled import DETAILS, same
from data.schema import Answer, Conversation, Turn

MOST = 14  # messages of a customer
PATIENCE = 2  # how often a question is answered with the same words
LACKS = "I don't remember that"  # ours: where the real customer was not asked for it


@dataclass(frozen=True, slots=True)
class Played:
    """A dialogue as it went with the bot."""

    dialogue: Dialogue
    messages: tuple[str, ...]
    answers: tuple[Answer, ...]
    called: tuple[tuple[str, dict[str, str]], ...]

    @property
    def wanted(self) -> Query | None:
        """The last query by which the wizard got the task done; None where it was not."""
        return next((each for each in reversed(self.dialogue.queries) if each.succeeded), None)

    @property
    def right(self) -> bool:
        """Whether the bot did what the wizard did, for the same customer; or neither did it."""
        if self.wanted is None:
            return not self.called
        return any(
            task == self.wanted.task
            and all(
                same(name, slots[name], value)
                for name, value in self.wanted.slots.items()
                if name in slots and name != DETAILS
            )
            for task, slots in self.called
        )


def play(app: App, bank: Bank, dialogues: Iterable[Dialogue]) -> Iterator[Played]:
    """Each dialogue, until its task is done, a person takes over, or nothing is left to say."""
    for dialogue in dialogues:
        bank.open(dialogue)
        customer = _Customer(dialogue, _customers(dialogue))
        state: State = {}
        turns: list[Turn] = []
        messages: list[str] = []
        answers: list[Answer] = []
        text = customer.next(None)
        while text is not None and len(messages) < MOST:
            turns.append(Turn("customer", text))
            *_, answer = app.answer(Conversation(dialogue.conversation.id, tuple(turns)), state)
            messages.append(text)
            answers.append(answer)
            turns.append(Turn("agent", answer.text))
            state = answer.state
            text = None if bank.called else customer.next(answer)
        yield Played(dialogue, tuple(messages), tuple(answers), tuple(bank.called))


@dataclass(slots=True)
class _Customer:
    """What the real customer said, in order, and how often each slot was asked for."""

    dialogue: Dialogue
    left: list[str]
    times: dict[str, int] = field(default_factory=dict)

    def next(self, last: Answer | None) -> str | None:
        """The next message; None where the conversation is over."""
        if last is not None and last.hand_over:
            return None
        slot = asked_for(last) if last is not None else None
        if slot is None:
            return self._said(self.left[0]) if self.left else None
        if last is not None and last.step.endswith(f":answer:{LACKING}"):
            values = {value for each in self.dialogue.queries for value in each.slots.values()}
            told = [text for text in self.left if _holds(text, values)]  # remembered later
            return self._said(told[0]) if told else LACKS
        self.times[slot] = time = self.times.get(slot, 0) + 1
        said = self._answers(slot)
        if said and time < len(said) + PATIENCE:
            return self._said(said[min(time, len(said)) - 1])
        return LACKS

    def _said(self, text: str) -> str:
        if text in self.left:
            self.left.remove(text)
        return text

    def _answers(self, slot: str) -> list[str]:
        """What was said when the wizard asked for it, else where its value stands."""
        turns = self.dialogue.conversation.turns
        asks = {action for action, stage in STAGES.items() if stage == f"ask:{slot}"}
        said = [
            turn.text
            for before, turn in zip(turns, turns[1:], strict=False)
            if before.action in asks and turn.speaker == "customer"
        ]
        values = [each.slots[slot] for each in self.dialogue.queries if slot in each.slots][-1:]
        return said or [text for text in _customers(self.dialogue) if _holds(text, values)]


def _customers(dialogue: Dialogue) -> list[str]:
    return [turn.text for turn in dialogue.conversation.turns if turn.speaker == "customer"]


def _holds(text: str, values: Iterable[str]) -> bool:
    return any(value.lower() in text.lower() for value in values)
