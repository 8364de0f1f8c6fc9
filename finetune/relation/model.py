"""Serving a relation run: texts with two entities each in, how those are related out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from data.onnx_text import OnnxText
from finetune.frames import bare_tokenizer
from finetune.relation.markers import Marker, Pair, marks_of
from finetune.run_dir import RunDir

TOP = 5


@dataclass(frozen=True, slots=True)
class RelationPrediction:
    """How head and tail are related, with calibrated confidences in [0, 1]; `top` is best first."""

    label: str
    confidence: float
    top: tuple[tuple[str, float], ...]


class RelationModel:
    """A trained classifier of entity pairs.

    Raises:
        RunDirError: If the run is not a complete relation run.
    """

    def __init__(self, run: Path, threads: int = 2) -> None:
        folder = RunDir(run)
        folder.check("relation")
        temperature, types = folder.read_as(
            folder.calibration,
            lambda values: (float(values["temperature"]), [str(each) for each in values["types"]]),
        )
        self.labels: list[str] = folder.read_json(folder.labels)
        self._temperature = temperature
        self._pairs = PairGraph(folder, types, folder.trained().max_tokens, threads)

    def predict(self, texts: Sequence[str], pairs: Sequence[Pair]) -> list[RelationPrediction]:
        """A RelationPrediction for each text and its (head, tail); their types may be ""."""
        if not texts:
            return []
        results = []
        for row in softmax(self._pairs.logits(texts, pairs) / self._temperature, axis=1):
            order = np.argsort(-row, kind="stable")[:TOP]
            top = tuple((self.labels[place], float(row[place])) for place in order)
            results.append(RelationPrediction(top[0][0], top[0][1], top))
        return results


class PairGraph:
    """The graph of a run with its markers.

    Args:
        folder: The run; it need not be complete.
        types: Entity types that have a marker of their own.
        max_tokens: Of a marked text.
        threads: CPU threads of one call.
    """

    def __init__(self, folder: RunDir, types: Sequence[str], max_tokens: int, threads: int) -> None:
        path = folder.tokenizer / "tokenizer.json"
        self._texts = OnnxText(
            folder.model, path, max_tokens, threads, features={"marks": marks_of}
        )
        self._marker = Marker(bare_tokenizer(path), types, max_tokens)

    def logits(self, texts: Sequence[str], pairs: Sequence[Pair]) -> NDArray[np.floating[Any]]:
        """Scores (n, K) before calibration."""
        marked = [self._marker.mark(text, pair) for text, pair in zip(texts, pairs, strict=True)]
        return np.stack(self._texts.run(texts, marked))
