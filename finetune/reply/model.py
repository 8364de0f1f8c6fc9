"""Serving a reply run: rank candidate answers to a conversation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from finetune.run_dir import RunDir
from finetune.serving import encoder_of


class ReplyModel:
    """A tuned bi-encoder: contexts and answers lie close where one answers the other.

    Raises:
        RunDirError: If the run is not a complete reply run.
    """

    def __init__(self, run: Path, threads: int = 2) -> None:
        RunDir(run).check("reply")
        self.encoder = encoder_of(str(run), threads)

    def rank(self, context: str, answers: Sequence[str]) -> list[tuple[int, float]]:
        """(index, cosine in [-1, 1]) of each answer, best first."""
        if not answers:
            return []
        vectors = self.encoder.encode([context, *answers])
        return ranked(vectors[0], vectors[1:])


def ranked(context: NDArray[np.float32], answers: NDArray[np.float32]) -> list[tuple[int, float]]:
    """(index, cosine) of each row of `answers` (n, D) to `context` (D,), best first."""
    scores = answers @ context
    return [(int(place), float(scores[place])) for place in np.argsort(-scores, kind="stable")]
