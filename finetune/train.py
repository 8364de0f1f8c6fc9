"""The one way to train: read, tune, save, score before and after, and only then a run directory."""

import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import transformers
import yaml
from transformers import PrinterCallback, ProgressCallback, TrainerCallback

from data.errors import ConfigError, LogFormatError, RunDirError
from data.rows import write_jsonl
from data.schema import Example
from finetune.config import TrainConfig
from finetune.encoder import device_name
from finetune.metrics import rounded
from finetune.reading import Splits, read_splits
from finetune.report import card_markdown, report_html
from finetune.run_dir import FORMAT, RunDir, write_json
from finetune.task import Scored, Task
from finetune.tasks import TASKS

logger = logging.getLogger(__name__)
_LIBRARIES = ("torch", "transformers", "sentence-transformers", "scikit-learn", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run, and its metrics as in `metrics.json`."""

    run: RunDir
    metrics: dict[str, Any]


class _Log(TrainerCallback):  # type: ignore[misc]
    """Each logged step as a line of `log.jsonl`, units in the keys."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ANN401
        names = {"loss": "loss_nats", "learning_rate": "lr", "train_runtime": "seconds"}
        row = {names.get(key, key): value for key, value in (logs or {}).items()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **row}) + "\n")


class _Bar(ProgressCallback):  # type: ignore[misc]
    """The bar on stderr alone; its parent also writes each log to stdout, which is for results."""

    def on_log(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the parent's
        pass


def train(
    config: TrainConfig, data: Path, out: Path, evaluation: Path | None = None, resume: bool = False
) -> Trained:
    """Train one model.

    Args:
        config: What and how.
        data: A labelled file, or a folder with `train`, `validation` and `test` files.
        out: The run directory; it appears when complete and replaces a run of that name.
        evaluation: A test file: reported, never read for a choice.
        resume: Go on from the last checkpoint of a run that was cut off.

    Raises:
        DeskhandError: If the data, the encoder or the half-written run is not what is needed.
    """
    task, run = TASKS[config.task], RunDir(out)
    _check_out(run)
    splits = read_splits(data, evaluation, lambda path: task.read(path, config))
    begun = {"train": config.model_dump(mode="json"), "data": str(data.resolve()), **_rows(splits)}
    checkpoint = _open_partial(run.partial, begun, resume)
    _settle(config)
    logger.info(
        "training %s by %s on %s: %s rows, %s validation, %s test",
        config.task,
        config.method,
        torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        len(splits.train),
        len(splits.validation),
        len(splits.test),
    )
    start = time.perf_counter()
    trainer = task.trainer(config, splits, run.partial)
    trainer.remove_callback(PrinterCallback)  # both write to stdout, which is for results
    trainer.remove_callback(ProgressCallback)
    if sys.stderr.isatty():
        trainer.add_callback(_Bar())
    trainer.add_callback(_Log(run.partial.log))
    trainer.train(resume_from_checkpoint=checkpoint)
    task.save(trainer, config, splits, run.partial)
    seconds = time.perf_counter() - start
    del trainer
    run.partial.log.touch()
    resolved = _resolved(config, data, splits, seconds)
    _write_config(run.partial, resolved)
    metrics = _score(task, config, splits, run, resolved)
    _publish(run)
    return Trained(run, metrics)


def describe(config: TrainConfig, data: Path, evaluation: Path | None = None) -> dict[str, Any]:
    """What a training would do, without doing it: rows and steps.

    Raises:
        DeskhandError: If the data is not what is needed.
    """
    task = TASKS[config.task]
    splits = read_splits(data, evaluation, lambda path: task.read(path, config))
    steps = 0
    if config.method != "frozen":
        optim = config.optim
        steps = int(-(-len(splits.train) // optim.batch_size) * optim.epochs)
        steps = optim.max_steps if optim.max_steps > 0 else steps
    return {"task": config.task, "method": config.method, "steps": steps, **_rows(splits)}


def _check_out(run: RunDir) -> None:
    """Refuse to replace what is not a run."""
    if not run.root.exists() or (run.root.is_dir() and not any(run.root.iterdir())):
        return
    try:
        known = "format" in run.read_config()
    except RunDirError:
        known = False
    if not known:
        raise ConfigError(f"{run.root}: exists and is not a run; choose another --out")


def _open_partial(partial: RunDir, begun: dict[str, Any], resume: bool) -> str | None:
    """Make the partial run's folder; return the checkpoint to go on from, if there is one."""
    note = partial.root / "resume.json"
    checkpoint = None
    if resume and note.exists():
        if partial.read_json(note) != begun:
            raise ConfigError(
                f"{partial.root}: was begun with another config or data; train without --resume"
            )
        checkpoint = _last_checkpoint(partial)
    if checkpoint is None:
        shutil.rmtree(partial.root, ignore_errors=True)
        partial.root.mkdir(parents=True)
        write_json(note, begun)
    return checkpoint


def _last_checkpoint(partial: RunDir) -> str | None:
    """The newest complete one: its state is written last."""
    found = partial.checkpoints.glob("checkpoint-*")
    for path in sorted(found, key=lambda path: int(path.name.split("-")[1]), reverse=True):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            continue  # cut off while it was written
        return str(path)
    return None


def _settle(config: TrainConfig) -> None:
    """Threads, seeds and the libraries' own logging."""
    torch.set_num_threads(config.threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.set_seed(config.seed)


def _score(
    task: Task, config: TrainConfig, splits: Splits, run: RunDir, resolved: dict[str, Any]
) -> dict[str, Any]:
    """Write metrics, errors, report and card into the partial run; return the metrics."""
    title, run = run.root.name, run.partial
    logger.info("scoring before and after tuning")
    before, baseline = task.before(config, splits)
    sets = {"validation": splits.validation, "test": splits.test}
    metrics: dict[str, Any] = {}
    after: dict[str, Scored] = {}
    # The finished part is complete but for these files, which a scorer does not read.
    for path in (run.metrics, run.errors, run.report, run.card):
        path.touch()
    scorer = task.scorer(run.root, config)
    for name, examples in sets.items():
        if not examples:
            continue
        try:
            after[name] = scorer(examples)
            stages = {
                "baseline": baseline(examples),
                "before": before(examples),
                "after": after[name],
            }
        except LogFormatError:
            if name == "test":
                raise
            continue  # too few validation rows for this metric: the test rows still tell
        metrics[name] = {stage: rounded(scored.metrics) for stage, scored in stages.items()}
    if not metrics:
        raise LogFormatError(
            f"{resolved['data']}: too few validation rows to score; add rows or --eval"
        )
    write_json(run.metrics, metrics)
    last = next(reversed(after.items()))
    write_jsonl(run.errors, ({"split": last[0], **error} for error in last[1].errors))
    run.report.write_text(report_html(title, resolved, metrics, after), encoding="utf-8")
    run.card.write_text(card_markdown(title, resolved, metrics), encoding="utf-8")
    return metrics


def _rows(splits: Splits) -> dict[str, Any]:
    sizes: dict[str, list[Example]] = {
        "train": splits.train, "validation": splits.validation, "test": splits.test,
    }  # fmt: skip
    return {"rows": {name: len(rows) for name, rows in sizes.items()}}


def _resolved(config: TrainConfig, data: Path, splits: Splits, seconds: float) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "train": config.model_dump(mode="json"),
        "data": str(data),
        **_rows(splits),
        "seconds": round(seconds, 1),
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
        "device": device_name(),
    }


def _commit() -> str:
    """The commit of the code, `unknown` outside a checkout."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(
            command,
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def _write_config(run: RunDir, resolved: dict[str, Any]) -> None:
    run.config.write_text(yaml.safe_dump(resolved, sort_keys=False), encoding="utf-8")


def _publish(run: RunDir) -> None:
    """Drop the state and give the complete run its name; an older run of that name goes last."""
    shutil.rmtree(run.partial.checkpoints, ignore_errors=True)
    (run.partial.root / "resume.json").unlink()
    old = run.root.parent / f".{run.root.name}.old"
    shutil.rmtree(old, ignore_errors=True)
    if run.root.exists():
        run.root.replace(old)
    run.partial.root.replace(run.root)
    shutil.rmtree(old, ignore_errors=True)
