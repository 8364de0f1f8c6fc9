"""Deskhand in a cell: the command line as people run it, and what its run directory says."""

import json
import struct
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

from benchmarks.finetune.cells import TASK, Cell, ours_of
from benchmarks.finetune.scoring import read_records, score
from benchmarks.shell import DESKHAND, ROOT, Ran, measured
from data.encoders import DEFAULT_ENCODER, resolve_encoder
from data.schema import OOS
from finetune.run_dir import RunDir

CONFIGS = ROOT / "finetune" / "configs"
SPLITS = ("validation", "test")


def ours(cell: Cell, folder: Path) -> dict[str, Any]:
    """Train on `folder` (laid out by `datasets.write`) and answer its validation and test rows."""
    task = TASK[cell.dataset]
    ran = train(cell, folder)
    run = RunDir(folder / "run")
    result = costs(ran, run) | {
        "settings": ours_of(cell),
        "run_metrics": {name: ran.result.get(name) for name in SPLITS},
        "stored": stored(run),
    }
    for name in SPLITS:
        if task in ("qa", "relation"):  # `predict` reads texts alone
            result[name] = {"metrics": (ran.result.get(name) or {}).get("after", {})}
        else:
            rows = read_records(folder / f"{name}.jsonl")
            result[name] = score(task, rows, said_of(task, predict(folder, "run", f"{name}.jsonl")))
    return result


def train(cell: Cell, folder: Path, out: str = "run") -> Ran:
    """Train the cell's run in `folder`."""
    task = TASK[cell.dataset]
    config, settings = ours_of(cell)
    prepare(folder)
    suffix = "json" if task == "qa" else "jsonl"
    return measured(
        folder, *DESKHAND, "train", "intent" if task == "multi" else task,
        "--config", CONFIGS / f"{config}.yaml", "--data", "seen", "--eval", f"test.{suffix}",
        "--out", out, *(word for each in settings for word in ("--set", each)), "--json",
    )  # fmt: skip


def prepare(folder: Path) -> None:
    """Share this machine's exports of untuned encoders: they are made once, not by each run."""
    (ROOT / "var" / "encoders").mkdir(parents=True, exist_ok=True)
    link = folder / "var"
    if not link.exists():
        link.symlink_to(ROOT / "var", target_is_directory=True)


def predict(folder: Path, run: str, rows: str) -> list[dict[str, Any]]:
    """What a run says of the texts of a file, a row each."""
    ran = measured(folder, *DESKHAND, "predict", run, "--input", rows, "--json")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def said_of(task: str, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The rows of `predict --json` as `scoring.score` takes them."""
    rows = list(rows)
    if task == "ner":
        return {"said": [[[e["type"], e["start"], e["end"]] for e in r["entities"]] for r in rows]}
    if task == "multi":
        return {"said": ["|".join(name for name, _ in row["intents"]) for row in rows]}
    return {
        "best": [row["top"][0][0] for row in rows],
        "said": [row["intent"] or OOS for row in rows],
        "confidence": [row["top"][0][1] for row in rows],
    }


def costs(ran: Ran, run: RunDir) -> dict[str, Any]:
    """Seconds of training as the run notes them; the process also scores before and after."""
    return {
        "train_s": run.read_config()["seconds"],
        "loop_s": loop_seconds(run),
        "wall_s": round(ran.wall_s, 1),
        "cpu_s": round(ran.cpu_s, 1),
        "peak_rss_mib": round(ran.peak_rss_mib),
    }


def loop_seconds(run: RunDir) -> float | None:
    """Seconds of the Trainer's loop alone, from the log's last line that has them."""
    lines = [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()]
    found: list[float] = [line["seconds"] for line in lines if "seconds" in line]
    return found[-1] if found else None


def stored(run: RunDir) -> dict[str, int]:
    """Bytes and parameters that the run adds to its base encoder; the graph that serves aside."""
    parts = [*run.weights.glob("adapter/*"), *run.weights.glob("encoder/*"), run.head, run.words]
    files = [path for path in parts if path.is_file()]
    network = [path for path in files if path.suffix == ".safetensors" and path != run.words]
    base = resolve_encoder(DEFAULT_ENCODER).path / "model.safetensors"
    return {
        "bytes": sum(path.stat().st_size for path in files if path != run.words),
        "words_bytes": run.words.stat().st_size if run.words.exists() else 0,
        "graph_bytes": run.model.stat().st_size if run.model.exists() else 0,
        "parameters": sum(parameters(path) for path in network),
        "base_parameters": parameters(base) if base.exists() else 0,
    }


def parameters(path: Path) -> int:
    """Numbers in a safetensors file, from its header."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    return sum(prod(each["shape"]) for name, each in header.items() if name != "__metadata__")
