"""Serving a cross-encoder run: how well each answer fits a conversation, read together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from tokenizers import Encoding

from data.onnx_eight_bit import eight_bit
from data.onnx_text import OnnxText
from finetune.run_dir import RunDir
from finetune.serving import check_kind


class RerankerModel:
    """A tuned cross-encoder; `scores` is what retrieval's `Reranker` asks for.

    Args:
        run: A complete reply run of this kind.
        threads: CPU threads of one call.
        int8: Whether its graph is served with weights of 8 bits.

    Raises:
        RunDirError: If the run is not a complete reply run of this kind.
    """

    def __init__(self, run: Path, threads: int = 2, *, int8: bool = False) -> None:
        folder = RunDir(run)
        folder.check("reply")
        check_kind(folder, "cross_encoder")
        self._slope, self._shift = folder.read_as(
            folder.calibration, lambda scale: (float(scale["slope"]), float(scale["shift"]))
        )
        max_tokens = folder.trained().max_tokens
        model = eight_bit(folder.model) if int8 else folder.model
        self._logits = PairLogits(folder, max_tokens, threads, model)

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float64]:
        """How likely each passage is the right one (n,), in [0, 1], in the order given."""
        return self.pair_scores([(question, passage) for passage in passages])

    def rank(self, context: str, answers: Sequence[str]) -> list[tuple[int, float]]:
        """(index, score in [0, 1]) of each answer, best first."""
        scores = self.scores(context, answers)
        return [(int(place), float(scores[place])) for place in np.argsort(-scores, kind="stable")]

    def pair_scores(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Scores (n,) in [0, 1] of (context, answer) pairs."""
        # In single precision the scores of two very good answers would both be 1.
        logits = self._logits.of(pairs).astype(np.float64)
        return np.asarray(expit(logits * self._slope + self._shift))


class PairLogits:
    """The graph of a cross-encoder run, or another `model` in its place."""

    def __init__(
        self, run: RunDir, max_tokens: int, threads: int, model: Path | None = None
    ) -> None:
        self._texts = OnnxText(
            model or run.model, run.tokenizer / "tokenizer.json", max_tokens, threads,
            features={"token_type_ids": _types},
        )  # fmt: skip

    def of(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Logits (n,), the higher the better the second text answers the first."""
        if not pairs:
            return np.zeros(0, dtype=np.float32)
        found = self._texts.run([second for _, second in pairs], self._texts.tokenize(pairs))
        return np.concatenate(found).astype(np.float32)


def _types(text: str, tokens: Encoding) -> NDArray[Any]:
    """Which of the two texts each token is of (T,): 0 or 1."""
    return np.array(tokens.type_ids, dtype=np.int64)
