"""What customers say when a workflow asks whether: yes, no, or a doubt."""

import re

LONG = 60  # characters; a longer message is a reply only where it begins as one
# These agree however a message goes on; the fair words often only begin one: "ok, and then?".
_PLAIN = (
    r"y+e+s+|yeah|yea|yeh|yh|ye|yep|yup|aye|please do(?! not\b)|go ahead|go on|go for it|set it up"
    r"|do (?:it|that)(?! (?:myself|ourselves)\b)|proceed|correct(?! (?:me|the|it|that|this|my)\b)"
    r"|(?:i (?:can |do )?)?confirm(?:ed)?(?=\W*(?:$|[,.;!]|(?:it|that|this|please|pls|thanks?"
    r"|cancel\w*|the cancel\w*|the order)\b))|y"
)
_FAIR = (
    r"sure(?! (?:about|it|that|you|this|of)\b)|ok|okay|that['’]?s (?:it|right|fine|great|perfect"
    r"|the one)|thats (?:it|right|the one)|perfect|(?:absolutely|definitely|certainly|of course)"
    r"(?!\W+not\b)|spot on|sounds (?:good|right)|lovely|great|fine|(?:please|pls|plz)(?=\W*$)"
)
# What may stand before a yes or a no that still leads the message.
_LEAD_IN = (
    r"\W*(?:(?:oh|ah|hm+|um+|er+|well|so|and|right|then|now|please|pls|plz|thanks?|thank you|ta"
    r"|cheers|hi|hello|hey|sorry|actually|no (?:problem|worries|rush|hurry|bother)"
    r"|(?:i|we)(?:['’]?d| would) (?:like|love)(?: you)? to|(?:i|we) want(?: you)? to"
    r"|you (?:can|may)|(?:i['’]?m )?happy(?: for you)? to|let['’]?s)\b\W*)*?"
)
_NO_WORD = r"no(?! (?:problem|worries|rush|hurry|need|bother|longer)\b)|nope|nah"
_DENIES = r"(?<!why )not|don['’]?t"
_STAYS = r"(?:keep|leave) (?:it|them|the|my)"
# Somewhere in a message: it is a reply.
_YES = re.compile(rf"\b(?:{_PLAIN}|sure|ok|okay|correct|confirm(?:ed)?)\b|^\W*(?:{_FAIR})\b", re.I)
_NO = re.compile(rf"\b(?:{_NO_WORD}|{_DENIES}|{_STAYS}|n|cancel that|wrong)\b", re.I)
_LEADING_YES = re.compile(rf"{_LEAD_IN}(?:(?P<plain>{_PLAIN})|{_FAIR})\b", re.I)
_LEADING_NO = re.compile(rf"{_LEAD_IN}(?:{_NO_WORD}|{_DENIES}|do not|n)\b", re.I)
# Behind a yes these take it back; not "I ordered the wrong one" or "leave it with a neighbour".
_AGAINST = re.compile(
    rf"\b(?:{_NO_WORD}|{_DENIES}|never ?mind|forget (?:about )?(?:it|that)"
    r"|keep (?:it|them|(?:the|my)(?! (?:other|rest|remaining)\b))"
    r"|leave (?:it|them|the|my)\b(?! (?:\w+ )?with\b| to\b))\b"
    r"|(?:\bis|\bits|\bare|['’]s) wrong\b",
    re.I,
)
# So do these, unless that is what was asked: "Shall I cancel it?".
_UNDOES = re.compile(r"\b(?:cancel that|stop|changed my mind)\b", re.I)
_CANCELS = re.compile(r"\b(?:cancel|stop)", re.I)
_CANCEL_THAT = re.compile(rf"{_LEAD_IN}(?P<plain>cancel that)\b", re.I)
_PUT_OFF = re.compile(
    r"(?<!can['’]t )(?<!cant )\bwait\b|\b(?:hold|hang) on\b|\b(?:later|tomorrow)\b"
    r"|(?<!the )(?<!my )\bfirst\b|\blet me (?:think|check|ask|see|look|talk|speak|decide)\b"
    r"|\b(?:one|give me an?|just a) (?:sec|second|min|minute|mo|moment)\b",
    re.I,
)
_QUESTION = re.compile("[?？]")
# A question of its own beside a plain yes: "yes please, when will it come?".
_APART = re.compile(r"\W*(?:please|pls|plz)\b|[^?？.,;:!\n–—]*[.,;:!\n–—]", re.I)
# Unless it asks about that very yes: "yes, is that correct?".
_ABOUT_IT = re.compile(
    r"\W*(?:(?:is|was) (?:that|this|it) (?:right|correct|ok|okay|all ?right)|right|correct"
    r"|(?:are )?you(?:['’]re)? sure)\s*[?？]",
    re.I,
)
# "ok so what happens now": a question without its mark.
_WORD_OF_QUESTION = re.compile(
    r"(?:\W*(?:so|and|then|but|well)\b)*\W*(?:(?:how|what|where|why(?! not)|which|who)\b"
    r"|when (?:will|do|does|is|are|can)\b|do (?:i|we|you|they)\b"
    r"|(?:is|are|does|did|will|can|could|would|should|am) (?:i|it|that|this|they|there|we)\b)",
    re.I,
)
_BEGINS = re.compile(
    r"^\W*(?:y+e+s+|yeah|yep|yup|aye|ok|okay|no|nope|nah|not|please do|go ahead|hm+|hang on"
    r"|hold on)\b",
    re.I,
)
# "If you could" only asks politely.
_CONDITION = re.compile(
    r"\b(?:but|as long as|so long as|provided|unless|only when|depend\w*"
    r"|if(?! (?:you (?:can|could|would|please|don['’]?t mind)|poss\w*|(?:that|it)(?:['’]?s| is) "
    r"(?:ok|okay|fine|all ?right|possible|no (?:bother|trouble)))\b))\b",
    re.I,
)
# "Yeah, right." may be said either way.
_UNSURE = re.compile(
    r"\b(?:not (?:so |too )?sure|unsure|don['’]?t know|dunno|maybe)\b"
    r"|^\W*(?:oh\W+)?(?:yeah|yea|sure)\W+right\W*$",
    re.I,
)


