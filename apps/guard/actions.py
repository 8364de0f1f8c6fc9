"""Whether a fact says that something was done, and whether a passage says that it is done."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apps.guard.cases import Case, unmet
from apps.guard.evidence import Evidence, Source, same
from apps.guard.figures import values
from apps.guard.promises import SAID_DONE, Made, denied, segment
from apps.guard.synonyms import plainly
from apps.guard.topics import DONE, TOPICS
from apps.guard.words import content, covered, meaning

_REASON = re.compile(r"\b(?:because|as|since|now that|if|when|after)\b[^,;.]*$", re.I)
_BARE = re.compile(r"(?:all )?(?:done|approved|confirmed|sorted)\b|.*now goes to$", re.I)
# What a fact says where something was done; that a parcel left is nothing done for a customer.
_RESULTS = {
    meaning(verb)
    for verb in (
        "refunded cancelled changed updated added applied credited issued booked replaced resent "
        "arranged extended waived upgraded registered approved accepted removed deleted reserved "
        "redirected stopped done reimbursed exchanged activated unlocked reset corrected switched "
        "confirmed unsubscribed"
    ).split()
} - {meaning("sent")}
# Verbs that say no more of a thing than that it was done.
_ARRANGED = {
    meaning(verb)
    for verb in (
        "arranged registered processed booked confirmed approved opened made initiated organised "
        "scheduled set put placed sorted triggered"
    ).split()
}
# What a fact must tell of a thing that is said to be on its way, by the thing.
_BY_THING = (
    (
        re.compile(r"money|refund|payment|cash|compensation|credit|£|\$|€|amount|sum", re.I),
        {"refund", "credit", "pay", "compensat"},
    ),
    (re.compile(r"replacement|new|another|one\b", re.I), {"replac", "send"}),
)
_NAMED = re.compile(DONE, re.I)  # verbs that say what was done
_SENT_AGAIN = {meaning("again"), meaning("replaced"), meaning("replacement"), meaning("resent")}
_CHOSEN = re.compile(
    r"booked|chosen|ordered|placed|dispatched|delivered|bought|due|set|scheduled", re.I
)
_MOVED = {"send", "deliver", "transit", "way", "carrier"}
_GOING = re.compile(
    r"\b(?:way|post|mail|out|heading|headed|coming|going|bound|gone|through|account|bank|card)\b",
    re.I,
)
_SETTLED = re.compile(r"\b(?:sorted|settled|set|hand|care of|good to go|through)$")
_UNDER_WAY = {meaning("processed"), meaning("prepared")}
_REFUSED = content("rejected refused declined pending denied not requested open")
VAGUE = content(
    "straight away right now going today for you sure gladly happily then also immediately soon"
)
_OURS = re.compile(r"\b(?:we|our team)(?: \w+)? $", re.I)
_ARRIVED = content("received arrived reached returned delivered")
_BY_US = re.compile(r"(?:I|we)\b", re.I)
_RECEIVED = re.compile(r"got\b", re.I)  # of "we've got your parcel"
_NOT_DONE = re.compile(r"^(?:no|none|never|false|0)$|\b(?:not|pending|awaiting|yet)\b", re.I)
_WORD = re.compile(r"[A-Za-z]+")
_BEAR_NO_MEANING = {meaning(verb) for verb in "run do carry make perform conduct have get".split()}
_SAID_OF = 0.6  # of the words that go with such a verb, by the same sentence of a passage
_OBJECT = 0.5  # of the words that an announced action is about that the passages must have


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of a passage, with the one before it and the passage's title."""

    text: str
    before: str
    title: str


def by_action(promise: Made, text: str, evidence: Evidence) -> bool:
    """Whether a fact says that what an answer promises was done."""
    facts = [each for each in evidence.of("fact") if not _NOT_DONE.search(each.told.text)]
    known = frozenset().union(*(source.words for source in facts))
    whole = text[promise.start : promise.end]
    if promise.name in TOPICS and content(promise.name) & known and not _REFUSED & known:
        return True
    if promise.name == "replacement":
        return bool((_SENT_AGAIN | content(whole) - _MOVED) & known)
    if promise.name == "done" and _chosen(promise, text, facts):
        return True
    if promise.what:
        going = _MOVED if _GOING.search(whole) else _RESULTS | (content(whole) - VAGUE)
        wanted = next((words for thing, words in _BY_THING if thing.search(promise.what)), going)
        wanted |= content(whole) & _UNDER_WAY
        return bool((wanted | (_RESULTS if _SETTLED.search(whole) else set())) & known)
    if _RECEIVED.match(promise.verb):
        return bool(_ARRIVED & known)
    vague = meaning(promise.verb) in _ARRANGED or not _NAMED.fullmatch(promise.verb)
    if promise.verb and vague and known & _RESULTS:
        first, last = segment(text, promise)
        return bool(known & (content(text[first:last]) - {"order"}))
    said = promise.verb or whole
    return bool((_RESULTS if _BARE.match(said) else content(said) or {meaning(said)}) & known)


def _chosen(promise: Made, text: str, facts: Sequence[Source]) -> bool:
    """Whether it is the day of something that a fact holds: booked for 12 May."""
    if not _CHOSEN.fullmatch(promise.verb):
        return False
    first, last = segment(text, promise)
    days = [value for value in values(text[first:last]) if value.kind == "date"]
    return any(
        same(day, other, "fact") for day in days for each in facts for other in each.told.values
    )


def retold(promise: Made, text: str, case: Case) -> bool:
    """Whether it only repeats, as a reason, what the customer told: since it was cancelled."""
    before = text[promise.first : promise.start]
    told = {meaning(word) for word in re.findall(r"\b\w+ed\b", case.said)}
    return bool(_REASON.search(before)) and meaning(promise.verb) in told


def reported(promise: Made, text: str, told: Sequence[Told]) -> bool:
    """Whether a passage tells of it as done already."""
    if promise.verb:
        wanted, ours = meaning(promise.verb), _BY_US.match(text, promise.start)
        return any(
            wanted in {meaning(word) for word in match.groups() if word}
            for each in told
            for match in SAID_DONE.finditer(each.text)
            if not ours or _BY_US.match(match.group())
        )
    said = text[promise.start : promise.end].lower()
    return any(said in each.text.lower() for each in told)


def not_announced(promise: Made, text: str, case: Case, told: Sequence[Told]) -> str:
    """Why no passage says that it is done; empty where one does.

    Its verb must be there, and half of the words that it is about, or all but one where the
    passage says that "we" do it.
    """
    verb = meaning(promise.verb)
    first, last = segment(text, promise)
    if verb in _BEAR_NO_MEANING:
        own = content(text[first:last]) - {verb} - VAGUE
        if own and any(covered(own, content(each.text)) >= _SAID_OF for each in told):
            return ""
    about = content(text[first:last]) - {verb} - VAGUE
    known = frozenset().union(*(content(f"{each.title} {each.text}") for each in told))
    why = "no passage says that this is done"
    for each in told:
        whole = plainly(each.text)
        for match in _WORD.finditer(whole):
            if meaning(match.group()) != verb:
                continue
            if denied(whole, match.start(), match.end()):
                why = "a passage denies it"
                continue
            lacks = unmet("action", each.text, each.before, case)
            ours = (
                bool(_OURS.search(whole[: match.start()])) and len(about - known - case.words) <= 2
            )
            if not lacks and (ours or covered(about, known) >= _OBJECT):
                return ""
            why = lacks or why
    return why
