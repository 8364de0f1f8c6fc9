"""Customer turns out of whatever a company has: prepared folders, conversations, tables, lines."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.conversations import from_dict
from data.errors import LogFormatError
from data.pairs import merged
from data.rows import SUFFIXES, Row, read_rows, read_text, require_file
from data.split import SPLITS

FEWEST = 10  # different texts; fewer are quicker read than clustered
_MERE = frozenset(
    """
    a all am are bye cheers cool correct day done fine for good goodbye got great have hello
    help helpful hey hi i im in is it its just lovely many much nice no nope not of oh ok okay
    perfect please problem right so sure thank thanks that thats the then thx very well will
    wonderful worked yeah yep yes you your yup
    """.split()
)
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Text:
    """A customer's turn, and the `file:line` that it came from."""

    text: str
    where: str


def normalised(text: str) -> str:
    """The text in lower case with single spaces: texts that are equal so are one."""
    return " ".join(text.casefold().split())


def read_turns(path: Path, text_column: str = "text") -> list[Text]:
    """The customer turns of a prepared folder, a file of conversations, a table, or lines.

    Of a conversation these are the first customer turn and the later ones that are more than
    thanks or a yes; customer turns in a row are one. Empty texts are passed over.

    Raises:
        LogFormatError: If the path has none, or a row has neither the column nor turns.
    """
    require_file(path)
    files = [path]
    if path.is_dir():
        files = [file for file in (path / f"{name}.jsonl" for name in SPLITS) if file.exists()]
        if not files:
            raise LogFormatError(
                f"{path}: no train.jsonl, validation.jsonl or test.jsonl in this folder; name a "
                "file, or a folder that prepare has written"
            )
    # Of a small log a split may be empty, which is no mistake.
    files = [file for file in files if file.stat().st_size or not path.is_dir()]
    found = [text for file in files for text in _read(file, text_column) if text.text]
    if not found:
        raise LogFormatError(f"{path}: no customer text in it; check the file and its columns")
    return found


def check_turns(path: Path, turns: list[Text]) -> None:
    """Raise LogFormatError where too few texts differ to speak of topics."""
    different = len({normalised(turn.text) for turn in turns})
    if different == 1:
        raise LogFormatError(f"{path}: all {len(turns)} texts are the same; nothing to tell apart")
    if different < FEWEST:
        raise LogFormatError(
            f"{path}: {different} different texts, at least {FEWEST} are needed; add more turns"
        )


def mere(text: str) -> bool:
    """Whether a turn only thanks, greets or agrees, and so asks for nothing."""
    return all(word in _MERE for word in _WORDS.findall(text.casefold().replace("'", "")))


def cell_text(values: Mapping[str, Any], column: str, where: str) -> str:
    """A cell as a text without spaces around it; "" where it is missing, null or NaN.

    Raises:
        LogFormatError: If there is no such column, or it holds a list or an object.
    """
    if column not in values:
        raise LogFormatError(
            f"{where}: no column {column!r}; found: {', '.join(map(str, values))}. Rename the "
            "column that holds it"
        )
    value = values[column]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | dict):
        raise LogFormatError(
            f"{where}: {column!r} holds a {type(value).__name__}; a text is needed"
        )
    return str(value).strip()


def _read(path: Path, column: str) -> Iterator[Text]:
    if path.suffix.lower() not in SUFFIXES:
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            yield Text(line.strip(), f"{path}:{number}")
        return
    for row in read_rows(path):
        if row.values.get("turns") is not None:
            yield from _of_conversation(row)
        else:
            yield Text(cell_text(row.values, column, row.where), row.where)


def _of_conversation(row: Row) -> Iterator[Text]:
    try:
        conversation = from_dict({"id": row.where, **row.values})
    except ValueError as error:
        raise LogFormatError(f"{row.where}: {error}") from error
    said = [turn for turn in merged(conversation.turns) if turn.speaker == "customer"]
    for place, turn in enumerate(said):
        if place == 0 or not mere(turn.text):
            yield Text(turn.text.strip(), row.where)
