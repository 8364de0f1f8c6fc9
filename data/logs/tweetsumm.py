"""TweetSumm with its dialogue text joined in: one conversation a line, speakers Customer and Agent.

What gives an answer away in ranking is cut first: handles, links, and the initials that agents
sign with. The brand that was written to is kept as a label.

Source: Feigenblat et al. 2021, TWEETSUMM, Findings of EMNLP.
"""

import re
from collections.abc import Iterator, Mapping

from data.rows import BadRows, first_row, read_rows
from data.schema import Conversation, Speaker, Turn
from data.sources import Source

_HANDLE = re.compile(r"@\w+")
_LINK = re.compile(r"https?://\S+")
# 1/2 is a part number in brackets, at either end or before a signature, else half of something.
_PART = re.compile(
    r"[(\[]\s?\d\s?/\s?\d\s?[)\]]|[(-]\s?(?i:cont|ctd)(?:['’]?d)?\b[.)]*"
    r"|^\s*[1-9]/[2-9](?![\w/])(?!\s(?:of|the)\b)"
    r"|(?<![\w/$£€-])(?<!\d )[1-5]/[2-9](?=[.\s]*(?:[\^*~/–-]|[A-Z][a-z]+[.\s]*$|$))"
)
# ^JK, *Anna, /MT; a dash inside a word (check-in, Wi-Fi) is no signature.
_SIGNED = re.compile(
    r"(?:\s*[\^*~]\s?[A-Za-z]{1,3}"
    r"|(?:^|\s+)(?:[*^][A-Z][A-Za-z]{2,19}|/[A-Z][a-z]{2,9})"
    r"|\s*(?:(?<!\w)|(?<=Thanks)|(?<=Thank))[/–—-](?:\s?[A-Z][A-Za-z]{0,2}|[a-z]{1,3}))[.\s]*$"
)
_SPACES = re.compile(r"\s+")
_SPEAKERS: dict[str, Speaker] = {"Customer": "customer", "Agent": "agent"}
FIELDS: tuple[str, ...] = ()  # of --map


def fits(source: Source) -> bool:
    """Whether the first object has TweetSumm's keys."""
    if source.holds_members or source.suffix != ".jsonl":
        return False
    first = first_row(source)
    return first is not None and {"conversation_id", "turns"} <= first.values.keys()


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the file's conversations, their tweets cleaned."""
    for row in read_rows(source, bad):
        try:
            raw = [(_SPEAKERS[turn["speaker"]], str(turn["text"])) for turn in row.values["turns"]]
            identity = str(row.values["conversation_id"])
        except (KeyError, TypeError):
            bad.add(
                row.where,
                "needs conversation_id, and turns with text whose speaker is Customer or Agent",
            )
            continue
        turns = tuple(
            Turn(speaker, clean) for speaker, text in raw if (clean := clean_tweet(text, speaker))
        )
        if not turns:
            bad.add(row.where, "no text is left after cleaning")
            continue
        brand = _brand(raw)
        yield Conversation(
            identity, turns, channel="twitter", labels={"brand": brand} if brand else {}
        )


def clean_tweet(text: str, speaker: Speaker) -> str:
    """The tweet without handles, links, part numbers and an agent's initials at its end."""
    text = _LINK.sub(" ", _HANDLE.sub(" ", text))
    text = _SPACES.sub(" ", _PART.sub(" ", text)).strip()
    return _SIGNED.sub("", text).strip() if speaker == "agent" else text


def _brand(raw: list[tuple[Speaker, str]]) -> str | None:
    """The first handle with a letter that a customer writes to (customers' own are numbers)."""
    for speaker, text in raw:
        if speaker == "customer":
            for handle in _HANDLE.findall(text):
                if not handle[1:].isdigit():
                    return str(handle[1:])
    return None
