"""Thumbs and corrected answers, as `deskhand feedback` writes them, for preference tuning."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from data.clean import merge_turns
from data.conversations import from_dict
from data.errors import LogFormatError
from data.pairs import context_of
from data.rows import Row, first_row, read_rows
from data.schema import Example, Passage, Situation, Turn
from finetune.reading.dialogues import read_dialogues

Objective = Literal["answers", "kto", "dpo"]
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "kto": ("prompt", "completion", "label"),
    "dpo": ("prompt", "chosen", "rejected"),
}


@dataclass(frozen=True, slots=True)
class Preference(Example):
    """An answer that was liked or not, or one that is better than another one.

    `answer` is what had the thumb, or the reviewer's text; `liked` is False for a thumb down.
    `rejected` is what was said instead of `answer`, None where there was a thumb alone.
    """

    liked: bool = True
    rejected: Turn | None = None


def read_preferences(path: Path, objective: Objective) -> list[Example]:
    """The Preferences of a file of `deskhand feedback`; of a conversations file, its Examples.

    Answers that do not follow a customer's turn are left out.

    Raises:
        LogFormatError: If a row cannot be read or lacks a column of the objective.
    """
    first = first_row(path)
    if first is not None and "turns" in first.values:
        return read_dialogues(path)
    found = (_preference(row, objective) for row in read_rows(path))
    return [each for each in found if each is not None]


def _preference(row: Row, objective: Objective) -> Preference | None:
    wanted = COLUMNS[objective]
    if missing := [name for name in wanted if name not in row.values]:
        raise LogFormatError(
            f"{row.where}: no {missing[0]!r}; {objective} needs {', '.join(wanted)}, as the files "
            f"in {objective}/ of deskhand feedback have them"
        )
    said = _turns(row, wanted[1])
    prompt = _turns(row, "prompt")
    if len(said) != 1:
        raise LogFormatError(f"{row.where}: {wanted[1]!r} must be a list of one turn")
    rejected = None
    if objective == "dpo":
        other = _turns(row, "rejected")
        if len(other) != 1:
            raise LogFormatError(f"{row.where}: 'rejected' must be a list of one turn")
        rejected = other[0]
    elif not isinstance(row.values["label"], bool):
        raise LogFormatError(f"{row.where}: 'label' must be true or false")
    turns, _ = merge_turns([turn for turn in prompt if turn.mark is None])
    if not turns or turns[-1].speaker != "customer":
        return None
    liked = objective == "dpo" or bool(row.values["label"])
    return Preference(
        text=context_of(turns),
        label=None if objective == "dpo" else ("liked" if liked else "disliked"),
        answer=said[0].text,
        entities=said[0].entities,
        where=str(row.values.get("id") or row.where),
        situation=Situation(tuple(turns), _passages(row), said[0].facts),
        liked=liked,
        rejected=rejected,
    )


def _turns(row: Row, column: str) -> tuple[Turn, ...]:
    """The turns of a column, read as those of a conversations file."""
    values = row.values[column]
    if values == []:
        return ()
    try:
        return from_dict({"id": "row", "turns": values}).turns
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LogFormatError(
            f"{row.where}: {column!r} is no list of turns, as a conversations file has them"
        ) from error


def _passages(row: Row) -> tuple[Passage, ...]:
    values: Any = row.values.get("passages") or []
    try:
        return tuple(
            Passage(str(each["id"]), str(each["text"]), str(each.get("title") or ""))
            for each in values
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise LogFormatError(
            f"{row.where}: 'passages' must be a list of objects with id and text"
        ) from error
