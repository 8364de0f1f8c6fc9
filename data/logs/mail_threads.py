"""Which mails of a mailbox belong together, and who of their writers is the company.

Mails belong together by the ids that they answer to, and where a reply names none, by its subject
and who wrote to whom. Of each mail only hashes are in memory.
"""

import hashlib
import re
from array import array
from dataclasses import dataclass
from email.message import EmailMessage

import numpy as np
from numpy.typing import NDArray

from data.logs.grouping import PASS_BYTES
from data.logs.mail_parts import addresses, header, headers_of, ids, is_automatic, raw_mails
from data.rows import BadRows
from data.sources import Source

_REPLY = re.compile(
    r"\s*(?:(?:re|aw|antw|sv|rv|fwd?|wg|tr|回复|答复|转发)\s*(?:\[\d+\])?[:：]\s*)+", re.IGNORECASE
)
_FREE = {
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "aol.com",
    "icloud.com", "me.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "qq.com",
    "163.com", "126.com", "mail.ru", "yandex.ru",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Threads:
    """Of each mail, in file order, its thread; and the hashes of the company's senders."""

    of_mail: NDArray[np.int64]
    company: frozenset[int]
    passes: int


def threads_of(source: Source) -> Threads:
    """Which mails belong together: all that name one another, directly or through others."""
    from scipy.sparse import coo_array  # slow to import
    from scipy.sparse.csgraph import connected_components

    own, senders, domains = array("q"), array("q"), array("q")
    left, right = array("q"), array("q")  # mails that belong together
    fresh, subjects = array("q"), array("q")  # mails that answer none, with their subject
    wanted: set[int] = set()  # subjects of replies that do not say what they answer
    size = 0
    for number, (_, raw) in enumerate(raw_mails(source, BadRows(sink=lambda where, why: None))):
        mail = headers_of(raw)
        size += len(raw)
        key = _key(mail, number)
        own.append(key)
        sender = next(iter(addresses(mail, "From")), "")
        senders.append(0 if is_automatic(mail) else hash_of(sender))
        domains.append(hash_of(domain_of(sender)))
        answered = ids(mail, "References", "In-Reply-To")
        for identity in answered:
            left.append(key)
            right.append(hash_of(identity))
        subject, is_reply = _subject(mail)
        if not answered and subject:
            fresh.append(key)
            subjects.append(hash_of(subject))
            if is_reply:
                wanted.add(subjects[-1])
    asked = np.isin(np.frombuffer(subjects, dtype=np.int64), np.fromiter(wanted, dtype=np.int64))
    ends = [
        np.concatenate([np.frombuffer(own, np.int64), np.frombuffer(a, np.int64), rest[asked]])
        for a, rest in (
            (left, np.frombuffer(fresh, np.int64)),
            (right, np.frombuffer(subjects, np.int64)),
        )
    ]
    nodes, places = np.unique(np.concatenate(ends), return_inverse=True)
    edges = places.reshape(2, -1)
    graph = coo_array(
        (np.ones(edges.shape[1], dtype=np.int8), tuple(edges)), shape=(len(nodes),) * 2
    )
    parts = connected_components(graph, directed=False)[1]
    of_mail = parts[np.searchsorted(nodes, np.frombuffer(own, np.int64))].astype(np.int64)
    company = _company(of_mail, np.frombuffer(senders, np.int64), np.frombuffer(domains, np.int64))
    return Threads(of_mail, company, max(1, -(-size // PASS_BYTES)))


def _company(
    threads: NDArray[np.int64], senders: NDArray[np.int64], domains: NDArray[np.int64]
) -> frozenset[int]:
    """The hashes of the company's address and of its domain: who writes in the most threads.

    Only threads in which several people write count, else a newsletter would win. None where
    no one stands out: then whoever opens a thread is its customer.
    """
    human = senders != 0
    pairs, first = np.unique(np.stack([threads[human], senders[human]]), axis=1, return_index=True)
    alone = np.bincount(pairs[0])[pairs[0]] < 2 if pairs.size else np.zeros(0, dtype=bool)
    people, counts = np.unique(pairs[1][~alone], return_counts=True)
    if not len(people) or (counts == counts.max()).sum() > 1:
        return frozenset()
    best = people[counts.argmax()]
    domain = int(domains[human][first[pairs[1] == best][0]])
    free = {hash_of(name) for name in _FREE}
    return frozenset({int(best)} | ({domain} - free))


def hash_of(text: str) -> int:
    """A 64-bit number for a text."""
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def domain_of(address: str) -> str:
    """What stands behind the `@`."""
    return address.rpartition("@")[2]


def _key(mail: EmailMessage, number: int) -> int:
    """The hash of a mail's id; one without an id is alone with its place in the file."""
    own = ids(mail, "Message-ID")
    return hash_of(own[0] if own else f"mail {number} without an id")


def _subject(mail: EmailMessage) -> tuple[str, bool]:
    """The subject with who writes to whom, "" where there is none; and whether it is a reply's."""
    subject = header(mail, "Subject")
    plain = _REPLY.sub("", subject, count=1).strip().casefold()
    people = sorted(set(addresses(mail, "From", "To")))
    return ("\n".join([plain, *people]) if plain else ""), _REPLY.match(subject) is not None
