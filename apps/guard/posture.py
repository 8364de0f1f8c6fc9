"""Whether an answer says yes, in whatever words, where a passage's rule says no to this case."""

import re
from collections.abc import Iterator

from apps.guard.cases import Case, against
from apps.guard.denials import clauses_told
from apps.guard.evidence import Evidence
from apps.guard.finding import Finding
from apps.guard.limits import excluded, over_limits
from apps.guard.promises import says_no
from apps.guard.words import content, covered, meaning
from data import sentences

# A no that comforts, or is about money, and refuses nothing.
_COMFORT = re.compile(
    r"\b(?:do not|don['’]t|not|never|no|nothing|won['’]t|will not|cannot|can['’]t|isn['’]t|is not"
    r"|shouldn['’]t|should not|doesn['’]t|does not|need not|needn['’]t)"
    r" (?:you |to |be |even |really |have to |need to |an? |any |at all |let |think |us |in "
    r"|help )*"
    r"(?:worr\w+|fret|panic|problem|issue|matter|trouble|need|rush|hurry|bother|stress|fuss\w*|hurt"
    r"|cost\w*|charge\w*|pay|fee\w*|doubt|difficult\w*|wait|harm|hassle|strict|mind|loss|lose|late"
    r"|without|fun|surprise|that (?:strict|fussy|far)|hesitate|imagine|nice|what|exception|send"
    r"|return|leave|let|end|stand|way)\b"
    r"|\bis nothing\b|\bwhy not\b|\bnot only\b|\bno time\b|\bno matter\b|\bor not\b|\bno longer "
    r"(?:be )?(?:worr"
    r"|wait)\w*"
    r"|\bonly (?:a|an|one|just|\d+|two|three|ten) \w+ (?:over|late|old|past|ago|out)\b"
    r"|\bis(?:n['’]t| not) it\b|\baren['’]t they\b|\bdon['’]t they\b|\bcan['’]t they\b"
    r"|\byou (?:didn['’]t|did not|haven['’]t|have not|don['’]t|do not|weren['’]t|couldn['’]t)\b"
    r"|\b(?:it|that|this) (?:didn['’]t|did not|hasn['’]t|has not|wasn['’]t|was not|doesn['’]t)\b",
    re.I,
)
_REFUSES = re.compile(
    r"\b(?:left out|unfortunately|sadly|afraid|regret\w*|alas|excluded?|refus\w+|declin\w+|outside"
    r"|instead"
    r"|rather than|left to you|up to you|stays? with you|remains? with you|yourself|too (?:late"
    r"|long"
    r"|big|heavy|large|high|low|early|recent|fresh)|past the|ruled out|rules? out|however"
    r"|sorry[.,]? but"
    r"|until then|still (?:on|under|within)|exhausted|expired|ran out|run out|over now|anew"
    r"|order again"
    r"|stops? (?:at|after)|ends? (?:at|after)|limit|bars?|spoils?|ruins?|would have|must|has to"
    r"|have to|needs? to|doubt|depends?|decides?|pity|wish I could|hard to"
    r"|(?:a (?:bit|little|tad)|rather|still|far|much) (?:too )?(?:early|soon|short)"
    r"|not (?:quite )?yet)\b"
    r"|, sorry\b"
    r"|[.!] sorry\b"
    r"|\bsorry, (?:that|this|it|we|I|the|they|those|these)\b",
    re.I,
)
_CONDITION = re.compile(
    r"\b(?:if|should (?:you|it|any\w*|both|the)|unless|provided|providing|as long as|so long as"
    r"|on condition|only (?:if|when|for|until|unless|once|as|to|in|with|on|after)|in case|except"
    r"|apart from|whether|let me check|pass(?:ed)? (?:it|this|that|your|you)|hand(?:ed)? (?:it"
    r"|this)"
    r"|colleague|team leader)\b|\?",
    re.I,
)
_YES = re.compile(
    r"^\W*(?:yes|yep|yeah|sure|of course|absolutely|certainly|gladly|happily|definitely|no problem"
    r"|no worries|fine|okay|ok|right you are|done|all (?:sorted|set|done)|easy|consider"
    r"|there you go|go ahead|go for it|feel free|be my guest"
    r"|with pleasure|my pleasure|naturally|by all means|that['’]s fine)\b"
    r"|\b(?:I|we|you|they|it|that|this|s?he|the \w+|your \w+)(?:['’](?:ll|ve|re|s|m)\b| (?:can"
    r"|could|may"
    r"|will|shall|would|are|get|gets|have|has|includes?|covers?|does|do|applies|works?|goes"
    r"|comes?|counts?)\b)"
    r"|\b(?:fine|will|welcome|just|simply|let['’]?s|gladly|happily|of course|included|covered"
    r"|due)\b",
    re.I,
)
_FAILED = re.compile(
    r"^(?:no\b|not\b(?! (?:yet|known|decided|clear|needed|required))|none\b|fail\w*|refused"
    r"|rejected|declined|denied|impossible)|\bfailed\b",
    re.I,
)
_VERBS = r"(?:cancel|delete|stop|refund|renew|replace|resend|remove|close|erase|extend|upgrade)"
_ASKS = re.compile(
    r"^\W*(?:(?:hi|hello|hey|ok|please|pls|so|and|then|now|just|yes|dear|good)\b\W*)*"
    rf"(?P<verb>{_VERBS}(?: (?:it|my|this|that|the|everything|pls|please|me|order|FK\S+|now|both"
    rf"|all)\b"
    r"|\W*$(?<!\?)))"
    r"|\b(?:please|pls|just|want (?:you )?to|like (?:you )?to|can you|could you|will you"
    r"|go ahead and)"
    rf" (?P<other>{_VERBS})\b",
    re.I,
)
_WAY = re.compile(
    r"\b(?:if|unless|provided|as long as|while|only|free|can be|normally|usually|always|days|hours"
    r"|when|once|until|before|after|within|please|you(?:['’]ll)?"
    r" (?:can|could|may|find|need|have)|under|contact|write|open|press|click|choose|go to|log|sign"
    r"|send us|tell us|need|must|takes?|let me|pass|forward|hand|colleague|team|would you|could you"
    r"|how to|yourself|log in|sorry|afraid|unfortunately|not|cannot|no longer|too late)\b|n['’]t\b"
    r"|\?"
    r"|请|如果|可以|不|未|没|无",
    re.I,
)
_REPORTS = re.compile(
    r"result|action|refund|cancel|return|sent|done|change", re.I
)  # names of facts
_HALF = 0.5  # of a denial's words that the case and the answer must have


