"""The questions in a message: a long story may ask one thing at its end."""

import re
from collections.abc import Sequence

from apps.customer_service.agreement import is_reply
from data.schema import Conversation
from data.sentences import spans

FOLLOWS = 15  # words; a shorter message may leave out what the one before it was about
REPLY = 3  # words of a mere reply
LEAST = 5  # words of a question that is understood without the rest of the message
BARE = 3  # words of one that is understood with it
MOST = 3  # of a message; who asks more is answered on the first
_LEADS = (
    r"^\W*(?:(?:hi|hello|hey|and|so|but|also|ok|okay|oh|right|well|anyway|now|please|n|plus)\b\W*)*"
)
_ASKS = re.compile(
    rf"{_LEADS}(?:how|what|whats|when|until when|which|who|whom|why|is|are|do|does|did|will"
    r"|am i|must i|should i|can (?:i|we)|can you still|can (?:it|this|that|they|these)"
    r"|any idea)\b",
    re.I,
)
# What a question is about that no action answers, however it begins: "would a swap cost me much?"
_OF_RULES = re.compile(
    r"\b(?:costs?|charge[sd]?|fees?|free|postage|pay|extra|longer|slower|deposit|discount|allowed"
    r"|covered|until)\b.*\?\W*$",
    re.I | re.S,
)
# "which is how I came to buy it", "when I opened it": told, not asked.
_RELATIVE = re.compile(
    rf"{_LEADS}(?:which|who|when) (?!(?:do|does|did|is|are|will|can|should|one|of|town|day)\b)"
    r"|\bwhich is\b",
    re.I,
)
_INSIDE = re.compile(
    r"\b(?:how (?:long|much|many|late|soon|does)|what(?:['’]?s| is) (?:the|that|it|this)"
    r"|what (?:do|does)"
    r"|when (?:do|does|must)|(?:at|by|for|from|in|on|to) (?:which|what|how)"
    r"|(?:un)?till? when|by when|last (?:date|day)"
    r"|am i (?:charged|covered|allowed))\b"
    r"|\b(?:what|when can|do (?:you|i)|does (?:it|that)|am i)\b.*\?\W*$",
    re.I | re.S,
)
# Where one thing is and when it comes: no rule tells that.
_WHEREABOUTS = re.compile(
    rf"{_LEADS}(?:when(?:['’]?s| (?:will|is|are|should|can i expect))\b"
    r"|(?:will|did|has|have) (?:it|my|the|they|you|this|that|these)\b"
    r"|(?:is|are) (?:it|my|the|they|this|that|these)\b.*\b(?:on|out|there|here|sent|gone|coming"
    r"|dispatched|shipped|arriv\w+|deliver\w+|left|way|lost|late)\b)",
    re.I | re.S,
)
WHEREABOUTS = re.compile(
    r"\b(?:where\w*|when|sent|gone|left|come|coming|arriv\w*|track\w*|status|dispatch\w*|shipp\w*"
    r"|got to|any (?:sign|news))\b",
    re.I,
)
_WHERE = re.compile(
    rf"{_LEADS}(?:when|where)(?:['’]?s| is| are| will)? (?:it|they|this|my (?:\w+ )?(?:order|parcel"
    r"|package|delivery|stuff|things?))\b"
    r"(?:\W+(?:coming|come|arriv\w+|here|due|be|get|going to|gone|got|deliver\w*|turn\w* up|at"
    r"|to|now|then|today|tomorrow|please|pls|mate))*\W*$",
    re.I,
)
_ALSO = re.compile(
    r"^\W*(?:(?:and|oh|ps|p\.s\.)\W+)*(?:also|plus|another (?:thing|question)|one more"
    r"|separately|ps|2\))",
    re.I,
)
_CONTINUES = re.compile(
    r"^\W*(?:(?:great|ok|okay|right|thanks|cool|lovely|perfect|brilliant)\W+)*"
    r"(?:and|or|but|so|also|then|what about|how about|what if|for|in)\b"
    r"|\b(?:it|that|this|them|those|these|one|ones|they|there|two)\b",
    re.I,
)
_ON = r"(?:(?:and|so|but|also|then|plus|n)\b|&)"
_CLAUSE = re.compile(
    # Who writes no capitals ends sentences too.
    r"(?<=\w\w[.!?])(?<!approx[.])(?<!incl[.])(?<!excl[.])\s+(?=(?-i:[a-z]))"
    r"|(?<=[.!?][.!?])\s+"
    r"|(?<=[\u2600-\u27bf\U0001f300-\U0001faff])\s+"  # an emoji ends a sentence too
    rf"|[,;:–—]\s+(?=(?:{_ON}\s+)?"
    r"(?:how|what|whats|when|which|who|why|am i|is|are|do|does|will|can)\b)"
    # Of many blanks only the first begins a cut: else their square is read.
    rf"|(?:[,;:–—]\s+|(?<!\s)\s+)(?={_ON}\s+(?:(?:if|when) (?:\w+ ){{1,6}})?"
    r"(?:how|what|whats|when (?:do|does|will|can)|whom?|why|where"
    r"|(?:am|do|did|would|should|can|could|will|must) (?:i|we|you|they|it|he|she|that|the)"
    r"|(?:is|does) (?:it|there|that|the|anyone|someone|somebody)"
    r"|(?:are|were) (?:they|there|you|the))\b)",
    re.I,
)


