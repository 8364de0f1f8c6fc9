"""Which sentence of a passage answers a question, and which of its words the question shares."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data import sentences
from data.encoders import Encoder, passage_vectors, question_vectors

# Chosen on the first half of XQuAD's English articles; see BENCHMARKS.md.
WORDS = 0.6
_PIECE = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
_COMMON = frozenset(
    "a an and are as at be been by can could did do does for from had has have how i if in is it "
    "its me my of on or our so that the their them there they this to was we were what when where "
    "which who why will with would you your "
    "什么 怎么 可以 多少 哪里 哪些 是否 如何 为什 我们 你们 他们 一个 这个 那个 没有 不能".split()
)


@dataclass(frozen=True, slots=True)
class Highlight:
    """Characters [start, end) of a passage's text: one sentence, how close it is, and its words.

    `score` is in [0, 1]; `words` are [start, end) in the passage's text too, in order, apart from
    each other: what the sentence shares with the question, common words left out.
    """

    start: int
    end: int
    score: float
    words: tuple[tuple[int, int], ...] = ()


def highlight(
    question: str,
    text: str,
    encoder: Encoder,
    vector: NDArray[np.float32] | None = None,
    words: float = WORDS,
) -> Highlight | None:
    """The sentence of a passage that fits a question best; the first of equal ones.

    Args:
        question: What is asked.
        text: The passage's text.
        encoder: Of the index.
        vector: The question's vector (D,), if the caller has it.
        words: How much shared words count beside the cosine, in [0, 1].

    Returns:
        The highlight, or None where the text is empty.
    """
    spans = sentences.spans(text)
    if not spans:
        return None
    asked = {piece for piece, _, _ in pieces(question)} - _COMMON
    found = [pieces(text[start:end]) for start, end in spans]
    told = [text[start:end] for start, end in spans]
    if vector is None:
        vector = question_vectors(encoder, [question])[0]
    cosines = passage_vectors(encoder, told) @ vector
    scores = (1 - words) * np.clip(cosines, 0, 1) + words * _shared(asked, found)
    best = int(np.argmax(scores))
    start, end = spans[best]
    return Highlight(start, end, float(scores[best]), _words(asked, found[best], start))


def pieces(text: str) -> list[tuple[str, int, int]]:
    """(piece, start, end): words in lower case with a plural `s` cut, pairs of Chinese characters.

    A single Chinese character between other writing is a piece of its own.
    """
    result = []
    for match in _PIECE.finditer(text):
        start, run = match.start(), match.group().lower()
        if "\u3400" <= run[0] <= "\u9fff":
            pairs = range(max(len(run) - 1, 1))
            result += [
                (run[at : at + 2], start + at, start + at + len(run[at : at + 2])) for at in pairs
            ]
        else:
            plural = len(run) > 3 and run.endswith("s") and not run.endswith("ss")
            result.append((run[:-1] if plural else run, start, match.end()))
    return result


def _shared(asked: set[str], found: Sequence[list[tuple[str, int, int]]]) -> NDArray[np.float64]:
    """The share of the question's pieces that each sentence has (n,); rare ones count for more."""
    present = [{piece for piece, _, _ in each} & asked for each in found]
    often = {piece: sum(piece in each for each in present) for piece in asked}
    worth = {piece: 1 / (1 + count) for piece, count in often.items()}
    total = sum(worth.values())
    if not total:
        return np.zeros(len(found))
    return np.array([sum(worth[piece] for piece in sorted(each)) / total for each in present])


def _words(
    asked: set[str], found: Sequence[tuple[str, int, int]], offset: int
) -> tuple[tuple[int, int], ...]:
    """Places of the pieces that were asked for; those that touch or overlap are joined."""
    joined: list[tuple[int, int]] = []
    for piece, start, end in found:
        if piece not in asked:
            continue
        start, end = start + offset, end + offset
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)
