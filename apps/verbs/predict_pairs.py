"""Predictions on more than a text: two entities of one, a question with a passage."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.errors import ConfigError, LogFormatError
from data.rows import Row, read_rows
from finetune.qa.model import QaModel
from finetune.reading.cells import string, text_in
from finetune.reading.relations import pair_in
from finetune.relation.model import RelationModel


def predict_relations(
    run: Path, texts: Sequence[str], rows: Path | None, threads: int
) -> Iterator[dict[str, Any]]:
    """How head and tail of each row are related: `label`, `confidence` and `top` beside them.

    Raises:
        ConfigError: If texts are given in place of rows.
        LogFormatError: If a row is not one of text, head and tail.
    """
    if texts or rows is None:
        raise ConfigError(
            f"{run}: a relation run needs to know which two entities; give --input with rows of "
            "text, head and tail"
        )
    read = list(read_rows(rows))
    wanted = [text_in(row, "text") for row in read]
    pairs = [pair_in(row, text) for row, text in zip(read, wanted, strict=True)]
    found = RelationModel(run, threads).predict(wanted, pairs)
    for row, text, each in zip(_some(rows, read), wanted, found, strict=True):
        yield {
            "text": text,
            "head": row.values["head"],
            "tail": row.values["tail"],
            "label": each.label,
            "confidence": round(each.confidence, 4),
            "top": [[name, round(sure, 4)] for name, sure in each.top],
        }


def predict_answers(
    run: Path, texts: Sequence[str], rows: Path | None, threads: int
) -> Iterator[dict[str, Any]]:
    """What each passage says to its question: `answer`, `start` and `end`, null where nothing.

    Raises:
        ConfigError: If the texts are not a question and a passage.
        LogFormatError: If a row has no question or no passage.
    """
    if rows is not None and not texts:
        asked = [_asked(row) for row in _some(rows, list(read_rows(rows)))]
    elif len(texts) == 2:
        asked = [(texts[0], texts[1])]
    else:
        raise ConfigError(
            f"{run}: a qa run reads passages; give a question and a passage, or --input with rows "
            "of both"
        )
    for (question, _), each in zip(asked, QaModel(run, threads).answers(asked), strict=True):
        yield {
            "question": question,
            "answer": each.text,
            "start": each.start,
            "end": each.end,
            "confidence": round(each.confidence, 4),
        }


def _asked(row: Row) -> tuple[str, str]:
    column = "passage" if "passage" in row.values else "context"
    if column not in row.values:
        raise LogFormatError(
            f"{row.where}: no column 'passage'; found: {', '.join(map(str, row.values))}"
        )
    return text_in(row, "question"), string(row.values[column], row.where, column)


def _some(path: Path, rows: list[Row]) -> list[Row]:
    if not rows:
        raise LogFormatError(f"{path}: no row in it")
    return rows
