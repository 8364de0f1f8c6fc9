"""Selecting an answer: the best passage that may be said again, with this customer's values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from apps.guard.injected import speaks_to_machine
from data.redact.spans import PLACEHOLDER
from data.schema import Passage

# An agent's answer may tell what was done for somebody else ("I've refunded £45"): said again
# it is a lie.
_DONE_FOR_ANOTHER = re.compile(
    r"\b(?:I|we)(?:['’](?:ve|ll|m|d)| have| will| am| had| was| can see| see| found| checked| just)"
    r"\b|\byour (?:order|parcel|refund|account|card|address|tracking) "
    r"(?:is|was|has|will|shows|went|left)\b"
    r"|\b(?:done|sorted|sent|booked|cancelled|registered|updated|escalat\w+|colleague|manager)\b",
    re.IGNORECASE,
)
_GREETED = re.compile(
    r"^\s*(?:hi|hello|hey|dear|thanks|thank you|good (?:morning|afternoon|evening))\b"
    r"[^.!,]*[.!,]\s*",
    re.I,
)
_NAME_GAP = re.compile(r",?\s*\[person\]")
# An address or number in an agent's answer may be the company's own: the customer's is no stand-in.
FILLED = frozenset({"order_number"})
AGENT_MARGIN = 0.15  # above the fitted threshold: the answer was given to another question
COMPANY_FIRST = (
    0.08  # what a colleague once said must be so much closer than the company's own page
)


def reusable(passage: Passage) -> bool:
    """Whether it is true for any customer: company pages are, few of an agent's answers are.

    What holds orders to a machine was not written for customers.
    """
    if speaks_to_machine(f"{passage.title}\n{passage.text}"):
        return False
    if passage.metadata.get("kind") != "conversation":
        return True
    return not _DONE_FOR_ANOTHER.search(passage.text)


def select(
    passages: Sequence[Passage],
    values: Mapping[str, str],
    floor: float = 0.0,
    products: Sequence[str] = (),
) -> Passage | None:
    """The passage to answer with, its text filled; None where none may be said.

    Args:
        passages: Found ones, best first.
        values: This customer's entities, type to text.
        floor: The score that a company's page needs; an agent's answer needs AGENT_MARGIN more.
        products: What the message is about; an agent's answer about another product is not said.
    """
    best: Passage | None = None
    for passage in passages:
        text = fill(passage.text, values)
        from_company = passage.metadata.get("kind") != "conversation"
        if text is None or not reusable(passage):
            continue
        if passage.score < floor or (not from_company and not _close(passage, floor, products)):
            continue
        score = passage.score + (COMPANY_FIRST if from_company else 0.0)
        held = -1.0
        if best is not None:
            held = best.score + (
                COMPANY_FIRST if best.metadata.get("kind") != "conversation" else 0.0
            )
        if score > held:
            best = replace(passage, text=text)
    return best


def _close(passage: Passage, floor: float, products: Sequence[str]) -> bool:
    """Whether an agent's answer to somebody else is near enough, and about the same products."""
    words = f"{passage.title} {passage.text}".lower()
    named = all(product.lower().split()[-1].rstrip("s") in words for product in products)
    return named and passage.score >= floor + AGENT_MARGIN


def fill(text: str, values: Mapping[str, str]) -> str | None:
    """The answer with its placeholders filled; None where one cannot be.

    A greeting by another customer's name is cut rather than filled.
    """
    text = _NAME_GAP.sub("", text)
    for match in list(PLACEHOLDER.finditer(text)):
        value = values.get(match.group(1)) if match.group(1) in FILLED else None
        if value is None:
            return None
        text = text.replace(match.group(), value)
    return _GREETED.sub("", text, count=1).strip() or None
