"""Links, mail addresses, phone numbers and codes of a text: what is compared letter by letter."""

import re
from collections.abc import Iterable, Iterator

from apps.guard.finding import Kind
from data.redact.web import emails

Mark = tuple[Kind, str, int, int]
_ENDINGS = (
    "com|org|net|info|biz|shop|store|example|test|io|dev|app|eu|uk|ie|de|fr|nl|cn|hk|ru|me|co|xyz"
)
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'，。；！？（）【】]+|\b(?:javascript|data|vbscript|file):[^\s<>]+"
    rf"|(?<![@\w.-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_ENDINGS})\b(?:/[^\s<>\"'，。；！？（）]*)?",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<\s*/?\s*(?:script|iframe|img|a|form|object|embed|svg|style|link|meta)\b[^>]*>?", re.I
)
_TRAIL = ".,;:!?)]}'\"*_~"
_CODE = re.compile(
    r"(?<![\w£$€.-])(?!\d{4}-\d\d-\d\dT)(?:[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"  # a postcode
    r"|#\d{4,}|[A-Za-z]{1,4}[- ]?\d{5,}|(?=[A-Z-]*\d)(?=[\d-]*[A-Z])[A-Z\d]+(?:-[A-Z\d]+)*"
    r"|\d{6,})"
    r"(?![\w%]|[.,:]\d)"
)
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")
_SHORT = 4  # letters and digits of a code


def marks(text: str) -> list[Mark]:
    """(kind, as it is compared, start, end) of each; an earlier kind wins over a later one."""
    from data.redact.digits import phones  # every country's formats, which selecting does without

    found: list[Mark] = []
    for kind, spans in (
        ("link", _links(text)),
        ("email", ((s, e) for s, e, _ in emails(text, "GB") if "@" in text[s:e])),
        ("phone", ((s, e) for s, e, _ in phones(text, "GB"))),
        ("code", _codes(text)),
    ):
        found += _free(text, found, kind, spans)  # type: ignore[arg-type]
    return sorted(found, key=lambda mark: mark[2])


def _free(
    text: str, taken: Iterable[Mark], kind: Kind, spans: Iterable[tuple[int, int]]
) -> list[Mark]:
    held = list(taken)
    return [
        (kind, plain(kind, text[start:end]), start, end)
        for start, end in spans
        if all(end <= left or start >= right for _, _, left, right in held)
    ]


def plain(kind: Kind, text: str) -> str:
    """The form in which two of a kind are equal."""
    if kind == "link":
        link = re.sub(r"^https?://", "", text, flags=re.I).removeprefix("www.").rstrip("/")
        host, slash, rest = link.partition("/")
        return host.lower() + slash + rest
    if kind == "phone":
        digits = re.sub(r"\D", "", text)
        return "0" + digits[2:] if text.startswith("+44") else digits
    return _SEPARATORS.sub("", text).upper() if kind == "code" else text.lower()


def _links(text: str) -> Iterator[tuple[int, int]]:
    mails = [(start, end) for start, end, _ in emails(text, "GB")]
    for pattern in (_LINK, _MARKUP):
        for match in pattern.finditer(text):
            end = match.start() + len(match.group().rstrip(_TRAIL))
            if not any(left <= match.start() < right for left, right in mails):
                yield match.start(), end


def _codes(text: str) -> Iterator[tuple[int, int]]:
    for match in _CODE.finditer(text):
        if len(_SEPARATORS.sub("", match.group())) >= _SHORT:
            yield match.span()


def holds_code(text: str, code: str) -> bool:
    """Whether a text has the code, with or without its separators.

    Its leading letters may be left out where five digits or more follow.
    """
    digits = code.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    forms = {code, digits} if len(digits) >= 5 and digits.isdigit() else {code}
    return any(
        re.search(rf"(?<![0-9A-Za-z]){'[^0-9A-Za-z]?'.join(form)}(?![0-9A-Za-z])", text, re.I)
        for form in forms
    )
