"""Single values out of a row, checked: a text, a cell, a file that holds no row."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.errors import LogFormatError
from data.rows import Row
from data.schema import TRAITS, Example

NAMED = 20  # names in an error line
MAX_CHARS = 100_000  # of one text: longer ones are whole files that slipped into a cell


def some(path: Path, examples: list[Example]) -> list[Example]:
    """The examples, or LogFormatError where there are none."""
    if not examples:
        raise LogFormatError(f"{path}: no rows to learn from; check the file")
    return examples


def string(value: Any, where: str, column: str) -> str:  # noqa: ANN401 - whatever a file holds
    """A cell as a text; empty where it is missing: null, or the NaN that pandas writes for one.

    Raises:
        LogFormatError: If it is a list or an object, or longer than MAX_CHARS.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | dict):
        raise LogFormatError(
            f"{where}: {column!r} holds a {type(value).__name__}; a text is needed"
        )
    text = str(value)
    if len(text) > MAX_CHARS:
        raise LogFormatError(
            f"{where}: {len(text):,} characters in {column!r}, at most {MAX_CHARS:,}; cut or "
            "remove the row"
        )
    return text


def text_in(row: Row, column: str) -> str:
    """The row's text.

    Raises:
        LogFormatError: If there is none, or it is no text.
    """
    value = row.values.get(column)
    if not isinstance(value, str) or not value.strip():
        raise LogFormatError(f"{row.where}: no text in {column!r}; fill or remove the row")
    return string(value, row.where, column)


def traits_of(row: Row) -> tuple[tuple[str, str], ...]:
    """What the row says of itself in the columns of TRAITS, where it has them."""
    said = ((name, row.values.get(name)) for name in TRAITS)
    return tuple(
        (name, str(value).strip())
        for name, value in said
        if isinstance(value, str | int) and str(value).strip()
    )


def some_of(names: Sequence[str]) -> str:
    """The names for an error line; of very many the first, and how many there are."""
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
