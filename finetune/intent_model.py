"""Serving an intent run: texts in, calibrated intents out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from data.encoders import Encoder
from data.errors import EncoderError
from data.onnx_text import OnnxText
from data.schema import OOS, Intent
from finetune.calibration import Calibration
from finetune.run_dir import RunDir
from finetune.words import Words

TOP = 5


@dataclass(frozen=True, slots=True)
class IntentPrediction:
    """What a text wants: `intent.name` is None where it is refused as out of scope.

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
        folder.check("intent")
        config = folder.read_config()["train"]
        self.labels: list[str] = folder.read_json(folder.labels)
        self.names = [label for label in self.labels if label != OOS]
        self._calibration = Calibration.from_dict(folder.read_json(folder.calibration))
        self._words = Words.load(folder.words) if folder.words.exists() else None
        self._texts: OnnxText | None = None
        self.encoder: Encoder | None = None
        if not folder.model.exists():  # a head on the shared encoder
            base = folder.read_json(folder.base)
            self.encoder = encoder(base["encoder"])
            if self.encoder.fingerprint != base["fingerprint"]:
                raise EncoderError(
                    f"{run}: its head was trained on other weights of {base['encoder']}; "
                    "train it again"
                )
            head = load_file(folder.head)
            self._weight, self._bias = head["weight"], head["bias"]
        else:
            self._texts = OnnxText(
                folder.model, folder.tokenizer / "tokenizer.json", config["max_tokens"], threads
            )

    def logits(
        self, texts: Sequence[str], vectors: NDArray[np.float32] | None = None
    ) -> NDArray[np.floating[Any]]:
        """Scores (n, K) before calibration; `vectors`, where at hand, spare a second pass."""
        if self._texts is not None:
            scores: NDArray[np.floating[Any]] = np.stack(self._texts.run(texts))
        else:
            assert self.encoder is not None
            if vectors is None:
                vectors = self.encoder.encode(texts)
            scores = vectors @ self._weight.T + self._bias
        if self._words is not None:
            words, share = self._words
            scores = scores + share * words.logits(texts)
        return scores

    def predict(
        self, texts: Sequence[str], vectors: NDArray[np.float32] | None = None
    ) -> list[IntentPrediction]:
        """An IntentPrediction for each text.

        Args:
            texts: What customers wrote.
            vectors: Their vectors (n, D) by the run's own encoder, if the caller has them.
        """
        if not texts:
            return []
        logits = self.logits(texts, vectors)
        probabilities = self._calibration.probabilities(logits, self.labels)
        scopes = self._calibration.scope_scores(logits, self.labels)
        accepted = self._calibration.in_scope(logits, self.labels)
        results = []
        for row, scope, inside in zip(probabilities, scopes, accepted, strict=True):
            order = np.argsort(-row)[:TOP]
            top = tuple((self.names[place], float(row[place])) for place in order)
            results.append(
                IntentPrediction(
                    Intent(top[0][0] if inside else None, top[0][1]), top, float(scope)
                )
            )
        return results
