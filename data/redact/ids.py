"""Ids of conversations and people: which say nothing of anybody, and stand-ins for all others."""

import hashlib
import hmac
import re

from data.redact.gazetteer import first_names, surnames

# What stands before a number in an id and is no name: case-17, INC0012345, visitor_8.
_BEFORE = (
    "agent|bot|call|case|chat|client|contact|conv|conversation|cust|customer|guest|id|inc|issue|"
    "lead|member|msg|ord|order|rep|req|request|session|thread|ticket|tick|tkt|tck|user|usr|visitor"
)
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HEX = r"(?:(?:id|mail|whatsapp)-)?(?=(?:[0-9]*[a-f]){2})(?=[a-f]*[0-9])[0-9a-f]{16,64}"
_PLAIN = re.compile(
    rf"\d{{1,7}}|(?:(?:[a-z]|{_BEFORE})[-_]?|(?P<two>[a-z]{{2}})[-_]?(?!(?:19|20)\d\d$))"
    rf"\d{{1,7}}|{_UUID}|{_HEX}",
    re.IGNORECASE | re.ASCII,
)
# Of a speaker: what they are, not who.
_ROLES = frozenset(
    "agent assistant admin bot chatbot client contact customer end-user guest operator requester "
    "staff support system user visitor".split()
)


def hidden(identity: str | None, key: bytes) -> str | None:
    """The id as it is where its shape says that it names nobody, else a stand-in for it.

    Kept are a number of up to seven digits, one behind a letter or two or a word such as `case`,
    hexadecimal digits, UUIDs, and words for a role. All else may be a name, an address or a phone
    number. The same id has the same stand-in wherever it stands.

    Args:
        identity: A conversation's id, a customer's or a speaker's; None stays None.
        key: What stand-ins are drawn with.
    """
    if not identity or is_plain(identity):
        return identity
    told = hmac.new(key, identity.encode("utf-8", "replace"), hashlib.sha256)
    return f"id-{told.hexdigest()[:16]}"


def is_plain(identity: str) -> bool:
    """Whether an id's shape says that it names nobody."""
    found = _PLAIN.fullmatch(identity)
    if found is None:
        return identity.casefold() in _ROLES
    two = (found["two"] or "").lower()
    return two not in first_names() and two not in surnames()
