"""How probable it is that a passage answers a message: fitted on questions with known answers.

Three things tell: the search's score; how far the message and the passage's title are taken for
the same intent; and how much of the message's words stands in the passage or in a question that
leads to it, rare ones first: "gift wrapping" is close to "gift cards", but no page says "wrapping".
What a colleague once told another customer has a weight of its own, and so has how far the message
is within the company's scope. The passages of a message
compete with one another and with `none`, that nothing answers it: a conditional logit.

Source: McFadden 1974, "Conditional logit analysis of qualitative choice behavior".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import RunDirError
from data.schema import Entity, Passage
from finetune.intent_model import IntentModel, IntentPrediction
from retrieval.index import Index

SAID = 2  # passages of one answer at most
ALONE = 0.8  # so probable, a passage is said alone
BESIDE = 0.1  # less probable, it is not said beside a better one
FEATURES = ("score", "intent", "words", "colleague", "scope")
NAMES = frozenset({"order_number", "tracking_number", "email", "phone", "person"})
_TITLES = 5000  # titles whose intents are kept

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitness:
    """Weights in log-odds, of each of FEATURES and of `none`, and the least probability to answer.

    The threshold holds for what is said in one answer together. `fitted_on` tells on what.
    """

    score: float
    intent: float
    words: float
    colleague: float
    scope: float
    none: float
    threshold: float
    fitted_on: str = ""

    def probabilities(self, features: Floats) -> Floats:
        """That each of m passages (m, FEATURES) is the answer; the rest to 1 is that none is."""
        weights = np.array([self.score, self.intent, self.words, self.colleague, self.scope])
        odds = features @ weights
        return softmax(np.append(odds, self.none))[:-1]

    @staticmethod
    def said(chances: Floats) -> list[int]:
        """Which of m passages (m,) make up an answer, the best first: two where one is doubtful."""
        best, *others = np.argsort(-chances, kind="stable").tolist()[:SAID]
        doubtful = chances[best] < ALONE
        return [best, *(each for each in others if doubtful and chances[each] >= BESIDE)]

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Fitness":
        """Read what `save` wrote.

        Raises:
            RunDirError: If it is something else.
        """
        try:
            values: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return cls(**values)
        except (OSError, ValueError, TypeError) as error:
            raise RunDirError(f"{path}: not what `deskhand fit` writes; fit again") from error


class Features:
    """What tells how well passages fit a message.

    Args:
        intents: The intent run, for messages and for titles of passages.
    """

    def __init__(self, intents: IntentModel) -> None:
        self._intents = intents
        self._titles: dict[str, IntentPrediction] = {}

    def of(
        self,
        index: Index,
        text: str,
        read: IntentPrediction,
        entities: Sequence[Entity],
        passages: Sequence[Passage],
    ) -> Floats:
        """(m, FEATURES) of m passages.

        Args:
            index: Where they were found.
            text: The message, or a part of it.
            read: What the intent run says of it.
            entities: What was found in it; numbers and names are no words that a page could hold.
            passages: With their scores.
        """
        asked = without(text, [entity for entity in entities if entity.type in NAMES])
        shares = index.word_shares(asked, [passage.id for passage in passages])
        titles = self._of_titles(passages)
        rows = [
            (
                passage.score,
                alike(read, title),
                share,
                float(passage.metadata.get("kind") == "conversation"),
                read.scope,
            )
            for passage, title, share in zip(passages, titles, shares, strict=True)
        ]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(FEATURES))

    def _of_titles(self, passages: Sequence[Passage]) -> list[IntentPrediction]:
        texts = [passage.title or passage.text for passage in passages]
        new = list(dict.fromkeys(text for text in texts if text not in self._titles))
        if len(self._titles) + len(new) > _TITLES:
            self._titles.clear()
            new = list(dict.fromkeys(texts))
        self._titles |= dict(zip(new, self._intents.predict(new), strict=True))
        return [self._titles[text] for text in texts]


def alike(one: IntentPrediction, other: IntentPrediction) -> float:
    """How far two texts are taken for the same intents, in [0, 1]: Bhattacharyya's coefficient."""
    theirs = dict(other.top)
    return float(sum((p * theirs[name]) ** 0.5 for name, p in one.top if name in theirs))


def without(text: str, entities: Sequence[Entity]) -> str:
    """The text without those spans."""
    for entity in sorted(entities, key=lambda each: -each.start):
        text = f"{text[: entity.start]} {text[entity.end :]}"
    return text


def softmax(odds: Floats) -> Floats:
    """Odds as probabilities that sum to 1."""
    raised = np.exp(odds - odds.max())
    shares: Floats = raised / raised.sum()
    return shares
