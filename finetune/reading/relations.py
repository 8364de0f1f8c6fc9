"""Texts with two entities each and how those are related: JSON lines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import LogFormatError
from data.rows import Row, read_rows
from data.schema import Entity, Example
from finetune.reading.cells import some, string, text_in, traits_of


def read_relations(
    path: Path, text_column: str = "text", label_column: str = "label"
) -> list[Example]:
    """Rows of `text`, `head` and `tail` (`start`, `end`, perhaps `type`) and `label`.

    Raises:
        LogFormatError: If a text or label is missing, an offset is wrong, or head and tail share
            characters.
    """
    examples = []
    for row in read_rows(path):
        text = text_in(row, text_column)
        pair = pair_in(row, text)
        label = string(row.values.get(label_column), row.where, label_column).strip()
        if not label or len(label.splitlines()) > 1:
            raise LogFormatError(
                f"{row.where}: no label of one line in {label_column!r}; fill it (a pair that is "
                "not related has a label too, such as none) or remove the row"
            )
        examples.append(
            Example(text, label=label, pair=pair, where=row.where, traits=traits_of(row))
        )
    return some(path, examples)


def pair_in(row: Row, text: str) -> tuple[Entity, Entity]:
    """Head and tail of a row, in this order whichever stands first in the text.

    Raises:
        LogFormatError: If one is missing, lies outside the text, or both share characters.
    """
    head, tail = (_entity(row, name, text) for name in ("head", "tail"))
    if head.start < tail.end and tail.start < head.end:
        raise LogFormatError(
            f"{row.where}: head [{head.start}, {head.end}) and tail [{tail.start}, {tail.end}) "
            "overlap; they must not share a character"
        )
    return head, tail


def _entity(row: Row, name: str, text: str) -> Entity:
    value: Any = row.values.get(name)
    if not isinstance(value, Mapping) or not (_whole(value, "start") and _whole(value, "end")):
        raise LogFormatError(f"{row.where}: {name!r} must be an object with start and end")
    start, end = int(value["start"]), int(value["end"])
    if not 0 <= start < end <= len(text):
        raise LogFormatError(
            f"{row.where}: {name} [{start}, {end}) lies outside the text of {len(text)} characters"
        )
    if not text[start:end].strip():
        raise LogFormatError(f"{row.where}: {name} [{start}, {end}) holds white space alone")
    if value.get("text", text[start:end]) != text[start:end]:
        raise LogFormatError(f"{row.where}: {name} [{start}, {end}) does not match its text")
    kind = string(value.get("type"), row.where, f"{name}.type").strip()
    return Entity(kind, text[start:end], start, end)


def _whole(value: Mapping[str, Any], key: str) -> bool:
    number = value.get(key)
    return isinstance(number, int) and not isinstance(number, bool)
