"""From texts to an intent run's logits and vectors, as the run is served."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from data.encoders import Encoder
from data.errors import EncoderError
from data.onnx_text import OnnxText, Side
from finetune.confidence.memory import standing_of
from finetune.intent.words import Words
from finetune.run_dir import RunDir
from finetune.run_kind import kind_of
from finetune.serving import ends_encoder

Floats = NDArray[np.floating[Any]]


class TextLogits:
    """A run's network, or its head on the shared encoder, and the words beside it.

    Args:
        run: A complete intent run.
        encoder: Opens the shared encoder by name; used where the run's encoder is frozen.
        threads: CPU threads of one call.

    Raises:
        EncoderError: If the encoder is not the one that the head was trained on.
    """

    def __init__(self, run: RunDir, encoder: Callable[[str], Encoder], threads: int) -> None:
        config = run.trained()
        cut: Side = "left" if kind_of(run) == "next action" else "right"
        self._words = Words.load(run.words) if run.words.exists() else None
        head = load_file(run.head)
        self._weight, self._bias = head["weight"], head["bias"]
        if "scale" in head:
            self._weight = self._weight * head["scale"]
        self.added: tuple[Floats, Floats] | None = None
        if run.added.exists():
            added = load_file(run.added)
            self.added = added["weight"], added["bias"]
        self._texts: OnnxText | None = None
        self.encoder: Encoder | None = None
        if run.model.exists():
            self._texts = OnnxText(
                run.model, run.tokenizer / "tokenizer.json", config.max_tokens, threads, cut=cut
            )
            return
        base = run.read_json(run.base)
        # An encoder that is shared reads the beginnings of texts; here their ends tell.
        self.encoder = (
            ends_encoder(base["encoder"], config.max_tokens, threads)
            if cut == "left"
            else encoder(base["encoder"])
        )
        if self.encoder.fingerprint != base["fingerprint"]:
            raise EncoderError(
                f"{run.root}: its head was trained on other weights of {base['encoder']}; "
                "train it again"
            )

    def of(
        self, texts: Sequence[str], vectors: Floats | None = None, with_vectors: bool = False
    ) -> tuple[Floats, Floats | None]:
        """Logits (n, K) before calibration; the pooled vectors (n, D) too where they are at hand.

        Args:
            texts: At least one.
            vectors: Theirs by the shared encoder, where at hand: they spare a pass.
            with_vectors: Whether a tuned network is asked for its vectors.
        """
        scores: Floats
        found: Floats | None = None
        if self._texts is None:
            assert self.encoder is not None
            found = self.encoder.encode(texts) if vectors is None else vectors
            scores = found @ self._weight.T + self._bias
        elif with_vectors or self.added is not None:
            outputs = self._texts.run_outputs(texts, ("output", "vector"))
            scores, found = np.stack(outputs[0]), np.stack(outputs[1])
        else:
            scores = np.stack(self._texts.run(texts))
        margins = self._margins(texts)
        if margins is not None:
            scores = scores + margins
        if self.added is not None:
            assert found is not None
            own = found @ self.added[0].T + self.added[1]
            if (
                margins is not None
            ):  # words know nothing of an added intent: neither for nor against
                own = own + margins.max(axis=1, keepdims=True)
            scores = np.concatenate([scores, own], axis=1)
        return scores, found

    def standing(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """What a further label must beat on n texts (n, 2), see `standing_of`; their vectors."""
        scores, vectors = self.of(texts, with_vectors=True)
        assert vectors is not None
        return standing_of(scores, self._margins(texts)), vectors

    def _margins(self, texts: Sequence[str]) -> Floats | None:
        """What the words add to the labels that they know (n, K)."""
        if self._words is None:
            return None
        words, share = self._words
        margins: Floats = share * words.logits(texts)
        return margins
