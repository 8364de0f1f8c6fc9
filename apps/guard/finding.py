"""What a check finds, and what it may ask a model."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

Kind = Literal[
    "number",
    "date",
    "time",
    "price",
    "percentage",
    "link",
    "email",
    "phone",
    "code",
    "product",
    "promise",
    "system",
    "unsupported",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in an answer that nothing stands behind: characters [start, end), and why."""

    kind: Kind
    text: str
    start: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class Value:
    """A number, date, time, price or percentage in a text, in a form that can be compared.

    `unit` is what its `keys` are counted in: `minute` for spans up to weeks, `month` for longer
    ones, `working day`, `£`, `%`, `kg`, empty for a bare count, and so on. Several keys: it may be
    read in several ways, such as a time without am or pm. `bound` is `up` in "from 50" and `down`
    in "within 50"; `said` is the number as it is written.
    """

    kind: Kind
    keys: tuple[object, ...]
    unit: str
    start: int
    end: int
    bound: Literal["", "up", "down"] = ""
    said: Decimal | None = None


class Entailment(Protocol):
    """A model that says whether one text follows from another."""

    def entails(self, premise: str, hypothesis: str) -> float:
        """How sure it is that `hypothesis` follows from `premise`, in [0, 1]."""
        ...
