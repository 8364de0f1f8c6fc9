"""A whole conversation in one cell: lines that begin with who speaks, or a JSON list of turns."""

import json
import re
from collections import Counter
from typing import Any

from data.logs.speaker_words import ROLES

Said = tuple[str, str]  # who, what
_BREAK = re.compile(r"\r\n?|<br\s*/?>|\\n", re.IGNORECASE)
_LINE = re.compile(
    r"\s*(?:[\[(]?[\d/.:, -]{4,20}(?:[ap]m)?[\])]?[\s–-]*)?"  # [10:02:11]
    r"(?P<who>[^:\n]{1,40}?)\s*(?:\([^)\n]*\)\s*)?:(?!//)\s*(?P<text>.*)",
    re.IGNORECASE,
)
_WHO = ("speaker", "role", "author", "sender", "from", "author_type", "sender_type", "name")
_WHAT = ("text", "content", "message", "body", "utterance", "value")


def is_transcript(cell: str) -> bool:
    """Whether a cell holds several turns."""
    said = said_in(cell)
    return len({who for who, _ in said}) > 1 and any(who.casefold() in ROLES for who, _ in said)


def said_in(cell: str) -> list[Said]:
    """(who, what) of each turn; none where the cell is no transcript."""
    if not cell.lstrip().startswith("[{"):
        return _of_lines(_BREAK.sub("\n", cell).split("\n"))
    try:
        turns = json.loads(cell)
    except (ValueError, RecursionError):
        return []
    if not all(isinstance(turn, dict) for turn in turns):
        return []
    return [
        (str(who).strip(), what.strip())
        for turn in turns
        if (who := _first(turn, _WHO)) and isinstance(what := _first(turn, _WHAT), str)
    ]


def _of_lines(lines: list[str]) -> list[Said]:
    """A line whose beginning names no speaker goes on with the turn before it.

    A speaker is a word for one (`Customer:`), or, where such words do not tell both sides, a name
    that begins at least two lines. `Order number:` inside a turn is neither.
    """
    starts = [_LINE.fullmatch(line) for line in lines]
    names = Counter(start["who"].strip() for start in starts if start)
    people = {name for name in names if name.casefold() in ROLES}
    if len({ROLES[name.casefold()][0] for name in people}) < 2:
        people |= {name for name, count in names.items() if count > 1}
    said: list[Said] = []
    for line, start in zip(lines, starts, strict=True):
        if start and start["who"].strip() in people:
            said.append((start["who"].strip(), start["text"].strip()))
        elif said and line.strip():
            who, text = said[-1]
            said[-1] = (who, f"{text}\n{line.strip()}".strip())
    return said


def _first(turn: dict[str, Any], keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON's
    return next((turn[key] for key in keys if turn.get(key) not in (None, "")), None)
