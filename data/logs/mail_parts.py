"""Mails out of mbox and .eml files, one at a time, and what of a mail matters here."""

import re
from collections.abc import Iterator
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from itertools import chain

from data.logs.times import time_of
from data.rows import BadRows
from data.sources import Source, encoding_of

MAX_MAIL = 1 << 22  # bytes that are kept of one mail: its texts come before what is attached
_ENCODED = 1 << 16  # bytes of base64 in a row that are kept: longer ones are pictures and files
_BEGIN = re.compile(rb"From \S*.*\d\d:\d\d.*\d{4}")  # a sender and a time; not "From now on"
_QUOTED_FROM = re.compile(rb">+From ")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{60,}={0,2}\s*")
_ID = re.compile(r"<[^<>\s]+>")
_AUTO_PRECEDENCE = ("bulk", "auto_reply", "junk")
_PARSER = BytesParser(policy=policy.default.clone(refold_source="none"))


def raw_mails(source: Source, bad: BadRows) -> Iterator[tuple[str, bytes]]:
    """Yield (where, its bytes without what is attached at length) of each mail.

    Args:
        source: An mbox file, an .eml file, or a folder or archive of .eml files.
        bad: Where mails that cannot be read are noted.
    """
    if source.holds_members:
        for member in source.members(bad.add):
            if member.is_archive:
                bad.add(member.name, "an archive among mails; unpack it first")
            elif member.suffix != ".eml":
                bad.left_out["file that is no mail"] += 1
            else:
                yield from raw_mails(member, bad)
        return
    one = source.suffix == ".eml"
    where, kept = source.name, _Kept()
    blank = True
    for number, line in source.lines(bad.add):
        if not one and blank and _BEGIN.match(line):
            if kept.size:
                yield where, kept.content(bad)
            where, kept = f"{source.name}:{number}", _Kept()
        elif kept.size or line.strip():
            kept.add(line[1:] if not one and _QUOTED_FROM.match(line) else line)
        blank = not line.strip()
    if kept.size:
        yield where, kept.content(bad)


class _Kept:
    """The lines of one mail that are kept."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = self.encoded = 0

    def add(self, line: bytes) -> None:
        self.encoded = self.encoded + len(line) if _BASE64.fullmatch(line) else 0
        if self.encoded <= _ENCODED and self.size < MAX_MAIL:
            self.lines.append(line)
            self.size += len(line)

    def content(self, bad: BadRows) -> bytes:
        if self.size >= MAX_MAIL:
            bad.mended["a mail cut after its first 4 MiB"] += 1
        return b"".join(self.lines)


def headers_of(raw: bytes) -> EmailMessage:
    """A mail's headers, its body unread."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    return mail_of(head + b"\n\n")


def mail_of(raw: bytes) -> EmailMessage:
    """A mail with its parts."""
    mail = _PARSER.parsebytes(raw)
    assert isinstance(mail, EmailMessage)
    return mail


def header(mail: EmailMessage, name: str) -> str:
    """A header's text, "" where there is none or it is broken."""
    try:
        return str(mail.get(name) or "")
    except (ValueError, TypeError, IndexError, AttributeError, KeyError, LookupError):
        return ""  # email's own parser fails at some broken headers


def addresses(mail: EmailMessage, *names: str) -> list[str]:
    """The addresses in these headers, in lower case."""
    pairs = getaddresses([header(mail, name) for name in names])
    return [address.casefold() for _, address in pairs if "@" in address]


def ids(mail: EmailMessage, *names: str) -> list[str]:
    """The ids of mails in these headers."""
    return list(chain.from_iterable(_ID.findall(header(mail, name)) for name in names))


def sent(mail: EmailMessage) -> datetime | None:
    """When it was sent."""
    date = header(mail, "Date")
    try:
        return parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError, IndexError):
        return time_of(date)


def is_automatic(mail: EmailMessage) -> bool:
    """Whether a program sent it."""
    submitted = header(mail, "Auto-Submitted").strip().casefold()
    return (
        submitted not in ("", "no")
        or header(mail, "Precedence").strip().casefold() in _AUTO_PRECEDENCE
        or bool(header(mail, "X-Autoreply"))
    )


def text_of_mail(mail: EmailMessage, bad: BadRows) -> str:
    """Its plain text, or that of its HTML; other parts are counted.

    Raises:
        ValueError: If its parts cannot be told from each other.
    """
    texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    for part in mail.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind in texts and part.get_content_disposition() != "attachment":
            texts[kind].append(_decoded(part, bad))
        else:
            bad.left_out["attachment"] += 1
    plain = "\n\n".join(text for text in texts["text/plain"] if text.strip())
    if plain or not texts["text/html"]:
        return plain
    from data.logs.html_text import text_of_html  # slow to import, and many mails are plain

    return "\n\n".join(map(text_of_html, texts["text/html"]))


def _decoded(part: EmailMessage, bad: BadRows) -> str:
    """The text of a part; one whose charset is wrong or unknown is read as what it seems to be."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        bad.mended["a mail of another charset than it says"] += 1
    content = content.replace(b"\0", b"")
    return content.decode(encoding_of(content, "mail"), "replace")
