"""How probable it is that a passage answers a message: fitted on messages with known answers.

Three things tell of a passage: the search's score; how far the message and the passage's title are
taken for the same intent; and how much of the message's words stands in the passage or in a
question that leads to it, rare ones first: "gift wrapping" is close to "gift cards", but no page
says "wrapping". What a colleague once told another customer has a weight of its own.

A message has several readings: all of it, each question in it, and, where it goes on from the
message before, both together. A part that fits says little where the whole does not: so each
reading counts by what the whole gives and by what the reading adds to that.

The readings' passages compete with one another and with `none`, which nothing but the message's
being in scope speaks against: a conditional logit.

Where a person has led the conversation so far, a message is mostly a remark, or asks for something
that this person can look up: there an answer must be more probable.

Source: McFadden 1974, "Conditional logit analysis of qualitative choice behavior".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from data.errors import RunDirError
from data.outputs import write_whole
from data.schema import Passage

SAID = 2  # passages of one answer at most
# Of a passage under a reading; those behind "colleague" are what the reading adds to the whole.
FEATURES = (
    "score", "intent", "words", "colleague", "part_score", "part_intent", "part_words",
)  # fmt: skip
NONE = ("none", "scope")  # of the message; `none` is 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Competing:
    """What may answer a message.

    Args:
        passages: m of them.
        rows: (n, FEATURES), one for each passage that a reading found.
        of: (n,) which passage each row is of.
        message: (NONE,).
    """

    passages: tuple[Passage, ...]
    rows: Floats
    of: NDArray[np.int64]
    message: Floats


@dataclass(frozen=True, slots=True)
class Fitness:
    """Weights in log-odds, of each of FEATURES and of NONE, and the least probability to answer.

    The threshold holds for what is said in one answer together, `led` in its place where a person
    has led the conversation; `beside` is the least of a second passage. `fitted_on` tells on what.
    """

    weights: Mapping[str, float]
    threshold: float
    led: float
    beside: float
    fitted_on: str = ""

    def probabilities(self, found: Competing) -> Floats:
        """That each of the m passages is the answer; the rest to 1 is that none is."""
        odds = found.rows @ np.array([self.weights[name] for name in FEATURES])
        none = found.message @ np.array([self.weights[name] for name in NONE])
        shares = softmax(np.append(odds, none))[:-1]
        chances = np.zeros(len(found.passages))
        np.add.at(chances, found.of, shares)
        return chances

    def said(self, chances: Floats) -> list[int]:
        """Which of m passages (m,) make up an answer, the best first: two where both are likely."""
        best, *others = np.argsort(-chances, kind="stable").tolist()[:SAID]
        return [best, *(each for each in others if chances[each] >= self.beside)]

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all.

        Raises:
            ConfigError: If it cannot be written.
        """
        write_whole(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Fitness":
        """Read what `save` wrote.

        Raises:
            RunDirError: If it is something else.
        """
        try:
            values: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            fitness = cls(**values)
            if set(fitness.weights) != {*FEATURES, *NONE}:
                raise ValueError("other weights")
        except (OSError, ValueError, TypeError) as error:
            raise RunDirError(f"{path}: not what `deskhand fit` writes; fit again") from error
        return fitness


def named(weights: Sequence[float]) -> dict[str, float]:
    """Weights in the order of FEATURES and NONE, by name."""
    return dict(zip((*FEATURES, *NONE), weights, strict=True))
