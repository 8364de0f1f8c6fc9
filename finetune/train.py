"""The one way to train: read, tune, save, score before and after, and only then a run directory."""

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback
from transformers.trainer_utils import SaveStrategy

from data.encoders import resolve_encoder
from data.errors import ConfigError, LogFormatError
from data.rows import write_jsonl
from finetune.arguments import stay_stopped
from finetune.auto import settled
from finetune.checks.slices import slices
from finetune.config import TrainConfig
from finetune.devices import is_main, leave, uses_cuda
from finetune.dialogue.start import as_started, is_causal
from finetune.divergence import check_finite
from finetune.dropout import quicken
from finetune.estimate import estimate, peak_memory
from finetune.evaluation.bootstrap import intervals
from finetune.lengths import within_positions
from finetune.metrics import rounded
from finetune.partial import (
    alone,
    begun_with,
    check_out,
    go_on,
    last_checkpoint,
    open_partial,
    publish,
    room,
)
from finetune.progress import Bar, Lines, Log
from finetune.reading import Splits, read_splits
from finetune.reading.overlap import overlaps
from finetune.record import resolved_config, rows_by_split
from finetune.report import card_markdown, report_html
from finetune.run_dir import FORMAT, RunDir, record_sums, write_json
from finetune.settings_read import refusals, unread
from finetune.task import Finished, Scored, Task
from finetune.tasks import TASKS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run, and its metrics as in `metrics.json`."""

    run: RunDir
    metrics: dict[str, Any]


def train(
    config: TrainConfig,
    data: Path,
    out: Path,
    evaluation: Path | None = None,
    resume: bool = False,
    extras: Mapping[str, Any] | None = None,
) -> Trained:
    """Train one model.

    Under `torchrun` or `accelerate launch` every process calls this; the first one alone writes,
    scores and returns metrics.

    Args:
        config: What and how.
        data: A labelled file, or a folder with `train`, `validation` and `test` files.
        out: The run directory; it appears when complete and replaces a run of that name.
        evaluation: A test file: reported, never read for a choice.
        resume: Go on from the last checkpoint of a run that was cut off.
        extras: What else the report is to show, by the names that `report_html` takes.

    Raises:
        DeskhandError: If the data, the encoder or the half-written run is not what is needed.
    """
    run = RunDir(out)
    try:
        with alone(run) if is_main() else nullcontext():
            return _train(config, data, run, evaluation, resume, extras or {})
    finally:
        leave()  # after an error too: the others then stop instead of waiting


def _train(
    config: TrainConfig,
    data: Path,
    run: RunDir,
    evaluation: Path | None,
    resume: bool,
    extras: Mapping[str, Any],
) -> Trained:
    """See train."""
    task = TASKS[config.task]
    check_out(run)
    config, why, splits = _plan(config, data, evaluation)
    if is_main():
        open_partial(run.partial, begun_with(config, data, splits), resume)
    _settle(config)
    start = time.perf_counter()
    trainer = _trainer(config, splits, run.partial)
    checkpoint = None
    if isinstance(trainer, Trainer):
        trainer.accelerator.wait_for_everyone()  # the first process has made the folder
        checkpoint = last_checkpoint(run.partial) if resume else None
        if checkpoint is not None and is_main():
            start -= go_on(run.partial, checkpoint)
        _prepare_trainer(trainer, run, start)
    elif not is_main():
        return Trained(run, {})  # a head is fitted in seconds, by one process
    expected = estimate(trainer, config, splits)
    if is_main():
        device = torch.cuda.get_device_name() if uses_cuda(config) else "cpu"
        logger.info("%s by %s (%s) on %s: %s", config.task, config.method, why, device, expected)
    if checkpoint is not None:
        stay_stopped(trainer, checkpoint)
    with room(run):
        trainer.train(resume_from_checkpoint=checkpoint)
    leave()  # what follows is the work of one
    if not is_main():
        return Trained(run, {})
    check_finite(trainer.model, config)
    with room(run):
        task.save(trainer, config, splits, run.partial)
        record_sums(run.partial)
        resolved = resolved_config(config, data, splits, time.perf_counter() - start)
        resolved |= {"method_because": why, "estimate": expected.to_dict()}
        fitted_on = run.partial.read_json(run.partial.calibration).get("fitted_on", "")
        resolved |= {"peak": peak_memory(), "fitted_on": fitted_on}
        del trainer
        run.partial.log.touch()
        run.partial.write_config(resolved)
        metrics = _score(task, config, splits, run, resolved, extras)
        publish(run)
    return Trained(run, metrics)


def describe(config: TrainConfig, data: Path, evaluation: Path | None = None) -> dict[str, Any]:
    """What a training would do and take, from a few of its steps; no run is written.

    Raises:
        DeskhandError: If the data is not what is needed.
    """
    config, why, splits = _plan(config, data, evaluation)
    _settle(config)
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(config, splits, RunDir(Path(folder)))
        expected = estimate(trainer, config, splits)
    return {
        "task": config.task,
        "method": config.method,
        "because": why,
        "rows_by_split": rows_by_split(splits),
        **expected.to_dict(),
        "summary": str(expected),
    }


def try_out(
    config: TrainConfig,
    splits: Splits,
    watch: Sequence[TrainerCallback] = (),
) -> Mapping[str, float]:
    """Train without a run to keep: the metrics of the validation rows, and of no others.

    Args:
        config: With its method settled.
        splits: The rows; those of `test` are not looked at.
        watch: Who is told how the training goes, where it has steps.

    Raises:
        DeskhandError: If the rows cannot be trained or scored on.
    """
    task = TASKS[config.task]
    splits = replace(splits, test=[])
    _settle(config)
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(Path(folder) / "trial")
        run.root.mkdir()
        trainer = _trainer(config, splits, run)
        if isinstance(trainer, Trainer):
            trainer.remove_callback(PrinterCallback)
            trainer.remove_callback(ProgressCallback)
            for each in watch:
                trainer.add_callback(each)
            if not trainer.args.load_best_model_at_end:
                trainer.args.save_strategy = SaveStrategy.NO
        trainer.train()
        check_finite(trainer.model, config)
        task.save(trainer, config, splits, run)
        record_sums(run)
        del trainer
        run.write_config({"format": FORMAT, "train": config.model_dump(mode="json")})
        # What a complete run has beside, and no scorer reads.
        for path in (run.metrics, run.errors, run.report, run.card, run.log):
            path.touch()
        return task.scorer(run.root, config)(splits.validation).metrics


def _plan(
    config: TrainConfig, data: Path, evaluation: Path | None
) -> tuple[TrainConfig, str, Splits]:
    """The config with its method settled, why, and the rows."""
    uses_cuda(config)  # refuses what is not here, before anything is read
    task = TASKS[config.task]
    splits = read_splits(data, evaluation, lambda path: task.read(path, config))
    trained, why = settle_method(config, splits)
    if is_main() and (names := unread(config, trained, is_causal(trained))):
        logger.info("not read by this training: %s", ", ".join(names))
    if is_main() and config.task != "dialogue" and trained.max_tokens < config.max_tokens:
        logger.info("max_tokens: %d, the encoder has no more positions", trained.max_tokens)
    return trained, why, splits


def settle_method(config: TrainConfig, splits: Splits) -> tuple[TrainConfig, str]:
    """The config with its method settled, and why.

    Raises:
        ConfigError: If it asks for something that this training would leave undone.
    """
    config = as_started(config)
    encoder = resolve_encoder(config.encoder).path
    size = sum(file.stat().st_size for file in encoder.glob("*.safetensors")) // 4
    config, why = settled(config, splits, size)
    config = within_positions(config, encoder)
    if refused := refusals(config, is_causal(config)):
        raise ConfigError("; ".join(refused))
    return config, why


def _trainer(config: TrainConfig, splits: Splits, run: RunDir) -> Any:  # noqa: ANN401 - any of the family
    """The task's Trainer, or what stands for one."""
    trainer = TASKS[config.task].trainer(config, splits, run)
    if isinstance(trainer, Trainer) and not uses_cuda(config):
        quicken(trainer.model)
    return trainer


