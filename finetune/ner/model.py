"""Serving an ner run: texts in, entities with confidences out."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from scipy.special import log_softmax

from data.onnx_text import OnnxText
from data.schema import Entity
from finetune.ner.shapes import shape_ids
from finetune.run_dir import RunDir
from finetune.tags import allowed, best_path, spans_of

WINDOW_CHARS = 800  # a long text is read in such windows: mostly under the token limit
_SPACE = re.compile(r"\s")


class NerModel:
    """A trained entity recogniser.

    Raises:
        RunDirError: If the run is not a complete ner run.
    """

    def __init__(self, run: Path, threads: int = 2) -> None:
        folder = RunDir(run)
        folder.check("ner")
        self.tags: list[str] = folder.read_json(folder.labels)
        self._transitions = allowed(self.tags)
        self._texts = OnnxText(
            folder.model,
            folder.tokenizer / "tokenizer.json",
            max(int(folder.read_config()["train"]["max_tokens"]), 256),
            threads,
            features={"shapes": shape_ids},
        )

    def predict(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in order, not overlapping; long texts are read to the end."""
        windows = [
            (row, start, text[start:end])
            for row, text in enumerate(texts)
            for start, end in _windows(text, WINDOW_CHARS)
        ]
        encodings = self._texts.tokenize([piece for _, _, piece in windows])
        while any(encoding.overflowing for encoding in encodings):  # too many tokens: halve it
            windows = [
                (row, shift + start, piece[start:end])
                for (row, shift, piece), encoding in zip(windows, encodings, strict=True)
                for start, end in _windows(
                    piece, -(-len(piece) // 2) if encoding.overflowing else len(piece)
                )
            ]
            encodings = self._texts.tokenize([piece for _, _, piece in windows])
        results: list[list[Entity]] = [[] for _ in texts]
        outputs = self._texts.run([piece for _, _, piece in windows], encodings)
        for (row, shift, _), encoding, logits in zip(windows, encodings, outputs, strict=True):
            real = [place for place, (start, end) in enumerate(encoding.offsets) if end > start]
            scores = log_softmax(logits[real], axis=1)
            path = best_path(scores, self._transitions)
            offsets = [
                (s + shift, e + shift) for s, e in (encoding.offsets[place] for place in real)
            ]
            sure = [math.exp(scores[step, tag]) for step, tag in enumerate(path)]
            results[row] += spans_of(texts[row], offsets, [self.tags[tag] for tag in path], sure)
        return results


def _windows(text: str, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of pieces of at most `size` characters, cut at white space where there is some.

    A piece of `size` characters or less stays whole.
    """
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            spaces = [match.start() for match in _SPACE.finditer(text, start + size // 2, end)]
            end = spaces[-1] if spaces and spaces[-1] > start else end
        yield start, end
        start = end
