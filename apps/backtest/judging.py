"""Whether what an app would have answered serves the customer as the person's answer did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apps.backtest.evidence import Pair, evidence_of
from apps.backtest.pairs import Likeness
from apps.backtest.passing import left_to_people, passed_on
from apps.backtest.replaying import Replayed, same_action
from data.encoders import Encoder
from data.schema import Passage

Kind = Literal["right", "wrong", "handed_over", "left_out"]
Why = Literal[
    "same_action",
    "same_words",
    "alike",
    "unlike",
    "person_passed_on",
    "person_answered",
    "as_the_person",
    "judged_bad",
]
MACRO_WORDS = 5  # a passage that stands in a person's answer word for word has at least so many


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer counts as, why, and its probability of serving as well where one was taken."""

    kind: Kind
    why: Why
    score: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether the app did what the person did, so that its state still holds."""
        return self.kind == "right" or self.why == "as_the_person"


Judge = Callable[[Replayed], Verdict]


def judge_by(likeness: Likeness, encoder: Encoder) -> Judge:
    """A judge: same action, else same words or passage, else a likeness of more than a half."""

    def judge(replayed: Replayed) -> Verdict:
        human, answer = replayed.human, replayed.answer
        if human.gold == "bad":
            return Verdict("left_out", "judged_bad")
        passed = passed_on(human)
        if left_to_people(answer):
            return Verdict("handed_over", "as_the_person" if passed else "person_answered")
        if same_action(replayed):
            return Verdict("right", "same_action")
        if passed:
            return Verdict("wrong", "person_passed_on")
        if _same_words(replayed):
            return Verdict("right", "same_words")
        pair = Pair(replayed.point.before.turns[-1].text, human.text, answer.text)
        score = float(likeness.score(evidence_of([pair], encoder))[0])
        return (
            Verdict("right", "alike", score) if score > 0.5 else Verdict("wrong", "unlike", score)
        )

    return judge


def serves_by(
    likeness: Likeness, encoder: Encoder
) -> Callable[[str, str, Sequence[Passage]], list[bool]]:
    """Tells which passages come to the same as what a person answered to a message."""
    remembering = _Remembering(encoder)

    def serves(asked: str, human: str, passages: Sequence[Passage]) -> list[bool]:
        pairs = [Pair(asked, human, passage.text) for passage in passages]
        if not pairs:
            return []
        return [score > 0.5 for score in likeness.score(evidence_of(pairs, remembering)).tolist()]

    return serves


class _Remembering:
    """An encoder that encodes a text once: the same passages are found again and again."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._vectors: dict[str, NDArray[np.float32]] = {}

    @property
    def fingerprint(self) -> str:
        """That of the encoder."""
        return self._encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors (n, D) of n texts."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors |= dict(zip(new, self._encoder.encode(new), strict=True)) if new else {}
        return np.stack([self._vectors[text] for text in texts])


def _same_words(replayed: Replayed) -> bool:
    """Whether the person said the answer word for word, or the passage that it cites first."""
    human, answer = _plain(replayed.human.text), replayed.answer
    if _plain(answer.text) == human:
        return True
    cited = [answer.passages[0].text] if answer.passages else []
    return any(
        len(text.split()) >= MACRO_WORDS and f" {text} " in f" {human} "
        for text in map(_plain, (answer.text, *cited))
    )


def _plain(text: str) -> str:
    """Small letters, words alone."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
