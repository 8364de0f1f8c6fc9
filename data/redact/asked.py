"""What a turn asks the other side for: a name, an address, a number; the next turn may answer."""

import re
from functools import lru_cache

_BACK = 160  # characters at a turn's end in which its question stands
_ASKS = re.compile(
    r"\?|？|\b(?:please|could|can|may|need|provide|confirm|give|share|tell|enter|spell|verify|sent|bitte)\b"
    r"|请|請",
    re.IGNORECASE,
)
_NAME = (
    r"\bname(?<!user name)(?<!file name)(?<!brand name)(?<!product name)(?<!device name)"
    r"(?<!model name)(?<!domain name)s?\b"
    r"(?! of (?:the |your )?(?:app|item|product|store|shop|plan|course|file|device))"
    r"|\bsurname|\bwho am i\b|\bspeaking (?:with|to)\b|\bwho (?:is|was|will|should|made|placed)\b"
    r"|\bspell\b|\bmay i know who\b|\bpatient\b|\bnom\b|\bnombre\b|\bapellidos?\b|\bauf welchen\b"
    r"|称呼|稱呼|贵姓|貴姓|大名|姓名|名字|收件人|收货人|叫什么|哪位|联系人|户主|本人吗"
)
_ADDRESS = (
    r"\baddress(?<!mail address)(?<!ip address)(?<!web address)(?:es)?\b|\bpost ?codes?\b|"
    r"\bzip\b|\b(?:which|what|the) street\b(?! is)"
    r"|\bwhere (?:shall|should|do|does|can|will|would|to)\b|\bflat number\b|\bdeliver(?:ed)? to\b"
    r"|\badresse\b|\bdirección\b|\banschrift\b|\badres\b|地址|寄到哪|送到哪|寄哪|送哪|还是家里|哪里"
)
_ORDER = (
    r"\b(?:order|booking|confirmation|reference|case|claim|ticket|invoice|transaction|quote|rx|job|"
    r"reservation|return|tracking)\b(?: (?:number|no|id|code|ref\w*))?|\bwhich number is on\b"
    r"|\bref\b|\bbestellnummer|\brechnungsnummer|\bnuméro de (?:commande|dossier)"
    r"|\bnúmero de (?:pedido|reserva)|订单|訂單|单号|工单|编号|发票号|运单|"
    r"\bdo you have the number\b"
)
_ACCOUNT = (
    r"\b(?:account|acct|membership|member|policy|contract|customer|client|student|loyalty)\b"
    r"(?: (?:number|no|id|card|ref\w*))|\bsort code|\b(?:policy|membership) card\b"
    r"|\bkundennummer|\bvertragsnummer|\bnúmero de (?:cliente|póliza)|\bnuméro de (?:client|"
    r"contrat)"
    r"|\bwhich (?:contract|policy|account)\b|会员卡?号|会员卡|户号|保单|账号|帳號|客户号|合同号"
)
_PHONE = (
    r"\b(?:phone|mobile|cell|contact|telephone|callback|call back|whatsapp)\b(?: number)?"
    r"|\bnumber (?:to|can we|shall i|should we|we can|for you)\b|\bhandynummer|\btéléphone|"
    r"\bteléfono"
    r"|\breach you\b|手机|手機|电话|電話|联系方式"
)
_CODE = (
    r"\b(?:code|pin|otp|passcode|password|digits?|serial|imei|model|sku|size|version|error|date|"
    r"reading|zip|amount|code promo)\b|验证码|密码|型号|尾号|读数"
)
_LAST = r"尾号|\blast (?:four|4|few)\b|\bending\b"
# Each kind's words, and stems of which one is in all of them: those are quicker to look for.
_KINDS = (
    ("person", _NAME, "name who spe patient nom apell welchen"),
    ("address", _ADDRESS, "addr adre post zip street where flat deliver direcc anschrift"),
    ("order_number", _ORDER,
     "order booking confirm ref case claim ticket invoice transaction quote rx job reserv return "
     "track number num bestell rechnung dossier"),
    ("account_number", _ACCOUNT,
     "acc member policy contract customer client student loyal sort kunde vertrag num"),
    ("phone", _PHONE, "phone mobile cell conta call whatsapp number num handy tél tel reach"),
    ("code", _CODE,
     "code pin otp pass digit serial imei model sku size version error date reading zip amount"),
    ("last", _LAST, "last ending"),
)  # fmt: skip
_WORDS = {kind: re.compile(words) for kind, words, _ in _KINDS}
_STEM_KINDS: dict[str, set[str]] = {}
for _kind, _, _stems in _KINDS:
    for _stem in _stems.split():
        _STEM_KINDS.setdefault(_stem, set()).add(_kind)
_STEMS = re.compile("|".join(sorted(_STEM_KINDS, key=len, reverse=True)))


@lru_cache(maxsize=4096)
def asked(before: str) -> frozenset[str]:
    """The kinds that the turn before asks for; `code` stands for numbers that are not private."""
    if not before:
        return frozenset()
    said = before[-_BACK:].lower()
    told = set().union(*(_STEM_KINDS[stem] for stem in _STEMS.findall(said)))
    kinds = told if said.isascii() else _WORDS.keys()
    if not kinds or not _ASKS.search(said):
        return frozenset()
    return frozenset(kind for kind in kinds if _WORDS[kind].search(said))
