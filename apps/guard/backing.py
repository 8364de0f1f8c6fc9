"""Whether a passage or an action makes a promise too, and for this customer's case."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from apps.guard.cases import Case, unmet
from apps.guard.evidence import Evidence
from apps.guard.figures import values
from apps.guard.finding import Finding
from apps.guard.promises import MOST, PROMISES, SAID_DONE, Made, denied, piece, segment
from apps.guard.synonyms import plainly
from apps.guard.topics import TOPICS
from apps.guard.words import content, meaning
from retrieval import sentences

_IF = re.compile(
    r"\b(?:if|when|once|while|unless|until|provided|providing|as long as|as soon as|should|as"
    r"|since"
    r"|because|for (?:an?|the|any|your|all|each|every|\w+ed|items?|orders?|returns?|things?)"
    r"|in case|within|after|where|only|whoever|anyone who|up to|who)\b",
    re.I,
)
# What a passage must say in the same word: for all cases, or how money is given back.
_SWEEPING = re.compile(
    r"\b(?:always|no matter|in any case|unconditional\w*|automatically|cash|cheque|bank transfer|"
    r"store credit|whenever you (?:like|want|wish|please)|any ?time(?! (?:of|in|within|until"
    r"|before|between|from|on))|as often as|however (?:long|often|many)|any reason|forever"
    r"|unlimited|regardless|lifelong|lifetime|without (?:any )?(?:limit|conditions?))\b",
    re.I,
)
# Verbs that say no more of a thing than that it was done.
_ARRANGED = {
    meaning(verb)
    for verb in "arranged registered processed booked confirmed approved opened made initiated "
    "organised scheduled "
    "set placed sorted triggered".split()
}
_REASON = re.compile(r"\b(?:because|as|since|now that|if|when|after)\b[^,;.]*$", re.I)
_BARE = re.compile(r"(?:done|approved|confirmed|sorted)\b|.*now goes to$", re.I)
# What a fact says where something was done; that a parcel left is nothing done for a customer.
_RESULTS = {
    meaning(verb)
    for verb in "refunded cancelled changed updated added applied credited issued booked "
    "replaced resent arranged "
    "extended waived upgraded registered approved accepted removed deleted reserved redirected "
    "stopped done "
    "reimbursed exchanged activated unlocked reset corrected switched confirmed "
    "unsubscribed".split()
} - {meaning("sent")}
_BY_THING = (
    (re.compile(r"money|refund|payment|cash|compensation|credit|£|\$|€|amount|sum", re.I),
     {"refund", "credit", "pay", "reimburs", "compensat"}),
    (re.compile(r"replacement|new|another|one\b", re.I), {"replac", "send", "resend"}),
)  # fmt: skip
_MOVED = {"dispatch", "send", "deliver", "transit", "ship", "way", "carrier"}
# Announcing one of these announces what the sentence promises, which is checked by itself.
_TOPICAL = {
    meaning(verb)
    for verb in "refund replace send give get pay offer provide issue credit return arrange "
    "swap exchange make "
    "process grant cover add apply take knock throw waive compensate reimburse match transfer "
    "put have keep "
    "guarantee promise ensure deliver dispatch bear absorb honour organise be reduce "
    "collect".split()
}
_VAGUE = content(
    "straight away right now today for you sure gladly happily then also immediately soon"
)
# How passages speak of what answers have in more definite words.
_SPOKEN = {
    "warranty": re.compile(r"\b(?:warrant|guarant|cover)\w*|保修|质保", re.I),
    "change": re.compile(r"\b(?:cancel|chang|amend|alter|redirect|edit|stop)\w*", re.I),
}
_WORD = re.compile(r"[A-Za-z]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
COVERED = 0.3  # of the words of a passage's promise that must be the customer's case
_PLAIN = frozenset({"warranty", "change", "sweeping"})  # of these only what is against them counts
_ABOUT = 0.6  # or of the words that the answer puts the promise in
_SHARED = 3  # or words of its whole sentence
COVERED_PAIRS = 0.1  # of the pairs of Chinese characters
_OBJECT = 0.5  # of the words that an announced action is about that the passages must have


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of a passage, with the one before it and the passage's title."""

    text: str
    before: str
    title: str


