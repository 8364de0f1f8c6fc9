"""What the shop's rules on delivery and returns say of one order."""

import re
from datetime import date, timedelta

from apps.actions import Order

LOST = 10  # working days after dispatch from which on a parcel counts as lost
_FAR = re.compile(r"\b(?:BT|IV|KW|HS|ZE)\d[A-Z\d]?\s*\d[A-Z]{2}\b", re.I)
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b", re.I)
_ABROAD = re.compile(
    r"(?<!northern )\b(?:ireland|eire|dublin|cork|galway|limerick|france|paris|germany|berlin|spain"
    r"|madrid|barcelona|portugal|lisbon|italy|rome|milan|netherlands|holland|amsterdam|belgium"
    r"|brussels|luxembourg|switzerland|austria|vienna|poland|warsaw|denmark|copenhagen|sweden"
    r"|stockholm|norway|oslo|finland|greece|athens|malta|cyprus|turkey|czech|hungary|romania|usa"
    r"|united states|america|new york|canada|toronto|australia|sydney|melbourne|new zealand|india"
    r"|nigeria|dubai|uae|china|japan|south africa)\b"
    r"(?:\W+(?:\d{1,6}|[A-Z]\d[\dW] ?[A-Z\d]{4})){0,2}(?:\W+(?:please|pls|thanks?|ta))?\W*$",
    re.I,
)
_USUAL, _USUAL_FAR = 5, 7  # working days that standard delivery takes at most
_LATE = (
    "It is past that now: a parcel that has not come 10 working days after dispatch counts as "
    "lost, and we then send it again or refund you."
)


def working_days(since: date, until: date) -> int:
    """Mondays to Fridays after `since`, `until` included."""
    days = (since + timedelta(days=n) for n in range(1, (until - since).days + 1))
    return sum(day.weekday() < 5 for day in days)


def is_abroad(address: str) -> bool:
    """Whether an address ends in a place outside the United Kingdom, and has no British postcode.

    Only the places in the list above are known.
    """
    return bool(_ABROAD.search(address)) and not _POSTCODE.search(address)


def is_lost(order: Order, today: date) -> bool:
    """Whether it left so long ago that it counts as lost."""
    return order.dispatched is not None and working_days(order.dispatched, today) >= LOST


def usual_time(order: Order, today: date) -> str:
    """How long the order takes, and whether that has passed."""
    if "Alder" in order.items:
        return (
            "Furniture comes with a two-person team within 10 working days of the order, and we "
            "ring you to book the day."
        )
    far = bool(_FAR.search(order.address))
    text = (
        "To Northern Ireland, the Highlands and the islands standard delivery takes 2 more working "
        "days than elsewhere, 5 to 7 in all."
        if far
        else "Standard delivery takes 3 to 5 working days."
    )
    most = _USUAL_FAR if far else _USUAL
    sent = order.dispatched
    late = sent is not None and working_days(sent, today) >= most
    return f"{text} {_LATE}" if late else text


def return_cost(order: Order) -> str:
    """What it costs to send something back."""
    if "Alder" in order.items:
        return "We collect furniture for £19."
    return "£2.95 for the label is taken off the refund."


def return_terms(order: Order) -> str:
    """In what state what was delivered may come back, and what that costs."""
    sealed = " A filter that was opened cannot come back." if "filter" in order.items else ""
    return f"It must be unused and in its original packaging.{sealed} {return_cost(order)}"
