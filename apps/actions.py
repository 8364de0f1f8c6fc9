"""What a workflow may look up and change: the orders of the store."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """One order; dates are calendar days, `total` is in pounds."""

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
