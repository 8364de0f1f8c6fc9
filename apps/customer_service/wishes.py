"""Several wishes in one message: where it may be cut, and which parts are wishes of their own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apps.customer_service.phrases import WISHES
from data.schema import Entity

MOST = 4  # parts; a message of more is a story
LONGEST = 40  # words; a longer one too
_CUT = re.compile(
    r"(?<![.;!?])(?P<mark>[.;!?]+)\s+(?=(?:also|and|plus|then|another|one more)\b)"
    r"|(?:,\s+|(?<!\s)\s+)(?:and|also|then|plus)\s+(?:(?:also|then|please)\s+)*"
    r"|,\s+(?=(?:also|then|can|could|please)\b)",
    re.I,
)
# What somebody tells of begins so; a wish begins with a verb or asks.
_TELLS = re.compile(
    r"^\W*(?:(?:hi|hiya|hello|hey)\W+)?(?:my name|this is)\b"
    r"|^\W*(?:i|it|he|she|we|they|you|my|our|the|this|that|there|a|an|one|two|three|unused|nothing)\b"
    r"|^\W*(?:(?:just|only|now|already|never|not)\s+)*"
    r"(?:\w{2,}ed|been|bought|broke|came|fell|found|gave|given|gone|got|had|kept|left|lost|made|paid"
    r"|put|said|saw|seen|sent|thought|threw|told|took|was|went|were)\b",
    re.I,
)
# Behind these stands what is wished instead.
_TAKEN_BACK = re.compile(
    r"\b(?:(?:scrap|scratch|forget|ignore) that|(?:no|oh|ah|or)\W+(?:wait|hang on|hold on|actually)"
    r"|actually\W+(?:no|don['’]?t)|changed my mind|on second thoughts?|wait\W+no)\b",
    re.I,
)
_COUNTED = re.compile(r"(?:(?:the|a|an|my|our|some|one|two|three|four|\d+)\W+)*", re.I)
# What is said not to be wished, up to where another wish may begin.
_NOT_WISHED = re.compile(
    r"\b(?:don['’]?t|do not|not|didn['’]?t) (?:\w+ly |even )?(?:want(?:ing)?|wish(?:ing)?|looking"
    r"|trying|asking|need)(?: you)? to\b[^.,;!?–-]*[.,;!?–-]+\s*(?:but\b\s*)?",
    re.I,
)
_MARK = re.compile(r"[.!;,]+\s+")
_JOINED = re.compile(r"\W*(?:and|&|,)?\W*(?:also|order|number)?\W*", re.I)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: characters [start, end) of it."""

    text: str
    start: int
    end: int


def parts(text: str, entities: Sequence[Entity] = ()) -> list[Part]:
    """The message cut where another wish may begin; one part where it is one, or a story.

    Between two products that stand side by side none begins: "my plates and bowls".
    """
    found, at = [], 0
    for match in [*(cut for cut in _CUT.finditer(text) if not _lists(cut, entities)), None]:
        end = len(text) if match is None else match.end("mark") if match["mark"] else match.start()
        part = text[at:end].strip()
        if len(part.split()) >= 2:
            start = text.index(part, at)
            found.append(Part(part, start, start + len(part)))
        at = match.end() if match else end
    if len(found) > MOST or len(text.split()) > LONGEST:
        return [Part(text, 0, len(text))]
    return found or [Part(text, 0, len(text))]


def _lists(cut: re.Match[str], entities: Sequence[Entity]) -> bool:
    """Whether a cut would fall between two products of a list."""
    products = [each for each in entities if each.type == "product"]
    before = any(each.end == cut.start() for each in products)
    return before and any(
        each.start >= cut.end()
        and _COUNTED.fullmatch(cut.string[cut.end() : each.start]) is not None
        for each in products
    )


def instead(text: str) -> list[Part]:
    """What follows where a wish is taken back, longest first: all of it, then without its start.

    Taken back is also what is said not to be wished: "I don't want to cancel, I only ask …".
    """
    found = list(_TAKEN_BACK.finditer(text)) or list(_NOT_WISHED.finditer(text))
    if not found:
        return []
    begin = found[-1].end()
    starts = [begin, *(mark.end() for mark in _MARK.finditer(text, begin))]
    rests = {text[at:].strip(" .,;!-–"): at for at in starts}
    return [
        Part(rest, text.index(rest, at), text.index(rest, at) + len(rest))
        for rest, at in list(rests.items())[:MOST]
        if len(rest.split()) >= 3
    ]


def wishes_something(text: str) -> bool:
    """Whether a part reads as a wish rather than as a piece of a story."""
    return bool(WISHES.search(text)) or not _TELLS.search(text)


def within(part: Part, entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """The entities of the part, their offsets counted in it."""
    return tuple(
        Entity(e.type, e.text, e.start - part.start, e.end - part.start, e.confidence)
        for e in entities
        if part.start <= e.start and e.end <= part.end
    )


def same_for_others(text: str, entities: Sequence[Entity], kind: str) -> tuple[str, list[str]]:
    """Of "cancel A and B", the message with A alone, and with each other value in A's place.

    Args:
        text: The message.
        entities: All that was found in it.
        kind: The type of which several stand side by side.
    """
    found = sorted((e for e in entities if e.type == kind), key=lambda e: e.start)
    row = found[:1]
    for entity in found[1:]:
        if _JOINED.fullmatch(text[row[-1].end : entity.start]) is None:
            break
        row.append(entity)
    if len({entity.text.lower() for entity in row}) < 2:
        return text, []
    before, after = text[: row[0].start], text[row[-1].end :]
    first, *others = dict.fromkeys(entity.text for entity in row)
    return f"{before}{first}{after}", [f"{before}{other}{after}" for other in others]
