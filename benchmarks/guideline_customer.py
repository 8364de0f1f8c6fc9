"""A customer who follows a written case: answers what is asked, then says what is left to say."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.guideline_cases import Case
from data.schema import Answer

MOST = 12  # messages of one customer
PATIENCE = 2  # how often in a row the same question is answered with the same words
LACKS = "I don't have that to hand, sorry"
REFUSES = "no thanks"
AGREES = "yes, that's right"
OFFER = ("select", "generate")  # steps of answers to a question: what these ask is an offer
UNCLEAR = ("out_of_scope", "not_read", "small_talk")  # steps that ask to say it in other words

Say = Callable[[str], Answer]


@dataclass(frozen=True, slots=True)
class Talk:
    """A case as it went: an Answer for each of the customer's messages."""

    case: Case
    messages: tuple[str, ...]
    answers: tuple[Answer, ...]


def asked_for(answer: Answer) -> str | None:
    """The slot, or `confirm`, that the bot waits for after this answer."""
    workflow = answer.state.get("workflow")
    return workflow["asked"] if isinstance(workflow, dict) else None


def play(case: Case, say: Say) -> Talk:
    """Hold the conversation: `say` gives the bot's complete Answer to a message.

    It ends with a hand-over, when nothing is left to say, or after MOST messages.
    """
    customer = _Customer(case, list(case.then))
    messages, answers = [case.says], [say(case.says)]
    while len(messages) < MOST:
        following = customer.next(answers[-1])
        if following is None:
            break
        messages.append(following)
        answers.append(say(following))
    return Talk(case, tuple(messages), tuple(answers))


@dataclass(slots=True)
class _Customer:
    """What a customer still has to say, and what they were asked last."""

    case: Case
    left: list[str]
    wanted: str | None = None
    times: int = 0  # how often in a row that was asked
    other: bool = False  # whether `other` has been said already
    question: str = ""  # the last answer's text

    def next(self, last: Answer) -> str | None:
        """The next message; None where the conversation is over."""
        if last.hand_over:
            return None
        wanted = asked_for(last)
        self.times = self.times + 1 if wanted == self.wanted else 1
        self.wanted = wanted
        corrected = wanted == "confirm" and self.times > 1 and last.text != self.question
        self.question = last.text
        if corrected:
            return AGREES
        offered = last.step.startswith(OFFER)
        if wanted is None or (offered and self.left):
            return self._further(last)
        if wanted in self.case.asked and self.times <= PATIENCE:
            return self.case.asked[wanted]
        if offered or self.times > PATIENCE + 1:
            return None  # the question is answered and no more is wanted, or patience is at its end
        return self._puzzled() or (REFUSES if wanted == "confirm" else LACKS)

    def _further(self, last: Answer) -> str | None:
        """What is said where nothing, or nothing of interest, is asked."""
        unclear = last.step in UNCLEAR
        if unclear and (words := self._puzzled()):
            return words
        return self.left.pop(0) if self.left else None

    def _puzzled(self) -> str | None:
        """What the case says to anything else, once."""
        if self.other:
            return None
        self.other = True
        return self.case.asked.get("other")
