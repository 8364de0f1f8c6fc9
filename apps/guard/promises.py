"""Promises: which of them an answer makes, and where."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from apps.guard.topics import (
    DEED,
    DOING,
    DONE,
    IDLE,
    LIGHT,
    NOT_TAKEN,
    RESTING,
    STATES,
    TO_WHAT,
    TOPICS,
)
from data import sentences

_SOON = (
    r"(?:already|now|just|also|all|then|today|immediately|at once|successfully|gladly"
    r"|happily)"
)
_THINGS = (
    r"(?:order \S+|(?:your|the|this|that|all|both|every) (?:[\w£.'’-]+ ){0,4}?(?:orders?"
    r"|refunds?|returns?"
    r"|address|account|details|data|claims?|replacements?|parcels?|payments?|codes?|vouchers?"
    r"|cards?|bookings?"
    r"|quantity|fees?|charges?|subscription|money|amount|password|items?|collection|label|credit"
    r"|compensation|Sprigs|points|discount|sum|email|request|case|delivery|slot|appointment"
    r"|changes?|cancellation|repair|exchange|swap|deposit)|orders|refund|address|account|claims?|"
    r"everything|it|they|(?<![a-z] )that|this|[£$€][\d.,]+)"
)
_OURS = r"(?:I|we)"
_WHO = (
    rf"(?:{_OURS}|(?:my|a|our|the) (?:[a-z]+-[a-z]+ )?(?:colleagues?|manager|supervisor|team"
    rf"|staff|workshop|warehouse"
    r"|specialist|technician|driver|courier|team leader|accounts team)|they"
    r"|someone(?: from \w+ \w+)?"
    r"|somebody|the team)"
)
_ADVERBS = (
    rf"(?:(?:{_SOON}|personally|certainly|surely|definitely|of course|even|directly|straight away"
    r"|right away|be able to|be happy to|be glad to|however|either|both|therefore|still|first"
    r"|simply|\w+ly) )*"
)
# Of what was done, `verb` names it; of what only hints at it, `hint` and the thing, `what`.
SAID_DONE = re.compile(
    rf"\b{_OURS}(?:['’]ve| have|['’]d| had)(?: {_SOON}| gone ahead and)* (?P<verb>{DONE})\b"
    rf"|\b(?:{_OURS}|they|the (?:team|warehouse|workshop|courier|driver)|my colleagues?)(?:['’]ve"
    rf"| have"
    rf"|['’]s| has)(?: {_SOON}| gone ahead and)* (?P<deed>{DEED})\b{TO_WHAT}"
    rf"|\bI['’]ve(?: {_SOON}| gone ahead and)* (?P<mine>{DEED})\b"
    rf"|\bI (?:{_SOON} )*(?P<myself>{DEED}) (?:it|them|that|your|the|an?|you|this|£|in|hold"
    rf"|everything)\b"
    rf"|\b{_OURS}(?:['’]ve| have) (?:had|got) (?:[\w£.'’-]+ ){{1,7}}?(?P<had>{DONE})\b"
    rf"|\byou(?:['’]ve| have)(?: {_SOON})* been (?P<yours>(?!sent|given|set|made|charged){DONE})\b"
    rf"|\b(?:your|the) (?:order(?: \S+)?|refund|replacement|claim|return|payment|address|account"
    rf"|parcel) (?:was|were)"
    rf"(?: {_SOON})* (?P<passed>refunded|cancelled|changed|updated|sent|credited|issued|booked"
    rf"|replaced|resent"
    r"|registered|approved|removed|made|paid|processed|successful|completed?|granted|accepted)\b"
    rf"|\b{_OURS} (?:{_SOON} )*(?P<past>refunded|cancelled|changed|updated|sent|credited|issued"
    rf"|booked|replaced|resent|registered|approved|removed|arranged|waived|extended|applied)\b"
    rf" (?:it|them|that|your|the|an?|you|this|£)"
    rf"|\b{_THINGS} (?:(?:is|are)(?: {_SOON})*|(?:has|have)(?: {_SOON})* been"
    rf"(?: {_SOON})*|['’]s (?:{_SOON} )*been|['’](?:s|re)(?: {_SOON})*) (?P<passive>{DONE})\b"
    r"(?!(?: back| out| over)? (?:within|in \w+ (?:working )?days|if|when|after|once|from|until"
    r"|for \d|for (?:two|five"
    r"|ten|one|a)|up to|by (?:the|our|an?)|as soon|on (?:mon|tues|wednes|thurs|fri|satur|sun)"
    r"|before|off|to order|by|via|with|at|in|as|every|each|only))"
    r"|\b(?:I am|I['’]m|we are|we['’]re|they are|they['’]re)(?: (?:now|just|already|currently"
    r"|right now|also))*"
    rf" (?P<going>{DOING}|(?!{RESTING})[a-z]+(?=ing\b{TO_WHAT}))ing\b"
    r"(?! (?:to offer))"
    r"|\b(?P<what>[\w£.'’-]+(?: (?:one|bowl|money|parcel|order))?)"
    r"(?: |(?=['’](?:s|re)))(?P<hint>(?:is|are|has|have|should be|['’]s|['’]re)(?: already| now"
    r"| just| currently"
    r"| all)*"
    rf" (?:{STATES}))\b"
    r"|(?<!ly )\b(?P<bare>approved|confirmed|done)\s*[:!]|^(?P<alone>cancelled|refunded"
    r"|(?:all )?(?:done"
    r"|sorted)(?: and dusted)?)(?:\W*$|[,:!–—-] )"
    rf"|\bconsider (?:it|this|that|your \w+|[A-Z]+-\d+) (?P<seen>{DONE}|done)"
    r"|\b(?<!you have )(?<!you['’]ve )been (?P<told>told|instructed|asked|briefed) to (?!look"
    r"|check|contact)"
    r"|\b(?:order \S+|it|parcel) now goes to\b"
    r"|\b(?:won['’]t|will not|will no longer) be (?:coming|going out|sent out|charged) any ?"
    r"(?:more|longer)\b"
    r"|已(?:经)?(?:为您|给您|帮您)?(?:成功)?(?:退款|取消|补发|赔偿|修改|登记|发出|寄出|安排)|已(?:经)?.{0,4}(?:处理好|处理完|办好|办理好)"
    r"|已经在路上|在路上了",
    re.I | re.M,
)
SAID_WILL = re.compile(
    rf"\b(?!they(?: can| would|['’]d)\b){_WHO}(?:['’]ll|['’]d| would| will| shall| can"
    rf"|['’]m going to| am going to"
    rf"|['’]re going to"
    rf"| are going to| is going to|['’]re able to| are able to| am able to| are happy to"
    rf"|['’]re happy to| am happy to|['’]m happy to| would be happy to|['’]d be happy to) "
    rf"{_ADVERBS}(?P<act>(?!not\b|never\b|only\b|no\b|(?<=can )(?:see|tell|hear|feel)\b)[a-z-]+)\b"
    r"|\b(?:our|a|the) (?:[a-z]+-[a-z]+ )?(?:technician|driver|courier|engineer|colleague|team"
    r"|manager"
    r"|workshop) (?P<does>(?!is\b|has\b|was\b|costs\b|comes\b)[a-z]+s)\b"
    r"|\b(?:it|they|one|that|this|you|your \w+|the \w+)(?: will|['’]ll) be (?P<passively>(?!asked"
    r"|told|informed"
    r"|notified|contacted|emailed|shown|charged|delivered|considered|answered|looked|needed|used"
    r"|added"
    r"|based|required|able|posted|paid|refunded|sent|replaced|credited)(?:[a-z]+ed|kept|set|put"
    r"|held|made|given))\b"
    rf"|\b{_OURS} (?P<gladly>gladly|happily) (?P<now>[a-z]+)\b|\bwe(?:['’]ll| will"
    rf"| can)? (?P<aside>set|put|keep|hold|reserve)"
    r" (?:one|it|them|some|that|the \w+|an? \w+)(?: aside)? for you\b|\bmake an (?P<exception>"
    r"exception)\b|\b(?:I|we)['’]?(?:ll| will| can)? (?:get|have) (?:that|it|this|them|your \w+"
    r"|the"
    rf" \w+) (?P<gets>{DONE})\b|\b(?P<calls>ring|call|phone) you (?:back )?(?:today|tomorrow"
    rf"|within"
    r"|shortly|soon|in)\b",
    re.I,
)
PROMISES = TOPICS | {"done": SAID_DONE, "action": SAID_WILL}
NO = re.compile(
    r"\b(?:not|no|never|cannot|unable|neither|nor|without|rather than|instead of|nothing|none"
    r"|only|nowhere|nobody|(?:falls?|lies|lie|is|are) outside|excluded?|excludes|except|too late"
    r"|impossible|refuse[sd]?|declined?"
    r"|unlikely|isn|far from)\b|n['’]t\b|不|没|无法|未|别",
    re.IGNORECASE,
)
_NO_NO = re.compile(
    r"\bno (?:problem|need|worries|doubt|charge|cost|extra|additional|further|fees?|trouble"
    r"|matter"
    r"|rush|deadline|time limit|limit|conditions?|questions asked)\b|\bnot only\b|不仅|\b(?:pay"
    r"|pays) nothing|costs? (?:you )?nothing"
    r"|\bnothing (?:extra )?(?:to pay|for it|(?:is|will be|gets|was) (?:charged|taken|taken off"
    r"|deducted"
    r"|withheld))"
    r"|(?:not|n['’]t) (?:have to |need to |be asked to )?(?:pay|cost|be charged|charge)(?: you)?"
    r"(?: a (?:penny|thing)| anything| any \w+| extra| (?:the|any|an?) [\w ]{0,20}fee| for)"
    r"|\bfor nothing|\bneed not\b"
    r"|(?:not|n['’]t) (?:need|have|want you|require you) to (?:send|return|post|ship|bring|give"
    r"|do"
    r"|worry|register|wait)|\b(?:not|n['’]t) worry\b|未使用|不用寄|不需要寄|免"
    r"|\bwithout (?:your|fail|delay|charge|any|a|an|extra|having|doubt|cost|deduction)\w*"
    r"|\bonly (?:(?:need|have) to|just|pay)\b|\bpay only\b|\bif (?:it|that|this|they|not|we"
    r"|the \w+)?\b[^,;.]{0,25}?(?:is not|"
    r"isn['’]t|cannot|can['’]t|not|does not|doesn['’]t|are not|aren['’]t)(?: be)?(?: \w+)?"
    r"|\bfailing (?:that|which)\b|\bnever (?:expires?|runs? out|ends?|costs?|lapses?|charges?)\b"
    r"|\bpays? no\b|\bwe (?:wo"
    r"|do)n['’]t charge\b"
    r"|\bwe (?:wo|do)n['’]t (?:ask|expect) you to pay\b"
    r"|\bwe (?:will|do) not charge\b"
    rf"|{NOT_TAKEN}"
    r"|(?:not|n['’]t) (?:take|deduct|subtract|withhold|keep) (?:the |any |a )?(?:£[\d.]+|thing"
    r"|anything|penny|label|fee)|\bnot (?:a problem|to worry)\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:if|whether|hope|wish|love to|would like|['’]d like|you want|ask(?:ed)?|asking|told"
    r"|let me"
    r"|understand|request|requested|see whether|check|wanted|prefer|which|how many|possible that"
    r"|likely|probably|as though|as if|would have|perhaps|maybe|might|possibly|would you|do you"
    r"|want to know|looking for"
    r"|claims? that|says? that|regardless of what|tell (?:us|me)|please say|decide whether"
    r"|your (?:wish|request) for|know (?:how|that|when)|about (?:your|the|a)|regarding|details"
    r"|(?:sorry|apologi[sz]e|apologies) (?:that|to hear|about|for|if|you|it|this|the|your|we)"
    r"|you (?:mentioned|said|say|wrote"
    r"|expected|expect|were (?:told|promised)|asked for|are waiting for)|you['’]re waiting for"
    r"|you['’]d like)\b"
    r"|是否|如果",
    re.IGNORECASE,
)
# A day or the like that no word is given for, said anywhere in the sentence.
_CHOOSES = re.compile(r"\b(?:choice|choose|decision|decide|call|pick)\b", re.I)  # is yours
_NO_WORD = re.compile(
    r"\b(?:can['’]?t|cannot|can not|could not|couldn['’]t|not able to|unable to|wouldn['’]t"
    r"|won['’]t) "
    r"(?:\w+ ){0,2}?(?:promise|guarantee|vouch|say (?:yes|so|for (?:sure|certain)|when|whether)"
    r"|confirm"
    r"|swear|commit)\b|\bno (?:promise|guarantee)s?\b",
    re.I,
)
# Of what was done "for nothing", that it was of no use.
_IN_VAIN = re.compile(
    r"\b(?:wait|stay|sit|sat|com|came|drove|driv|travel|try|tri|search|look|spen[dt]|rush|hop|queu"
    r"|walk|went|gone)\w*\b",
    re.I,
)
# "As you said, a colleague promised it, so you will get it."
_CLAIMED = re.compile(
    r"\b(?:you (?:mentioned|said|say|wrote|were (?:told|promised)|asked for)"
    r"|(?:told|promised|assured|offered) you)\b",
    re.I,
)
_GRANTED = re.compile(
    r"\b(?:so|and|therefore|hence|of course) (?:of course )?(?:you|we|I)(?:['’]ll| will| can"
    r"| shall)\b(?! (?:need|have to|check|look|ask|pass))"
    r"|\b(?:that|it|this)(?: still)? (?:stands|holds|counts|applies|goes)\b|\bhonou?r",
    re.I,
)
_UNLESS = re.compile(
    r"\b(?:when|once|until|unless|after|before|while|as soon as|as long as|every time|each time"
    r"|usually|normally|where|that|which|who|may|should something)\b",
    re.I,
)
_FROM = re.compile(r"\b(?:off|from|out of|against) (?:the|your|any|each|every|a|their|its) $", re.I)
_ONCE = re.compile(
    r"(?<!even )\b(?:once|when|as soon as|until|before|after|while) (?:\w+ ){0,2}$", re.I
)
_WHENEVER = re.compile(r"\b(?:when|once|until|unless|after|before|as soon as|if)\b", re.I)
_SEGMENT = re.compile(
    r"[,;:：，；—]|\b(?:and|but|so(?! (?:much|far|soon|long)\b)|then|because|although"
    r"|though|since)\b|(?=\b(?:rather than"
    r"|instead of)\b)",
    re.I,
)
_WHY = ("since", "because", "although", "though")
# Of "since he cannot manage it himself they will …", where what it is the reason for begins.
_MAIN = re.compile(r"[^,;]*?(?P<subject>\b(?:I|we|they|you|it)(?:['’]ll| will| can)\b)")
_OPEN = re.compile(r"[?？]$|^whether\b", re.I)  # a sentence that asks or leaves it open
MOST = 8  # promises of a name that are looked at in a sentence
_GIVEN = frozenset({"discount", "refund", "full refund", "replacement", "compensation"})
_YOURS = re.compile(r"\byours$")  # said of what was just promised: 10% off, and it's yours
_GROUPS = (
    "verb yours told deed mine myself had past passed passive going seen act now aside exception"
    " gets calls does passively"
).split()


@dataclass(frozen=True, slots=True)
class Made:
    """A promise, at [start, end) of a text, in the sentence [first, last).

    `verb` is what is done, `what` the thing that a hint such as "is on its way" is said of.
    """

    name: str
    start: int
    end: int
    first: int
    last: int
    verb: str = ""
    what: str = ""


def segment(text: str, promise: Made) -> tuple[int, int]:
    """Characters [start, end) of the part of its sentence, between commas, that a promise is in."""
    return _part(text, promise.start, promise.end, promise.first, promise.last)


def _part(text: str, start: int, end: int, first: int, last: int) -> tuple[int, int]:
    left = max((match.end() for match in _SEGMENT.finditer(text, first, start)), default=first)
    main = _MAIN.match(text, left, end) if text[first:left].lower().endswith(_WHY) else None
    if main and main.start("subject") <= start:
        left = main.start("subject")
    after = _SEGMENT.search(text, end, last)
    return left, after.start() if after else last


def made(text: str) -> list[Made]:
    """The promises that a text makes: those it denies, asks about or only hopes for are none."""
    found = [
        promise
        for first, last in sentences.spans(text)
        if not _OPEN.search(text[first:last])
        for promise in _of_sentence(text[first:last], first)
    ]
    given = min((each.end for each in found if each.name in _GIVEN), default=len(text))
    return [
        each
        for each in found
        if not (each.start >= given and _YOURS.search(text, each.start, each.end))
    ]


def _of_sentence(sentence: str, first: int) -> Iterator[Made]:
    last = first + len(sentence)
    for name, pattern in PROMISES.items():
        for match in islice(pattern.finditer(sentence), MOST):
            if denied(sentence, match.start(), match.end()):
                continue
            if _hedged(sentence, match, name) or _idle(sentence, match, name):
                continue
            groups = match.groupdict()
            verb = next((groups[key] for key in _GROUPS if groups.get(key)), "")
            what = groups.get("what") or ""
            yield Made(name, first + match.start(), first + match.end(), first, last, verb, what)


def denied(sentence: str, start: int, end: int) -> bool:
    """Whether the part of a sentence around [start, end) says no."""
    return says_no(piece(sentence, start, end))


def piece(sentence: str, start: int, end: int) -> str:
    """The part of a sentence, between commas and the like, around [start, end)."""
    left, right = _part(sentence, start, end, 0, len(sentence))
    return sentence[left:right]


def says_no(text: str) -> bool:
    """Whether anything in a text is a no that is not one in meaning only, such as `no problem`."""
    return bool(NO.search(_NO_NO.sub(" ", text)))


def _hedged(sentence: str, match: re.Match[str], name: str) -> bool:
    if name in ("delivery", "guarantee") and _NO_WORD.search(sentence):
        return True
    left, _ = _part(sentence, match.start(), match.end(), 0, len(sentence))
    before = sentence[left : match.start()]
    if _HEDGE.search(before):
        return not (_GRANTED.search(sentence, match.end()) and _CLAIMED.search(before))
    if name in ("refund", "full refund") and _FROM.search(before):
        return True
    if name == "keep" and _CHOOSES.search(sentence[: match.start()]):
        return True
    if _ONCE.search(before) or (name == "done" and _WHENEVER.search(before)):
        return True
    if match.group().lower() == "for nothing" and _IN_VAIN.search(before):
        return True
    inside = match.group("hint") if name == "done" else None
    habit = name == "done" and (match.group("passive") or inside)
    return bool(habit and _UNLESS.search(before))


def _idle(sentence: str, match: re.Match[str], name: str) -> bool:
    """Whether it is a verb that binds to nothing, such as to look or to pass on."""
    act = (match["act"] or match["does"] or "").lower() if name == "action" else ""
    if not act:
        return False
    if match["does"]:
        plain = {act[:-1], act[:-2], f"{act[:-3]}y"}
        if plain & IDLE:
            return True
        act = next(iter(plain & LIGHT.keys()), "")
    light = LIGHT.get(act)
    return act in IDLE or bool(light and light.match(sentence, match.end()))
