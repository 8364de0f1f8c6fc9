"""Serving an ner run: texts in, entities with confidences out."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from scipy.special import log_softmax
from tokenizers import Encoding

from data.onnx_text import OnnxText
from data.schema import Entity
from finetune.ner.shapes import shape_ids
from finetune.run_dir import RunDir
from finetune.serving import SHARED_TOKENS
from finetune.tags import allowed, best_path, spans_of

POSITIONS = "positions"  # in base.json, where they are fewer than a window's tokens
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
            window_tokens(folder),
            threads,
            features={"shapes": shape_ids},
        )

    def predict(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in order, not overlapping; long texts are read to the end."""
        encodings: list[Encoding] = []

        def too_long(pieces: Sequence[str]) -> list[bool]:
            encodings[:] = self._texts.tokenize(pieces)
            return [bool(encoding.overflowing) for encoding in encodings]

        windows = windows_of(texts, too_long)
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


def most_tokens(max_tokens: int, positions: int | None) -> int:
    """Tokens of a window, where training read so many of a text, and an encoder has positions."""
    most = max(max_tokens, SHARED_TOKENS)
    return most if positions is None else min(most, positions)


def window_tokens(run: RunDir) -> int:
    """The same of a finished run, which keeps its positions where they are few."""
    max_tokens = run.trained().max_tokens
    return run.read_as(run.base, lambda base: most_tokens(max_tokens, base.get(POSITIONS)))


def windows_of(
    texts: Sequence[str], too_long: Callable[[Sequence[str]], Sequence[bool]]
) -> list[tuple[int, int, str]]:
    """(text, first character, piece) of pieces that are short enough to be read as a whole.

    Args:
        texts: The texts, which are read to their ends.
        too_long: Whether each of some pieces has too many tokens: it is halved then.
    """
    windows = [
        (row, start, text[start:end])
        for row, text in enumerate(texts)
        for start, end in _windows(text, WINDOW_CHARS)
    ]
    while any(long := too_long([piece for _, _, piece in windows])):
        windows = [
            (row, shift + start, piece[start:end])
            for (row, shift, piece), halved in zip(windows, long, strict=True)
            for start, end in _windows(piece, -(-len(piece) // 2) if halved else len(piece))
        ]
    return windows


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
