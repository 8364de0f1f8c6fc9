"""Adding intents to a run that is there: what is learnt, what is forgotten, how long it takes."""

from pathlib import Path
from typing import Any

from benchmarks.finetune.cells import Cell
from benchmarks.finetune.datasets import Rows, banking77, few, save
from benchmarks.finetune.ours import costs, predict, prepare, said_of, train
from benchmarks.finetune.scoring import read_records
from benchmarks.shell import DESKHAND, measured
from data.rows import write_jsonl
from data.split import hash_fraction
from finetune.run_dir import RunDir

NEW_INTENTS = 5
NEW_ROWS = 10  # of each


def extend(cell: Cell, source: Path, folder: Path) -> dict[str, Any]:
    """Train without NEW_INTENTS intents, then `deskhand extend` with NEW_ROWS rows of each.

    Accuracy counts refusals as wrong; `…_no_refusal` stands beside.
    """
    prepare(folder)
    measured(folder, *DESKHAND, "extend", "--help")  # where there is no such command, fail at once
    rows, new = held_out(banking77(cell, source), cell.seed)
    save(rows, folder)
    write_jsonl(folder / "new.jsonl", few(new.train, NEW_ROWS, cell.seed))
    write_jsonl(folder / "new_test.jsonl", new.test)
    write_jsonl(folder / "new_validation.jsonl", new.validation)
    trained = train(cell, folder)
    before = {name: shares(folder, "run", name) for name in ("validation", "test")}
    ran = measured(
        folder, *DESKHAND, "extend", "run", "--data", "new.jsonl", "--out", "run2", "--json"
    )
    result = costs(trained, RunDir(folder / "run")) | {"extend_s": round(ran.wall_s, 2)}
    for name in ("validation", "test"):
        old, added = shares(folder, "run2", name), shares(folder, "run2", f"new_{name}")
        result[name] = {
            "metrics": {
                "old_before": before[name][0],
                "old_after": old[0],
                "new_recall": added[0],
                "old_before_no_refusal": before[name][1],
                "old_after_no_refusal": old[1],
                "new_recall_no_refusal": added[1],
            }
        }
    return result


def held_out(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """The rows of the intents that are there first, and of those that come later."""
    labels = sorted({row["label"] for row in rows.train})
    later = set(sorted(labels, key=lambda x: hash_fraction(x, f"later {seed}"))[:NEW_INTENTS])

    def part(wanted: bool) -> Rows:
        train, validation, test = (
            [row for row in each if (row["label"] in later) == wanted]
            for each in (rows.train, rows.validation, rows.test)
        )
        return Rows(train, validation, test)

    return part(False), part(True)


def shares(folder: Path, run: str, name: str) -> tuple[float, float]:
    """Accuracy of a run on a file with refusals wrong, and with nothing refused."""
    gold = [row["label"] for row in read_records(folder / f"{name}.jsonl")]
    said = said_of("intent", predict(folder, run, f"{name}.jsonl"))
    strict, free = (
        sum(a == b for a, b in zip(said[key], gold, strict=True)) / len(gold)
        for key in ("said", "best")
    )
    return round(strict, 5), round(free, 5)
