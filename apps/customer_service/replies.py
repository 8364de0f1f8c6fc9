"""What customers say when a workflow asks them: yes, no, a doubt, a number, an address."""

import re
from collections.abc import Sequence

from apps.actions import SlotTurn

NAMED = 3  # parts of an address without a number: a house's name, a place, a postcode
LONG = 60  # characters; a longer message is a reply only where it begins as one
# These agree however a message goes on; the fair words often only begin one: "ok, and then?".
_PLAIN = (
    r"y+e+s+|yeah|yea|yeh|yh|ye|yep|yup|aye|please do(?! not\b)|go ahead|go on|go for it|set it up"
    r"|do (?:it|that)(?! (?:myself|ourselves)\b)|proceed|correct(?! (?:me|the|it|that|this|my)\b)"
    r"|(?:i (?:can |do )?)?confirm(?:ed)?(?=\W*(?:$|[,.;!]|(?:it|that|this|please|pls|thanks?"
    r"|cancel\w*|the cancel\w*|the order)\b))|y"
)
_FAIR = (
    r"sure(?! (?:about|it|that|you|this|of)\b)|ok|okay|that['’]?s (?:it|right|fine|great|perfect"
    r"|the one)|thats (?:it|right|the one)|perfect|(?:absolutely|definitely|certainly|of course)"
    r"(?!\W+not\b)|spot on|sounds (?:good|right)|lovely|great|fine|(?:please|pls|plz)(?=\W*$)"
)
# What may stand before a yes or a no that still leads the message.
_LEAD_IN = (
    r"\W*(?:(?:oh|ah|hm+|um+|er+|well|so|and|right|then|now|please|pls|plz|thanks?|thank you|ta"
    r"|cheers|hi|hello|hey|sorry|actually|no (?:problem|worries|rush|hurry|bother)"
    r"|(?:i|we)(?:['’]?d| would) (?:like|love)(?: you)? to|(?:i|we) want(?: you)? to"
    r"|you (?:can|may)|(?:i['’]?m )?happy(?: for you)? to|let['’]?s)\b\W*)*?"
)
_NO_WORD = r"no(?! (?:problem|worries|rush|hurry|need|bother|longer)\b)|nope|nah"
_DENIES = r"(?<!why )not|don['’]?t"
_STAYS = r"(?:keep|leave) (?:it|them|the|my)"
# Somewhere in a message: it is a reply.
_YES = re.compile(rf"\b(?:{_PLAIN}|sure|ok|okay|correct|confirm(?:ed)?)\b|^\W*(?:{_FAIR})\b", re.I)
_NO = re.compile(rf"\b(?:{_NO_WORD}|{_DENIES}|{_STAYS}|n|cancel that|wrong)\b", re.I)
_LEADING_YES = re.compile(rf"{_LEAD_IN}(?:(?P<plain>{_PLAIN})|{_FAIR})\b", re.I)
_LEADING_NO = re.compile(rf"{_LEAD_IN}(?:{_NO_WORD}|{_DENIES}|do not|n)\b", re.I)
# Behind a yes these take it back; not "I ordered the wrong one" or "leave it with a neighbour".
_AGAINST = re.compile(
    rf"\b(?:{_NO_WORD}|{_DENIES}|never ?mind|forget (?:about )?(?:it|that)"
    r"|keep (?:it|them|(?:the|my)(?! (?:other|rest|remaining)\b))"
    r"|leave (?:it|them|the|my)\b(?! (?:\w+ )?with\b| to\b))\b"
    r"|(?:\bis|\bits|\bare|['’]s) wrong\b",
    re.I,
)
# So do these, unless that is what was asked: "Shall I cancel it?".
_UNDOES = re.compile(r"\b(?:cancel that|stop|changed my mind)\b", re.I)
_CANCELS = re.compile(r"\b(?:cancel|stop)", re.I)
_CANCEL_THAT = re.compile(rf"{_LEAD_IN}(?P<plain>cancel that)\b", re.I)
_PUT_OFF = re.compile(
    r"(?<!can['’]t )(?<!cant )\bwait\b|\b(?:hold|hang) on\b|\b(?:later|tomorrow)\b"
    r"|(?<!the )(?<!my )\bfirst\b|\blet me (?:think|check|ask|see|look|talk|speak|decide)\b"
    r"|\b(?:one|give me an?|just a) (?:sec|second|min|minute|mo|moment)\b",
    re.I,
)
_QUESTION = re.compile("[?？]")
# A question of its own beside a plain yes: "yes please, when will it come?".
_APART = re.compile(r"\W*(?:please|pls|plz)\b|[^?？.,;:!\n–—]*[.,;:!\n–—]", re.I)
# Unless it asks about that very yes: "yes, is that correct?".
_ABOUT_IT = re.compile(
    r"\W*(?:(?:is|was) (?:that|this|it) (?:right|correct|ok|okay|all ?right)|right|correct"
    r"|(?:are )?you(?:['’]re)? sure)\s*[?？]",
    re.I,
)
# "ok so what happens now": a question without its mark.
_WORD_OF_QUESTION = re.compile(
    r"(?:\W*(?:so|and|then|but|well)\b)*\W*(?:(?:how|what|where|why(?! not)|which|who)\b"
    r"|when (?:will|do|does|is|are|can)\b|do (?:i|we|you|they)\b"
    r"|(?:is|are|does|did|will|can|could|would|should|am) (?:i|it|that|this|they|there|we)\b)",
    re.I,
)
_BEGINS = re.compile(
    r"^\W*(?:y+e+s+|yeah|yep|yup|aye|ok|okay|no|nope|nah|not|please do|go ahead|hm+|hang on"
    r"|hold on)\b",
    re.I,
)
# "If you could" only asks politely.
_CONDITION = re.compile(
    r"\b(?:but|as long as|so long as|provided|unless|only when|depend\w*"
    r"|if(?! (?:you (?:can|could|would|please|don['’]?t mind)|poss\w*|(?:that|it)(?:['’]?s| is) "
    r"(?:ok|okay|fine|all ?right|possible|no (?:bother|trouble)))\b))\b",
    re.I,
)
# "Yeah, right." may be said either way.
_UNSURE = re.compile(
    r"\b(?:not (?:so |too )?sure|unsure|don['’]?t know|dunno|maybe)\b"
    r"|^\W*(?:oh\W+)?(?:yeah|yea|sure)\W+right\W*$",
    re.I,
)
# Behind an address: what stands before it is not what was meant.
_TAKEN_BACK = re.compile(
    r"\b(?:sorry|oops|wait|scrap that|i meant?|correction|typo)\b"
    r"(?=.*(?:\d|\b(?:no|not|wrong|old|other|ignore)\b))",
    re.I | re.S,
)
_CORRECTED = re.compile(r"^\W*(?:oh|ah|no|not|sorry|oops|wait|actually|i meant?)\b", re.I)
_ORDER_DIGITS = re.compile(r"\d{6}")
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


