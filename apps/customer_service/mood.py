"""How angry a message is: words, shouting and marks, each counted where anybody can see it."""

import re

ANGRY = 2.0  # so much in two messages in a row hands the conversation over
FURIOUS = 4.0  # so much in one message does
WORD, SHOUT, MARKS = 2.0, 1.0, 1.0
_STRONG = re.compile(
    r"\b(?:furious|fuming|livid|outrag\w+|disgrac\w*|disgust\w*|appalling|pathetic|useless|incompetent"
    r"|unacceptable|ridiculous|shambles|shocking|horrendous|horrible|dreadful|terrible|awful|worst"
    r"|(?:a|an|your|absolute|total|complete) (?:\w+ )?joke|scam\w*|liars?|lied|thieves"
    r"|rip[- ]?off|sick of|fed up"
    r"|had enough|(?:having|havin) a laugh|taking the (?:mick|mickey|piss)|beyond a joke|last straw"
    r"|how dare|had it with|wits['’]? end|for crying out loud|ffs|clowns|cowboys"
    r"|rubbish service|fob(?:bed)? me off|fobbed off"
    r"|never again|in tears|angry|hate|waste of (?:time|money)|sue you|solicitors?"
    r"|trading standards|wtf|bloody|crap|bullshit|fuck\w*|shit\w*)\b",
    re.I,
)
_DENIED = re.compile(
    r"\b(?:not|never|no|isn['’]?t|wasn['’]?t|aren['’]?t|don['’]?t|nothing|hardly)\W+(?:\w+\W+){0,2}$",
    re.I,
)
_OF_SOMETHING_ELSE = re.compile(r"\b(?:weather|traffic|joke about|taste|looks?)\W*$", re.I)
# Of the customers themselves and what is theirs: "half my pans are useless", "I'm useless at this".
_MILD = re.compile(r"useless|horrible|dreadful|terrible|awful|ridiculous|shocking", re.I)
_OWN = re.compile(
    r"\b(?:i['’]?m|i am|(?:my|our) (?:(?!order|parcel|deliver|refund|service|experience)\w+ ){1,3}"
    r"(?:is|are|was|were))(?: (?:an?|so|rather|completely|absolutely|a bit))?\W*$",
    re.I,
)
_MARKS = re.compile(r"!\?|\?!|!{2,}|\?{3,}")
_SHOUTED = 3  # words in capitals, of three letters or more


def anger(text: str) -> float:
    """The message's anger, from 0: WORD for each strong word that is not denied, and its noise."""
    words = sum(
        WORD
        for match in _STRONG.finditer(text)
        if not any(kind.search(text[: match.start()]) for kind in (_DENIED, _OF_SOMETHING_ELSE))
        and not (_MILD.fullmatch(match.group()) and _OWN.search(text[: match.start()]))
    )
    shouted = sum(len(w) >= 3 and w.isupper() for w in re.findall(r"[^\W\d_]+", text))
    noise = (SHOUT if shouted >= _SHOUTED else 0.0) + (MARKS if _MARKS.search(text) else 0.0)
    return words + noise


def upset(now: float, before: float, misses: int) -> bool:
    """Whether a person should take over.

    Args:
        now: Anger of the message.
        before: Anger of the one before it.
        misses: How often in a row the bot could not help just now.
    """
    if now >= FURIOUS or (now >= ANGRY and before >= ANGRY):
        return True
    return misses > 0 and now >= ANGRY
