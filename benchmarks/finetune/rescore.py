"""Score again what a finished cell of entities predicted; nothing is trained.

Run:  python -m benchmarks.finetune.rescore FILE…

For a change of how entities are scored. A file whose predictions do not fit the rows is refused.
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.finetune.cells import Cell
from benchmarks.finetune.datasets import READERS
from benchmarks.finetune.scoring import gold_tags, parted, scored_tags
from benchmarks.shell import ROOT

DATASETS = ROOT.parent / "shared" / "datasets"


def rescore(path: Path, datasets: Path = DATASETS) -> dict[str, Any]:
    """The values of a result file, validation and test scored anew; nothing is written.

    Raises:
        ValueError: If the predictions name more tags than the right ones have, or words that the
            rows lack.
    """
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    cell = Cell(result["dataset"], result["setting"], result["system"], result["seed"])
    rows = READERS[cell.dataset](cell, datasets)
    for name, records in (("validation", rows.validation), ("test", rows.test)):
        gold = [gold_tags(row) for row in records]
        names = sorted({"O", *(tag for tags in gold for tag in tags)})
        said = ["O"] * sum(map(len, gold))
        for entry in result[name]["predictions"].split():
            word, tag = map(int, entry.split(":"))
            if word >= len(said) or tag >= len(names):
                raise ValueError(f"{path}: predictions of {name} are of other rows or tags")
            said[word] = names[tag]
        pairs: list[tuple[list[str], list[str]]] = []
        start = 0
        for row, right in zip(records, gold, strict=True):
            end = start + len(right)
            pairs += zip(parted(row, right), parted(row, said[start:end]), strict=True)
            start = end
        result[name] |= scored_tags(len(records), pairs)
    return result


if __name__ == "__main__":
    for given in map(Path, sys.argv[1:]):
        values = rescore(given)
        given.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
