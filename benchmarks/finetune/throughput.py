"""Deskhand and the plain Trainer in turns: the same rows, batch size and epochs, a ratio only."""

from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.finetune.cells import TASK, Cell, ours_of
from benchmarks.finetune.ours import loop_seconds, train
from benchmarks.finetune.peer_runs import peer_command, threads_of
from benchmarks.shell import measured
from finetune.run_dir import RunDir

PAIRS = 3
BATCH_SIZE = 32


def throughput(cell: Cell, folder: Path) -> dict[str, Any]:
    """Ratios of the plain Trainer's seconds to Deskhand's: of the loop, and of all training.

    One after the other, so that a machine that gets slower slows both; the middle of PAIRS ratios.
    """
    ours, plain = [], []
    for _ in range(PAIRS):
        train(cell, folder)
        run = RunDir(folder / "run")
        whole = float(run.read_config()["seconds"])
        ours.append({"loop_s": loop_seconds(run) or whole, "train_s": whole})
        command = peer_command("trainer", TASK[cell.dataset], folder, cell.seed, 1, BATCH_SIZE)
        other = measured(folder, *command, extra=threads_of(cell)).result
        plain.append({name: float(other[name]) for name in ("loop_s", "train_s")})
    metrics = {
        f"{name}_ratio": round(
            median(b[f"{name}_s"] / a[f"{name}_s"] for a, b in zip(ours, plain, strict=True)), 4
        )
        for name in ("loop", "train")
    }
    return {
        "settings": ours_of(cell),
        "ours": ours,
        "trainer": plain,
        "train_s": round(sum(each["train_s"] for each in (*ours, *plain)), 1),
        "test": {"metrics": metrics},
    }
