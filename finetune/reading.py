"""Labelled files into Examples: tables of labels, entity spans, CoNLL columns, conversations."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from data.conversations import entities_of, read_conversations
from data.errors import LogFormatError
from data.pairs import reply_examples
from data.rows import SUFFIXES, BadRows, read_rows, read_text, require_file
from data.schema import Entity, Example
from data.split import hash_fraction

Reader = Callable[[Path], list[Example]]
_TAG = re.compile(r"O|[BI]-.+")


@dataclass(frozen=True, slots=True)
class Splits:
    """Examples by split; `test` may be empty."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]


def read_splits(data: Path, evaluation: Path | None, read: Reader, share: float = 0.1) -> Splits:
    """The splits of a folder (`train`, `validation`, `test`) or of one file.

    Where there is no validation file, a `share` of the training rows is carved out: by hash, and
    the same share of each label. Conversations keep their rows together. `evaluation` is a test
    file, or a folder that holds one.

    Raises:
        LogFormatError: If a file is missing or no row is left for a split.
    """
    require_file(data)
    train = read(_named(data, "train") if data.is_dir() else data)
    validation_file = _find(data, "validation") if data.is_dir() else None
    if validation_file is not None:
        validation = read(validation_file)
    else:
        train, validation = _carve(train, share)
    if evaluation is not None and evaluation.is_dir():
        evaluation = _named(evaluation, "test")
    test_file = evaluation or (_find(data, "test") if data.is_dir() else None)
    test = read(test_file) if test_file is not None else []
    for name, rows in (("training", train), ("validation", validation)):
        if not rows:
            raise LogFormatError(f"{data}: no {name} rows; more labelled rows are needed")
    return Splits(train, validation, test)


def read_labelled(
    path: Path, text_column: str = "text", label_column: str = "label"
) -> list[Example]:
    """Rows of a classification table.

    Raises:
        LogFormatError: If a column is missing, a text or label is empty, or a row cannot be read.
    """
    examples = []
    for row in read_rows(path):
        for column in (text_column, label_column):
            if column not in row.values:
                raise LogFormatError(
                    f"{row.where}: no column {column!r}; found: {', '.join(map(str, row.values))}. "
                    "Name it with --text-column or --label-column"
                )
        text, label = _string(row.values[text_column]), _string(row.values[label_column]).strip()
        if not text.strip() or not label:
            empty = label_column if text.strip() else text_column
            raise LogFormatError(
                f"{row.where}: no value in column {empty!r}; fill or remove the row"
            )
        examples.append(Example(text, label=label, where=row.where))
    return _some(path, examples)


def read_entities(path: Path, text_column: str = "text") -> list[Example]:
    """Texts with entity spans: JSONL, or CoNLL columns (IOB1 or IOB2) in any other file.

    Raises:
        LogFormatError: If a row has no text, an offset is wrong, or a line has too few columns.
    """
    if path.suffix != ".jsonl":
        return _some(path, list(_conll(path)))
    examples = []
    for row in read_rows(path):
        text = row.values.get(text_column)
        if not isinstance(text, str) or not text.strip():
            raise LogFormatError(f"{row.where}: no text in {text_column!r}; fill or remove the row")
        if not isinstance(row.values.get("entities", []), list):
            raise LogFormatError(f"{row.where}: 'entities' must be a list")
        try:
            entities = entities_of(row.values, text)
        except ValueError as error:
            raise LogFormatError(f"{row.where}: {error}") from error
        for left, right in pairwise(entities):
            if right.start < left.end:
                raise LogFormatError(
                    f"{row.where}: entities {left.type!r} and {right.type!r} overlap at "
                    f"{right.start}; keep one of them"
                )
        examples.append(Example(text, entities=entities, where=row.where))
    return _some(path, examples)


def read_replies(path: Path) -> list[Example]:
    """(conversation so far, answer) pairs of a conversations file.

    Raises:
        LogFormatError: If a row cannot be read or no agent answers a customer in the file.
    """
    bad = BadRows()
    examples = [
        example
        for conversation in read_conversations(path, bad)
        for example in reply_examples(conversation)
    ]
    if bad.lines:
        raise LogFormatError(bad.lines[0])
    return _some(path, examples)


def conversation_of(example: Example) -> str:
    """The id of the conversation that a reply example comes from."""
    return example.where.rsplit(":", 1)[0]


def _string(value: Any) -> str:  # noqa: ANN401 - whatever a file holds
    return "" if value is None else str(value)


def _some(path: Path, examples: list[Example]) -> list[Example]:
    if not examples:
        raise LogFormatError(f"{path}: no rows to learn from; check the file")
    return examples


def _find(folder: Path, name: str) -> Path | None:
    found = [folder / f"{name}{suffix}" for suffix in (*SUFFIXES, ".txt", ".conll")]
    # An empty split file is what prepare writes for a tiny log: the same as none.
    return next((path for path in found if path.exists() and path.stat().st_size), None)


def _named(folder: Path, name: str) -> Path:
    path = _find(folder, name)
    if path is None:
        raise LogFormatError(
            f"{folder}: no {name} file ({name}.jsonl, .csv, …); run deskhand prepare"
        )
    return path


def _carve(examples: list[Example], share: float) -> tuple[list[Example], list[Example]]:
    """Validation rows by hash, the same share of each label; each label keeps training rows.

    Rows of one conversation stay on one side, and so do rows of one text.
    """
    units: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        unit = example.text if example.answer is None else conversation_of(example)
        units[unit].append(example)
    rows = Counter(example.label for example in examples)
    taken: Counter[str | None] = Counter()
    chosen: set[int] = set()
    # Where the share of every label rounds to nothing, one unit is taken all the same.
    for least in (0, 1):
        for unit in sorted(units, key=lambda unit: hash_fraction(unit, "validation")):
            labels = Counter(example.label for example in units[unit])
            if all(
                taken[label] < max(round(rows[label] * share), least)
                and taken[label] + count < rows[label]
                for label, count in labels.items()
            ):
                taken += labels
                chosen |= {id(example) for example in units[unit]}
                if least:
                    break
        if chosen:
            break
    return (
        [row for row in examples if id(row) not in chosen],
        [row for row in examples if id(row) in chosen],
    )


def _conll(path: Path) -> Iterator[Example]:
    words: list[tuple[str, str]] = []
    start = 1
    for number, line in enumerate([*read_text(path).split("\n"), ""], start=1):
        columns = line.split()
        if columns and columns[0] != "-DOCSTART-":
            if len(columns) < 2:
                raise LogFormatError(f"{path}:{number}: a word and its tag are needed")
            if not _TAG.fullmatch(columns[-1]):
                raise LogFormatError(f"{path}:{number}: the tag must be O, B-… or I-…")
            words.append((columns[0], columns[-1]))
        elif words:
            yield _sentence(words, f"{path}:{start}")
            words = []
        if not words:
            start = number + 1


def _sentence(words: list[tuple[str, str]], where: str) -> Example:
    """Words joined by spaces; IOB1 and IOB2 differ only in when B- is written."""
    spans: list[tuple[str, int, int]] = []
    place, before = 0, "O"
    for word, tag in words:
        end = place + len(word)
        if tag != "O":
            kind = tag[2:]
            if tag.startswith("I-") and before[2:] == kind:
                spans[-1] = (kind, spans[-1][1], end)
            else:
                spans.append((kind, place, end))
        before, place = tag, end + 1
    text = " ".join(word for word, _ in words)
    return Example(
        text,
        entities=tuple(Entity(kind, text[start:end], start, end) for kind, start, end in spans),
        where=where,
    )
