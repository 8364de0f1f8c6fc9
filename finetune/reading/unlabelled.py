"""Texts without labels: every turn of conversations, a table's column, the lines of a file."""

from collections.abc import Iterator
from pathlib import Path

from data.conversations import from_dict
from data.errors import LogFormatError
from data.rows import SUFFIXES, Row, read_rows, read_text
from data.schema import Example
from finetune.reading.cells import some, string


def read_unlabelled(path: Path, text_column: str = "text") -> list[Example]:
    """An Example for each text; empty ones are passed over.

    Args:
        path: A table, conversations JSONL, or any other file: then its lines.
        text_column: Of a table.

    Raises:
        LogFormatError: If a row has neither the column nor turns, or nothing is left.
    """
    if path.suffix.lower() not in SUFFIXES:
        lines = enumerate(read_text(path).split("\n"), start=1)
        found = [(f"{path}:{number}", line) for number, line in lines]
    else:
        found = [(row.where, text) for row in read_rows(path) for text in _texts(row, text_column)]
    texts = ((where, string(text, where, text_column)) for where, text in found)
    return some(path, [Example(text, where=where) for where, text in texts if text.strip()])


def _texts(row: Row, column: str) -> Iterator[str]:
    if row.values.get("turns") is not None:
        try:
            conversation = from_dict({"id": row.where, **row.values})
        except ValueError as error:
            raise LogFormatError(f"{row.where}: {error}") from error
        yield from (turn.text for turn in conversation.turns)
    elif column in row.values:
        yield string(row.values[column], row.where, column)
    else:
        raise LogFormatError(
            f"{row.where}: no column {column!r} and no 'turns'; found: "
            f"{', '.join(map(str, row.values))}. Name it with --text-column"
        )