def broken(promises: list[Made], text: str, evidence: Evidence) -> Iterator[Finding]:
    """A finding for each promise that neither a passage nor an action makes for this customer."""
    if not promises:
        return
    told = list(_told(evidence))
    case = Case.of(evidence, text)
    for promise in promises:
        why = _unbacked(promise, promises, text, case, evidence, told)
        if why:
            yield Finding(
                "promise", text[promise.start : promise.end], promise.start, promise.end, why
            )


def _told(evidence: Evidence) -> Iterator[Told]:
    for source in evidence.of("passage"):
        whole = source.told.text
        parts = [whole[first:last] for first, last in sentences.spans(whole)]
        for before, part in zip(["", *parts], parts, strict=False):
            if part != source.title:
                yield Told(part, before, source.title)


def _unbacked(
    promise: Made,
    others: list[Made],
    text: str,
    case: Case,
    evidence: Evidence,
    told: list[Told],
) -> str:
    """Why nothing makes this promise; empty where something does."""
    if _by_action(promise, text, evidence):
        return ""
    sentence = text[promise.first : promise.last]
    if promise.name == "done":
        if _retold(promise, text, case):
            return ""
        return "" if _reported(promise, text, told) else "no action did it"
    plain = "\n".join(each.text for each in told).lower()
    for word in _SWEEPING.findall(sentence):
        if word.lower() not in plain:
            return f"no passage says {word.lower()}"
    if promise.name == "action":
        part = segment(text, promise)
        topical = meaning(promise.verb) in _TOPICAL and any(
            segment(text, each) == part for each in others if each.name in TOPICS
        )
        return "" if topical else _announced(promise, text, case, told)
    return _promised(promise, others, text, case, told)


def _promised(promise: Made, others: list[Made], text: str, case: Case, told: list[Told]) -> str:
    """Why no passage promises it; of its clauses, the one that is most like the answer's counts."""
    sentence = text[promise.first : promise.last]
    said = content(sentence)
    first, last = segment(text, promise)
    part = content(text[first:last])
    about = part - content(text[promise.start : promise.end]) - _VAGUE
    aside = said - content(text[promise.start : promise.end])
    before = [text[a:b] for a, b in sentences.spans(text[: promise.first])][-1:]
    known = said | case.words | content(" ".join(before)) | _named(promise, others)
    figures = {(value.unit, key) for value in values(sentence) for key in value.keys}
    pattern = _SPOKEN.get(promise.name, PROMISES[promise.name])
    why, found, backed, against = "", False, 0, 0
    for each in told:
        for match in islice(pattern.finditer(each.text), MOST):
            clause = _clause(each.text, match.start())
            words = content(clause)
            alike = len(words & (said | case.words))
            if denied(each.text, match.start(), match.end()):
                against = max(against, len(words & (part | case.words)))
                continue
            found = True
            besides = words - content(match.group())
            stated = bool(_IF.search(sentence)) and bool((besides | content(each.before)) & aside)
            if not stated and not _alike(promise, match, clause, each.text, known, figures, about):
                continue
            lacks = unmet(promise.name, clause, f"{each.before} {each.title}", case)
            why = why or lacks
            if not lacks:
                backed = max(backed, alike + 1)
    if not found:
        return "no passage promises it"
    if not backed:
        return why or "a passage promises it in another case"
    return "a passage denies it" if against > backed else ""


