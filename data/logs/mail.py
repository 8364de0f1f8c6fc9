"""A mailbox: mbox (Thunderbird, Apple Mail, Google Takeout), .eml files, or a folder of those.

Texts are read in passes: mails of one thread lie far apart.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from data.errors import LogFormatError
from data.logs.grouping import grouped
from data.logs.mail_parts import (
    addresses,
    header,
    is_automatic,
    mail_of,
    raw_mails,
    sent,
    text_of_mail,
)
from data.logs.mail_threads import domain_of, hash_of, threads_of
from data.logs.roles import AGENT, named_agents, speakers
from data.logs.table import seconds
from data.rows import BadRows
from data.schema import Conversation, Mark, Turn
from data.sources import Source

_LOOKED_AT = 5  # files of a folder
_HEADER = re.compile(rb"[!-9;-~]+:")
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, LogFormatError)  # of email's parser
FIELDS = (AGENT,)  # of --map


def fits(source: Source) -> bool:
    """Whether it is an mbox by its first line, a mail by its headers, or a folder of mails."""
    if source.holds_members:
        members = list(islice(source.members(lambda where, why: None), _LOOKED_AT))
        mails = [one for one in members if not one.holds_members and one.suffix == ".eml"]
        return 2 * len(mails) > len(members)
    if source.suffix == ".eml":
        return bool(_HEADER.match(source.head(1000).lstrip()))
    name = source.name.lower().removesuffix(".gz")
    return name.endswith((".mbox", "/mbox", ":mbox")) and source.head(5) == b"From "


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the threads."""
    threads = threads_of(source)
    is_agent = named_agents(columns, bad.heard) or _in_company(threads.company)

    def mails(bad: BadRows) -> Iterator[tuple[int, tuple[str, bytes]]]:
        # Both readings yield the same mails in the same order.
        for mail, thread in zip(raw_mails(source, bad), threads.of_mail, strict=True):
            yield int(thread), mail

    for _, found in grouped(mails, threads.passes, bad):
        conversation = _conversation(found, is_agent, bad)
        if conversation is not None:
            yield conversation


def _conversation(
    found: Sequence[tuple[str, bytes]],
    is_agent: Callable[[str], bool] | None,
    bad: BadRows,
) -> Conversation | None:
    once: dict[str, Turn] = {}
    for where, raw in found:
        try:
            mail = mail_of(raw)
            text = text_of_mail(mail, bad).strip()
        except _BROKEN as error:
            bad.add(where, f"not a readable mail ({type(error).__name__})")
            continue
        identity = header(mail, "Message-ID").strip() or where
        if identity in once:
            bad.left_out["the same mail again"] += 1
        elif not text:
            bad.left_out["mail without text"] += 1
        else:
            sender = next(iter(addresses(mail, "From")), None)
            mark: Mark | None = "bot" if is_automatic(mail) else None
            once[identity] = Turn("customer", text, sent(mail), speaker_id=sender, mark=mark)
    if not once:
        return None
    mails = list(once.items())
    if all(turn.time for _, turn in mails):
        mails.sort(key=lambda pair: seconds(pair[1].time) if pair[1].time else 0.0)
    sides = speakers([turn.speaker_id or "" for _, turn in mails], is_agent)
    turns = tuple(replace(turn, speaker=side) for side, (_, turn) in zip(sides, mails, strict=True))
    customer = next((turn.speaker_id for turn in turns if turn.speaker == "customer"), None)
    # A mail's id may tell who wrote it: its hash does not.
    identity = f"mail-{hash_of(mails[0][0]) & (1 << 64) - 1:016x}"
    return Conversation(identity, turns, customer_id=customer, channel="email")


def _in_company(company: frozenset[int]) -> Callable[[str], bool] | None:
    """Whether an address is the company's; None where nobody stands out as the company."""
    if not company:
        return None
    return lambda address: not company.isdisjoint({hash_of(address), hash_of(domain_of(address))})
