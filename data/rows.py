"""Rows of CSV, TSV, JSONL and Parquet files, each with the file and line it came from."""

import codecs
import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from data.errors import LogFormatError
from data.sources import Source, encoding_of, of_path, reading

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
SHOWN = 20  # bad rows that are kept in memory, to show
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 1000  # bytes; text in UTF-16 has a zero byte early in it, text in UTF-8 has none at all


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `where` is `file:line` (for Parquet `file:row`), `values` its columns."""

    where: str
    values: Mapping[str, Any]


@dataclass(slots=True)
class BadRows:
    """Rows that could not be read: counted, with place and reason, never with their text.

    Args:
        sink: Told `(where, why)` of each; without it all are kept, with it the first SHOWN.

    `mended` counts what was put right on the way, `left_out` what is no turn (internal notes,
    attachments), `dropped` whole conversations of no use, by kind; `heard` has those of the names
    of `--map agent` that speak.
    """

    sink: Callable[[str, str], None] | None = None
    rows: list[tuple[str, str]] = field(default_factory=list)
    mended: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    count: int = 0
    heard: set[str] = field(default_factory=set)

    def add(self, where: str, why: str) -> None:
        """Note one bad row; `where` is `file:line`."""
        self.count += 1
        if self.sink is not None:
            self.sink(where, why)
        if self.sink is None or len(self.rows) < SHOWN:
            self.rows.append((where, why))

    def drop(self, where: str, why: str) -> None:
        """Note what can be read and is of no use, such as a conversation without a word."""
        self.dropped[why] += 1
        if self.sink is not None:
            self.sink(where, why)

    @property
    def lines(self) -> list[str]:
        """`where: why` of each that is kept, to show."""
        return [f"{where}: {why}" for where, why in self.rows]

    def __len__(self) -> int:
        return self.count


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


def read_rows(file: Path | Source, bad: BadRows | None = None) -> Iterator[Row]:
    """Yield the rows of one file, which is read as a stream; `.gz` is unpacked on the way.

    Args:
        file: A `.csv`, `.tsv`, `.jsonl` or `.parquet` file.
        bad: Where rows that cannot be read are noted; without it the first one raises, and a text
            that is not UTF-8 is refused instead of read in the encoding that it seems to have.

    Raises:
        LogFormatError: If the file is missing, empty or of another kind, or at a bad row when
            `bad` is None.
    """
    source = of_path(file) if isinstance(file, Path) else file
    kind = source.suffix
    if kind in (".jsonl", ".ndjson"):
        yield from _jsonl(source, bad)
    elif kind in (".csv", ".tsv"):
        yield from _csv(source, bad)
    elif kind == ".parquet":
        yield from _parquet(source)
    else:
        raise LogFormatError(f"{source.name}: unknown kind of file; known: {', '.join(SUFFIXES)}")


def first_row(file: Path | Source) -> Row | None:
    """The first row that can be read, None where there is none: what a file's kind is told by."""
    return next(read_rows(file, BadRows()), None)


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


def _jsonl(source: Source, bad: BadRows | None) -> Iterator[Row]:
    if source.head(2) in _UTF_16:
        raise LogFormatError(f"{source.name}: UTF-16; JSON is UTF-8, save it so and try again")
    for number, line in source.lines(partial(_note, bad)):
        where = f"{source.name}:{number}"
        if not line.strip():
            continue
        try:
            values = json.loads(_decoded(line, bad))
        except (ValueError, RecursionError) as error:
            _note(bad, where, f"not valid JSON ({_reason(error)}); mend or remove the line")
            continue
        if not isinstance(values, dict):
            _note(bad, where, "a JSON object is needed on each line")
            continue
        yield Row(where, _whole(values) if b"\\ud" in line.lower() else values)


def _decoded(line: bytes, bad: BadRows | None) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        if bad is None:
            raise
        bad.mended["bytes of another encoding"] += 1
        return line.decode("utf-8-sig", "deskhand-mixed")


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


def _csv(source: Source, bad: BadRows | None) -> Iterator[Row]:
    lines = _text_lines(source, bad)
    first = next(lines, "")
    delimiter = "\t" if source.suffix == ".tsv" else _delimiter(first)
    reader = csv.reader(itertools.chain([first], lines), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise LogFormatError(f"{source.name}:1: the header is not valid CSV ({error})") from error
    if not any(header):
        raise LogFormatError(
            f"{source.name}:1: no header row; the first line must name the columns"
        )
    while True:
        start = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            _note(bad, f"{source.name}:{start}", f"not valid CSV ({error})")
            continue
        if not any(value.strip() for value in values):
            continue
        if len(values) != len(header):
            why = f"{len(values)} columns, the header has {len(header)}"
            _note(bad, f"{source.name}:{start}", why)
            continue
        yield Row(f"{source.name}:{start}", dict(zip(header, values, strict=True)))


def _text_lines(source: Source, bad: BadRows | None) -> Iterator[str]:
    """The lines with one kind of line end; each is mended by itself where it is not UTF-8."""
    encoding = encoding_of(source.head(), source.name)
    if encoding == "utf-16" or (bad is not None and encoding != "utf-8-sig"):
        try:
            with source.text(strict=bad is None) as text, reading(source, partial(_note, bad)):
                for line in text:
                    yield line.replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            raise LogFormatError(
                f"{source.name}: not UTF-16 to its end; save it as UTF-8"
            ) from error
        return
    for number, raw in source.lines(partial(_note, bad)):
        try:
            decoded = _decoded(raw, bad)
        except UnicodeDecodeError as error:
            raise LogFormatError(
                f"{source.name}:{number}: not UTF-8 (byte {error.start}); save it as UTF-8 and "
                "try again"
            ) from error
        plain = decoded.replace("\r\n", "\n")
        if "\r" in plain:  # files of old Macs have no line feeds: all of it is one line of bytes
            yield from io.StringIO(plain.replace("\r", "\n"))
        else:
            yield plain


def _delimiter(header: str) -> str:
    """The most frequent of comma, semicolon, tab and bar in the header line."""
    return max(",;\t|", key=header.count)


def _parquet(source: Source) -> Iterator[Row]:
    import pyarrow.parquet as parquet  # slow to import, and few files are Parquet

    with source.open() as file:
        # Its index stands at the end: one inside an archive or a gzip file is read whole.
        whole = file if file.seekable() and source.path is not None else io.BytesIO(file.read())
        try:
            table = parquet.ParquetFile(whole)
        except Exception as error:  # noqa: BLE001 - pyarrow raises several unrelated kinds
            raise LogFormatError(
                f"{source.name}: not a Parquet file ({type(error).__name__})"
            ) from error
        number = 0
        for batch in table.iter_batches(batch_size=1000):
            for values in batch.to_pylist():
                number += 1
                yield Row(f"{source.name}:{number}", values)
