"""What a customer says that they do not have, and which slots are needed then."""

import re
from collections.abc import Collection, Mapping

from apps.customer_service.phrases import LACKS
from apps.customer_service.workflow_file import SlotConfig, WorkflowConfig

_CLAUSE = re.compile(r"[.,;!?\n]+|\b(?:but|however|though)\b", re.I)


def lacked(slots: Mapping[str, SlotConfig], asked: str | None, text: str) -> set[str]:
    """The slots that a message says the customer does not have.

    Args:
        slots: Those of the workflow.
        asked: The slot asked for, which is meant where none is named.
        text: The message.
    """
    found: set[str] = set()
    for clause in _CLAUSE.split(text):
        if LACKS.search(clause):
            named = {name for name, slot in slots.items() if _names(clause, name, slot)}
            found |= named or ({asked} if asked is not None else set())
    return found


def needed(
    flow: WorkflowConfig, filled: Collection[str], lacks: Collection[str]
) -> tuple[str, ...] | None:
    """The slots that are to be filled, in their order; None where every way is barred.

    Of the ways the first that is filled counts, else the first that nothing bars.
    """
    open_ = [way for way in flow.ways if not set(way).intersection(lacks)]
    way = next((way for way in flow.ways if set(way).issubset(filled)), None)
    if way is None and flow.ways:
        if not open_:
            return None
        way = open_[0]
    either = {name for each in flow.ways for name in each}
    return tuple(name for name in flow.slots if name not in either or name in (way or ()))


def _names(clause: str, name: str, slot: SlotConfig) -> bool:
    words = slot.called or (name.replace("_", " "),)
    return any(re.search(rf"\b{re.escape(word)}\b", clause, re.I) for word in words)
