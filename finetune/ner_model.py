"""Serving an ner run: texts in, entities with confidences out."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from scipy.special import log_softmax

from data.onnx_text import OnnxText
from data.schema import Entity
from finetune.run_dir import RunDir
from finetune.shapes import shape_ids
from finetune.tags import allowed, best_path, spans_of

WINDOW_CHARS = 400  # under the token limit for all but gibberish; a long text is read in such windows
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
        """The entities of each text, in order, not overlapping; long texts are read to their end."""
        windows = [(row, start, end) for row, text in enumerate(texts) for start, end in _windows(text)]
        pieces = [texts[row][start:end] for row, start, end in windows]
        encodings = self._texts.tokenize(pieces)
        results: list[list[Entity]] = [[] for _ in texts]
        outputs = self._texts.run(pieces, encodings)
        for (row, shift, _), encoding, logits in zip(windows, encodings, outputs, strict=True):
            real = [place for place, (start, end) in enumerate(encoding.offsets) if end > start]
            scores = log_softmax(logits[real], axis=1)
            path = best_path(scores, self._transitions)
            offsets = [(s + shift, e + shift) for s, e in (encoding.offsets[place] for place in real)]
            sure = [math.exp(scores[step, tag]) for step, tag in enumerate(path)]
            results[row] += spans_of(texts[row], offsets, [self.tags[tag] for tag in path], sure)
        return results


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of pieces of at most WINDOW_CHARS, cut at white space where there is some."""
    start = 0
    while start < len(text):
        end = min(start + WINDOW_CHARS, len(text))
        if end < len(text):
            spaces = [match.start() for match in _SPACE.finditer(text, start + WINDOW_CHARS // 2, end)]
            end = spaces[-1] if spaces else end
        yield start, end
        start = end