def is_reply(text: str) -> bool:
    """Whether there is a yes, a no or a doubt in it, and not too much else."""
    if len(text) >= LONG and not _BEGINS.search(text):
        return False
    return any(kind.search(text) for kind in (_YES, _NO, _UNSURE))


def agreed(text: str, question: str = "") -> bool | None:
    """Yes, no, or None where it is neither, both, a doubt, a question, or puts it off.

    What leads the message decides; a yes elsewhere in it agrees to nothing.

    Args:
        text: The message.
        question: What was asked: "cancel that" is a yes where it asks whether to cancel.
    """
    if _UNSURE.search(text):
        return None
    yes = _leading_yes(text, question)
    if yes is None:
        return False if _refuses(text, question) else None
    if _taken_back(text, yes, question):
        return None if yes["plain"] or _QUESTION.search(text) else False
    return None if _PUT_OFF.search(text) or _asks(text, yes) else True


def on_condition(text: str, question: str = "") -> bool:
    """Whether a yes has something to it: "yes, but …", "yes, if it is free", "ok, how long …?"."""
    if agreed(text, question):
        return bool(_CONDITION.search(text))
    yes = _leading_yes(text, question)
    if yes is None:
        return False
    return _asks(text, yes) or bool(yes["plain"]) and _taken_back(text, yes, question)


def says_yes(text: str) -> bool:
    """Whether it begins with a plain yes, which a word for stopping does not outweigh."""
    yes = _LEADING_YES.match(text)
    return yes is not None and bool(yes["plain"])


def denies(text: str) -> bool:
    """Whether there is a no anywhere in it."""
    return bool(_NO.search(text)) and not _UNSURE.search(text)


def _leading_yes(text: str, question: str) -> re.Match[str] | None:
    """The yes that leads the message; `plain` is the group of those that are nothing else."""
    cancels = _CANCEL_THAT.match(text) if _CANCELS.search(question) else None
    return cancels or _LEADING_YES.match(text)


def _taken_back(text: str, yes: re.Match[str], question: str) -> bool:
    """Whether something behind a yes is set against it."""
    undone = not _CANCELS.search(question) and _UNDOES.search(text, yes.end())
    return bool(undone or _AGAINST.search(text, yes.end()))


def _asks(text: str, yes: re.Match[str]) -> bool:
    """Whether a leading yes asks; what is asked apart from a plain one is a matter of its own."""
    rest = text[yes.end() :]
    if yes["plain"] and _APART.match(rest) and not _ABOUT_IT.match(rest):
        return False
    return bool(_QUESTION.search(rest) or _WORD_OF_QUESTION.match(rest))


def _refuses(text: str, question: str) -> bool:
    """Whether a message that no yes leads is a no."""
    mixed = re.search(r"\b(?:y+e+s+|yeah|yep|go ahead)\b", text, re.I)
    if _LEADING_NO.match(text):
        return not mixed or bool(re.search(rf"\b(?:{_DENIES})\b", text, re.I))
    if _CANCELS.search(question):
        text = re.sub(r"\bcancel that\b", "", text, flags=re.I)
    return bool(_NO.search(text)) and not mixed and not _QUESTION.search(text)
