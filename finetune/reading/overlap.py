"""Rows that stand in training and in what it is measured on: figures on them say little."""

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from data.schema import Example

if TYPE_CHECKING:
    from finetune.reading.splits import Splits

_TOLD = 0.01  # of a split: "thanks" and its like come again in any log


def overlaps(splits: "Splits") -> list[str]:
    """A sentence for each of validation and test where more than _TOLD of its rows were trained on.

    Case and spaces do not make texts different, nor do labels.
    """
    return list(_told(splits))


def _told(splits: "Splits") -> Iterator[str]:
    seen = {_asked(row) for row in splits.train}
    for name, rows in (("validation", splits.validation), ("test", splits.test)):
        count = sum(_asked(row) in seen for row in rows)
        if count > _TOLD * len(rows):
            yield (
                f"{count:,} of {len(rows):,} {name} rows stand in the training rows too: figures "
                "on them are too good for new ones; take them out of one of the two files"
            )


def _asked(row: Example) -> Hashable:
    """What is asked of a model, or for an answer that was given, what is learned."""
    texts = (row.text, row.passage or "", row.answer or "")
    spans = [(each.start, each.end) for each in row.pair or ()]
    return (*(" ".join(text.casefold().split()) for text in texts), *spans)
