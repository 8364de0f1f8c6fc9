"""Giving a conversation to a person, who is told what they should know, without a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from apps.customer_service.bot_turn import BotTurn
from apps.customer_service.phrases import HAND_OVER
from apps.customer_service.progress import Progress
from apps.hours import HoursConfig, is_open, next_open, told
from data.schema import Answer, Conversation, Passage, Reason

LONGEST = 200  # characters of what was said
PASSAGES = 3
SHOWN = 5  # passages that an Answer shows


class Colleagues:
    """Who takes over.

    Args:
        hours: When they are there; always, where it is not told.
        now: The time, aware of its zone.
        passed_on: How they will answer, where it is told.
    """

    def __init__(
        self, hours: HoursConfig | None, now: Callable[[], datetime], passed_on: str = ""
    ) -> None:
        self._hours, self._now, self._passed_on = hours, now, passed_on

    def take(self, turn: BotTurn, reason: Reason, step: str = "hand_over") -> Answer:
        """A person takes over, told what has happened; out of hours the customer is told when.

        `step` is `hand_over:grave` or `hand_over:overdue` where a person would take it whatever is
        known: such a message is no gap in what is known.
        """
        lines = summary(
            turn.conversation, turn.progress, turn.values, turn.tried, turn.passages, reason
        )
        turn.progress, turn.waiting, turn.wishes = None, [], []
        text, closed = f"{HAND_OVER[reason]} {self._passed_on}".strip(), False
        now = self._now()
        if self._hours is not None and not is_open(self._hours, now):
            begins = next_open(self._hours, now)
            back = f" We are back on {told(begins)}." if begins else ""
            closed = not self._hours.wait
            if closed:
                text = f"Nobody is here to take this over right now.{back} Please write again then."
            else:
                text += f" Nobody is here right now.{back} Your message waits for us until then."
        answer = turn.answered(text, step)
        return replace(
            answer,
            hand_over=not closed,
            reason="closed" if closed else reason,
            passages=turn.passages[:SHOWN],
            summary=lines,
        )


def summary(
    conversation: Conversation,
    progress: Progress | None,
    values: Mapping[str, str],
    tried: Sequence[str],
    passages: Sequence[Passage],
    why: str,
) -> str:
    """The lines.

    Args:
        conversation: All turns, the customer's last one too.
        progress: The workflow that was going on.
        values: What is known of the customer, type to text.
        tried: Steps of the answers so far, the latest last.
        passages: What was found last.
        why: Why it is handed over.
    """
    said = [turn.text for turn in conversation.turns if turn.speaker == "customer"]
    slots = {**values, **(progress.slots if progress is not None else {})}
    lines = [
        ("Why", why.replace("_", " ")),
        ("Wants", progress.name.replace("_", " ") if progress else _cut(_longest(said))),
        ("Known", "; ".join(f"{name.replace('_', ' ')} {_cut(v)}" for name, v in slots.items())),
        ("Tried", "; ".join(_step(step) for step in dict.fromkeys(tried))),
        ("Found", "; ".join(p.title or _cut(p.text) for p in passages[:PASSAGES])),
        ("Last said", _cut(said[-1]) if said else ""),
    ]
    return "\n".join(f"{name}: {text}" for name, text in lines if text)


def _step(step: str) -> str:
    """`workflow:cancel_order:answer:done` as `cancel order: done`."""
    parts = step.removeprefix("workflow:").replace("_", " ").split(":")
    return ": ".join(part for part in parts if part != "answer")


def _longest(said: Sequence[str]) -> str:
    """The message that tells most, of those that began it."""
    return max(said[:3], key=len, default="")


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
