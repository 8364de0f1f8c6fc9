"""Reading a slot's value out of a message, and whether it may be one."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from apps.actions import Reader, SlotTurn
from apps.customer_service.days import day_in
from apps.customer_service.order_details import new_value
from apps.customer_service.phrases import LACKS
from apps.customer_service.questions import asks
from apps.customer_service.workflow_file import SlotConfig

SHORT = 6  # words of an answer that may be the name that was asked for
_NUMBER = re.compile(r"(?<![\w.])(?<!\d,)-?(?>\d(?:[\d.,]*\d)?)(?![\w.]*\w)")
_GROUPED = re.compile(r"-?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")  # 1,500
_PLAIN = re.compile(r"-?\d+(?:\.\d+|,(?:\d{1,2}|\d{4,}))?|-?0,\d+")  # 1500, 1.5, 1,5
_LEADS = r"(?:\W+(?:name|number|no|is|was|it['’]?s|it|i|think|either|try|now|called|named|my))*\W+"
_NAME = r"([A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*){0,2})"  # a name is told by its capitals
_WORD = r"(?i:(?<=is )|(?<=was )|(?<=: ))((?!(?:not|no|a|the|i|my|so|in|on)\b)[\w'’-]+)"
_BEGINS = re.compile(r"\W*([A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*)+)(?=\s*(?:[,.;\n-]|and\b))")
_RELATIVE = re.compile(r"today([+-]\d+)?")
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # written without blanks between words


def read_entity(turn: SlotTurn) -> str | None:
    """What the ner run found; of several the one that is new."""
    found = [entity.text for entity in turn.entities]
    return new_value(found, turn.current, one=turn.asked) if found else None


def read_named(turn: SlotTurn) -> str | None:
    """What the ner run found or follows what it is called, or a short answer to the question."""
    found = read_entity(turn) or _called(turn, _NAME) or _called(turn, _WORD)
    if not found and not turn.entities and turn.asked and (begins := _BEGINS.match(turn.text)):
        return begins.group(1)
    if found or turn.entities or not turn.asked:
        return found
    no_name = "?" in turn.text or asks(turn.text) or LACKS.search(turn.text)
    return turn.text.strip(" \n.,!") if _short(turn.text) and not no_name else None


def read_text(turn: SlotTurn) -> str | None:
    """The whole answer to the question for it, unless it is a question itself."""
    text = " ".join(turn.text.split())
    lacks = _short(text) and LACKS.search(text)
    return text if turn.asked and text and not asks(text) and not lacks else None


def read_matching(turn: SlotTurn) -> str | None:
    """What fits the slot's pattern: found by the ner run, after what it is called, or asked for."""
    code = re.compile(rf"(?<!\w)(?:{turn.pattern})(?!\w)", re.I)
    found = [entity.text for entity in turn.entities if code.fullmatch(entity.text)]
    if not found and (called := _called(turn, f"({turn.pattern})(?!\\w)")):
        return called
    if not found and (turn.asked or turn.anywhere):
        found = [match.group() for match in code.finditer(turn.text)]
    return new_value(found, turn.current, one=turn.asked) if found else None


def read_number(turn: SlotTurn) -> str | None:
    """The one number in an answer to the question for it, written with a dot: "1,500" is 1500."""
    found = [entity.text for entity in turn.entities] or ([turn.text] if turn.asked else [])
    numbers = {_plain(number) for text in found for number in _NUMBER.findall(text)}
    return numbers.pop() if len(numbers) == 1 else None


def read_date(turn: SlotTurn) -> str | None:
    """A day as YYYY-MM-DD, from an answer to the question for it or what the ner run found."""
    texts = [turn.text] if turn.asked else [entity.text for entity in turn.entities]
    found = {day_in(text) for text in texts} - {None}
    day = found.pop() if len(found) == 1 else None
    return day.isoformat() if day is not None else None


READERS: dict[str, Reader] = {
    "entity": read_entity,
    "named": read_named,
    "text": read_text,
    "number": read_number,
    "date": read_date,
    "matching": read_matching,
}


def read_choice(turn: SlotTurn, choices: tuple[str, ...]) -> str | None:
    """The one of the choices that the message is, or that it names."""
    text = turn.text.strip().casefold()
    for choice in choices:
        if choice.strip().casefold() == text:
            return choice
    found = [choice for choice in choices if _stands_in(choice.strip().casefold(), text)]
    longest = [each for each in found if not any(each != o and each in o for o in found)]
    if len(longest) == 1:
        return longest[0]
    return new_value(longest, turn.current, one=False) if longest and turn.current else None


def value_of(slot: SlotConfig, turn: SlotTurn, readers: Mapping[str, Reader]) -> str | None:
    """The slot's value in the message, or None where there is none."""
    if slot.one_of:
        return read_choice(turn, slot.one_of)
    value = readers[slot.kind](turn)
    return value.strip() or None if value is not None else None


def fits(slot: SlotConfig, value: str) -> bool:
    """Whether the value meets the slot's checks."""
    if slot.pattern and not re.fullmatch(slot.pattern, value, re.I):
        return False
    if slot.kind == "number":
        number = float(value)
        low, high = slot.min, slot.max
        return (low is None or number >= low) and (high is None or number <= high)
    if slot.kind == "date":
        day = date.fromisoformat(value)
        first, last = (limit(each) for each in (slot.earliest, slot.latest))
        return (first is None or day >= first) and (last is None or day <= last)
    return True


def limit(text: str | None) -> date | None:
    """`today`, `today+30`, `today-30` or YYYY-MM-DD as a day."""
    if text is None:
        return None
    match = _RELATIVE.fullmatch(text)
    if match:
        return date.today() + timedelta(days=int(match.group(1) or 0))
    return date.fromisoformat(text)


def _called(turn: SlotTurn, value: str) -> str | None:
    """The value that follows what the slot is called: "my PIN is 4711", "PIN: 4711"."""
    if not turn.called:
        return None
    words = "|".join(re.escape(word) for word in turn.called)
    match = re.search(rf"(?i:\b(?:{words})\b{_LEADS}){value}", turn.text)
    return match.group(1) if match else None


def _short(text: str) -> bool:
    return len(text.split()) <= SHORT


def _plain(number: str) -> str | None:
    """A number without signs for thousands; None where it may be read in two ways."""
    if _GROUPED.fullmatch(number):
        return number.replace(",", "")
    return number.replace(",", ".") if _PLAIN.fullmatch(number) else None


def _stands_in(choice: str, text: str) -> bool:
    """Whether the text has the choice as words of its own; Chinese sets no blanks between them."""
    word = rf"[^\W{_CJK}]"
    before = rf"(?<!{word})" if re.match(word, choice) else ""
    after = rf"(?!{word})" if re.match(word, choice[-1:]) else ""
    return bool(choice) and re.search(before + re.escape(choice) + after, text) is not None
