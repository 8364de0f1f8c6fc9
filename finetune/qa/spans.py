"""From start and end logits to an answer, its confidence, or none."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from finetune.qa.windows import OUTSIDE, Window

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """The best span of a passage: characters [start, end).

    `margin` is how much its logits exceed those of "no answer" in its window, `log_span` and
    `log_none` are the log probabilities (0 or less) of the two there.
    """

    start: int
    end: int
    margin: float
    log_span: float
    log_none: float


@dataclass(frozen=True, slots=True)
class QaCalibration:
    """When to say that a passage has no answer, and how sure an answer is.

    A span whose margin is not above `threshold` is not said; without a threshold every one is. The
    confidence is the logistic function of `slope` times the log probability of what is said, plus
    `offset`: fitted to how often that is right (Platt 1999), the probability itself where slope is
    0. `fitted_on` says on what.
    """

    threshold: float | None
    slope: float
    offset: float
    fitted_on: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `calibration.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "QaCalibration":
        """Read back what `to_dict` gave."""
        return cls(**values)

    def answers(self, found: Found) -> bool:
        """Whether the span is said."""
        return self.threshold is None or found.margin > self.threshold

    def confidence(self, found: Found) -> float:
        """How likely what is said of it is right, in [0, 1]."""
        log = found.log_span if self.answers(found) else found.log_none
        if self.slope <= 0:
            return float(np.exp(log))
        return float(1 / (1 + np.exp(-np.clip(self.slope * log + self.offset, -50, 50))))


def best_span(windows: Sequence[Window], logits: Sequence[Floats], longest: int) -> Found | None:
    """The span that exceeds "no answer" by most, over all windows of a passage.

    Each window's own "no answer" is what its spans are measured by: logits of two windows cannot
    be compared without.

    Args:
        windows: Of one question and its passage.
        logits: Start and end (T, 2) of each.
        longest: Tokens of an answer.

    Returns:
        The span, or None where there is no window.
    """
    found = [
        _of_window(window, each, longest) for window, each in zip(windows, logits, strict=True)
    ]
    return max(found, key=lambda each: each.margin, default=None)


def _of_window(window: Window, logits: Floats, longest: int) -> Found:
    inside = [place for place, kind in enumerate(window.segments) if kind != OUTSIDE]
    first, last = inside[0], inside[-1] + 1  # the passage stands in one piece
    start, end = (log_softmax(logits[:, side].astype(np.float64)) for side in (0, 1))
    both = start[first:last, None] + end[None, first:last]
    tokens = np.arange(last - first)
    length = tokens[None, :] - tokens[:, None] + 1
    both[(length < 1) | (length > longest)] = -np.inf
    begin, stop = np.unravel_index(int(both.argmax()), both.shape)
    none = float(start[0] + end[0])
    span = float(both[begin, stop])
    return Found(
        window.offsets[first + int(begin)][0],
        window.offsets[first + int(stop)][1],
        span - none,
        span,
        none,
    )
