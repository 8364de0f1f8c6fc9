"""A column of a CSV through an intent run → the same CSV with intent, confidence and in_scope.

Run:  python examples/classify_csv.py tickets.csv --column text --out classified.csv
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from data.errors import DeskhandError, LogFormatError
from finetune.intent.model import IntentModel
from finetune.serving import encoder_of

AT_ONCE = 256  # rows of one call: a file of any length takes the same memory


def classify(model: IntentModel, table: Path, column: str, out: Path) -> int:
    """Write `out`; the number of its rows. Cells beyond the last column are left out.

    Raises:
        LogFormatError: If the table has no such column, or `out` is the table itself.
    """
    if out.resolve() == table.resolve():
        raise LogFormatError(f"{out}: is the table that is read; choose another file as --out")
    with table.open(encoding="utf-8-sig", newline="") as source:
        rows = csv.DictReader(source)
        names = list(rows.fieldnames or ())
        if column not in names:
            raise LogFormatError(f"{table}:1: no column {column!r}; it has {', '.join(names)}")
        added = ["intent", "confidence", "in_scope"]
        with out.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, [*names, *added], extrasaction="ignore")
            writer.writeheader()
            count = 0
            for part in _parts(rows):
                predictions = model.predict([row[column] or "" for row in part])
                for row, found in zip(part, predictions, strict=True):
                    # The name is None where the run's policy refuses; `top` holds its best guess.
                    row["intent"] = found.intent.name or found.top[0][0]
                    row["confidence"] = f"{found.intent.confidence:.4f}"
                    row["in_scope"] = "yes" if found.intent.name else "no"
                    writer.writerow(row)
                count += len(part)
    return count


def _parts(rows: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    while part := list(islice(rows, AT_ONCE)):
        yield part


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 2 where a file is not what is needed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--column", default="text")
    parser.add_argument("--run", type=Path, default=Path("runs/intent"))
    parser.add_argument("--out", type=Path, default=Path("classified.csv"))
    given = parser.parse_args(arguments)
    try:
        count = classify(IntentModel(given.run, encoder_of), given.table, given.column, given.out)
    except (DeskhandError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{given.out}: {count} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
