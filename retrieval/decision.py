"""Whether what was found answers the question, or nothing does."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.schema import Passage
from retrieval.fusion import Fusion


@dataclass(frozen=True, slots=True)
class Decision:
    """A threshold on the best score, and how much its lead over the second counts beside it.

    Fitted by `retrieval.evaluate.fitted`. With `margin` 0 the best score decides alone.
    """

    threshold: float = 0.0
    margin: float = 0.0

    def value(self, passages: Sequence[Passage]) -> float:
        """What is held against the threshold, for passages best first; 0 where there is none."""
        if not passages:
            return 0.0
        best = passages[0].score
        second = passages[1].score if len(passages) > 1 else best
        return best + self.margin * (best - second)

    def answers(self, passages: Sequence[Passage]) -> bool:
        """Whether the best passage is close enough."""
        return bool(passages) and self.value(passages) >= self.threshold


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted on labelled questions, and what those were."""

    fusion: Fusion
    decision: Decision
    fitted_on: str
