"""A conversation of any length through a model that reads a limited text: in parts, then merged."""

from collections.abc import Callable, Sequence
from typing import Protocol

from data.schema import Turn
from finetune.reading.summaries import talk_text

_ROUNDS = 6  # of merging, at most: each makes the text shorter, or the parts are joined as they are


class TextWriter(Protocol):
    """Writes a text for each text of at most `most_tokens` tokens."""

    most_tokens: int

    def tokens(self, text: str) -> int:
        """How many tokens it reads of a text."""

    def write(self, texts: Sequence[str]) -> list[str]:
        """What is written for each text."""


class WholeWriter:
    """Writes of whole conversations.

    Parts that the model can read are cut between turns; a longer turn is cut between its words.
    What is written of each part is joined and written again, until one part holds it.

    Args:
        model: What writes.
    """

    def __init__(self, model: TextWriter) -> None:
        self._model = model

    def write(self, turns: Sequence[Turn]) -> str:
        """A text for the whole conversation."""
        lines = talk_text(turns).splitlines()
        written: list[str] = []
        for _ in range(_ROUNDS):
            parts = parts_of(lines, self._model.tokens, self._model.most_tokens)
            written = [text for text in self._model.write(parts) if text.strip()]
            if len(parts) <= 1 or len(written) <= 1 or _words(written) >= _words(lines):
                break
            lines = written
        return " ".join(written)


def parts_of(lines: Sequence[str], size: Callable[[str], int], most: int) -> list[str]:
    """The lines in order, joined to parts of at most `most` by `size`; a word is never cut."""
    parts: list[str] = []
    for piece in (piece for line in lines for piece in _cut(line, size, most)):
        joined = f"{parts[-1]}\n{piece}" if parts else piece
        if parts and size(joined) <= most:
            parts[-1] = joined
        else:
            parts.append(piece)
    return parts


def _cut(line: str, size: Callable[[str], int], most: int) -> list[str]:
    words = line.split()
    if len(words) < 2 or size(line) <= most:
        return [line]
    half = len(words) // 2
    halves = (" ".join(words[:half]), " ".join(words[half:]))
    return [piece for each in halves for piece in _cut(each, size, most)]


def _words(texts: Sequence[str]) -> int:
    return sum(len(text.split()) for text in texts)
