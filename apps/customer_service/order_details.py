"""Reading what an order is known by and where it goes: its number, an address."""

import re
from collections.abc import Sequence

from apps.actions import SlotTurn

NAMED = 3  # parts of an address without a number: a house's name, a place, a postcode
# Behind an address: what stands before it is not what was meant.
_TAKEN_BACK = re.compile(
    r"\b(?:sorry|oops|wait|scrap that|i meant?|correction|typo)\b"
    r"(?=.*(?:\d|\b(?:no|not|wrong|old|other|ignore)\b))",
    re.I | re.S,
)
_CORRECTED = re.compile(r"^\W*(?:oh|ah|no|not|sorry|oops|wait|actually|i meant?)\b", re.I)
_ORDER_DIGITS = re.compile(r"\d{6}")
_DIGITS = re.compile(r"\d+(?:[ .()/-]{1,2}\d+)*")
_LONGER = 9  # digits in a row, of which a piece is no order number but a phone's
_NEAR = 60  # characters before a number that may take another one back
# Between two numbers these take the first one back; "not FK-100001" takes back what follows.
_RATHER = re.compile(
    r"\b(?:no(?! (?:longer|need|problem|worries|rush|hurry)\b)|wait|sorry|oops|scrap that|i meant?"
    r"|correction|rather|make (?:it|that))\b(?!.*\b(?:not|also|and|plus|or)\b)",
    re.I | re.S,
)
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b", re.I)
_ADDRESS_LEAD = re.compile(
    r"^.*?\b(?:deliver(?:ed|y)?|sen[dt]|ship(?:ped)?|go|goes|address|it|change|instead)\b.*?"
    r"(?:\b(?:to|at|is)\b:?|:)\s+",
    re.I | re.S,
)
_ADDRESS_FILLER = re.compile(
    r"^(?:(?:oh|ah|oops|sorry|no|wait|actually|please|i meant?|it['’]?s|it is|that['’]?s|should be"
    r"|to|instead)\b[\s,.:;!-]*)+",
    re.I,
)
# Where an address begins, and words before it that are not of it.
_FLOOR = r"(?:ground|first|second|third|fourth|fifth|top|\d{1,2}(?:st|nd|rd|th)) floor"
_HOUSE = re.compile(
    rf"\b(?:c/o|{_FLOOR}|(?:flat|unit|suite|apartment|apt|room)(?= ?(?:\d|[a-z]\b))"
    r"|\d{1,4}[a-z]?)\b",
    re.I,
)
# Behind a colon, or behind these where a name follows, stands the place itself.
_LEADS_TO = re.compile(r"\A.*(?::\s+|\b(?:at|is|to)\s+(?=[A-Z]))", re.S)
# Behind these it is said again in full: "it's number 21, so 21 Mill Lane".
_SO = re.compile(r"(?:so|meaning|i mean|that is|i\.?e\.?)\b\W*", re.I)
_TALK = re.compile(
    r"\b(?:my|our|his|her|their|to|at|is|in|i['’]?ve|we['’]?ve|moved?|moving|address|instead|place|work"
    r"|send|one)\b|[:?!]",
    re.I,
)


def order_number(text: str) -> str:
    """The number as the store writes it: `FK-` and its digits."""
    digits = "".join(char for char in text if char.isdigit())
    return f"FK-{digits}" if digits else text


def read_order_number(turn: SlotTurn) -> str | None:
    """The number that was found, or the six digits in an answer to the question for it.

    Of several the one behind a taking-back is meant: "FK-100001? No wait, FK-100002".
    """
    found = list(turn.entities)
    for at in range(len(found) - 1, 0, -1):
        begin = max(found[at - 1].end, found[at].start - _NEAR)
        if _RATHER.search(turn.text[begin : found[at].start]):
            found = found[at:]
            break
    if found:
        return new_value([order_number(each.text) for each in found], turn.current, one=True)
    digits = _ORDER_DIGITS.finditer(turn.text) if turn.asked else ()
    alone = (each for each in digits if not of_longer_number(turn.text, *each.span()))
    number = next(alone, None)
    return order_number(number.group()) if number else None


def of_longer_number(text: str, start: int, end: int) -> bool:
    """Whether the digits in [start, end) are a piece of a longer number's: "07700 204881".

    Numbers of the same length side by side are none.
    """
    if text[:start][-1:].isdigit() or text[end:][:1].isdigit():
        return True
    length = sum(map(str.isdigit, text[start:end]))
    runs = (run.group() for run in _DIGITS.finditer(text) if run.start() <= start < run.end())
    groups = [len(group) for group in re.findall(r"\d+", next(runs, ""))]
    return sum(groups) >= max(_LONGER, length + 1) and set(groups) != {length}


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
    """A new address: what leads up to a postcode, or the asked-for answer.

    One that is taken back in the same breath is none: it is asked for.
    """
    postcodes = list(_POSTCODE.finditer(turn.text))
    if postcodes:
        *others, last = postcodes
        if _TAKEN_BACK.search(turn.text, last.end()):
            return None
        start = others[-1].end() if others else 0
        found = _before(turn.text[start : last.end()])
        if found is None and turn.current and len(_POSTCODE.findall(turn.current)) == 1:
            return _POSTCODE.sub(last.group().upper(), turn.current)
        return found
    if turn.current and _CORRECTED.search(turn.text):
        return _mended(turn.current, _bare(turn.text))
    if turn.asked and len(turn.text.split()) >= 3 and any(char.isdigit() for char in turn.text):
        return _bare(turn.text)
    return None


def _mended(address: str, given: str) -> str | None:
    """The address with the part that a new one resembles in its place: "no, 41 Mill Lane".

    Of both only the numbers differ; None where there is no such part.
    """
    parts = [part.strip() for part in address.split(",")]
    for new in (part.strip() for part in given.split(",")):
        words = _names(new) if any(char.isdigit() for char in new) else set()
        for at, part in enumerate(parts):
            if words and _names(part) == words:
                return ", ".join([*parts[:at], new, *parts[at + 1 :]])
    return None


def _names(text: str) -> set[str]:
    """The words without a digit, in small letters."""
    return {word.lower() for word in re.findall(r"[\w'’]+", text) if not re.search(r"\d", word)}


def _before(text: str) -> str | None:
    """The address that the text ends with, without the talk that leads up to it.

    "Send it to work instead: Unit 3, 14 Loom Wharf, York, YO1 4TD. Cheers" begins at "Unit".
    """
    sentence = re.split(r"(?<=\w{3}[.!?])\s+(?=\S)", text.strip())[-1]
    bare = _bare(_ADDRESS_LEAD.sub("", sentence))
    first, *others = [part.strip() for part in re.split(r"[,\n]", bare)]
    parts = [_LEADS_TO.sub("", first) if _TALK.search(first) else first, *others]
    again = next((n for n, part in enumerate(parts) if n and _SO.match(part)), 0)
    parts = [_SO.sub("", parts[again]), *parts[again + 1 :]]
    house = next((n for n, part in enumerate(parts) if _HOUSE.search(part)), None)
    if house is not None:
        begins = _HOUSE.search(parts[house])
        assert begins is not None
        if _TALK.search(parts[house][: begins.start()]):
            parts = [parts[house][begins.start() :], *parts[house + 1 :]]
        elif house and _TALK.search(", ".join(parts[:house])):
            parts = parts[house:]
    elif len(parts) < NAMED:
        return None  # a postcode and talk
    return ", ".join(part for part in parts if part) or None


def _bare(text: str) -> str:
    """The address without the words that somebody begins a correction with."""
    return _ADDRESS_FILLER.sub("", text.strip(" .!"))
