"""What the bot says of its own, and how it reads greetings, thanks and changes of mind."""

import re

from data.schema import Reason

GREETING = re.compile(
    r"^(?=.*\w)\W*(?:(?:hi|hiya|hello|hey|good (?:morning|afternoon|evening|day)|morning|evening)"
    r"(?: there| all| team)?\W*)?"
    r"(?:(?:please )?(?:(?:can|could) (?:you|u|someone) )?help(?: me)?(?: out)?(?: please| pls)?"
    r"|i need (?:some |your )?help|i(?: have|['’]ve got) a (?:quick )?(?:question|query|problem)"
    r"(?: please| for you)?)?\W*$",
    re.I,
)
THANKS = re.compile(
    r"^\W*(?:(?:ok|okay|great|brilliant|lovely|perfect|fine|cool|many|no|nope|right|ah|oh|all good"
    r"|that['’]?s (?:all|it|great|fine|everything|perfect|lovely|good)|nothing else)\W+)*"
    r"(?:thanks|thank you|thankyou|thx|ta|cheers|bye|goodbye|ok|okay|great|brilliant|lovely|perfect"
    r"|fine|all good|that['’]?s (?:all|it|everything|fine|great|perfect|lovely|good)|nothing else)"
    r"(?:\W+(?:so much|very much|a lot|a bunch|a million|for (?:your|the|all your) help|all|again"
    r"|bye|then|that['’]?s (?:all|it|everything)|x+|mate|love))*\W*$",
    re.I,
)
# Nothing is left to do: whoever says so is not asked whether there is anything else.
_CLOSES = re.compile(
    r"\b(?:bye|goodbye|no|nope|nothing else|that['’]?s (?:all|it|everything)|all good)\b", re.I
)
_THANKED = re.compile(r"\b(?:thank\w*|thx|ta|cheers|bye|goodbye)\b", re.I)
# Harm to somebody, the law and crime: no page settles these, whatever it is close to.
GRAVE = re.compile(
    r"\b(?:hospital|a ?& ?e|ambulance|injur\w+|bleeding|swallowed|chok(?:ed|ing)|electrocut\w+"
    r"|electric(?:al)? shock|burn(?:t|ed) (?:my|her|his|our|their) (?:hand|arm|finger|face|leg)s?"
    r"|burnt (?:hand|arm|finger|face|leg)s?|scald\w*|compensat\w+|solicitors?|lawyers?|legal action"
    r"|small claims|ombudsman|fraud\w*|hacked|stolen card|card\W+(?:\w+\W+){0,2}stolen|police"
    r"|phishing"
    r"|(?:text|sms|e-?mail|message|call|link)\b[^!?]{0,90}\b(?:is|was) (?:it|this|that) (?:\w+ )?"
    r"(?:from you|yours|real|legit\w*|genuine))\b",
    re.I,
)
# Of what has done harm; without it a hospital is where somebody was, works or is visited.
_HARM = re.compile(
    r"\b(?:hurt|cuts?|burn\w*|broke\w*|explo\w*|shatter\w*|splinter\w*|spark\w*|fire|smok\w*|sick|ill"
    r"|poison\w*|allerg\w*|glass|fell|fall\w*|slip\w*|fingers?|hands?|eyes?|because|due to|after"
    r"|from|ended up|landed|rushed|taken|took|sent|had to|went)\b",
    re.I,
)
WISHES = re.compile(
    r"\?|\b(?:instead|actually|wait|rather|where|i want|i'd like|can you|could you|please)\b", re.I
)
PERSON = re.compile(
    r"\b(?:humans?|person|people|someone|somebody|manager|supervisor|adviser|advisor|agent|colleague"
    r"|representative|speak|talk|(?:call|ring|phone)(?:ed)? (?:me|back)|a (?:call|ring)|staff)\b",
    re.I,
)
# Whom the customers talk to is theirs: "I'll speak to my wife first" asks for nobody of ours.
OWN_PEOPLE = re.compile(
    r"\b(?:(?:speak|talk|chat|check|discuss|run)\w*(?: \w+)? (?:to|with|past|by)|ask(?:ing)?)"
    r" (?:my|our|him|her)\b(?! (?:order|parcel|delivery|refund|return|account|question)s?\b)",
    re.I,
)
PASSING = "I am passing this conversation to a colleague"
HAND_OVER: dict[Reason, str] = {
    "asked_for_person": f"Of course. {PASSING}, who will read it.",
    "no_answer": f"I do not have a reliable answer to that. {PASSING} who can help.",
    "low_confidence": f"I am not sure that I understood you rightly. {PASSING}.",
    "out_of_scope": f"I cannot help with that myself. {PASSING}.",
    "action_failed": f"I could not get that done here. {PASSING}.",
    "upset": f"I am sorry that this has gone so badly. {PASSING}, who will look at it in person.",
}
INSTEAD = re.compile(r"\b(?:instead|rather|forget|not any ?more|no longer)\b", re.I)
# Behind what was just done: it is wanted back.
UNDOES = re.compile(
    r"\bchanged my mind\b|\b(?:(?:i|we)(?:['’]?ll| will|['’]?d rather| would rather"
    r"|['’]?d like to| would like to| want to)|let (?:me|us)|(?:can|could|may) (?:i|we))"
    r" keep (?:it|them)\b"
    r"|\b(?:undo|un-?cancel\w*|reinstate\w*)\b",
    re.I,
)
CORRECTS = re.compile(
    r"^\W*(?:(?:oh|ah|wait|sorry|hm+)\W+)*(?:no|not|oops|sorry|actually|i meant?|wrong)\b", re.I
)
# An order that is only thought of.
AHEAD = re.compile(
    r"^(?!.*\bmy (?:order|parcel|package|delivery)\b).*"
    r"(?:\b(?:if|once|before|were) (?:i|we) (?:(?:were |was )?to )?(?:order|buy|bought|place)"
    r"|\b(?:thinking (?:of|about)|plan(?:ning)? (?:on|to)|hoping to|looking to|about to|going to)"
    r" (?:order|buy|place|get(?:ting)? (?:one|some|a)))",
    re.I | re.S,
)
# What is asked for is not at hand.
LACKS = re.compile(
    r"\b(?:(?:do|did|does)(?:n['’]?t| not) (?:have|know|remember|got)"
    r"|have(?:n['’]?t| not) (?:got|kept)"
    r"|(?:can['’]?t|cannot|could(?:n['’]?t| not)) (?:find|remember)"
    r"|(?:do|did)(?:n['’]?t| not) recall|forgot(?:ten)?(?! to\b)|misplaced"
    r"|no (?:idea|clue)|not sure what|lost (?:the|my)|deleted (?:the|my)"
    r"|never (?:got|had|received))\b"
    r"(?![^.!?]*\b(?:parcel|refund|delivery|tracking)\b)",
    re.I,
)
TO_BE_SURE = "To be sure that I understand you"
BACK, NEXT = "Back to where we were", "You also wrote"
HELLO = "Hello! What can I help you with?"
ANYTHING_ELSE = "Is there anything else?"
GLAD = f"I am glad to hear that. {ANYTHING_ELSE}"
UNDERSTOOD = "All right. What would you like me to do, or to know?"
WELCOME = f"You are welcome. {ANYTHING_ELSE}"
GOODBYE = "You are welcome. Goodbye!"
OFFER = "If you want me to do it for you"


def small_talk(text: str, asked: bool) -> str:
    """What to say to a greeting or to thanks; nothing to all else.

    Args:
        text: The message.
        asked: Whether the bot waits for something, so that a bare "ok" closes nothing.
    """
    if THANKS.match(text) and (not asked or _THANKED.search(text)):
        return GOODBYE if closes(text) else WELCOME
    return HELLO if GREETING.match(text) else ""


def is_grave(text: str) -> bool:
    """Whether it tells of harm, the law or a crime; "I was in hospital" alone does not."""
    found = {match.group().lower() for match in GRAVE.finditer(text)}
    return bool(found - {"hospital"}) or bool(found and _HARM.search(text))


def closes(text: str) -> bool:
    """Whether it says that nothing is left to do."""
    return bool(_CLOSES.search(text))
