"""What a document says of itself: language, product, audience, kind, and the days it holds for."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from data.errors import LogFormatError
from retrieval.documents.pieces import clean
from retrieval.filters import BETWEEN

METADATA = ("language", "product", "audience", "valid_from", "valid_until")
KINDS = ("faq", "policy")  # what a file may say that its passages are
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def checked(values: Mapping[str, object], where: str) -> dict[str, str]:
    """The METADATA and `kind` among the values, as texts; others, and empty ones, are left out.

    Several values of a key have BETWEEN between them, as a filter reads them.

    Args:
        values: By name; names are compared without case, `valid-from` is `valid_from`.
        where: The place, for messages.

    Raises:
        LogFormatError: If a date is none, or the last day is before the first.
    """
    found: dict[str, str] = {}
    for key, value in values.items():
        name = str(key).strip().lower().replace("-", "_").replace(" ", "_")
        if name in METADATA and (text := _text(value)):
            found[name] = text
        elif name == "kind" and _text(value).lower() in KINDS:
            found[name] = _text(value).lower()
    for name in ("valid_from", "valid_until"):
        if name in found and not _is_date(found[name]):
            shown = found[name][:30]
            raise LogFormatError(f"{where}: {name} {shown!r} is no date; write it as 2026-01-31")
    if found.get("valid_from", "") > found.get("valid_until", "9999"):
        raise LogFormatError(
            f"{where}: valid_until {found['valid_until']} is before valid_from "
            f"{found['valid_from']}; swap or mend them"
        )
    return found


def _text(value: object) -> str:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        texts = (_text(one) for one in value if not isinstance(one, list | tuple))
        return BETWEEN.join(filter(None, texts))
    return clean(str(value)).strip() if isinstance(value, str | int) else ""


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):  # fromisoformat also reads 20260131 and weeks
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
