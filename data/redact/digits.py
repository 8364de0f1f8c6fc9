"""Numbers without a check digit: phones, accounts, orders, parcels; words near them decide."""

import re
from collections.abc import Iterator

import phonenumbers

from data.errors import ConfigError

Found = Iterator[tuple[int, int, str]]


def check_region(region: str, option: str = "--region") -> None:
    """Refuse what is no code of a region (ISO 3166-1, two letters) with known phone numbers.

    Args:
        region: The code.
        option: What named it, for the error.

    Raises:
        ConfigError: If there is no such region.
    """
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigError(f"{option} {region}: no such region; two letters such as GB, US, CN")


_NEAR = 40  # characters before a number in which the words stand that tell its kind
_DIGITS = re.compile(r"\d(?:[^\da-zA-Z]{0,3}\d){6}")
_GLUED = re.compile(r"[A-Za-z][-/.]?$")
_LIST = re.compile(r"[1-9]\d?|(?:19|20)\d\d")  # a size, a day or a year among others
_CHINESE_MOBILE = re.compile(r"(?<!\d)(?:(?:\+|00)86[ -]?)?1[3-9](?:[ -]?\d){9}(?!\d)")
_CHINESE_LINE = re.compile(r"(?<!\d)0[1-9]\d{1,2}[ -]\d{4} ?\d{3,4}(?:转\d{1,6})?(?!\d)")
_CALLED = re.compile(
    r"(?:\b(?:call|ring|text|phone|mobile|cell|tel|telephone|whatsapp|landline|number is|"
    r"reach me on|contact me on|fax|hp|ph)\b|电话|手机|号码)[^\d\n]{0,12}$",
    re.IGNORECASE,
)

