"""Tables of texts and labels."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data.errors import LogFormatError
from data.rows import Row, read_rows
from data.schema import OOS, Example
from finetune.reading.cells import some, string, traits_of

logger = logging.getLogger(__name__)
SEAM = "|"  # between the labels of a row
MANY_LABELS = 500  # with one row each, a column of so many is of ids or of texts


def read_labelled(
    path: Path,
    text_column: str = "text",
    label_column: str = "label",
    several: bool | None = False,
) -> list[Example]:
    """Rows of a classification table; columns of TRAITS are kept beside text and labels.

    Args:
        path: The table.
        text_column: Its texts.
        label_column: Its labels.
        several: Whether `|` stands between the labels of a row, which may then have none; None:
            where any row of the file has a `|`.

    Raises:
        LogFormatError: If a column is missing, a text or label is empty, or a row cannot be read.
    """
    examples = []
    rows = list(read_rows(path))
    between = several or (
        several is None and any(SEAM in str(row.values.get(label_column)) for row in rows)
    )
    for row in rows:
        for column in (text_column, label_column):
            if column not in row.values:
                raise LogFormatError(
                    f"{row.where}: no column {column!r}; found: {', '.join(map(str, row.values))}. "
                    "Name it with --text-column or --label-column"
                )
        text = string(row.values[text_column], row.where, text_column)
        label = _label(row, label_column)
        labels = tuple(dict.fromkeys(each.strip() for each in label.split(SEAM)))
        labels = tuple(each for each in labels if each and each != OOS)
        if between:
            label = SEAM.join(labels) or OOS
        if not text.strip() or not label:
            empty = label_column if text.strip() else text_column
            raise LogFormatError(
                f"{row.where}: no value in column {empty!r}; fill or remove the row"
            )
        if several is False:
            labels = ()
        examples.append(
            Example(text, label=label, where=row.where, labels=labels, traits=traits_of(row))
        )
    return some(path, examples)


def check_counts(train: Sequence[Example]) -> None:
    """Warn where many labels have one training row; refuse what is no column of labels.

    Raises:
        LogFormatError: If most of more than MANY_LABELS labels have one row each.
    """
    rows = Counter(name for example in train for name in names_of(example) if name is not None)
    single = [label for label, count in rows.items() if count == 1]
    if 2 * len(single) <= len(rows) or not single:
        return
    if len(rows) > MANY_LABELS:
        raise LogFormatError(
            f"{train[0].where.rsplit(':', 1)[0]}: {len(single):,} of {len(rows):,} labels have one "
            "training row; name the column of labels with --label-column, or add rows"
        )
    logger.warning(
        "%s of %s labels have one training row, too few to learn from: add rows",
        len(single),
        len(rows),
    )


def names_of(example: Example) -> tuple[str | None, ...]:
    """The row's labels, or its one label; where there is none, the types of its entities."""
    if example.labels or example.label is not None or example.answer is not None:
        return example.labels or (example.label,)
    return tuple(dict.fromkeys(entity.type for entity in example.entities))


def _label(row: Row, column: str) -> str:
    label = string(row.values[column], row.where, column).strip()
    if len(label.splitlines()) > 1:
        raise LogFormatError(f"{row.where}: line break in {column!r}; a label is one line")
    return label
