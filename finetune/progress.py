"""How far a training is: a bar on a terminal, lines in a log, and every figure in `log.jsonl`."""

import json
import logging
import time
from pathlib import Path
from typing import Any

from transformers import ProgressCallback, TrainerCallback

from finetune.partial import note_seconds

logger = logging.getLogger(__name__)
_BETWEEN = 10.0  # seconds from one line to the next, and at least a tenth of those that are gone


class Log(TrainerCallback):  # type: ignore[misc]
    """Each logged step as a line of `log.jsonl`, units in the keys; each checkpoint with its time.

    Args:
        path: Of `log.jsonl`.
        begun: When the training began, in seconds of `time.perf_counter`.
    """

    def __init__(self, path: Path, begun: float) -> None:
        self._path, self._begun = path, begun

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Write the figures that were logged."""
        names = {"loss": "loss_nats", "learning_rate": "lr", "train_runtime": "seconds"}
        row = {names.get(key, key): value for key, value in (logs or {}).items()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **row}) + "\n")

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Note beside the checkpoint how long it took."""
        checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        note_seconds(checkpoint, time.perf_counter() - self._begun)


class Bar(ProgressCallback):  # type: ignore[misc]
    """The bar on stderr alone; its parent also writes each log to stdout, which is for results."""

    def on_log(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the parent's
        """Nothing."""


class Lines(TrainerCallback):  # type: ignore[misc]
    """What the bar tells where nobody sees one: a line every few seconds, ever fewer."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Take the time."""
        self._first = state.global_step  # not 0 where a training goes on
        self._begun = self._last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Tell how far it is, where nothing has been told for long enough."""
        step, steps, now = state.global_step, state.max_steps, time.monotonic()
        gone = now - self._begun
        if step == steps or now - self._last < max(_BETWEEN, gone / 10):
            return
        self._last = now
        left = gone / (step - self._first) * (steps - step)
        logger.info("step %d of %d, about %.1f minutes left", step, steps, left / 60)