def clauses(text: str) -> list[str]:
    """The sentences of a message, cut before a question that follows a comma."""
    found = []
    for start, end in spans(text):
        found += [part.strip() for part in _CLAUSE.split(text[start:end])]
    return [part for part in found if part]


def asks(text: str) -> bool:
    """Whether the text begins or ends as a question does that no action answers."""
    return bool(_ASKS.search(text) or _INSIDE.search(text))


def rule_questions(text: str) -> list[str]:
    """The clauses that begin as such a question does, and do not ask where something is."""
    found = [
        part
        for part in clauses(text)
        if (asks(part) or _OF_RULES.search(part)) and not _WHEREABOUTS.search(part)
    ]
    return [part for part in found if _tells(part, text)][:MOST]


def questions(text: str) -> list[str]:
    """The clauses that ask anything."""
    found = [part for part in clauses(text) if asks(part) or part.rstrip().endswith("?")]
    return [part for part in found if _tells(part, text)][:MOST]


def _another(parts: Sequence[str], at: int) -> list[str]:
    """What stands before a question of another matter, and that: "… also, do my points expire?"."""
    before = " ".join(parts[:at])
    apart = _ALSO.match(parts[at]) and len(before.split()) >= LEAST
    return [before, parts[at]] if apart else []


def single(text: str, asked: Sequence[str] = ()) -> list[str]:
    """The message once for each question in it, without the others; nothing where it has one.

    Args:
        text: The message.
        asked: The questions that are to be answered; else all.
    """
    parts = clauses(text)
    every = [
        n
        for n, part in enumerate(parts)
        if part.endswith("?") or asks(part) and not _RELATIVE.search(part)
    ]
    wanted = [n for n in every if not asked or parts[n] in asked]
    wanted = [n for n in wanted if len(parts[n].split()) >= BARE][:MOST]
    if len(wanted) == 1 and not asked:
        return _another(parts, wanted[0])
    if len(wanted) < 2:
        return []
    return [
        " ".join(part for n, part in enumerate(parts) if n == at or n not in every) for at in wanted
    ]


def _tells(part: str, text: str) -> bool:
    """Whether a question says what it is about: "what happens now?" rests on the rest."""
    return part == text.strip() or len(part.split()) >= LEAST


def rests(part: str) -> bool:
    """Whether a clause is a short question that rests on the others: "what's going on?"."""
    short = len(part.split()) < LEAST and part.rstrip().endswith("?")
    return short and not WHEREABOUTS.search(part)


def asks_anything(text: str) -> bool:
    """Whether a clause of it asks as a question does."""
    return any(asks(part) or part.rstrip().endswith("?") for part in clauses(text))


def asks_where(text: str) -> bool:
    """Whether it asks nothing but where something is or when it comes."""
    return bool(_WHERE.search(text))


def _replies(text: str) -> bool:
    return len(text.split()) <= REPLY and (is_reply(text) or any(map(str.isdigit, text)))


def follow_up(text: str, conversation: Conversation, goes_on: bool = False) -> str:
    """A short message behind the one that it goes on from; nothing where it stands alone.

    Args:
        text: The message.
        conversation: All turns, this message last.
        goes_on: Whether it surely goes on, whatever its words.
    """
    before = [turn.text for turn in conversation.turns[:-1] if turn.speaker == "customer"]
    # A mere reply to a question of ours tells nothing of what was wanted.
    before = [said for said in before if not _replies(said)] or before
    goes_on = goes_on or bool(len(text.split()) <= FOLLOWS and _CONTINUES.search(text))
    return f"{before[-1]} {text}" if before and goes_on else ""
