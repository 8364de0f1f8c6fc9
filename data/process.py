"""One conversation's way from an export to a training row: a pure function, here and on a cluster.

Redaction is the last thing that needs the raw text; nothing raw leaves `processed`.
"""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC

from data.clean import clean_turn, merge_turns
from data.conversations import to_dict
from data.duplicates import signature
from data.language import language_of
from data.log_report import LATER, WAITS
from data.redact.conversation import EntityFinder, redact_conversation
from data.schema import Conversation, Turn
from data.split import hash_number

Counts = Counter[tuple[str, str]]
_UNTOLD = 52  # of the 64 bits of a hidden id's hash: what is left tells a split and no person


@dataclass(frozen=True, slots=True)
class Settings:
    """How conversations are processed.

    Args:
        key: What stand-ins and pseudonyms are drawn with (see `redact_conversation`).
        region: Where phone numbers without a country code are read (ISO 3166-1, two letters).
    """

    key: bytes = field(repr=False)
    region: str = "GB"


@dataclass(frozen=True, slots=True)
class Drop:
    """A conversation that is left out, and why; never its text."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Processed:
    """A conversation as it is written, and what the next steps need of it.

    `bands` are four 64-bit hashes of the customer's words (see `data.duplicates`), zeros where
    there are too few; `start` is seconds since 1970, None where the log has no times. `place` and
    `customer_place` decide the split: hashes of the raw ids, so that a conversation stays in its
    split whatever key hides its id; of a hidden id only the first bits, which many ids share.
    `counts` are by what is counted and a name: ("redacted", "email"), ("turns", "read").
    """

    id: str
    line: bytes
    customer_id: str | None
    start: float | None
    bands: tuple[int, ...]
    counts: Counts
    place: int
    customer_place: int


def processed(
    conversation: Conversation, settings: Settings, finder: EntityFinder | None = None
) -> Processed | Drop:
    """Clean and redact a conversation, as plain values; a Drop where nothing of it is left."""
    cleaned, counts = _cleaned(conversation)
    if isinstance(cleaned, Drop):
        return Drop(redact_conversation(conversation, settings.region, settings.key)[0].id,
                    cleaned.why)  # fmt: skip
    asked = " ".join(turn.text for turn in cleaned.turns if turn.speaker == "customer")
    clean, found = redact_conversation(cleaned, settings.region, settings.key, finder)
    counts.update({("redacted", kind): count for kind, count in found.items()})
    counts["channel", clean.channel or "unknown"] = 1
    if "intent" in clean.labels:
        counts["intent", clean.labels["intent"]] = 1
    start = next((turn.time for turn in clean.turns if turn.time is not None), None)
    if start is not None and start.tzinfo is None:
        start = start.replace(tzinfo=UTC)
    return Processed(
        clean.id,
        json.dumps(to_dict(clean), ensure_ascii=False).encode("utf-8", "replace") + b"\n",
        clean.customer_id,
        start.timestamp() if start is not None else None,
        signature(asked),
        counts,
        _place(cleaned.id, clean.id),
        _place(cleaned.customer_id or "", clean.customer_id or ""),
    )


def _place(raw: str, clean: str) -> int:
    """A number below 2^64 that decides the split of an id."""
    number = hash_number(raw)
    return number if raw == clean else number >> _UNTOLD << _UNTOLD


def _cleaned(conversation: Conversation) -> tuple[Conversation | Drop, Counts]:
    counts: Counts = Counter()
    turns: list[Turn] = []
    for turn in conversation.turns:
        clean, cuts = clean_turn(turn)
        counts.update({("cut", name): count for name, count in cuts.items()})
        if clean is not None:
            turns.append(clean)
    counts["turns", "read"] = len(conversation.turns)
    if not any(turn.mark is None for turn in turns):
        why = "nobody said anything in it" if turns else "no text is left after cleaning"
        return Drop(conversation.id, why), counts
    merged, joined = merge_turns(turns)
    counts["turns", "merged"] = joined
    counts["turns", "written"] = len(merged)
    sides = {turn.speaker for turn in merged if turn.mark is None}
    if len(sides) == 1:
        counts["one_sided", f"{sides.pop()} speaks"] = 1
    asked = " ".join(turn.text for turn in merged if turn.speaker == "customer")
    language = language_of(asked or merged[0].text)
    labels = dict(conversation.labels)
    if language is not None:
        labels.setdefault("language", language)
    counts["language", language or "unknown"] = 1
    counts["outcome", conversation.outcome] = 1
    counts["length", f"{_bucket(len(merged), (2, 4, 8, 16, 32))} turns"] = 1
    counts.update(_times(merged))
    return replace(conversation, turns=tuple(merged), labels=labels), counts


def _times(turns: list[Turn]) -> Counts:
    """The month a conversation began in, and how long its first answer took."""
    counts: Counts = Counter()
    timed = [turn for turn in turns if turn.time is not None and turn.mark is None]
    if timed and timed[0].time is not None:
        counts["month", f"{timed[0].time:%Y-%m}"] = 1
    asked = next((turn.time for turn in timed if turn.speaker == "customer"), None)
    answered = next((turn.time for turn in timed if turn.speaker == "agent"), None)
    if asked is not None and answered is not None:
        try:
            minutes = (answered - asked).total_seconds() / 60
        except TypeError:  # one with a time zone, one without
            return counts
        if minutes >= 0:
            name = next((name for limit, name in WAITS if minutes <= limit), LATER)
            counts["answered", name] = 1
    return counts


def _bucket(size: int, limits: tuple[int, ...]) -> str:
    """`02-04` for a size above 2 and up to 4: its name sorts as its size does."""
    low = 0
    for limit in limits:
        if size <= limit:
            return f"{low + 1:02}-{limit:02}"
        low = limit
    return f"{low + 1:02} or more"
