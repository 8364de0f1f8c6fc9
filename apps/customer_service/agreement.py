"""What customers say when a workflow asks whether: yes, no, or a doubt."""

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

LONGEST = 12  # words of a value that is repeated in a yes
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
_QUESTION = re.compile("[?？]")
_SENTENCE = re.compile(r"[^.!?？\n]*[.!?？\n]*")
# A question of its own beside a plain yes: "yes please, when will it come?".
_APART = re.compile(r"[.,;:!\n–—]|\b(?:please|pls|plz)\b", re.I)
_OF_ITS_OWN = re.compile(
    r"(?:how(?! about)|what(?! (?:if|about)|['’]?s if)|where|which|who|when (?:will|do|does|is|are)"
    r"|is|are|was|do|does|did|will|has|have|am)\b(?!.*\b(?:stays?|instead|only|just)\b)",
    re.I | re.S,
)
# Unless it asks about that very yes: "yes, is that correct?".
_ABOUT_IT = re.compile(
    r"(?:(?:is|was) (?:that|this|it) (?:right|correct|ok|okay|all ?right)|are you sure)\s*[?？]",
    re.I,
)
# One that only asks to do it: "yes please?", "yes, can you cancel it?".
_REQUESTS = re.compile(
    r"\b(?:please|pls|plz|(?:can|could|would|will) you|you (?:can|could|would))\b", re.I
)
# What may stand behind a yes and leaves it one. All else may be a condition, another wish or a
# taking back, which are too many to be listed: it is asked once more. The longer ones come first.
_POLITE = (
    r"if (?:you (?:can|could|would|please)|poss\w*|(?:that|it)(?:['’]?s| is) (?:ok|okay|fine"
    r"|all ?right|possible|no (?:bother|trouble)))"
    r"|no (?:problem|worries|rush|hurry|bother|need(?: to (?:rush|hurry))?|longer (?:needed"
    r"|required))|why not"
    r"|(?:(?:many )?thanks|thank ?you|thx|ty|ta|cheers)(?: (?:so|very) much| a lot| again)?"
    r"(?: for (?:your|the|all your) (?:help|patience|time|kindness))?"
    r"|(?:that|it|which)(?:['’]?d| would| will|['’]?ll) be (?:great|lovely|perfect|fine|good|kind"
    r"|brilliant|wonderful|helpful)|(?:very |most |so )?(?:kind|human|good|nice|helpful) of you"
    r"|for me|(?:right|straight) away|asap|as soon as (?:possible|you can)|very much(?: so)?"
    r"|(?:it|that|this)(?:['’]?s| is)|i (?:do|am)|you (?:can|may|could)"
    r"|please|pls|plz|kindly|oh|ah|hm+|um+|er+|well|so|and|then|now|n|right|sorry|indeed|exactly"
    r"|do(?! (?:i|we|you|they|it|that|this)\b)|good|brilliant|wonderful|excellent|dear|mate|love"
    r"|sir|madam|hi|hello|hey|x+|(?:that|this|the) one|it|that|this|them|these|those"
)
_WANT = (
    r"(?:i|we)(?:['’]?d| would) (?:like|love)(?: you)? to|(?:i|we) want(?: you)? to"
    r"|(?:can|could|would|will) you|let['’]?s"
)
_SHORT_NUMBER = re.compile(r"\d\w{0,2}$")
_SEVERAL = re.compile(r"[,&+]|\b(?:and|or|n|plus|with)\b", re.I)
# Words of a question that do not tell what is asked.
_COMMON = frozenset(
    "shall should may can will would do does i we you me us it to want like the a an of from for"
    " and or with on in at is that this your my yes no not please".split()
)
_BEGINS = re.compile(
    r"^\W*(?:y+e+s+|yeah|yep|yup|aye|ok|okay|no|nope|nah|not|please do|go ahead|hm+|hang on"
    r"|hold on)\b",
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


def agreed(text: str, question: str = "", values: Collection[str] = ()) -> bool | None:
    """Yes, no, or None where it is neither, both, a doubt, or a yes with anything to it.

    What leads the message decides; a yes elsewhere in it agrees to nothing. Behind a yes may stand
    kind words, what was asked, and behind a plain one a question of its own.

    Args:
        text: The message.
        question: What was asked, braces unfilled.
        values: What fills them of what the customer gave, and may repeat.
    """
    if _UNSURE.search(text):
        return None
    yes = _leading_yes(text, question)
    if yes is None:
        return False if _refuses(text, question) else None
    if _taken_back(text, yes, question):
        return None if yes["plain"] or _QUESTION.search(text) else False
    return _is_bare(text[yes.end() :], bool(yes["plain"]), question, values) or None


def on_condition(text: str, question: str = "", values: Collection[str] = ()) -> bool:
    """Whether a yes leads that has something to it: "yes, if it is free", "yes, the mugs only"."""
    leads = _leading_yes(text, question) is not None
    return leads and agreed(text, question, values) is None


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


def _is_bare(rest: str, plain: bool, question: str, values: Collection[str]) -> bool:
    """Whether all that stands behind a yes leaves it one."""
    repeated = _repeated(question, values)
    wanted = rf"(?:{_WANT})(?=\W+(?:{_PLAIN}|{repeated})\b)"
    phrase = rf"{wanted}|{_PLAIN}|{_FAIR}|{repeated}|{_POLITE}"
    phrases = re.compile(rf"\W*(?>(?:{phrase})\b\W*)*+", re.I)
    for sentence in _SENTENCE.finditer(rest):
        said = phrases.match(sentence.group())
        assert said is not None  # it may be empty
        left = sentence.group()[said.end() :]
        asks = _QUESTION.search(sentence.group())
        if not left and (not asks or plain and _REQUESTS.search(said.group())):
            continue
        apart = plain and (sentence.start() or _APART.search(said.group()))
        if not (apart and asks and _OF_ITS_OWN.match(left)) or _ABOUT_IT.match(left):
            return False
    return True


def _repeated(question: str, values: Collection[str]) -> str:
    """A pattern of what repeats the question: "cancel my order", "order 100001", "the kettle".

    A word that only stands before a value, as "order" does, repeats nothing by itself.
    """
    asked = re.sub(r"\{\w*\}", "{", question).lower()
    asked = re.sub(r"[?？][^?？]*\Z", "", asked)  # what follows it asks nothing
    words = re.findall(r"\{|[^\W\d_]+", asked)
    before = {word for word, after in pairwise(words) if after == "{"} - _COMMON - {"{"}
    deeds = set(words) - _COMMON - before - {"{"}
    if _CANCELS.search(question):
        deeds.add("stop")
    named = "|".join(sorted(before)) or "(?!)"
    done = "|".join(sorted(deeds)) or "(?!)"
    given = "|".join(dict.fromkeys(end for value in values for end in _endings(value))) or "(?!)"
    the = r"(?:the|my|this|that)(?: whole| entire)?"
    return (
        rf"(?:(?:with )?{the} )?(?:{done})(?:s|l?ed|l?ing|lation)?(?: {the})?(?: (?:{named})\b)?"
        rf"|(?:(?:{the}|{named}|number|to|of|from|for)\W+){{0,4}}?(?:{given})"
    )


def _endings(value: str) -> Iterator[str]:
    """Patterns of the value and of its ends, and of an address's parts: "14 Elm Way", "Elm Way".

    But not the "2 Elm Way" of "Unit 2 Elm Way", which is another address, nor one of several
    things.
    """
    address = any(char.isdigit() for char in value)
    for part in (value, *value.split(",")) if address else (value,):
        words = re.findall(r"\w+", part)
        several = not address and _SEVERAL.search(value)
        ends = [at for at, word in enumerate(words) if not at or not _SHORT_NUMBER.match(word)]
        if len(words) <= LONGEST:
            yield from (r"\W*".join(words[at:]) for at in (ends[:1] if several else ends))


def _refuses(text: str, question: str) -> bool:
    """Whether a message that no yes leads is a no."""
    mixed = re.search(r"\b(?:y+e+s+|yeah|yep|go ahead)\b", text, re.I)
    if _LEADING_NO.match(text):
        return not mixed or bool(re.search(rf"\b(?:{_DENIES})\b", text, re.I))
    if _CANCELS.search(question):
        text = re.sub(r"\bcancel that\b", "", text, flags=re.I)
    return bool(_NO.search(text)) and not mixed and not _QUESTION.search(text)
