"""Our own format: one conversation a line, with an id and its turns."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from data.conversations import read_conversations
from data.rows import BadRows, first_row
from data.schema import Conversation


def fits(path: Path) -> bool:
    """Whether the first object has turns, or no line is one and the suffix leaves no other kind."""
    if path.suffix.lower() != ".jsonl":
        return False
    first = first_row(path)
    return first is None or "turns" in first.values


def read(path: Path, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the file's conversations."""
    yield from read_conversations(path, bad)