def _announced(promise: Made, text: str, case: Case, told: list[Told]) -> str:
    """Why no passage says that it is done; its verb and half of its other words must be there."""
    verb = meaning(promise.verb)
    first, last = segment(text, promise)
    about = content(text[first:last]) - {verb} - _VAGUE
    known = frozenset().union(*(content(f"{each.title} {each.text}") for each in told))
    why = "no passage says that this is done"
    for each in told:
        for match in _WORD.finditer(plainly(each.text)):
            if meaning(match.group()) != verb:
                continue
            whole = plainly(each.text)
            if denied(whole, match.start(), match.end()):
                why = "a passage denies it"
                continue
            lacks = unmet("action", each.text, each.before, case)
            if not lacks and _covered(about, known) >= _OBJECT:
                return ""
            why = lacks or why
    return why


def _retold(promise: Made, text: str, case: Case) -> bool:
    """Whether it only repeats, as a reason, what the customer told: since it was cancelled."""
    before = text[promise.first : promise.start]
    told = re.findall(r"\b\w+ed\b", case.said)
    return bool(_REASON.search(before)) and meaning(promise.verb) in {
        meaning(word) for word in told
    }


def _reported(promise: Made, text: str, told: list[Told]) -> bool:
    """Whether a passage tells of it as done already."""
    if promise.verb:
        wanted = meaning(promise.verb)
        return any(
            wanted in {meaning(word) for word in match.groups() if word}
            for each in told
            for match in SAID_DONE.finditer(each.text)
        )
    said = text[promise.start : promise.end].lower()
    return any(said in each.text.lower() for each in told)


def _by_action(promise: Made, text: str, evidence: Evidence) -> bool:
    facts = evidence.of("fact")
    known = frozenset().union(*(source.words for source in facts))
    if promise.what:
        wanted = next((words for thing, words in _BY_THING if thing.search(promise.what)), _MOVED)
        settled = re.search(
            r"sorted|settled|set|hand|care|good|through$", text[promise.start : promise.end]
        )
        said = content(text[promise.start : promise.end]) & {
            meaning("processed"),
            meaning("prepared"),
        }
        return bool((wanted | said | (_RESULTS if settled else set())) & known)
    whole = text[promise.start : promise.end]
    if meaning(promise.verb) in _ARRANGED and known & _RESULTS:
        return bool(known & (content(whole) - {"order"}))
    said = promise.verb or whole
    wanted = _RESULTS if _BARE.match(said) else content(said) or {meaning(said)}
    return bool(wanted & known)


def _alike(
    promise: Made,
    match: re.Match[str],
    clause: str,
    sentence: str,
    known: frozenset[str],
    figures: set[object],
    about: frozenset[str],
) -> bool:
    """Whether what a passage promises something for is what is known of the case."""
    if promise.name in _PLAIN or figures & _limits(sentence):
        return True
    if about and _covered(about, content(piece(sentence, match.start(), match.end()))) >= _ABOUT:
        return True
    own = content(match.group())
    enough = COVERED_PAIRS if _CHINESE.search(clause) else COVERED
    if _covered(content(clause) - own, known) >= enough:
        return True
    return len((content(sentence) - own) & known) >= _SHARED


def _limits(text: str) -> set[object]:
    """The figures of a text that something hangs on: from £50, under £20, 2 hours."""
    return {
        (value.unit, key)
        for value in values(text)
        if value.bound or (value.kind == "number" and value.unit)
        for key in value.keys
    }


def _named(promise: Made, others: list[Made]) -> frozenset[str]:
    """The names of what the same sentence promises besides."""
    return frozenset().union(
        *(content(each.name) for each in others if each.first == promise.first and each != promise)
    )


def _clause(sentence: str, at: int) -> str:
    """The part of a sentence between its semicolons and the like that holds a place."""
    cuts = [
        0,
        *(m.end() for m in re.finditer(r"[;；]|, (?:and|but|or) |\bbut\b", sentence)),
        len(sentence),
    ]
    for first, last in zip(cuts, cuts[1:], strict=False):
        if first <= at < last:
            return sentence[first:last]
    return sentence


def _covered(words: frozenset[str], told: frozenset[str]) -> float:
    return len(words & told) / len(words) if words else 1.0