def is_reply(text: str) -> bool:
    """Whether there is a yes, a no or a doubt in it, and not too much else."""
    if len(text) >= LONG and not _BEGINS.search(text):
        return False
    return any(kind.search(text) for kind in (_YES, _NO, _UNSURE))


def agreed(text: str, question: str = "") -> bool | None:
    """Yes, no, or None where it is neither, both, a doubt, a question, or puts it off.

    What leads the message decides; a yes elsewhere in it agrees to nothing.

    Args:
        text: The message.
        question: What was asked: "cancel that" is a yes where it asks whether to cancel.
    """
    if _UNSURE.search(text):
        return None
    yes = _leading_yes(text, question)
    if yes is None:
        return False if _refuses(text, question) else None
    if _taken_back(text, yes, question):
        return None if yes["plain"] or _QUESTION.search(text) else False
    return None if _PUT_OFF.search(text) or _asks(text, yes) else True


def on_condition(text: str, question: str = "") -> bool:
    """Whether a yes has something to it: "yes, but …", "yes, if it is free", "ok, how long …?"."""
    if agreed(text, question):
        return bool(_CONDITION.search(text))
    yes = _leading_yes(text, question)
    if yes is None:
        return False
    return _asks(text, yes) or bool(yes["plain"]) and _taken_back(text, yes, question)


def says_yes(text: str) -> bool:
    """Whether it begins with a plain yes, which a word for stopping does not outweigh."""
    yes = _LEADING_YES.match(text)
    return yes is not None and bool(yes["plain"])


def denies(text: str) -> bool:
    """Whether there is a no anywhere in it."""
    return bool(_NO.search(text)) and not _UNSURE.search(text)


def _leading_yes(text: str, question: str) -> re.Match[str] | None:
    """The yes that leads the message; `plain` is the group of those that are nothing else."""
    cancels = _CANCEL_THAT.match(text) if _CANCELS.search(question) else None
    return cancels or _LEADING_YES.match(text)


def _taken_back(text: str, yes: re.Match[str], question: str) -> bool:
    """Whether something behind a yes is set against it."""
    undone = not _CANCELS.search(question) and _UNDOES.search(text, yes.end())
    return bool(undone or _AGAINST.search(text, yes.end()))


def _asks(text: str, yes: re.Match[str]) -> bool:
    """Whether a leading yes asks; what is asked apart from a plain one is a matter of its own."""
    rest = text[yes.end() :]
    if yes["plain"] and _APART.match(rest) and not _ABOUT_IT.match(rest):
        return False
    return bool(_QUESTION.search(rest) or _WORD_OF_QUESTION.match(rest))


def _refuses(text: str, question: str) -> bool:
    """Whether a message that no yes leads is a no."""
    mixed = re.search(r"\b(?:y+e+s+|yeah|yep|go ahead)\b", text, re.I)
    if _LEADING_NO.match(text):
        return not mixed or bool(re.search(rf"\b(?:{_DENIES})\b", text, re.I))
    if _CANCELS.search(question):
        text = re.sub(r"\bcancel that\b", "", text, flags=re.I)
    return bool(_NO.search(text)) and not mixed and not _QUESTION.search(text)


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
