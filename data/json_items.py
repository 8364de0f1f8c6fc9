"""The objects of a JSON export as a stream: JSON lines, one array, or an object that holds one."""

import codecs
import json
from collections.abc import Iterator, Sequence
from typing import Any

import ijson

from data.errors import LogFormatError
from data.rows import BadRows, Row, read_rows
from data.sources import MAX_LINE, Source, reading

SUFFIXES = (".json", ".jsonl", ".ndjson")
MAX_DEPTH = 200  # lists in lists; ijson's memory grows with the square of it
_LINES = (".jsonl", ".ndjson")
_LOOKED_AT = 1 << 18  # characters that tell what a file holds
_SPACE = b" \t\r\n\xef\xbb\xbf"
_STRUCTURE = b'"[]{}'
_ALL_ELSE = bytes(set(range(256)) - set(_STRUCTURE))


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
    if source.suffix in _LINES or _is_lines(source):
        yield from read_rows(Source(_as_lines(source.name), source.open, source.path), bad)
        return
    path = _path_of(source, keys)
    number = 0
    with _Bytes(source) as file, reading(source, bad.add):
        try:
            for values in ijson.items(file, path, use_float=True):
                number += 1
                where = f"{source.name}:{number}"
                if isinstance(values, dict):
                    yield Row(where, values)
                else:
                    bad.add(where, "a JSON object is needed for each case")
        except (ijson.JSONError, ValueError) as error:
            why = str(error).strip().split("\n")[0]
            # ijson quotes the text around an error: only its first words are safe to show.
            why = why.split(":", 1)[0][:60]
            if not number:
                raise LogFormatError(
                    f"{source.name}: not valid JSON ({why}); export it again"
                ) from error
            bad.add(f"{source.name}:{number + 1}", f"not valid JSON from here on ({why})")


def items_beside(source: Source, key: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of another list of the same document, such as `users`; none without it."""
    if source.suffix in _LINES or not source.head(100).lstrip(_SPACE).startswith(b"{"):
        return
    with _Bytes(source) as file, reading(source, lambda where, why: None):
        try:
            for value in ijson.items(file, f"{key}.item", use_float=True):
                if isinstance(value, dict):
                    yield value
        except (ijson.JSONError, ValueError):
            pass  # reading the document's own list will say what is wrong


def first_item(source: Source, keys: Sequence[str] = ()) -> dict[str, Any] | None:
    """The first object of `json_items`, None where there is none: what a file's kind is told by.

    Of a large one only what stands near the file's beginning.
    """
    if source.holds_members or source.suffix not in SUFFIXES:
        return None
    try:
        if source.suffix in _LINES or _is_lines(source):
            lines = (_loaded(line) for line in source.head(_LOOKED_AT).splitlines())
            first = next((values for values in lines if values), None)
            value = first if first is not None else _beginning(source)
            return value if isinstance(value, dict) else None
        value = _beginning(source)
    except LogFormatError:
        return None
    for key in keys:
        inner = value
        for part in key.split("."):
            inner = inner.get(part) if isinstance(inner, dict) else None
        if isinstance(inner, list):
            return _an_object(inner)
    return _an_object(value)


def _an_object(value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON's
    """The value, or the first in it, that is an object."""
    if isinstance(value, list):
        return next((one for one in value if isinstance(one, dict)), None)
    return value if isinstance(value, dict) else None


def _beginning(source: Source) -> Any:  # noqa: ANN401 - JSON's
    """The document as far as its beginning tells: lists and objects may lack their ends."""
    builder = ijson.ObjectBuilder()
    read = 0
    with _Bytes(source) as file, reading(source, lambda where, why: None):
        try:
            # Small pieces: nothing is told of one with an error in it.
            for event, value in ijson.basic_parse(file, use_float=True, buf_size=1 << 12):
                builder.event(event, value)
                read += 1
                if file.count > _LOOKED_AT:
                    break
        except (ijson.JSONError, ValueError):
            pass  # reading it will say what is wrong, with its place
    return builder.value if read else None


def _loaded(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _is_lines(source: Source) -> bool:
    """Whether the first line is an object by itself and another follows it."""
    if not source.head(100).lstrip(_SPACE).startswith(b"{"):
        return False
    with source.open() as file, reading(source, lambda where, why: None):
        first = file.readline(MAX_LINE)
        while first and not first.strip():
            first = file.readline(MAX_LINE)
        if not first.endswith(b"\n") or _loaded(first) is None:
            return False
        return file.read(1000).lstrip().startswith(b"{")
    return False


def _as_lines(name: str) -> str:
    return name if name.lower().endswith(_LINES) else f"{name}.jsonl"


def _path_of(source: Source, keys: Sequence[str]) -> str:
    """The ijson path of the objects: of a list's items, of a key's items, or of all of it."""
    with _Bytes(source) as file, reading(source, lambda where, why: None):
        try:
            for path, event, _value in ijson.parse(file, use_float=True):
                if event == "start_array" and (not path or path in keys):
                    return f"{path}.item".removeprefix(".")
        except (ijson.JSONError, ValueError):
            pass  # reading it will say what is wrong, with its place
    return ""


class _Bytes:
    """A source as UTF-8 for ijson, whatever its encoding; refuses what is nested too deep."""

    def __init__(self, source: Source) -> None:
        self.text = source.text()
        decoder = codecs.getincrementaldecoder(self.text.encoding)
        self.decoder = decoder(self.text.errors or "strict")
        self.count = self.depth = 0
        self.quoted = False
        self.rest = b""

    def __enter__(self) -> "_Bytes":
        return self

    def __exit__(self, *error: object) -> None:
        self.text.close()

    def read(self, size: int = -1) -> bytes:
        """About `size` bytes; fewer, rather than none, before the place where a file is cut off."""
        read = getattr(self.text.buffer, "read1", self.text.buffer.read)
        piece = b""
        while not piece and (raw := read(size)):
            piece = self.decoder.decode(raw).encode("utf-8", "replace")
        self.count += len(piece)
        self._nested(piece)
        return piece

    def _nested(self, piece: bytes) -> None:
        """Raise ValueError where lists and objects are open in more than MAX_DEPTH others."""
        piece = self.rest + piece
        tail = len(piece) - len(piece.rstrip(b"\\"))
        piece, self.rest = (piece[:-1], b"\\") if tail % 2 else (piece, b"")
        plain = piece.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _ALL_ELSE)
        parts = plain.split(b'"')
        marks = b"".join(parts[self.quoted :: 2])
        self.quoted ^= len(parts) % 2 == 0
        opens = marks.count(b"[") + marks.count(b"{")
        if self.depth + opens > MAX_DEPTH:
            depth = self.depth
            for mark in marks:
                depth += 1 if mark in b"[{" else -1
                if depth > MAX_DEPTH:
                    raise ValueError("lists too deep")
        self.depth += 2 * opens - len(marks)
