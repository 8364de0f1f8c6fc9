"""Words of support answers that say the same, so that a rule told in other words is found."""

import re

# The first word of a line stands for all of them.
_SAME = """
repair fix mend
ring call phone telephone
photo picture image photograph snap
correct right
damaged harmed broken cracked smashed dented chipped shattered
faulty defective
replace replacement substitute
swap exchange
send ship post resend reship dispatch despatch
refund reimburse
pay payment buy
delivery shipping postage
parcel package shipment
change alter amend modify edit
product item article goods
keep retain
begin start
cost charge fee
collect fetch
assemble assembly build construct
redirect reroute divert
journalist media reporter magazine newspaper blogger
reserve earmark
cover covered warranty guarantee guaranteed
worth value
expire lapse
delete erase
reply answer respond
help assist
tell inform notify
choose select pick
discount reduction
instalment part
present gift
shop store
voucher coupon
unsubscribe opt-out
student study studying
order purchase
unused unworn
late delayed
drop fall fell fallen knock tumble
bring carry take haul
entry entrance admission
""".strip().splitlines()
SAME = {word: line.split()[0] for line in _SAME for word in line.split()}

# Before the name of a place that is an everyday word, or a name of people and things, too.
_AT = r"(?:(?<=\bto )|(?<=\bin )|(?<=\bon )|(?<=\bfrom )|(?<=\bnear )|(?<=\bexpress ))"
# Phrases that mean one of those words.
_PHRASES = {
    r"put(?:s|ting)? (?:\w+ ){0,3}?together": "assemble",
    r"set(?:s|ting)? (?:it|them|this|everything|the \w+) up": "assemble",
    r"(?:pick|picks|choose|choosing|picking) (?:your own|the|a|my own|which) day": "named",
    r"day of (?:your|my|their) (?:own )?choice": "named",
    # Places and trades by what rules call them.
    r"belfast|derry|londonderry|lisburn|newry|armagh|omagh|ballymena|coleraine": "northern ireland",
    r"inverness|ullapool|thurso|aviemore|fort william|dingwall"
    rf"|{_AT}(?:nairn|(?-i:Wick))": "highlands",
    r"stornoway|lerwick|kirkwall|orkney|shetland|hebrides|islay|arran"
    r"|isle of (?:man|wight|\w+)|guernsey|scilly"
    rf"|{_AT}(?:skye|(?-i:Jersey|Lewis|Mull))": "islands",
    r"caf[eé]s?|restaurants?|bistros?|hotels?|canteens?|pubs?|guest ?house|salons?|catering"
    r"|takeaway|coffee shop": "commercial business",
    r"(?:set|put|keep|kept|hold|held) (?:one|it|them|some|this|that|the \w+|a \w+)?\s?aside": (
        "reserve"
    ),
    r"pick(?:s|ed|ing)? (?:it |them |the \w+ )?up": "collect",
    r"(?:send|post|ship|bring|give|take|took|sent)(?:ing)? (?:it|them|this|that|something"
    r"|things|items|(?:the|your|a|an) \w+(?: \w+)?)?\s?back": "return",
    r"(?:new|another|second|different|fresh) one": "replacement",
    r"give you another|get another|send (?:you )?another": "replacement",
    r"run(?:s)? out": "expire",
    r"good for(?=\s*$| \d| a\b| an\b| one| two| three| six| twelve)": "valid",
    r"call(?:ed)? off": "cancel",
    r"(?<=can |may |not |and |may )(?:still )?(?:go|come|travel) (?:back"
    r"|home)(?! to your)": "return",
    r"(?:coming|getting|walking) in\b(?= (?:is|costs))": "entry",
    r"(?:(?<=pay )|(?<=paid )|(?<=tickets ))(?:at|on) the door": "entry",
    r"press(?= (?:enquir|inquir|offic|team|contact|kit|pass|release|request)\w*)": "journalist",
    r"let (?:you|us|me|them) know": "tell",
    r"(?:is |are )?(?:in (?:its|their|the) )?processing|being processed": "processing",
    r"on (?:its|the|their) way": "dispatched",
    r"sort(?:ed)? out": "help",
    r"(?:used |redeemed )?together with": "combined",
}  # fmt: skip
_PHRASE = re.compile("|".join(rf"\b({pattern})\b" for pattern in _PHRASES), re.I)
_MEANS = tuple(_PHRASES.values())


# What tells two models apart: a 4-slice toaster, a four slice toaster.
_COUNTS = "one two three four five six seven eight nine ten eleven twelve".split()
_SIZED = re.compile(
    rf"\b(?P<count>1[0-2]|[1-9]|{'|'.join(_COUNTS)})[- ]"
    r"(?P<what>slice|piece|person|seater|seat|cup|door|tier|drawer|burner|shelf)\b",
    re.I,
)


def _one_word(match: re.Match[str]) -> str:
    count = match["count"].lower()
    return f"{_COUNTS[int(count) - 1] if count.isdigit() else count}{match['what'].lower()}"


def plainly(text: str) -> str:
    """The text with one word in place of each phrase that has one."""
    text = _SIZED.sub(_one_word, text)
    return _PHRASE.sub(lambda match: f" {_MEANS[(match.lastindex or 1) - 1]} ", text)
