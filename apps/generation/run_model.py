"""A dialogue run as a Generator."""

from collections.abc import Iterator
from pathlib import Path

from apps.generation.generator import Failure, GenerationFailed
from data.schema import Situation
from finetune.dialogue.model import DialogueModel, NotWrittenError

_REASONS: dict[str, Failure] = {"empty": "empty", "unfilled": "unfilled", "timeout": "timeout"}


class RunModel:
    """Writes with a dialogue run.

    Raises:
        RunDirError: If the run is not a complete dialogue run.
    """

    def __init__(self, run: Path, threads: int = 2) -> None:
        self.name = f"run {run.name}"
        self._model = DialogueModel(run, threads)

    def write(self, situation: Situation, stop_after_s: float) -> Iterator[str]:
        """See Generator."""
        try:
            yield from self._model.write(situation, stop_after_s)
        except NotWrittenError as error:
            raise GenerationFailed(_REASONS.get(error.reason, "broken")) from None
