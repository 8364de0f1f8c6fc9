"""A question with a passage as token ids, in overlapping windows where the passage is long.

Source: the doc stride of Devlin et al. 2019, https://aclanthology.org/N19-1423; a passage token
that the question has too is marked, as in Chen et al. 2017, https://aclanthology.org/P17-1171
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from finetune.frames import frame_of

OUTSIDE, PASSAGE, SHARED = 0, 1, 2  # segments of a token


@dataclass(frozen=True, slots=True)
class Window:
    """Question and a part of its passage, T tokens.

    `segments` are OUTSIDE (question and special tokens), PASSAGE, or SHARED: in the passage, and
    in the question too. `offsets` are characters [start, end) of the whole passage, (0, 0) outside.
    """

    ids: list[int]
    segments: list[int]
    offsets: list[tuple[int, int]]


def segments_of(text: str, window: Window) -> NDArray[np.int64]:
    """The segments (T,): a feature of OnnxText."""
    return np.array(window.segments, dtype=np.int64)


class Windows:
    """Cuts passages.

    Args:
        tokenizer: One that neither cuts nor pads.
        max_tokens: Of a window. A question that fills more than half of one is cut on the right.
        stride: Tokens that neighbouring windows share, at most half of a window's passage.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, stride: int) -> None:
        self._tokenizer = tokenizer
        self._frame = frame_of(tokenizer, 2)
        self._room = max_tokens - len(self._frame)
        self._stride = stride

    def cut(self, question: str, passage: str) -> list[Window]:
        """The windows, in order; every token of the passage is in one. None without a token."""
        asked = self._encode(question)
        ids = asked.ids[: self._room // 2]
        telling = {
            token for token, piece in zip(ids, asked.tokens, strict=False)
            if any(map(str.isalnum, piece))
        }  # fmt: skip
        read = self._encode(passage)
        frame = self._frame
        first = [*frame.before, *ids, *frame.between]
        last = len(frame.after)
        room = self._room - len(ids)
        return [
            Window(
                [*first, *read.ids[start:end], *frame.after],
                [OUTSIDE] * len(first)
                + [SHARED if token in telling else PASSAGE for token in read.ids[start:end]]
                + [OUTSIDE] * last,
                [(0, 0)] * len(first) + read.offsets[start:end] + [(0, 0)] * last,
            )
            for start, end in _parts(len(read.ids), room, min(self._stride, room // 2))
        ]

    def _encode(self, text: str) -> Encoding:
        return self._tokenizer.encode(text, add_special_tokens=False)


def _parts(tokens: int, room: int, stride: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < tokens:
        yield start, min(start + room, tokens)
        if start + room >= tokens:
            return
        start += room - stride
