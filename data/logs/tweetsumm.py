"""TweetSumm with its dialogue text joined in: one conversation a line, speakers Customer and Agent.

What gives an answer away in ranking is cut first: handles, links, and the initials that agents
sign with. The brand that was written to is kept as a label.

Source: Feigenblat et al. 2021, TWEETSUMM, Findings of EMNLP.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from data.rows import BadRows, read_rows
from data.schema import Conversation, Speaker, Turn

_HANDLE = re.compile(r"@\w+")
_LINK = re.compile(r"https?://\S+")
_PART = re.compile(r"\(?\b\d\s?/\s?\d\b\)?|\b(?:cont|ctd)\b\.?", re.IGNORECASE)
_SIGNED = re.compile(r"(?:\s*[\^/*~–—-]\s?[A-Za-z]{1,3}|\s+[*^/][A-Z][a-z]{2,9})[.\s]*$")
_SPACES = re.compile(r"\s+")
_SPEAKERS: dict[str, Speaker] = {"Customer": "customer", "Agent": "agent"}


def fits(path: Path) -> bool:
    """Whether the first line has TweetSumm's keys."""
    if path.suffix != ".jsonl":
        return False
    with path.open("rb") as file:
        try:
            values = json.loads(file.readline())
        except (UnicodeDecodeError, json.JSONDecodeError):
            return False
    return isinstance(values, dict) and "conversation_id" in values and "turns" in values


def read(path: Path, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the file's conversations, their tweets cleaned."""
    for row in read_rows(path, bad):
        try:
            raw = [(_SPEAKERS[turn["speaker"]], str(turn["text"])) for turn in row.values["turns"]]
            identity = str(row.values["conversation_id"])
        except (KeyError, TypeError) as error:
            bad.add(row.where, f"needs conversation_id and turns with speaker and text ({error!r})")
            continue
        turns = tuple(Turn(speaker, clean) for speaker, text in raw if (clean := clean_tweet(text)))
        if not turns:
            bad.add(row.where, "no text is left after cleaning")
            continue
        brand = _brand(raw)
        yield Conversation(
            identity, turns, channel="twitter", labels={"brand": brand} if brand else {}
        )


def clean_tweet(text: str) -> str:
    """The tweet without handles, links, part numbers and the agent's initials at its end."""
    text = _LINK.sub(" ", _HANDLE.sub(" ", text))
    text = _SPACES.sub(" ", _PART.sub(" ", text)).strip()
    return _SIGNED.sub("", text).strip()


def _brand(raw: list[tuple[Speaker, str]]) -> str | None:
    """The first handle with a letter in it that a customer writes to (customers' own are numbers)."""
    for speaker, text in raw:
        if speaker == "customer":
            for handle in _HANDLE.findall(text):
                if not handle[1:].isdigit():
                    return str(handle[1:])
    return None
