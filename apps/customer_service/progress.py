"""What a step of a workflow starts from and comes to. Plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data.schema import Entity


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
