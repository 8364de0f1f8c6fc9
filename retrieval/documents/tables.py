"""FAQ tables: a row is an entry, with columns `question` and `answer`, and `id` and METADATA."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from data.errors import LogFormatError
from data.rows import BadRows, read_rows
from retrieval.documents.blocks import Block, Document
from retrieval.documents.metadata import checked


def read(path: Path, bad: BadRows | None) -> Document:
    """The entries of a CSV, TSV, JSONL or Parquet file.

    Raises:
        LogFormatError: If a column is missing, or at a row without question or answer, or with a
            wrong date, when `bad` is None.
    """
    return Document(_blocks(path, bad), kind="faq")


def _blocks(path: Path, bad: BadRows | None) -> Iterator[Block]:
    is_first = True
    for row in read_rows(path, bad):
        values = {str(key).strip().lower(): value for key, value in row.values.items()}
        if is_first and not {"question", "answer"} <= values.keys():
            raise LogFormatError(
                f"{row.where}: columns question and answer are needed; found: {', '.join(values)}"
            )
        is_first = False
        question, answer = (str(values.get(name) or "").strip() for name in ("question", "answer"))
        try:
            if not question or not answer:
                raise LogFormatError(f"{row.where}: no question or no answer")
            metadata = checked({key: _day(value) for key, value in values.items()}, row.where)
        except LogFormatError as error:
            if bad is None:
                raise
            bad.add(row.where, str(error).removeprefix(f"{row.where}: "))
            continue
        line = int(row.where.rsplit(":", 1)[1])
        yield Block("heading", " ".join(question.split()), line, level=1)
        if values.get("id") not in (None, ""):
            yield Block("id", str(values["id"]), line)
        yield Block("lines", answer, line, values=metadata)


def _day(value: object) -> object:
    """A time at midnight as spreadsheets write days: the day."""
    if isinstance(value, str) and value.endswith((" 00:00:00", "T00:00:00")):
        return value[: -len(" 00:00:00")]
    return value.date() if isinstance(value, datetime) else value