def yes_to_no(answer: str, evidence: Evidence, case: Case) -> Iterator[Finding]:
    """A finding where an answer refuses nothing though a rule does not hold for the case.

    It need not promise anything in words that are known: that it neither says no nor for when it
    holds is enough.
    """
    whole = [answer[first:last] for first, last in sentences.spans(answer)]
    told = [sentence for sentence in whole if not sentence.endswith(("?", "？"))]
    if not told:
        return
    plain = _COMFORT.sub(" ", " ".join(told))
    why = ""
    if not says_no(plain) and not _REFUSES.search(plain):
        why = _against(answer, plain, evidence, case)
    if not why and _asked_for(evidence) and not _WAY.search(_COMFORT.sub(" ", answer)):
        why = "nothing shows that it was done"
    if why:
        yield Finding("promise", answer, 0, len(answer), why)


def _asked_for(evidence: Evidence) -> bool:
    """Whether the customer asks that something be done, and no fact tells of an action."""
    said, facts = evidence.of("said"), evidence.of("fact")
    asked = _ASKS.search(said[-1].told.text) if said else None
    if asked is None or any(_REPORTS.search(each.name) for each in facts):
        return False
    verb = meaning((asked["verb"] or asked["other"]).split()[0])
    return not any(verb in each.words for each in facts)


def _against(answer: str, plain: str, evidence: Evidence, case: Case) -> str:
    """Which rule of a passage is against the case; empty where none is."""
    if any(_FAILED.search(each.told.text) for each in evidence.of("fact") if each.name == "result"):
        return "a fact says that it failed"
    says_yes = bool(_YES.search(plain))
    why = over_limits(answer, evidence, case) if says_yes else ""
    if why or _CONDITION.search(answer):
        return why or excluded("", evidence)  # what the answer names may be its exception
    if says_yes and evidence.of("said"):
        why = _axis(evidence, case, answer) or _denied(answer, evidence)
    return excluded(answer, evidence) or why


def _axis(evidence: Evidence, case: Case, answer: str) -> str:
    """Which condition of a passage the case is against, though the answer does not say it."""
    for source in evidence.of("passage"):
        why = against(source.told.text, case)
        if why and content(source.told.text) & (content(answer) | evidence.of("said")[-1].words):
            return why
    return ""


def _denied(answer: str, evidence: Evidence) -> str:
    """Whether what the customer asks for is what a passage says no to."""
    if any(_REPORTS.search(each.name) for each in evidence.of("fact")):
        return ""
    asked, own = evidence.of("said")[-1].words, content(answer)
    no, yes = clauses_told(evidence)
    best = max((len(words & (own | asked)) for words in yes), default=0)
    for words in no:
        shared = words & asked
        if not shared or covered(words, asked | own) < _HALF:
            continue
        if len(words & (own | asked)) >= best or len(words) == len(shared):
            return "a passage denies what is asked for"
    return ""
