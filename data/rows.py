"""Rows of CSV, TSV, JSONL and Parquet files, each with the file and line it came from."""

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import LogFormatError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 1000  # bytes; text in UTF-16 has a zero byte early in it, text in UTF-8 has none at all


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `where` is `file:line` (for Parquet `file:row`), `values` its columns."""

    where: str
    values: Mapping[str, Any]


@dataclass(slots=True)
class BadRows:
    """Rows that could not be read: counted, with place and reason, never with their text."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, where: str, why: str) -> None:
        """Note one bad row; `where` is `file:line`."""
        self.rows.append((where, why))

    @property
    def lines(self) -> list[str]:
        """`where: why` of each, to show."""
        return [f"{where}: {why}" for where, why in self.rows]

    def __len__(self) -> int:
        return len(self.rows)


def require_file(path: Path) -> Path:
    """Return `path`, or raise LogFormatError where it is missing or empty."""
    if not path.exists():
        raise LogFormatError(f"{path}: no such file; check the path")
    if path.is_file() and path.stat().st_size == 0:
        raise LogFormatError(f"{path}: the file is empty; export it again")
    return path


def read_text(path: Path) -> str:
    """The whole file as UTF-8, or UTF-16 where it is marked so, without a byte order mark.

    Raises:
        LogFormatError: If it is missing, empty, or neither.
    """
    content = require_file(path).read_bytes()
    utf_16 = content.startswith(_UTF_16)  # what spreadsheets call "Unicode text"
    if not utf_16 and b"\0" in content[:_HEAD]:
        raise LogFormatError(f"{path}: not text, or UTF-16 without its mark; save it as UTF-8")
    try:
        text = content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LogFormatError(
            f"{path}:{line}: not UTF-8 (byte {error.start}); save it as UTF-8 and try again"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_rows(path: Path, bad: BadRows | None = None) -> Iterator[Row]:
    """Yield the rows of one file.

    Args:
        path: A `.csv`, `.tsv`, `.jsonl` or `.parquet` file.
        bad: Where rows that cannot be read are noted; without it the first one raises.

    Raises:
        LogFormatError: If the file is missing, empty or of another kind, or at a bad row when
            `bad` is None.
    """
    require_file(path)
    kind = path.suffix.lower()
    if kind == ".jsonl":
        yield from _jsonl(path, bad)
    elif kind in (".csv", ".tsv"):
        yield from _csv(path, bad)
    elif kind == ".parquet":
        yield from _parquet(path)
    else:
        raise LogFormatError(f"{path}: unknown kind of file; known: {', '.join(SUFFIXES)}")


def first_row(path: Path) -> Row | None:
    """The first row that can be read, None where there is none: what a file's kind is told by."""
    return next(read_rows(path, BadRows()), None)


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line (UTF-8) and return how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _note(bad: BadRows | None, where: str, why: str) -> None:
    if bad is None:
        raise LogFormatError(f"{where}: {why}")
    bad.add(where, why)


def _jsonl(path: Path, bad: BadRows | None) -> Iterator[Row]:
    with path.open("rb") as file:
        if file.read(2) in _UTF_16:
            raise LogFormatError(f"{path}: UTF-16; JSON is UTF-8, save it so and try again")
        file.seek(0)
        for number, line in enumerate(file, start=1):
            where = f"{path}:{number}"
            if not line.strip():
                continue
            try:
                values = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError) as error:
                _note(bad, where, f"not valid JSON ({_reason(error)}); mend or remove the line")
                continue
            if not isinstance(values, dict):
                _note(bad, where, "a JSON object is needed on each line")
                continue
            yield Row(where, _whole(values) if b"\\ud" in line.lower() else values)


def _whole(values: dict[str, Any]) -> dict[str, Any]:
    """The values with U+FFFD for halves of emoji: exports cut texts there, UTF-8 has no such."""
    raw = json.dumps(values, ensure_ascii=False).encode("utf-16", "surrogatepass")
    whole: dict[str, Any] = json.loads(raw.decode("utf-16", "replace"))
    return whole


def _reason(error: ValueError | RecursionError) -> str:
    """What is wrong, without quoting the customer's text."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    return "a number too long or lists too deep"


def _csv(path: Path, bad: BadRows | None) -> Iterator[Row]:
    text = read_text(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [name.strip() for name in next(reader, [])]
    if not any(header):
        raise LogFormatError(f"{path}:1: no header row; the first line must name the columns")
    while True:
        start = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            _note(bad, f"{path}:{start}", f"not valid CSV ({error})")
            continue
        if not any(value.strip() for value in values):
            continue
        if len(values) != len(header):
            _note(bad, f"{path}:{start}", f"{len(values)} columns, the header has {len(header)}")
            continue
        yield Row(f"{path}:{start}", dict(zip(header, values, strict=True)))


def _delimiter(text: str) -> str:
    """The most frequent of comma, semicolon, tab and bar in the header line."""
    header = text.split("\n", 1)[0]
    return max(",;\t|", key=header.count)


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow.parquet as parquet  # slow to import, and few files are Parquet

    try:
        table = parquet.ParquetFile(path)
    except Exception as error:  # noqa: BLE001 - pyarrow raises several unrelated kinds
        raise LogFormatError(f"{path}: not a Parquet file ({type(error).__name__})") from error
    number = 0
    for batch in table.iter_batches(batch_size=1000):
        for values in batch.to_pylist():
            number += 1
            yield Row(f"{path}:{number}", values)
