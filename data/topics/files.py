"""topics.csv and turns.csv: what a person reads and edits, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import LogFormatError
from data.outputs import replacing
from data.rows import read_rows
from data.topics.texts import cell_text

TOPICS, TURNS = "topics.csv", "turns.csv"
TOPIC_COLUMNS = ("topic", "name", "size", "questions", "words", "known", "state")
TURN_COLUMNS = ("text", "topic", "fit", "where")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
DROPPED = ("", "-")  # names of topics that are left out


@dataclass(frozen=True, slots=True)
class NamedTopic:
    """A row of topics.csv; `size` is 0 where a person has taken the column out."""

    id: str
    name: str
    size: int
    where: str


def neutral(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula: one that begins like it gets a `'` before.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = str(cell)
    return "'" + text if text.lstrip("'").startswith(_FORMULA) else text


def plain(cell: str) -> str:
    """The cell as it was before `neutral`."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV file with a header; every cell is neutral, and the file is whole or not there.

    Raises:
        ConfigError: If it cannot be written.
    """
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([neutral(row[column]) for column in columns] for row in rows)


def read_topics(folder: Path) -> dict[str, NamedTopic]:
    """The topics of a folder by their ids, in the order of the file.

    Raises:
        LogFormatError: If the file or a column is missing, or an id is empty or occurs twice.
    """
    topics: dict[str, NamedTopic] = {}
    for row in read_rows(_file(folder, TOPICS)):
        topic, name = (_cell(row.values, column, row.where) for column in ("topic", "name"))
        if not topic:
            raise LogFormatError(f"{row.where}: no value in 'topic'; put its id back")
        if topic in topics:
            raise LogFormatError(
                f"{row.where}: topic {topic!r} stands twice, first at {topics[topic].where}; to "
                "merge two topics give them one name and keep both rows"
            )
        size = str(row.values.get("size") or "0").strip()
        topics[topic] = NamedTopic(
            topic, " ".join(name.split()), int(size) if size.isdecimal() else 0, row.where
        )
    if not topics:
        raise LogFormatError(f"{folder / TOPICS}: no topic in it; run discover again")
    return topics


def read_placed(folder: Path, topics: Mapping[str, NamedTopic]) -> list[tuple[str, str]]:
    """The turns of a folder with the ids of their topics.

    Raises:
        LogFormatError: If the file or a column is missing, or a topic is not among `topics`.
    """
    placed = []
    for row in read_rows(_file(folder, TURNS)):
        text, topic = (_cell(row.values, column, row.where) for column in ("text", "topic"))
        if topic not in topics:
            raise LogFormatError(
                f"{row.where}: topic {topic!r} is not in {folder / TOPICS}; put its row back, with "
                "the name - to leave its turns out"
            )
        placed.append((text, topic))
    if not placed:
        raise LogFormatError(f"{folder / TURNS}: no turn in it; run discover again")
    return placed


def training_rows(folder: Path) -> list[dict[str, str]]:
    """Rows of `text` and `label` from a folder whose names a person has edited.

    Topics of one name are one label; those without a name, or named `-`, are left out. A text that
    occurs twice gives one row.

    Raises:
        LogFormatError: If a file does not fit, or every topic is left out.
    """
    topics = read_topics(folder)
    rows: dict[str, dict[str, str]] = {}
    for text, topic in read_placed(folder, topics):
        name = topics[topic].name
        if text and name not in DROPPED:
            rows.setdefault(text, {"text": text, "label": name})
    if not rows:
        raise LogFormatError(f"{folder / TOPICS}: every topic is left out; give one a name")
    return list(rows.values())


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise LogFormatError(
            f"{folder / name}: no such file; a folder that discover has written is needed"
        )
    return folder / name


def _cell(values: Mapping[str, Any], column: str, where: str) -> str:
    return plain(cell_text(values, column, where)).strip()
