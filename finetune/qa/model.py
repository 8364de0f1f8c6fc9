"""Serving a qa run: a question and a passage in, the span that answers out, or that none does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.onnx_text import OnnxText
from finetune.frames import bare_tokenizer
from finetune.qa.spans import Found, QaCalibration, best_span
from finetune.qa.windows import Window, Windows, segments_of
from finetune.run_dir import RunDir

_WINDOWS = 512  # in memory at a time


@dataclass(frozen=True, slots=True)
class QaAnswer:
    """Characters [start, end) of the passage and their text, all None where nothing answers.

    `confidence` in [0, 1] is how likely that is right, also of an answer that there is none.
    """

    text: str | None
    start: int | None
    end: int | None
    confidence: float


class QaModel:
    """A trained reader of passages.

    Raises:
        RunDirError: If the run is not a complete qa run.
    """

    def __init__(self, run: Path, threads: int = 2) -> None:
        folder = RunDir(run)
        folder.check("qa")
        config = folder.trained()
        self._calibration = folder.read_as(folder.calibration, QaCalibration.from_dict)
        self._spans = SpanGraph(
            folder, config.max_tokens, config.qa.stride, config.qa.max_answer_tokens, threads
        )

    def answer(self, question: str, passage: str) -> QaAnswer:
        """What the passage says to the question."""
        return self.answers([(question, passage)])[0]

    def answers(self, asked: Sequence[tuple[str, str]]) -> list[QaAnswer]:
        """The same for many (question, passage) at a time: their windows share batches."""
        results = []
        found = self._spans.find(asked)
        for (_, passage), span in zip(asked, found, strict=True):
            if span is None:  # nothing to read is sure to hold no answer
                results.append(QaAnswer(None, None, None, 1.0))
                continue
            sure = self._calibration.confidence(span)
            if self._calibration.answers(span):
                text = passage[span.start : span.end]
                results.append(QaAnswer(text, span.start, span.end, sure))
            else:
                results.append(QaAnswer(None, None, None, sure))
        return results


class SpanGraph:
    """The graph of a run with its windows.

    Args:
        folder: The run; it need not be complete.
        max_tokens: Of a window.
        stride: Tokens that neighbouring windows share.
        longest: Tokens of an answer.
        threads: CPU threads of one call.
    """

    def __init__(
        self, folder: RunDir, max_tokens: int, stride: int, longest: int, threads: int
    ) -> None:
        path = folder.tokenizer / "tokenizer.json"
        self._texts = OnnxText(
            folder.model, path, max_tokens, threads, features={"segments": segments_of},
            batch_size=16,
        )  # fmt: skip
        self._windows = Windows(bare_tokenizer(path), max_tokens, stride)
        self._longest = longest

    def find(self, asked: Sequence[tuple[str, str]]) -> list[Found | None]:
        """The best span of each (question, passage); None where the passage has no token."""
        found: list[Found | None] = []
        waiting: list[tuple[str, list[Window]]] = []
        for question, passage in asked:
            waiting.append((question, self._windows.cut(question, passage)))
            if sum(len(windows) for _, windows in waiting) >= _WINDOWS:
                found += self._read(waiting)
                waiting = []
        return found + self._read(waiting)

    def _read(self, waiting: Sequence[tuple[str, list[Window]]]) -> list[Found | None]:
        flat = [(question, window) for question, windows in waiting for window in windows]
        logits = iter(self._texts.run([text for text, _ in flat], [each for _, each in flat]))
        return [
            best_span(windows, [next(logits) for _ in windows], self._longest)
            for _, windows in waiting
        ]
