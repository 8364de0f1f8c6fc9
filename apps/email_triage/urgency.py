"""How urgent a mail is, by words that anybody can read, change and argue about.

| what | counts | examples |
|---|---|---|
| danger, law, a deadline | high at once | smoke, solicitor, urgent |
| anger, shouting | 1 | unacceptable, !! |
| asking again | 1 | still waiting, third time; a second mail before any answer |
| a bad rating (1 or 2 of 5) | 1 | |
| "no hurry" | low, where nothing above counts | not urgent, just wondering |

Two kinds that count are high, one or none is normal.
"""

import re
from typing import Literal

from data.schema import Conversation

Urgency = Literal["low", "normal", "high"]
_CALM = re.compile(
    r"\b(?:not|nothing|isn['’]?t|no(?:t that)?) (?:very |really |too )?urgent\b"
    r"|\bno (?:rush|hurry)\b|\bwhen(?:ever)? you (?:have|get) (?:time|a (?:moment|minute))\b"
    r"|\bjust (?:wondering|curious|asking)\b",
    re.I,
)
_GRAVE = re.compile(
    r"\b(?:urgent(?:ly)?|asap|as soon as possible|immediately|emergency|deadline"
    r"|smok(?:e|ing)|caught fire|on fire|burn(?:s|t|ed)|electric shock|injur(?:y|ed)|hurt"
    r"|lawyer|solicitor|legal action|small claims|trading standards|ombudsman|chargeback"
    r"|fraud|hacked|stolen)\b",
    re.I,
)
_ANGRY = re.compile(
    r"\b(?:furious|angry|unacceptable|disgust(?:ed|ing)|appall(?:ed|ing)|outrageous|ridiculous"
    r"|disgrace(?:ful)?|terrible|awful|worst|fed up|sick of|shocking|never again)\b|!{2,}",
    re.I,
)
_AGAIN = re.compile(
    r"\b(?:(?:second|third|fourth|fifth|2nd|3rd|4th|5th) (?:time|e?-?mail|message|request)"
    r"|still (?:waiting|no|not|have(?:n['’]?t)?)|no (?:one|body) (?:has )?(?:repl\w+|answer\w*)"
    r"|(?:no|without an?y?) (?:reply|answer|response)"
    r"|already (?:wrote|written|e?-?mailed|contacted|called|asked)|chasing)\b",
    re.I,
)
_BAD_RATING = 2


def urgency_of(conversation: Conversation) -> tuple[Urgency, tuple[str, ...]]:
    """How urgent the last mail is, and the words that made it so, as they stand in it.

    Args:
        conversation: Mails whose quoted history was cut; the last one of the customer counts,
            and how many wait for an answer.
    """
    own = [turn for turn in conversation.turns if turn.speaker == "customer"]
    text = own[-1].text if own else ""
    calm = _words(_CALM, text)
    rest = _CALM.sub(" ", text)
    grave, angry, again = (_words(kind, rest) for kind in (_GRAVE, _ANGRY, _AGAIN))
    waiting = _unanswered(conversation)
    if waiting > 1:
        again = (*again, f"{waiting} mails without an answer")
    rating = (own[-1].rating if own else None) or conversation.rating
    rated = (f"rated {rating} of 5",) if rating is not None and rating <= _BAD_RATING else ()
    counted = sum(map(bool, (angry, again, rated)))
    because = (*grave, *angry, *again, *rated)
    if grave or counted > 1:
        return "high", because
    if calm and not counted:
        return "low", calm
    return "normal", because


def _words(kind: re.Pattern[str], text: str) -> tuple[str, ...]:
    """What matches, each once, in order."""
    return tuple(dict.fromkeys(match.group().lower() for match in kind.finditer(text)))


def _unanswered(conversation: Conversation) -> int:
    """The customer's mails since a person last answered; what a system wrote is no answer."""
    count = 0
    for turn in reversed(conversation.turns):
        if turn.speaker == "agent" and turn.mark is None:
            break
        count += turn.speaker == "customer"
    return count
