"""Workflows: what one is, and one step of running it. Plain data in, plain data out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from apps.actions import ActionResult, Orders
from apps.customer_service.actions import ACTIONS, PREVIEWS
from apps.customer_service.replies import (
    agreed,
    asks,
    is_reply,
    new_value,
    order_number,
    read_address,
    read_order_number,
)
from data.config import Config, load_config
from data.schema import Entity

MISSES = 3  # so many answers in a row that do not answer the question hand the conversation over


class SlotConfig(Config):
    """A value that a workflow needs."""

    ask: str = Field(min_length=1, description="the question when it is missing")
    kind: Literal["entity", "text"] = Field(
        "entity", description="found by the ner run, or the whole answer"
    )


class WorkflowConfig(Config):
    """One workflow."""

    intents: tuple[str, ...] = Field(min_length=1)
    slots: dict[str, SlotConfig]
    action: str
    confirm: str | None = None
    question_first: bool = Field(
        False, description="answer a question about the rules before asking for slots"
    )
    answers: dict[str, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> "WorkflowConfig":
        if self.action not in ACTIONS:
            raise ValueError(f"action {self.action!r} does not exist; one of {', '.join(ACTIONS)}")
        if self.confirm is not None and "declined" not in self.answers:
            raise ValueError("a workflow that confirms needs the answer 'declined'")
        return self


class WorkflowsConfig(Config):
    """The file of workflows."""

    cancel_words: tuple[str, ...] = ()
    workflows: dict[str, WorkflowConfig]

    @model_validator(mode="after")
    def _one_each(self) -> "WorkflowsConfig":
        seen: dict[str, str] = {}
        for name, workflow in self.workflows.items():
            for intent in workflow.intents:
                if intent in seen:
                    raise ValueError(f"intent {intent!r} starts both {seen[intent]!r} and {name!r}")
                seen[intent] = name
        return self


def stages(config: WorkflowsConfig) -> dict[str, tuple[str, ...]]:
    """What each workflow can come to: its questions, its answers, and how else it can end.

    It ends early where the customer stops it (`cancelled`) or a person takes over (`hand_over`).
    """
    return {
        name: (
            *(f"ask:{slot}" for slot in workflow.slots),
            *(("confirm",) if workflow.confirm is not None else ()),
            *(f"answer:{say}" for say in workflow.answers),
            "cancelled",
            "hand_over",
        )
        for name, workflow in config.workflows.items()
    }


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a customer stands in a workflow."""

    name: str
    slots: Mapping[str, str] = field(default_factory=dict)
    asked: str | None = None  # the slot asked for last, or "confirm"
    misses: int = 0  # how often in a row the question was not answered

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> "Progress | None":
        """From plain values; None stays None."""
        return cls(**values) if values else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "slots": dict(self.slots),
            "asked": self.asked,
            "misses": self.misses,
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


