"""Serving an intent run of several labels a text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.errors import RunDirError
from finetune.intent.text_logits import TextLogits
from finetune.multi_label.fit import Floats, MultiCalibration
from finetune.run_dir import RunDir

TOP = 5


@dataclass(frozen=True, slots=True)
class LabelsPrediction:
    """What a text wants: names with their calibrated confidences, the surest first; maybe none.

    `top` holds the best names whether they are wanted or not.
    """

    intents: tuple[tuple[str, float], ...]
    top: tuple[tuple[str, float], ...]


class MultiLabelModel:
    """A trained classifier of several labels a text.

    Args:
        run: Its run directory.
        encoder: Opens the shared encoder by name; used where the run's encoder is frozen.
        threads: CPU threads of one call.

    Raises:
        RunDirError: If the run is not a complete intent run of several labels a text.
        EncoderError: If the encoder is not the one that the head was trained on.
    """

    def __init__(self, run: Path, encoder: Callable[[str], Encoder], threads: int = 2) -> None:
        folder = RunDir(run)
        folder.check("intent")
        if not is_multi_label(run):
            raise RunDirError(f"{run}: its texts have one intent each, not several")
        self.labels: list[str] = folder.read_json(folder.labels)
        self._calibration = folder.read_as(folder.calibration, MultiCalibration.from_dict)
        self._logits = TextLogits(folder, encoder, threads)

    def probabilities(
        self, texts: Sequence[str], vectors: NDArray[np.float32] | None = None
    ) -> Floats:
        """Of each label (n, K), each on its own."""
        if not texts:
            return np.zeros((0, len(self.labels)))
        return self._calibration.probabilities(self._logits.of(texts, vectors)[0])

    def predict(
        self, texts: Sequence[str], vectors: NDArray[np.float32] | None = None
    ) -> list[LabelsPrediction]:
        """A LabelsPrediction for each text; `vectors` as of IntentModel."""
        return self.decided(self.probabilities(texts, vectors))

    def decided(self, probabilities: Floats) -> list[LabelsPrediction]:
        """What probabilities (n, K) come to."""
        results = []
        for row, said in zip(probabilities, self._calibration.said(probabilities), strict=True):
            ranked = [(self.labels[place], float(row[place])) for place in np.argsort(-row)]
            wanted = {self.labels[place] for place in np.flatnonzero(said)}
            results.append(
                LabelsPrediction(
                    tuple(pair for pair in ranked if pair[0] in wanted), tuple(ranked[:TOP])
                )
            )
        return results


def is_multi_label(run: Path) -> bool:
    """Whether an intent run gives several labels a text."""
    return bool(RunDir(run).trained().multi_label)
