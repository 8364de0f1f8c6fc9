"""Our own format: one conversation a line, with an id and its turns."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from data.conversations import read_conversations
from data.rows import BadRows
from data.schema import Conversation


def fits(path: Path) -> bool:
    """Whether one of the first lines is an object with turns, or the suffix leaves no other kind."""
    if path.suffix != ".jsonl":
        return False
    with path.open("rb") as file:
        for _, line in zip(range(20), file, strict=False):
            try:
                values = json.loads(line)
            except (UnicodeDecodeError, json.JSONDecodeError):
                continue
            if isinstance(values, dict):
                return "turns" in values
    return True


def read(path: Path, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the file's conversations."""
    yield from read_conversations(path, bad)
