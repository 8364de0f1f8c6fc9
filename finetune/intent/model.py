"""Serving an intent run: texts in, calibrated intents out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.errors import RunDirError
from data.schema import OOS, Intent, Situation
from data.steps import step_text
from finetune.confidence.calibration import Calibration
from finetune.confidence.memory import Memory
from finetune.confidence.trust import Levels
from finetune.intent.text_logits import TextLogits
from finetune.run_dir import RunDir

TOP = 5


@dataclass(frozen=True, slots=True)
class IntentPrediction:
    """What a text wants: `intent.name` is None where the run's policy refuses it.

    `top` holds the best in-scope names with their calibrated confidences, refused or not;
    `scope` is the fitted probability in [0, 1] of being in scope.
    """

    intent: Intent
    top: tuple[tuple[str, float], ...]
    scope: float


class IntentModel:
    """A trained intent classifier.

    Args:
        run: Its run directory.
        encoder: Opens the shared encoder by name; used where the run's encoder is frozen.
        threads: CPU threads of one call.

    Raises:
        RunDirError: If the run is not a complete intent run.
        EncoderError: If the encoder is not the one that the head was trained on.
    """

    def __init__(self, run: Path, encoder: Callable[[str], Encoder], threads: int = 2) -> None:
        folder = RunDir(run)
        self._run = run
        folder.check("intent")
        if folder.trained().multi_label:
            raise RunDirError(
                f"{run}: its texts have several intents each; an intent run with one is needed here"
            )
        self.labels: list[str] = folder.read_json(folder.labels)
        self.names = [label for label in self.labels if label != OOS]
        self._calibration = folder.read_as(folder.calibration, Calibration.from_dict)
        self._memory: Memory | None = None
        if self._calibration.scope.needs_vectors:
            self._memory = Memory.load(folder.memory)
        self._logits = TextLogits(folder, encoder, threads)
        self.encoder = self._logits.encoder
        self.reads_conversations = self._logits.reads == "conversations"

    @property
    def levels(self) -> Levels:
        """Confidences that an app can act on."""
        return self._calibration.levels

    def predict(
        self, texts: Sequence[str], vectors: NDArray[np.float32] | None = None
    ) -> list[IntentPrediction]:
        """An IntentPrediction for each text.

        Args:
            texts: What customers wrote; of a run that reads conversations, texts of `step_text`.
            vectors: Their vectors (n, D) by the run's own encoder, if the caller has them.
        """
        if not texts:
            return []
        memory = self._memory
        logits, found = self._logits.of(texts, vectors, with_vectors=memory is not None)
        near = memory.near(found) if memory is not None and found is not None else None
        probabilities = self._calibration.probabilities(logits, self.labels)
        scopes = self._calibration.scope_scores(logits, self.labels, near)
        accepted = self._calibration.accepts(probabilities, self.names, scopes)
        results = []
        for row, scope, answered in zip(probabilities, scopes, accepted, strict=True):
            order = np.argsort(-row)[:TOP]
            top = tuple((self.names[place], float(row[place])) for place in order)
            results.append(
                IntentPrediction(
                    Intent(top[0][0] if answered else None, top[0][1]), top, float(scope)
                )
            )
        return results

    def next_actions(self, situations: Sequence[Situation]) -> list[IntentPrediction]:
        """What an agent does next in each situation, by a run that reads conversations.

        Raises:
            RunDirError: If the run reads texts.
        """
        if not self.reads_conversations:
            raise RunDirError(
                f"{self._run}: reads texts, not conversations; train it on conversations whose "
                "turns name actions"
            )
        return self.predict([step_text(situation) for situation in situations])
