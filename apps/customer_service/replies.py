"""What customers say when a workflow asks them: yes, no, a doubt, a number, an address."""

import re
from collections.abc import Sequence

from apps.actions import SlotTurn

_YES = re.compile(
    r"\b(?:yes|yeah|yep|yup|sure|ok|okay|please do|go ahead|correct|confirm|do it|y)\b", re.I
)
_NO = re.compile(
    r"\b(?:no(?! (?:problem|worries|rush|hurry))|nope|nah|not|don['’]?t|n|cancel that|wrong)\b",
    re.I,
)
_UNSURE = re.compile(r"\b(?:not (?:so |too )?sure|unsure|don['’]?t know|dunno|maybe)\b", re.I)
_ASKS = re.compile(
    r"^\W*(?:hi|hello|hey)?\W*(?:how (?:long|much|many|late|do|does)|what|when|until when|which|is"
    r"|are|do|does|will|am i|can (?:i|you|we) still)\b",
    re.I,
)
_ORDER_DIGITS = re.compile(r"\d{6}")
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b", re.I)
_ADDRESS_LEAD = re.compile(
    r"^.*?\b(?:deliver(?:ed|y)?|sen[dt]|ship(?:ped)?|go|address|it|change)\b.*?\b(?:to|is|:)\s+",
    re.I | re.S,
)
_ADDRESS_FILLER = re.compile(
    r"^(?:(?:oh|ah|oops|sorry|no|wait|actually|please|i meant?|it['’]?s|it is|that['’]?s|should be"
    r"|to)\b[\s,.:;!-]*)+",
    re.I,
)


def asks(text: str) -> bool:
    """Whether the message begins as a question does."""
    return bool(_ASKS.search(text))


def is_reply(text: str) -> bool:
    """Whether there is a yes, a no or a doubt in it."""
    return any(kind.search(text) for kind in (_YES, _NO, _UNSURE))


def agreed(text: str) -> bool | None:
    """Yes, no, or None where it is neither or a doubt."""
    if _UNSURE.search(text):
        return None
    if _NO.search(text):
        return False
    return True if _YES.search(text) else None


def order_number(text: str) -> str:
    """The number as the store writes it: `FK-` and its digits."""
    digits = "".join(char for char in text if char.isdigit())
    return f"FK-{digits}" if digits else text


def read_order_number(turn: SlotTurn) -> str | None:
    """The number that was found, or the six digits in an answer to the question for it."""
    found = [order_number(entity.text) for entity in turn.entities]
    if found:
        return new_value(found, turn.current, one=True)
    digits = _ORDER_DIGITS.search(turn.text) if turn.asked else None
    return order_number(digits.group()) if digits else None


def new_value(found: Sequence[str], current: str | None, *, one: bool) -> str | None:
    """The value that a message gives: "not the cover, the throw" gives the one that is new.

    Args:
        found: What the message names, in its order, at least one.
        current: What was given before.
        one: Of several new ones the first is wanted; else it is none, so that which is meant is
            asked.
    """
    others: dict[str, str] = {}
    for value in found:
        if current is None or value.lower() != current.lower():
            others.setdefault(value.lower(), value)
    if not others:
        return current
    first, *more = others.values()
    return None if more and not one else first


def read_address(turn: SlotTurn) -> str | None:
    """A new address: what stands after "to" if it holds a postcode, or the asked-for answer."""
    if _POSTCODE.search(turn.text):
        return _bare(_ADDRESS_LEAD.sub("", turn.text.strip())) or None
    if turn.asked and len(turn.text.split()) >= 3 and any(char.isdigit() for char in turn.text):
        return _bare(turn.text)
    return None


def _bare(text: str) -> str:
    """The address without the words that somebody begins a correction with."""
    return _ADDRESS_FILLER.sub("", text.strip(" .!"))