class Workflows:
    """The workflows of a bot; `step` moves one on."""

    def __init__(self, config: WorkflowsConfig, orders: Orders) -> None:
        self._config, self._orders = config, orders
        self._by_intent = {
            intent: name
            for name, workflow in config.workflows.items()
            for intent in workflow.intents
        }
        words = "|".join(re.escape(word) for word in config.cancel_words)
        self._cancel = re.compile(rf"\b(?:{words})\b", re.I) if words else None

    @classmethod
    def load(cls, path: Path, orders: Orders) -> "Workflows":
        """Read and check a workflows file.

        Raises:
            ConfigError: One line for each mistake.
        """
        return cls(load_config(WorkflowsConfig, path), orders)

    def for_intent(self, intent: str | None) -> str | None:
        """The workflow that an intent starts."""
        return self._by_intent.get(intent or "")

    def answers_first(self, name: str, text: str) -> bool:
        """Whether the message asks about the rules rather than wanting the workflow done."""
        return self._config.workflows[name].question_first and asks(text)

    def takes(self, progress: Progress, text: str, entities: Sequence[Entity]) -> bool:
        """Whether the message answers what was asked, rather than raising something else."""
        if self._wants_out(text):
            return True
        if progress.asked == "confirm":
            if len(text) < 60 and is_reply(text):
                return True
            slots = self._config.workflows[progress.name].slots
            return any(
                self._slot_value(name, slot, text, entities, progress) is not None
                for name, slot in slots.items()
            )
        slot = self._config.workflows[progress.name].slots.get(progress.asked or "")
        if slot is None:
            return False
        return self._slot_value(progress.asked or "", slot, text, entities, progress) is not None

    def step(self, progress: Progress, text: str, entities: Sequence[Entity]) -> Step:
        """Move a workflow on with the customer's message.

        Args:
            progress: Where it stands; a new one has asked for nothing.
            text: What the customer wrote.
            entities: What was found in it.
        """
        workflow = self._config.workflows[progress.name]
        if progress.asked and self._wants_out(text):
            words = "All right, I have stopped that. What else can I do for you?"
            return Step(words, "cancelled", None)
        slots, filled = self._filled(workflow, progress, text, entities)
        if progress.asked == "confirm" and not filled:
            reply = agreed(text)
            if reply is False:
                return self._end(workflow, "declined", slots)
            if reply:
                return self._act(progress.name, workflow, slots)
        misses = progress.misses + 1 if progress.asked and not filled else 0
        if misses >= MISSES:
            return Step("", "gave_up", None)
        return self._next(progress.name, workflow, slots, misses)

    def _filled(
        self, workflow: WorkflowConfig, progress: Progress, text: str, entities: Sequence[Entity]
    ) -> tuple[dict[str, str], bool]:
        """The slots with what the message adds or corrects, and whether it did."""
        slots = dict(progress.slots)
        for name, slot in workflow.slots.items():
            value = self._slot_value(name, slot, text, entities, progress)
            if value is not None:
                slots[name] = value
        return slots, slots != dict(progress.slots)

    def _next(
        self, name: str, workflow: WorkflowConfig, slots: dict[str, str], misses: int
    ) -> Step:
        """Ask for what is missing, else ask to confirm, else act."""
        missing = next((slot for slot in workflow.slots if not slots.get(slot)), None)
        if missing is None and workflow.confirm is None:
            return self._act(name, workflow, slots)
        blocked = self._blocked(name, workflow, slots)
        if blocked is not None:
            return blocked
        asked = missing or "confirm"
        progress = Progress(name, slots, asked, misses)
        stage = f"ask:{missing}" if missing else "confirm"
        return Step(self.resume_question(progress), stage, progress)

    def resume_question(self, progress: Progress) -> str:
        """How to come back to what was asked, after something else was answered."""
        workflow = self._config.workflows[progress.name]
        if progress.asked == "confirm":
            facts = PREVIEWS[workflow.action](self._orders, progress.slots).facts
            return (workflow.confirm or "").format_map(_Known({**facts, **progress.slots}))
        slot = workflow.slots.get(progress.asked or "")
        return slot.ask.format_map(_Known(progress.slots)) if slot else ""

    def _wants_out(self, text: str) -> bool:
        return bool(self._cancel and self._cancel.search(text)) and len(text) < 60

    def _blocked(
        self, name: str, workflow: WorkflowConfig, slots: Mapping[str, str]
    ) -> Step | None:
        """The answer that makes further questions pointless: an unknown order, one sent already."""
        if not slots.get("order_number"):
            return None
        result = PREVIEWS[workflow.action](self._orders, slots)
        if result.say == "ok":
            return None
        return self._say(name, workflow, result, slots)

    def _act(self, name: str, workflow: WorkflowConfig, slots: Mapping[str, str]) -> Step:
        return self._say(name, workflow, ACTIONS[workflow.action](self._orders, slots), slots)

    def _say(
        self, name: str, workflow: WorkflowConfig, result: ActionResult, slots: Mapping[str, str]
    ) -> Step:
        text = workflow.answers[result.say].format_map(_Known({**slots, **result.facts}))
        progress = None
        if (
            result.say == "unknown"
        ):  # the customer may have mistyped: ask again instead of giving up
            kept = {key: value for key, value in slots.items() if key != "order_number"}
            progress = Progress(name, kept, "order_number", 1)
        return Step(text, f"answer:{result.say}", progress, result.effects)

    def _end(self, workflow: WorkflowConfig, say: str, slots: Mapping[str, str]) -> Step:
        return Step(workflow.answers[say].format_map(_Known(slots)), f"answer:{say}", None)

    def _slot_value(
        self,
        name: str,
        slot: SlotConfig,
        text: str,
        entities: Sequence[Entity],
        progress: Progress,
    ) -> str | None:
        asked = progress.asked == name
        if slot.kind == "text":
            return read_address(text, asked=asked)
        is_order = name == "order_number"
        found = [each.text for each in entities if each.type == name]
        if found:
            values = list(map(order_number, found)) if is_order else found
            return new_value(values, progress.slots.get(name), one=asked or is_order)
        if is_order:
            return read_order_number(text) if asked else None
        named = asked and name == "product" and len(text.split()) <= 6
        return text.strip() if named and "?" not in text and not asks(text) else None


class _Known(dict[str, str]):
    """Leaves a placeholder without a value as a blank: an answer must not show braces."""

    def __missing__(self, key: str) -> str:
        return ""
