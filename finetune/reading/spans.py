"""Entities in texts: JSON lines with character spans, or CoNLL columns."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from data.conversations import entities_of
from data.errors import LogFormatError
from data.rows import read_rows, read_text
from data.schema import Entity, Example
from finetune.reading.cells import some, text_in, traits_of

_TAG = re.compile(r"O|[BI]-.+")
_FEWEST = 10  # documents of a file: of fewer, a tenth cannot be held out


def read_entities(path: Path, text_column: str = "text", join_words: int = 0) -> list[Example]:
    """Texts with entity spans: JSONL, or CoNLL columns (IOB1 or IOB2) in any other file.

    Consecutive sentences of a CoNLL document become one text of up to `join_words` words: what
    stands around a name tells what it is. Texts of one document have its number as `group`, where
    the file has enough documents to hold some of them out whole.

    Raises:
        LogFormatError: If a row has no text, an offset is wrong, or a line has too few columns.
    """
    if path.suffix != ".jsonl":
        examples = list(_joined(_conll(path), join_words))
        if len({each.group for each in examples}) < _FEWEST:
            examples = [replace(each, group=None) for each in examples]
        return some(path, examples)
    examples = []
    for row in read_rows(path):
        text = text_in(row, text_column)
        if not isinstance(row.values.get("entities", []), list):
            raise LogFormatError(f"{row.where}: 'entities' must be a list")
        try:
            entities = entities_of(row.values, text)
        except OverflowError as error:  # JSON's Infinity is no offset
            raise LogFormatError(f"{row.where}: an entity needs type, start and end") from error
        except ValueError as error:
            raise LogFormatError(f"{row.where}: {error}") from error
        for left, right in pairwise(entities):
            if right.start < left.end:
                raise LogFormatError(
                    f"{row.where}: entities {left.type!r} and {right.type!r} overlap at "
                    f"{right.start}; keep one of them"
                )
        examples.append(Example(text, entities=entities, where=row.where, traits=traits_of(row)))
    return some(path, examples)


def _joined(sentences: Iterator[Example], words: int) -> Iterator[Example]:
    """Neighbouring sentences of one document (`group`) in one text, a space between them."""
    text: Example | None = None
    for each in sentences:
        fits = text is not None and len(text.text.split()) + len(each.text.split()) <= words
        if text is None or not fits or each.group != text.group:
            if text is not None:
                yield text
            text = each
            continue
        shift = len(text.text) + 1
        moved = tuple(
            replace(entity, start=entity.start + shift, end=entity.end + shift)
            for entity in each.entities
        )
        text = replace(text, text=f"{text.text} {each.text}", entities=(*text.entities, *moved))
    if text is not None:
        yield text


def _conll(path: Path) -> Iterator[Example]:
    words: list[tuple[str, str]] = []
    start, width, document = 1, 0, 0
    for number, line in enumerate([*read_text(path).split("\n"), ""], start=1):
        columns = _columns(line)
        if columns and columns[0] != "-DOCSTART-":
            width = width or len(columns)
            _check_line(columns, width, f"{path}:{number}")
            words.append((columns[0], columns[-1]))
        elif words:
            yield _sentence(words, f"{path}:{start}", str(document))
            words = []
        document += bool(columns) and columns[0] == "-DOCSTART-"
        if not words:
            start = number + 1


def _columns(line: str) -> list[str]:
    """A line's columns: between tabs where it has any (a word may then hold spaces)."""
    if not line.strip():
        return []
    return [part.strip() for part in line.split("\t")] if "\t" in line.strip() else line.split()


def _check_line(columns: list[str], width: int, where: str) -> None:
    """Raise LogFormatError where a line is not like the file's first: its tag may be missing."""
    if len(columns) < 2:
        raise LogFormatError(f"{where}: a word and its tag are needed")
    if len(columns) != width:
        raise LogFormatError(
            f"{where}: {len(columns)} columns, the first line has {width}; a column is missing or "
            "a word holds a space"
        )
    if not columns[0]:
        raise LogFormatError(f"{where}: a word and its tag are needed")
    if not _TAG.fullmatch(columns[-1]):
        raise LogFormatError(f"{where}: the tag must be O, B-… or I-…")


def _sentence(words: list[tuple[str, str]], where: str, document: str) -> Example:
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
        group=document,
        where=where,
    )
