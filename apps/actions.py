"""What a workflow may look up and change, and what it may call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

from data.schema import Entity

Status = Literal["pending", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Order:
    """One order; dates are calendar days, `total` is in pounds, `returning` what is coming back."""

    number: str
    customer: str
    email: str
    city: str
    address: str
    status: str  # processing, dispatched, delivered, cancelled, returned
    placed: date
    dispatched: date | None
    delivered: date | None
    tracking_number: str
    items: str
    total: float
    returning: str = ""


class Orders(Protocol):
    """Where orders are looked up."""

    def find(self, number: str) -> Order | None:
        """The order of that number, written as the store writes it."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action came to.

    `say` names the workflow's answer, `facts` fill it, `effects` are changes for the store to make
    in the same transaction as the turn.
    """

    say: str
    facts: dict[str, str] = field(default_factory=dict)
    effects: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """A Python function that a workflow may name.

    Args:
        run: From the slots' values to what came of it. It changes nothing itself: it returns
            effects, and may be run again when a turn is answered again.
        says: Every answer that it can name.
        needs: Slots that it reads.
        facts: Names that it gives to the answers' texts.
    """

    run: Callable[[Mapping[str, str]], ActionResult]
    says: tuple[str, ...]
    needs: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotTurn:
    """What a slot's reader is given: the message, what was found in it, and what is known.

    `entities` are those of the slot's type, `current` the value given before, `asked` whether this
    slot is what the customer was asked for. `pattern` and `called` are what the slot's file says
    of its values and of what customers call it.
    """

    text: str
    entities: tuple[Entity, ...]
    current: str | None
    asked: bool
    pattern: str | None = None
    called: tuple[str, ...] = ()
    anywhere: bool = False


Reader = Callable[[SlotTurn], str | None]


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a workflow file may name: actions, previews, and readers of slot kinds."""

    actions: Mapping[str, Action]
    previews: Mapping[str, Action] = field(default_factory=dict)
    readers: Mapping[str, Reader] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noted:
    """An action as the journal holds it; `result` where it is over."""

    key: str
    status: Status
    result: ActionResult | None = None


class Journal(Protocol):
    """Remembers a call to another system before it is made, so that it is made once."""

    def begin(
        self, key: str, conversation: str, turn: str, name: str, slots: Mapping[str, str]
    ) -> Noted | None:
        """What is known of this key; None, and stored as pending, where it is new."""

    def finish(self, key: str, status: Status, result: ActionResult) -> None:
        """Store how it ended."""
