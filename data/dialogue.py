"""What the next agent turn is written from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from data.schema import Passage, Turn


@dataclass(frozen=True, slots=True)
class Situation:
    """A conversation at the moment when an agent is to write.

    `turns` end with the customer's; `passages` are what was retrieved for it, best first, and
    `facts` what was looked up or is known of the customer, name to value.
    """

    turns: tuple[Turn, ...]
    passages: tuple[Passage, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
