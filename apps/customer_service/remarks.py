"""Messages that ask for nothing a page could tell: remarks, praise, and a wait past its time."""

import re

SHORT = 8  # words of a bare remark
_SPAN = r"(?:\d+|an?|one|two|three|four|five|six|few|couple of|several|over|nearly|almost)"
_WAITED = re.compile(
    rf"\b{_SPAN} (?:week|month|fortnight)s?\b[^.!?]{{0,20}}\b(?:ago|now|since|later)\b"
    r"|\b(?:chased|chasing|past (?:that|it) now|overdue|long (?:gone|past|over))\b",
    re.I,
)
_NOTHING_CAME = re.compile(
    r"\b(?:nothing|zilch|nada|not (?:a|one) (?:penny|word|thing)"
    r"|still (?:no|not|waiting|haven['’]?t|hasn['’]?t|isn['’]?t)"
    r"|(?:has|have|had)(?:n['’]?t| not) (?:come|arrived|appeared|turned up|had|received|seen)"
    r"|not (?:there|arrived|come|on my)|no (?:sign|money|refund)|where(?:['’]?s| is) my)\b",
    re.I,
)
_PRAISE = re.compile(
    r"\b(?:love (?:it|them|my|the)|(?:so|really|very) (?:happy|pleased|chuffed)|well done"
    r"|(?:is|are|was|were) (?:brilliant|lovely|cracking|fantastic|amazing|great|ace|perfect"
    r"|gorgeous))\b",
    re.I,
)
_WANTS = re.compile(
    r"\?|n['’]t\b|\b(?:but|however|though|shame|except|only|want|need|like to|how|when|where|why"
    r"|what|which|can|could|would|please|pls|returns?|refund|replace\w*|broke\w*|crack(?:ed|s)"
    r"|wrong|missing|never|not"
    r"|no(?! (?:time|fuss|bother|trouble|problems?|issues?|complaints?)\b))\b",
    re.I,
)
_TROUBLE = re.compile(
    r"\b(?:in (?:bits|pieces)|smash\w*|shatter\w*|dent\w*|chip(?:ped|s)|scratch\w*|damag\w*"
    r"|fault\w*|leak\w*|torn|ripped|stain\w*|split|loose|stopped|died|late|short|smaller|bigger|another"
    r"|cancel|change|send)\b",
    re.I,
)
_BARE = re.compile(
    r"^\W*(?:(?:ok|okay|right|so|yes|yeah|yep|well|ah|oh|cool|alright|and)\b\W*)+"
    r"(?:it['’]?s|it is|that['’]?s|they['’]?re|the|this|i think)\b",
    re.I,
)

_THING = re.compile(
    r"^\W*(?:(?:it['’]?s|it is|that['’]?s|i think|just|er+|um+)\W+)*(?:the|that|my|from|a|an)\b"
    r"(?!.*\b(?:is|are|was|were|has|have|had|does|did|do|keeps?|got|came)\b)",
    re.I,
)


def overdue(text: str) -> bool:
    """Whether somebody has waited past what they were told: a page's time is no answer then."""
    return bool(_WAITED.search(text) and _NOTHING_CAME.search(text))


def praises(text: str) -> bool:
    """Whether it only tells that something is good."""
    return bool(_PRAISE.search(text)) and not (_WANTS.search(text) or _TROUBLE.search(text))


def describes(text: str) -> bool:
    """Whether it only tells which thing is meant, without a number: "the one with the stools"."""
    short = len(text.split()) <= SHORT
    return (
        short and bool(_THING.search(text)) and not (_WANTS.search(text) or _TROUBLE.search(text))
    )


def bare(text: str) -> bool:
    """Whether it goes on from something and neither asks nor wishes: "ok it's the blue one"."""
    short = len(text.split()) <= SHORT
    return short and bool(_BARE.search(text)) and not _WANTS.search(text)
