"""Our own format: one conversation a line, with an id and its turns."""

from collections.abc import Iterator, Mapping

from data.conversations import read_conversations
from data.rows import BadRows, first_row
from data.schema import Conversation
from data.sources import Source

FIELDS: tuple[str, ...] = ()  # of --map


def fits(source: Source) -> bool:
    """Whether the first object has turns, or no line is one and the suffix leaves no other kind."""
    if source.holds_members or source.suffix != ".jsonl":
        return False
    first = first_row(source)
    return first is None or "turns" in first.values


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the file's conversations."""
    yield from read_conversations(source, bad)
