"""Promises: which an answer makes, and whether a passage or an action makes them too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from apps.guard.evidence import Evidence
from apps.guard.finding import Finding
from apps.guard.words import content, stem
from retrieval import sentences

_DONE = (
    r"(?P<verb>refunded|cancelled|canceled|changed|updated|added|applied|credited|issued|booked"
    r"|replaced|resent|"
    r"arranged|extended|waived|upgraded|registered|approved|accepted|removed|deleted|reserved"
    r"|sent|redirected|stopped)"
)
_BEEN = _DONE.replace("verb", "passive", 1)
_DAY = (
    r"(?:today|tomorrow|tonight|(?:this|next) (?:week|weekend|month|morning|afternoon|evening)|"
    r"(?:on |by |before )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|soon enough|in time|on time"
    r"|before noon)"
)
PROMISES: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "full refund": r"\bfull(?:y)? refund|refund\w*[^.]{0,20}\bin full\b|\bfully refunded\b"
        r"|whole (?:amount|price) back|全额退款",
        "refund": r"\brefund(?:s|ed|ing)?\b|\b(?:your|the) money back\b|\bmoney (?:goes|comes) "
        r"back\b|\bpay(?:s|ing)? (?:you )?back\b|"
        r"\breimburs\w+|\bget (?:£|\$|€)?[\d.]+ back\b|退款|退钱",
        "replacement": r"\breplac(?:e|es|ed|ement|ements)\b|\bresend\b|\bsend (?:it|the order) "
        r"again\b|"
        r"\bsend (?:you )?(?:a new|another|the right|the missing)\b|\bget a new\b|\bnew one\b"
        r"|\bswap(?:ped)?\b|\bexchanged?\b|补发|换新",
        "discount": r"\bdiscounts?\b|(?:%|per ?cent|pounds?|quid|half|quarter|fifth"
        r"|£\d+(?:\.\d+)?) off\b|\bvouchers?\b|\bcoupons?\b|"
        r"\bmatch (?:that|the|their|this|its) price|优惠券|折扣|减",
        "compensation": r"\bcompensat\w+|\bgoodwill\b|\bmake (?:it )?up (?:for|to)\b|\bfor the "
        r"trouble\b|\bliability\b|赔偿|补偿",
        "free": r"\bfree of charge\b|\bfor free\b|(?<!feel )(?<!scot-)(?<!Feel )\bfree\b(?! to\b)"
        r"|\bno charge\b|\bno cost\b|\bnothing to pay\b|"
        r"\bpay nothing\b|\bcosts? (?:you )?nothing\b|\bon the house\b|\bfor nothing\b|\b(?:is"
        r"|are|be) on us\b|\b(?:not"
        r"|n['’]t) (?:pay|"
        r"cost)(?: you)? (?:a penny|anything)\b|免费",
        "guarantee": r"\bguarante\w+|\bpromise[sd]?\b|\bmy word\b|\bdefinitely\b|\bfor (?:sure"
        r"|certain)\b|\brest assured\b|"
        r"\bwithout fail\b|\bfor life\b|保证|承诺",
        "delivery": rf"\b(?:arriv\w+|be with you|deliver\w*|reach(?:es)? you|leaves|be there"
        rf"|you(?:['’]ll| will) (?:have|get|receive) it"
        rf"|dispatch\w*|comes?)\b[^.!?]{{0,30}}\b{_DAY}\b",
        "keep": r"\b(?:may|can) keep\b|\bneed not (?:come back|send (?:it |them )?back)\b|\bnot "
        r"need to (?:send|return)\b",
        "done": rf"\b(?:I|we)(?:['’]ve| have)(?: just| now| already| also)? {_DONE}\b"
        rf"|\b(?:order \S+|orders?|refund|return\b[^.]{{0,60}}|address|account|claims?|it|they) "
        rf"(?:is|are|has been|have been) (?:now |all )?{_BEEN}\b"
        r"|\borders were (?:deleted|cancelled|refunded)\b"
        r"|\b(?:I am|I['’]m|we are|we['’]re)(?: now| just| already)? (?:refund|resend|cancell?"
        r"|send|"
        r"credit|replac|issu|add|updat)ing\b|\b(?:refund|payment|money|credit) (?:has|is)(?: "
        r"already"
        r"| now| just)* (?:gone through|on its way|been (?:processed|sent|paid|made)|processed)\b"
        r"|\b(?:approved|confirmed|done)\s*:|^cancelled\W*$|\b(?:order \S+|it|parcel) now goes "
        r"to\b|已(?:为您)?(?:退款|取消|补发|赔偿|修改|登记)",
        "action": r"\b(?:I|we)(?:['’]ll| will| can| gladly| shall)+ (?:also |then |now |happily "
        r")?(?P<act>cancel|stop|waive|extend|upgrade|reserve|"
        r"hold|set|match|call|ring|approve|credit|add|apply|give|change|repair|pay|transfer"
        r"|redirect|"
        r"collect)\b|\b(?:colleague|manager|someone|somebody|team|specialist|they) will (?:then )?"
        r"(?P<calls>ring|call|phone) (?:you|back)\b"
        r"|\bwe set one aside\b|\bmake an exception\b",
    }.items()
}  # fmt: skip
_NO = re.compile(
    r"\b(?:not|no|never|cannot|unable|neither|nor|without|rather than|instead of|nothing|none"
    r"|only)\b|n['’]t\b|"
    r"不|没|无法|未|别",
    re.IGNORECASE,
)
_NOT_NO = re.compile(
    r"\bno (?:problem|need|worries|doubt|charge|cost|extra)\b|\bnot only\b|不仅|\bpay nothing"
    r"|costs? (?:you )?nothing|\bnothing (?:to pay|for it)"
    r"|(?:not|n['’]t) (?:pay|cost)(?: you)? (?:a penny|anything)|\bfor nothing|\bneed not\b|\bdo "
    r"not need to\b|未使用|\bwithout (?:your|fail"
    r"|delay)\w*|\bonly (?:need|have) to\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:if|whether|hope|wish|would like|you want|ask(?:ed)?|asking|told|let me|understand"
    r"|request|see whether|check|wanted|"
    r"prefer|which|how many|possible that)\b|是否|如果",
    re.IGNORECASE,
)
_IF = re.compile(
    r"\b(?:if|when|once|while|unless|until|provided|as long as|as soon as|should)\b", re.I
)
_SEGMENT = re.compile(r"[,;:：，；—]|\b(?:and|but|so|then|because|although)\b", re.I)
# What a passage must say in the same word: for all cases, or how money is given back.
_SWEEPING = re.compile(
    r"\b(?:always|no matter|in any case|unconditional\w*|automatically|cash|cheque|bank transfer|"
    r"store credit)\b",
    re.I,
)
_BARE = re.compile(r"(?:done|approved|confirmed)\s*:|.*now goes to$", re.I)
_RESULTS = {stem(verb) for verb in re.findall(r"[a-z]{4,}", _DONE.removeprefix("(?P<verb>"))}
MOST = 8  # promises of a name that are looked at in a sentence
COVERED = 0.34  # of the words of a passage's promise that must be the customer's case


@dataclass(frozen=True, slots=True)
class Made:
    """A promise, at [start, end) of a text, in the sentence [first, last)."""

    name: str
    start: int
    end: int
    first: int
    last: int
    verb: str = ""


def segment(text: str, promise: Made) -> tuple[int, int]:
    """Characters [start, end) of the part of its sentence, between commas, that a promise is in."""
    cuts = _SEGMENT.finditer(text, promise.first, promise.start)
    after = _SEGMENT.search(text, promise.end, promise.last)
    left = max((match.end() for match in cuts), default=promise.first)
    return left, after.start() if after else promise.last


def made(text: str) -> list[Made]:
    """The promises that a text makes: those it denies, asks about or only hopes for are none."""
    found = []
    for first, last in sentences.spans(text):
        sentence = text[first:last]
        if sentence.endswith(("?", "？")):
            continue
        for name, pattern in PROMISES.items():
            for match in islice(pattern.finditer(sentence), MOST):
                if not denied(sentence, match.start(), match.end()) and not _hedged(
                    sentence, match.start()
                ):
                    groups = match.groupdict()
                    verb = next(
                        (
                            groups[key]
                            for key in ("verb", "passive", "act", "calls")
                            if groups.get(key)
                        ),
                        "",
                    )
                    spans = (first + match.start(), first + match.end(), first, last)
                    found.append(Made(name, *spans, verb))
    return found


def denied(sentence: str, start: int, end: int) -> bool:
    """Whether the part of a sentence around [start, end) says no."""
    left = max((match.end() for match in _SEGMENT.finditer(sentence, 0, start)), default=0)
    after = _SEGMENT.search(sentence, end)
    part = sentence[left : after.start() if after else len(sentence)]
    return bool(_NO.search(_NOT_NO.sub(" ", part)))


def _hedged(sentence: str, start: int) -> bool:
    left = max((match.end() for match in _SEGMENT.finditer(sentence, 0, start)), default=0)
    return bool(_HEDGE.search(sentence[left:start]))


def broken(promises: list[Made], text: str, evidence: Evidence) -> Iterator[Finding]:
    """A finding for each promise that neither a passage nor an action makes for this customer."""
    case = frozenset().union(*(source.words for source in evidence.of("said", "fact")))
    for promise in promises:
        why = _unmet(promise, text, case, evidence)
        if why:
            yield Finding(
                "promise", text[promise.start : promise.end], promise.start, promise.end, why
            )


def _unmet(promise: Made, text: str, case: frozenset[str], evidence: Evidence) -> str:
    """Why nothing makes this promise; empty where something does."""
    if _by_action(promise, text, evidence):
        return ""
    if promise.name == "done":
        return "no action did it"
    sentence = text[promise.first : promise.last]
    passages = "\n".join(source.told.text for source in evidence.of("passage"))
    for word in _SWEEPING.findall(sentence):
        if word.lower() not in passages.lower():
            return f"no passage says {word.lower()}"
    parts = [passages[first:last] for first, last in sentences.spans(passages)]
    backing = [
        share
        for before, part in zip(["", *parts], parts, strict=False)
        for share in _backing(promise, before, part, sentence, case)
    ]
    if not backing:
        return "no passage promises it"
    return "" if max(backing) >= COVERED else "a passage promises it in another case"


def _backing(
    promise: Made, before: str, part: str, sentence: str, case: frozenset[str]
) -> Iterator[float]:
    """How far each promise of that name in a passage's sentence is this one, in [0, 1].

    It is the share of its words that the answer's sentence or the customer's case has; 1 where the
    answer states the condition itself, which may stand in the sentence before.
    """
    said = content(sentence)
    for match in islice(PROMISES[promise.name].finditer(part), MOST):
        other = promise.verb and promise.verb.lower() not in match.group().lower()
        if other or denied(part, match.start(), match.end()):
            continue
        words = content(_clause(part, match.start()))
        besides = words - content(match.group())
        stated = bool(_IF.search(sentence)) and bool((besides | content(before)) & said)
        shares = (_covered(words, said | case), _covered(besides, said | case))
        yield 1.0 if stated else max(shares)


def _by_action(promise: Made, text: str, evidence: Evidence) -> bool:
    said = promise.verb or text[promise.start : promise.end]
    wanted = _RESULTS if _BARE.match(said) else content(said) or {stem(said)}
    known = frozenset().union(*(source.words for source in evidence.of("fact")))
    return bool(wanted & known)


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
