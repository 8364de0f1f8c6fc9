"""A peer's process: the command, and what it answers scored."""

import sys
from pathlib import Path
from typing import Any

from benchmarks.finetune.cells import RAISED_LR, TASK, TRAINER, Cell
from benchmarks.finetune.scoring import read_records, score
from benchmarks.shell import measured
from data.encoders import DEFAULT_ENCODER, resolve_encoder

SETFIT_ITERATIONS = 10
SETFIT_SCRIPT = Path(__file__).parent / "setfit_peer.py"


def peer(cell: Cell, folder: Path, setfit_python: Path | None) -> dict[str, Any]:
    """Train a peer on `folder` and score it.

    Raises:
        RuntimeError: If it fails, or SetFit has no interpreter.
    """
    task = TASK[cell.dataset]
    extra = threads_of(cell)
    if cell.system == "setfit":
        if setfit_python is None or not setfit_python.exists():
            raise RuntimeError("not measured: SetFit needs --setfit-python, an interpreter with it")
        encoder = resolve_encoder(DEFAULT_ENCODER).path
        iterations = cell.budget or SETFIT_ITERATIONS
        # Its path as given: a resolved link would leave its environment.
        command: list[Any] = [
            setfit_python.absolute(), "-P", SETFIT_SCRIPT, folder, encoder, iterations, cell.seed,
        ]  # fmt: skip
        extra["PYTHONPATH"] = ""
        settings: dict[str, Any] = {"num_iterations": iterations, "num_epochs": 1}
    else:
        settings = {}
        if cell.system.startswith("trainer"):
            settings = {**TRAINER[task], "lr": RAISED_LR if "raised" in cell.system else None}
            if cell.budget is not None:
                settings["epochs"] = cell.budget
        command = peer_command(cell.system.partition("_")[0], task, folder, cell.seed, **settings)
    ran = measured(folder, *map(str, command), extra=extra)
    said = ran.result
    result: dict[str, Any] = {"settings": settings, "train_s": said["train_s"]}
    result |= {name: said[name] for name in ("loop_s", "versions") if name in said}
    result |= {
        "wall_s": round(ran.wall_s, 1),
        "cpu_s": round(ran.cpu_s, 1),
        "peak_rss_mib": round(ran.peak_rss_mib),
    }
    for name in ("validation", "test"):
        result[name] = score(task, read_records(folder / f"{name}.jsonl"), said[name])
    return result


def threads_of(cell: Cell) -> dict[str, str]:
    """The environment of a peer's process: torch and scikit-learn obey it."""
    return {"OMP_NUM_THREADS": str(cell.threads)}


def peer_command(
    system: str,
    task: str,
    folder: Path,
    seed: int,
    epochs: float = 1,
    batch_size: float = 32,
    lr: float | None = None,
) -> list[str]:
    """The command of a process that trains one peer."""
    rate = [] if lr is None else ["--lr", str(lr)]
    return [
        sys.executable, "-m", "benchmarks.finetune.peers", system, task, str(folder),
        "--seed", str(seed), "--epochs", str(epochs), "--batch-size", str(int(batch_size)), *rate,
    ]  # fmt: skip
