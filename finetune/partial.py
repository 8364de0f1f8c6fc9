"""A run while it grows: begun, gone on with, out of room, and complete at last."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from data import outputs
from data.encoders import resolve_encoder
from data.errors import ConfigError, RunDirError, RunInUseError
from data.schema import Example
from finetune.config import TrainConfig
from finetune.reading import Splits
from finetune.reading.unlabelled import read_unlabelled
from finetune.run_dir import RunDir, write_json

_NO_ROOM = 2**20  # bytes
_SECONDS = "seconds.json"  # in a checkpoint


@contextmanager
def room(run: RunDir, then: str = "go on with --resume") -> Iterator[None]:
    """A full disk is told in one line; the run of that name, if there was one, is untouched.

    Raises:
        RunDirError: If there is no space left, with what is to be done `then`.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        if not _full(run, error):
            raise
        raise RunDirError(
            f"{run.root}: no space left on the disk while the run was saved; make room and {then}"
        ) from error


def _full(run: RunDir, error: Exception) -> bool:
    """Whether the disk is: torch and safetensors tell it in words of their own, or not at all."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return os.strerror(errno.ENOSPC) in str(error) or (
        not isinstance(error, OSError)
        and run.partial.root.is_dir()
        and shutil.disk_usage(run.partial.root).free < _NO_ROOM
    )


@contextmanager
def alone(run: RunDir) -> Iterator[None]:
    """Be the only process that writes the run; one that ended in any way holds it no longer.

    Raises:
        RunInUseError: If another process does.
    """
    with outputs.alone(run.root, RunInUseError, "run"):
        yield


def check_out(run: RunDir) -> None:
    """Refuse to replace what is not a run."""
    if not run.root.exists() or (run.root.is_dir() and not any(run.root.iterdir())):
        return
    try:
        known = "format" in run.read_config()
    except RunDirError:
        known = False
    if not known:
        raise ConfigError(f"{run.root}: exists and is not a run; choose another --out")


def content_of(example: Example) -> list[str]:
    """Everything of a row but the place it was read from."""
    return [
        repr(getattr(example, name)) for name in example.__dataclass_fields__ if name != "where"
    ]


def rows_behind(config: TrainConfig, splits: Splits) -> dict[str, list[Example]]:
    """The rows that weights and thresholds come from; those of the test are not among them.

    Raises:
        LogFormatError: If the config's file of out-of-scope texts cannot be read.
    """
    rows = {"train": splits.train, "validation": splits.validation}
    if config.out_of_scope is not None:
        rows["out_of_scope"] = read_unlabelled(config.out_of_scope, config.text_column)
    return rows


def begun_with(config: TrainConfig, data: Path, splits: Splits) -> dict[str, Any]:
    """What a run comes from."""
    marks = {name: _mark(rows) for name, rows in rows_behind(config, splits).items()}
    return {
        "config": config.model_dump(mode="json"),
        "data": {"path": str(data.resolve()), **marks},
        "encoder": resolve_encoder(config.encoder).fingerprint,
    }


def _mark(rows: Sequence[Example]) -> str:
    """SHA-256 (hex) of the rows, in their order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(content_of(row)).encode())
    return digest.hexdigest()


def open_partial(partial: RunDir, begun: dict[str, Any], resume: bool) -> None:
    """Make the partial run's folder, or keep it where there is a checkpoint to go on from.

    Raises:
        ConfigError: If it is to go on, but was begun with something else.
    """
    note = partial.root / "resume.json"
    if resume and note.exists():
        before = partial.read_json(note)
        changed = [part for part in begun if before.get(part) != begun[part]]
        if changed:
            raise ConfigError(
                f"{partial.root}: was begun with another {' and '.join(changed)}; train without "
                "--resume"
            )
        if last_checkpoint(partial) is not None:
            return
    shutil.rmtree(partial.root, ignore_errors=True)
    partial.root.mkdir(parents=True)
    write_json(note, begun)


def last_checkpoint(partial: RunDir) -> str | None:
    """The newest complete one: its state is written last."""
    found = partial.checkpoints.glob("checkpoint-*")
    for path in sorted(found, key=lambda path: int(path.name.split("-")[1]), reverse=True):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            continue  # cut off while it was written
        return str(path)
    return None


def note_seconds(checkpoint: Path, seconds: float) -> None:
    """Write beside a checkpoint how long the training took until it."""
    write_json(checkpoint / _SECONDS, round(seconds, 1))


def go_on(partial: RunDir, checkpoint: str) -> float:
    """Forget what was logged after a checkpoint, for it is done again.

    Returns:
        Seconds that the training took until that checkpoint.
    """
    step = int(Path(checkpoint).name.split("-")[1])
    if partial.log.exists():
        kept = []
        for line in partial.log.read_text(encoding="utf-8").splitlines(keepends=True):
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue  # cut off while it was written
            if row["step"] <= step and "seconds" not in row:  # they stand in a training's last row
                kept.append(line)
        fresh = partial.log.with_suffix(".new")
        fresh.write_text("".join(kept), encoding="utf-8")
        fresh.replace(partial.log)
    try:
        return float(json.loads((Path(checkpoint) / _SECONDS).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return 0.0  # cut off before they were written


def publish(run: RunDir) -> None:
    """Drop the state and give the complete run its name; an older run of that name goes last."""
    shutil.rmtree(run.partial.checkpoints, ignore_errors=True)
    (run.partial.root / "resume.json").unlink()
    old = run.root.parent / f".{run.root.name}.old"
    shutil.rmtree(old, ignore_errors=True)
    if run.root.exists():
        run.root.replace(old)
    run.partial.root.replace(run.root)
    shutil.rmtree(old, ignore_errors=True)
