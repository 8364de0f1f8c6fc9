"""Texts with what is to be written for them: summaries, translations, any text-to-text."""

from collections.abc import Sequence
from pathlib import Path

from data.conversations import from_dict
from data.errors import LogFormatError
from data.rows import Row, read_rows
from data.schema import Example, Turn
from finetune.reading.cells import some, string, text_in


def read_summaries(
    path: Path, text_column: str = "text", turns_apart: bool = False
) -> list[Example]:
    """Rows of `text` or `turns`, and of `summary` or `summaries` (several references).

    Args:
        path: The file.
        text_column: The column of the text.
        turns_apart: Whether a turn is to be told from the lines of another; see `talk_text`.

    Raises:
        LogFormatError: If a row lacks either, or one of its texts is empty or no text.
    """
    return some(
        path,
        [
            Example(
                source_of(row, text_column, turns_apart), targets=_targets(row), where=row.where
            )
            for row in read_rows(path)
        ],
    )


def talk_text(turns: Sequence[Turn], apart: bool = False) -> str:
    """A conversation as one text: a line for each turn, the speaker before it.

    `apart` indents the further lines of a turn: what looks like a speaker there is none.
    """
    said = [(turn.speaker, turn.text) for turn in turns if turn.text.strip()]
    if apart:
        said = [(speaker, "\n  ".join(text.splitlines())) for speaker, text in said]
    return "\n".join(f"{speaker}: {text}" for speaker, text in said)


def source_of(row: Row, text_column: str = "text", turns_apart: bool = False) -> str:
    """The text of a row, or its turns as one text.

    Raises:
        LogFormatError: If it has neither, or it is empty.
    """
    if row.values.get("turns") is None:
        if text_column not in row.values:
            raise LogFormatError(f"{row.where}: no {text_column!r} and no 'turns'; add one of them")
        return text_in(row, text_column)
    try:
        conversation = from_dict({"id": row.where, **row.values})
    except ValueError as error:
        raise LogFormatError(f"{row.where}: {error}") from error
    text = string(talk_text(conversation.turns, turns_apart), row.where, "turns")
    if not text:
        raise LogFormatError(f"{row.where}: no turn has a text; fill or remove the row")
    return text


def _targets(row: Row) -> tuple[str, ...]:
    if row.values.get("summaries") is None:
        if "summary" not in row.values:
            raise LogFormatError(f"{row.where}: no 'summary' and no 'summaries'; add one of them")
        return (text_in(row, "summary"),)
    texts = row.values["summaries"]
    if not isinstance(texts, list) or not texts:
        raise LogFormatError(f"{row.where}: 'summaries' must be a list of texts")
    return tuple(text_in(Row(row.where, {"summaries": text}), "summaries") for text in texts)
