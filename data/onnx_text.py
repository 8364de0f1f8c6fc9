"""Texts through an ONNX graph: tokenize, batch by length, run. No torch, quick to import.

Both retrieval (vectors) and finetune (logits of a tuned model) serve through this one class.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from data.encoder_way import Way
from data.errors import RunDirError

# Idle threads of one graph would spin on the cores that the next graph needs; "0" lets them.
IDLE_THREADS_STOP = "1"

# From a text and its tokens: an Encoding, or what a model has put together itself.
Feature = Callable[[str, Any], NDArray[np.int64]]
Side = Literal["left", "right"]


def opened_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`.

    Raises:
        RunDirError: If the file is none.
    """
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no kind of its own
        raise RunDirError(f"{path}: not a tokenizer; train or index again") from error


class Tokens(Protocol):
    """Token ids of one text: an Encoding has them, and so has what a model puts together."""

    @property
    def ids(self) -> list[int]:
        """T of them."""


class OnnxText:
    """A tokenizer and an ONNX session that takes `input_ids` and `attention_mask`.

    Args:
        model: The graph; its outputs have the batch as first axis.
        tokenizer: A `tokenizer.json`.
        max_tokens: Longer texts are cut.
        threads: CPU threads of one call.
        features: Further inputs by name: integers (T,) or (T, F) made from the text and its tokens.
            Those that the graph does not take are left out: not every encoder knows token types.
        batch_size: Texts run together at most.
        cut: The side on which a longer text loses tokens.
    """

    def __init__(
        self,
        model: Path,
        tokenizer: Path,
        max_tokens: int = 256,
        threads: int = 2,
        features: dict[str, Feature] | None = None,
        batch_size: int = 32,
        cut: Side = "right",
    ) -> None:
        for path in (model, tokenizer):
            if not path.is_file():
                raise RunDirError(f"{path}: missing; train or index again")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # An arena never gives memory back: one batch of long texts would hold it for good.
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.force_spinning_stop", IDLE_THREADS_STOP)
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=onnxruntime.get_available_providers()
        )
        self._tokenizer = opened_tokenizer(tokenizer)
        self._tokenizer.enable_truncation(max_tokens, direction=cut)
        self._tokenizer.no_padding()
        taken = {each.name for each in self._session.get_inputs()}
        self._features = {name: each for name, each in (features or {}).items() if name in taken}
        self._batch_size = batch_size

    def tokenize(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> list[Encoding]:
        """Tokens, with their character offsets, of each text, or of each pair of texts.

        Of a pair that is too long, the longer text is cut until it is no longer than the other.
        """
        return list(self._tokenizer.encode_batch(list(texts)))

    def run(self, texts: Sequence[str], encodings: Sequence[Tokens] | None = None) -> list[Any]:
        """The graph's first output for each text, in the order given, without the padding.

        Outputs of shape (B, T, …) are cut to the text's own T; outputs (B, D) give (D,).
        """
        return self.run_outputs(texts, None, encodings)[0]

    def run_outputs(
        self,
        texts: Sequence[str],
        names: Sequence[str] | None,
        encodings: Sequence[Tokens] | None = None,
    ) -> list[list[Any]]:
        """For each of the named outputs, None for the first alone, what `run` gives."""
        encodings = self.tokenize(texts) if encodings is None else encodings
        names = [self._session.get_outputs()[0].name] if names is None else list(names)
        order = sorted(range(len(texts)), key=lambda row: len(encodings[row].ids))
        results: list[list[Any]] = [[None] * len(texts) for _ in names]
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            outputs = self._session.run(names, self._inputs(texts, encodings, rows))
            for result, output in zip(results, outputs, strict=True):
                for place, row in enumerate(rows):
                    length = len(encodings[row].ids)
                    result[row] = output[place, :length] if output.ndim == 3 else output[place]
        return results

    def _inputs(
        self, texts: Sequence[str], encodings: Sequence[Tokens], rows: Sequence[int]
    ) -> dict[str, NDArray[np.int64]]:
        length = max(len(encodings[row].ids) for row in rows)
        ids = np.zeros((len(rows), length), dtype=np.int64)
        mask = np.zeros_like(ids)
        extra: dict[str, NDArray[np.int64]] = {}
        for place, row in enumerate(rows):
            tokens = encodings[row].ids
            ids[place, : len(tokens)] = tokens
            mask[place, : len(tokens)] = 1
            for name, feature in self._features.items():
                values = feature(texts[row], encodings[row])
                shape = (len(rows), length, *values.shape[1:])
                extra.setdefault(name, np.zeros(shape, np.int64))[place, : len(tokens)] = values
        return {"input_ids": ids, "attention_mask": mask, **extra}


class OnnxEncoder:
    """An Encoder over an exported graph whose output is one unit-length vector a text.

    `way` has the words that stand before questions, passages and other texts.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: str,
        max_tokens: int = 256,
        threads: int = 2,
        cut: Side = "right",
        way: Way = Way(),
    ) -> None:
        self.fingerprint, self._way = fingerprint, way
        self._texts = OnnxText(
            folder / "model.onnx", folder / "tokenizer.json", max_tokens, threads, cut=cut
        )

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, D) of length 1."""
        return self._after(self._way.text, texts)

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See TwoWays."""
        return self._after(self._way.question, texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See TwoWays."""
        return self._after(self._way.passage, texts)

    def _after(self, prompt: str, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        told = [prompt + text for text in texts] if prompt else texts
        return np.stack(self._texts.run(told)).astype(np.float32)