def _prepare_trainer(trainer: Any, run: RunDir, begun: float) -> None:  # noqa: ANN401 - any of the family
    """What every Trainer tells, and to whom."""
    trainer.remove_callback(PrinterCallback)  # both write to stdout, which is for results
    trainer.remove_callback(ProgressCallback)
    if is_main():
        trainer.add_callback(Bar() if sys.stderr.isatty() else Lines())
        trainer.add_callback(Log(run.partial.log, begun))


def _settle(config: TrainConfig) -> None:
    """Threads, seeds and the libraries' own logging."""
    torch.set_num_threads(config.threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.set_seed(config.seed)


def _score(
    task: Task,
    config: TrainConfig,
    splits: Splits,
    run: RunDir,
    resolved: dict[str, Any],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Write metrics, errors, report and card into the partial run; return the metrics."""
    title, run = run.root.name, run.partial
    logger.info("scoring before and after tuning")
    before = task.before(config, splits)
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
                "baseline": before.baseline(examples),
                "before": before.untuned(examples),
                "after": after[name],
            }
        except LogFormatError:
            if name == "test":
                raise
            continue  # too few validation rows for this metric: the test rows still tell
        metrics[name] = {stage: rounded(scored.metrics) for stage, scored in stages.items()}
        rows = after[name].rows or len(examples)
        sure = intervals(stages["before"], stages["after"], rows, config.seed)
        if sure:
            metrics[name]["intervals"] = sure
    if not metrics:
        raise LogFormatError(
            f"{resolved['data']}: too few validation rows to score; add rows or --eval"
        )
    write_json(run.metrics, metrics)
    split, last = next(reversed(after.items()))
    write_jsonl(run.errors, ({"split": split, **error} for error in last.errors))
    finished = Finished(run.root, config, splits, sets[split], last, before.vectors)
    found = task.findings(finished)
    extras = {
        "slices": slices(sets[split], last.detail["exact"]) if "exact" in last.detail else {},
        "log": [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()],
        **found,
        "notes": [*overlaps(splits), *found.get("notes", ())],
        **more,
    }
    run.report.write_text(report_html(title, resolved, metrics, after, extras), encoding="utf-8")
    run.card.write_text(card_markdown(title, resolved, metrics, extras["notes"]), encoding="utf-8")
    return metrics
