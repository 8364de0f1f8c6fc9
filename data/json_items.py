"""The objects of a JSON export as a stream: JSON lines, one array, or an object that holds one."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import ijson

from data.errors import LogFormatError
from data.rows import BadRows, Row, read_rows
from data.sources import Source, encoding_of, reading

_SPACE = b" \t\r\n\xef\xbb\xbf"


def json_items(source: Source, keys: Sequence[str], bad: BadRows) -> Iterator[Row]:
    """Yield the objects of a `.json` or `.jsonl` file, whatever their number.

    Args:
        source: JSON lines; or one document: a list, or an object with a list under one of `keys`,
            or a single object with none of them.
        keys: Where an object holds its list: `tickets`, `conversations`, `data.payload`.
        bad: Where objects that cannot be read are noted.

    Raises:
        LogFormatError: If the file is not JSON from its beginning.
    """
    if source.suffix in (".jsonl", ".ndjson") or _is_lines(source.head()):
        yield from read_rows(Source(_as_lines(source.name), source.open, source.path), bad)
        return
    path = _path_of(source, keys)
    number = 0
    with source.open() as file, reading(source, bad.add):
        try:
            for values in ijson.items(file, path, use_float=True):
                number += 1
                where = f"{source.name}:{number}"
                if isinstance(values, dict):
                    yield Row(where, values)
                else:
                    bad.add(where, "a JSON object is needed for each case")
        except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError) as error:
            why = str(error).strip().split("\n")[0]
            # ijson quotes the text around an error: only its first words are safe to show.
            why = why.split(":", 1)[0][:60]
            if not number:
                raise LogFormatError(
                    f"{source.name}: not valid JSON ({why}); export it again"
                ) from error
            bad.add(f"{source.name}:{number + 1}", f"not valid JSON from here on ({why})")


def first_item(source: Source, keys: Sequence[str] = ()) -> dict[str, Any] | None:
    """The first object of `json_items`, None where there is none: what a file's kind is told by."""
    if source.suffix not in (".json", ".jsonl", ".ndjson"):
        return None
    try:
        row = next(json_items(source, keys, BadRows()), None)
    except LogFormatError:
        return None
    return dict(row.values) if row is not None else None


def _is_lines(head: bytes) -> bool:
    """Whether the first line is an object by itself and another follows it."""
    first, _, rest = head.lstrip(_SPACE).partition(b"\n")
    if not first.startswith(b"{") or not rest.lstrip(_SPACE).startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _as_lines(name: str) -> str:
    return name if name.lower().endswith((".jsonl", ".ndjson")) else f"{name}.jsonl"


def _path_of(source: Source, keys: Sequence[str]) -> str:
    """The ijson path of the objects: of a list's items, of a key's items, or of all of it."""
    head = source.head()
    encoding_of(head, source.name)  # refuses what is no text
    if head.lstrip(_SPACE).startswith(b"["):
        return "item"
    with source.open() as file:
        try:
            for path, event, _value in ijson.parse(file):
                if event == "start_array" and path in keys:
                    return f"{path}.item"
                if path and "." not in path and event == "start_array" and keys:
                    continue
        except Exception:  # noqa: BLE001 - reading it will say what is wrong, with its place
            return ""
    return ""