# Two letters before a number are a prefix (fk 204881), unless they are a word.
_PREFIX = (
    r"(?!(?i:am|an|as|at|be|by|do|go|he|hi|if|in|is|it|me|my|no|of|ok|on|or|so|to|uk|up|us|we|"
    r"and|for|was|from|call|cost|need|only|paid|with|over|than|have)\b)"
)
_TRACKING = re.compile(
    r"(?<![A-Za-z0-9_])(?:[A-Za-z]{2}\d{9,13}(?:[A-Za-z]{2})?"
    rf"|{_PREFIX}[A-Za-z]{{2}}[ -]?[1-9](?: ?\d){{8,12}})(?![A-Za-z0-9_])"
)
_CARRIERS = re.compile(  # UPS, Amazon, Royal Mail and the post of other countries
    r"(?<![A-Za-z0-9])(?:1Z ?(?:[0-9A-Z] ?){15}[0-9A-Z]|TB[A-Z]\d{12}"
    r"|(?-i:[A-Z]{2} ?(?:\d ?){9}[A-Z]{2}))(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_VALUE = r"(#?(?:[A-Za-z]{1,4}[-_. ]?)?\d[\dA-Za-z]*(?:[-/. ]?\d[\dA-Za-z]*)*(?:-[A-Z])?)"
# How the words before a number begin, in lower case: quicker to look for than the words.
_ACCOUNT_BEGINS = re.compile(
    "acc|a/c|mem|cus|cli|pol|con|ten|loy|rew|fre|sor|kun|ver|kla|kon|ele|gas|wat|met|mpa|mpr|iba"
)
_ORDER_BEGINS = re.compile(
    "ord|ref|inv|boo|res|tic|cas|cla|quo|ret|rma|po|com|enq|que|inc|req|app|tra|pur|wor|job|con|rec|rep"
)
_IS = r"\s*(?:(?:number|num|no|nr|id|ref|reference)\b)?[ .:：#]*(?:is |was |are )?[:：]?\s*"
_ACCOUNT_SAID = re.compile(
    r"(?:\b(?:account|acct?|a/c|accnt|membership|member|customer|client|policy|contract|tenancy|"
    r"loyalty|rewards?|frequent flyer|sort code|kundennummer|kundennr|vertragsnummer|"
    r"vertragsnr|klantnummer|konto|"
    r"electricity|gas|water|meter point|mpan|mprn|iban-nr)\b"
    rf"(?:\s+(?:account|card|code))?{_IS}(?:ref(?:erence)?\s+)?|"
    r"(?:账号|帐号|帳號|戶號|账户|会员号|会员卡号?|会员编号|保单号?|保单编号|合同号?|保险合同|户号|客户号|客户编号|"
    r"用户号|水表户号|电表户号|缴费号|积分卡号?)\s*(?:是|为)?[:：]?\s*)"
    + _VALUE
    + r"(?![A-Za-z0-9_%])",
    re.IGNORECASE,
)
_TRACKING_SAID = re.compile(
    r"\b(?:(?:tracking|trk|awb|waybill|sendungsnummer"
    r"|(?:numéro|número|código) de (?:suivi|seguimiento|rastreo))"
    r"(?:\s+(?:number|num|no|nr|id|code|ref|reference)\b)?"
    r"|(?:parcel|package|shipment|shipping|consignment|delivery|courier)"
    r"(?:\s+(?:number|num|no|nr|id|code|ref|reference)\b|(?=\s*[:#])))"
    r"[ .:：#]*(?:for (?:it|this) )?(?:is |was |are |it's )?[:：]?\s*"
    + _VALUE
    + r"(?![A-Za-z0-9_%])",
    re.IGNORECASE,
)
_TRACKING_BEGINS = re.compile("tra|trk|awb|way|sen|num|núm|cód|par|pac|shi|con|del|cou")
_TRACKING_WORDS = tuple(
    "track trk awb waybill sendung suivi seguim rastreo parcel package ship consign delivery "
    "courier".split()
)
_SORT_CODE = re.compile(r"(?<![\w-])\d{2}-\d{2}-\d{2}(?![\w-])")
_BANK = re.compile(r"sort|branch|acc(?:ount|t)?\b|a/c|bank", re.IGNORECASE)
_ORDER_SAID = re.compile(
    r"(?:\b(?:orders?|ord|ref|reference|invoice|booking|reservation|ticket|case|claim|quote|return|"
    r"rma|po|complaint|enquiry|query|incident|request|application|transaction|purchase order|"
    r"work order|job(?: sheet)?|confirmation|receipt|repair)\b\s*"
    r"(?:(?:number|num|no|nr|id|ref|reference)\b[ .:]*(?:is |was )?|:\s*"
    r"|(?=#|[A-Za-z]{0,4}[-.]?\d{4}|(?-i:[A-Z]{2,4}) \d{2,}|\d{2,3}(?:[ -]\d{2,4}){1,3}\b))|"
    r"(?:订单号?|订单编号|预订号|预约号|发票号码?|工单号?|工单编号|单号|报案号|理赔号|退货单号?|案件号|发票|受理编号|[退维询申预派配安送修换]\S?单)"
    r"\s*(?:是|为)?[:：]?\s*)" + _VALUE + r"(?![A-Za-z0-9_%])",
    re.IGNORECASE,
)
_TRACKED = 6  # digits of a number that words call a parcel's
_LOCATOR = re.compile(  # six letters and digits, as airlines give them
    r"\b(?i:locator|pnr|booking|reference|reservation|confirmation)\b(?i:\s+(?:number|code|no|reference))?\s*(?:is|:)?\s*"
    r"(?P<value>(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6})\b"
)
_MONEY = r"(?:[£$€¥]|quid|pounds?|gbp|eur|euros?|usd|dollars?|points?|miles|km|元|块|分|积分|点)"
_STANDARD = r"(?!(?i:kb|bs|en|iso|din|iec|ieee|ip|dc|rfc|ral|type|zip)\s?\d)"
_ORDER = re.compile(
    rf"(?<![A-Za-z0-9_])(?:{_STANDARD}[A-Za-z]{{1,4}}\d{{5,10}}[A-Z]?|[A-Za-z]{{1,6}}-\d{{5,10}}"
    rf"|#\s?\d{{4,10}}|{_STANDARD}{_PREFIX}(?:[A-Za-z]{{2}}|[A-Z]{{3,4}}) \d{{5,10}})"
    r"(?![A-Za-z0-9_])"
)
# Letters and numbers in groups: CTR-55-0917, 77-1184-A, 112-7749920-3318847, LIC/8817/330421.
_GROUPED = re.compile(
    r"(?<![A-Za-z0-9_/.-])(?:[A-Z]{1,5}[-/#.]{0,2})?(?:[A-Z]{1,5}[-/])?\d{2,8}(?:[-/.][A-Z0-9]{1,8}){0,3}"
    r"(?![A-Za-z0-9_/%-]|\.\d)"
)
_JOINED = re.compile(r"[-/#.]\d|\d[-/.][A-Z0-9]")  # what every such group holds
_FOUR, _SIX = re.compile(r"\d{4}"), re.compile(r"\d{6,}")
_NINE = re.compile(r"(?:\d[^\d\n]{0,2}){9}")  # what the number of a parcel holds at least
_DATE_LIKE = re.compile(r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}|\d{1,4}[-/.]\d{1,4}")
_NOT_ORDER = re.compile(
    r"(?:\b(?:error|err|code|model|sku|part|serial|firmware|version|flight|train|bus|fault|room|"
    r"gate|item|size|form|product|article|ean|barcode|s/n|sn|imei|mac)\b|错误码?|型号|序列号|货号|代码|航班)"
    r"(?:\s*(?:number|no|code|id|号|is|:|：|#))*\s*[\"'(]?$",
    re.IGNORECASE,
)
_ORDER_BARE = re.compile(
    r"(?<![A-Za-z0-9_£$€¥.,:/+-])(?<![£$€¥] )(?!(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d(?!\d))"
    rf"(\d{{6,10}})(?![A-Za-z0-9_/%-]|[.,:]\d|\s?{_MONEY}(?![a-z]))",
    re.IGNORECASE,
)


def phones(text: str, region: str) -> Found:
    """Phone numbers, in the region's own writing or with a country code."""
    for pattern in (_CHINESE_MOBILE, _CHINESE_LINE):
        for match in pattern.finditer(text):
            yield match.start(), match.end(), "phone"
    if not _DIGITS.search(text):  # the matcher is a hundred times slower than this
        return
    leniency = phonenumbers.Leniency.POSSIBLE
    for found in phonenumbers.PhoneNumberMatcher(text, region, leniency=leniency):
        groups = re.findall(r"\d+", found.raw_string)
        listed = all(_LIST.fullmatch(group) for group in groups)
        said = _CALLED.search(_just_before(text, found.start))
        glued = _GLUED.search(text[max(0, found.start - 2) : found.start])
        if glued and not (said and glued.group().endswith(".")):
            continue  # a part number, such as DC97-16782A; not `tel.0171`
        many = sum(map(len, groups)) >= (7 if said else 9)
        if many and (said or not listed or found.raw_string.startswith("+")):
            yield found.start, found.end, "phone"


def accounts(text: str, region: str) -> Found:
    """Numbers of accounts, members, policies and contracts, by the words before them."""
    for match in _said(_ACCOUNT_SAID, _ACCOUNT_BEGINS, text):
        if sum(map(str.isdigit, match.group(1))) >= 4:
            yield match.start(1), match.end(1), "account_number"
    for match in _SORT_CODE.finditer(text):
        if _BANK.search(text[max(0, match.start() - _NEAR) : match.end() + _NEAR]):
            yield match.start(), match.end(), "account_number"


def is_thing(text: str, start: int) -> bool:
    """Whether the words before a number say that a thing has it: a part, a model, an error."""
    return bool(_NOT_ORDER.search(_just_before(text, start)))


def orders(text: str, region: str) -> Found:
    """Numbers of orders, bookings, tickets, claims and the like."""
    for match in _GROUPED.finditer(text) if _JOINED.search(text) else ():
        value = match.group()
        groups = re.split(r"[-/#.]", value)
        many = sum(map(str.isdigit, value)) >= 5 and len(groups) >= 2
        plain = not any(map(str.isalpha, value)) and (
            len(groups) < 3 or _DATE_LIKE.fullmatch(value)
        )
        if many and not plain and not is_thing(text, match.start()):
            yield match.start(), match.end(), "order_number"
    for match in _said(_ORDER_SAID, _ORDER_BEGINS, text):
        if sum(map(str.isdigit, match.group(1))) >= 4:
            yield match.start(1), match.end(1), "order_number"
    for match in _LOCATOR.finditer(text):
        yield match.start("value"), match.end("value"), "order_number"
    for match in (*(_ORDER.finditer(text) if _FOUR.search(text) else ()), *_bare(text)):
        if not is_thing(text, match.start()):
            yield match.start(), match.end(), "order_number"


def _bare(text: str) -> Iterator[re.Match[str]]:
    """What `_ORDER_BARE.finditer` yields; it begins where digits begin."""
    for digits in _SIX.finditer(text):
        match = _ORDER_BARE.match(text, digits.start())
        if match is not None:
            yield match


def _said(pattern: re.Pattern[str], begins: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What `pattern.finditer` yields; in plain text only words that begin right are tried."""
    if not text.isascii():
        yield from pattern.finditer(text)
        return
    past = 0
    for word in begins.finditer(text.lower()):
        match = pattern.match(text, word.start()) if word.start() >= past else None
        if match is not None:
            past = match.end()
            yield match


def _just_before(text: str, start: int) -> str:
    return text[max(0, start - _NEAR) : start]


def tracking(text: str, region: str) -> Found:
    """Parcels' tracking numbers: as carriers write them, and by the words before them."""
    for pattern in (_CARRIERS, _TRACKING):
        for match in pattern.finditer(text) if _NINE.search(text) else ():
            yield match.start(), match.end(), "tracking_number"
    low = text.lower()
    if not any(word in low for word in _TRACKING_WORDS):
        return
    for match in _said(_TRACKING_SAID, _TRACKING_BEGINS, text):
        digits = sum(map(str.isdigit, match.group(1)))
        if digits >= _TRACKED and not _DATE_LIKE.fullmatch(match.group(1)):
            yield match.start(1), match.end(1), "tracking_number"
