"""What a step of a workflow starts from and comes to: plain data, and when it is given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from data.schema import Entity

MISSES = 3  # so many answers in a row that do not answer the question hand the conversation over


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a customer stands in a workflow."""

    name: str
    slots: Mapping[str, str] = field(default_factory=dict)
    asked: str | None = None  # the slot asked for last, or "confirm"
    misses: int = 0  # how often in a row the question was not answered
    lacks: Sequence[str] = ()  # slots that the customer does not have

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> "Progress | None":
        """From plain values; None stays None."""
        return cls(**{**values, "lacks": tuple(values.get("lacks", ()))}) if values else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "slots": dict(self.slots),
            "asked": self.asked,
            "misses": self.misses,
            "lacks": list(self.lacks),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a workflow says and does; `progress` is None when the workflow has ended.

    `stage` is `ask:<slot>`, `confirm`, `cancelled`, `gave_up` or `answer:<name>`.
    """

    text: str
    stage: str
    progress: Progress | None
    effects: tuple[Mapping[str, Any], ...] = ()
    choices: tuple[str, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)  # as they were filled, at an end


@dataclass(frozen=True, slots=True)
class Said:
    """A customer's message: its text, what was found in it, and which message it is.

    `conversation` and `turn` tell it from every other one, and are the same when it is answered
    again after a crash.
    """

    text: str
    entities: Sequence[Entity] = ()
    conversation: str = ""
    turn: str = ""


def counted(before: Progress, step: Step) -> Step:
    """The step; giving what cannot be, as an unknown number, answers a question as little."""
    after = step.progress
    same = after is not None and (after.name, after.asked) == (before.name, before.asked)
    if after is None or not same or not step.stage.startswith("answer:"):
        return step
    if before.misses + 1 >= MISSES:
        return Step("", "gave_up", None)
    return replace(step, progress=replace(after, misses=before.misses + 1))
