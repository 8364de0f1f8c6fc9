"""StackFAQ as an index sees it: threads are passages and paraphrases questions; folds by thread."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.schema import Passage
from retrieval.evaluate import choose
from retrieval.folds import folds_of, groups_of
from retrieval.fusion import FUSIONS, Fusion
from retrieval.index import Index
from retrieval.parts import part_rows
from retrieval.questions import Question
from retrieval.writing import build_index

_SEPARATOR = "*"
DEEP = 125  # all passages: a whole order


@dataclass(frozen=True, slots=True)
class Stack:
    """Threads and their paraphrases. `full`: question and first answer; `answers`: that alone."""

    full: list[Passage]
    answers: list[Passage]
    questions: list[Question]

    @property
    def folds(self) -> NDArray[np.int64]:
        """A fold of five for each question (n,), by thread."""
        return folds_of(groups_of(self.questions))


@dataclass(slots=True)
class KeptVectors:
    """An encoder that keeps what it has encoded: the same texts are searched many times."""

    encoder: Encoder
    kept: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """See Encoder."""
        return self.encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Encoder."""
        new = [text for text in dict.fromkeys(texts) if text not in self.kept]
        if new:
            self.kept.update(zip(new, self.encoder.encode(new), strict=True))
        return np.stack([self.kept[text] for text in texts])


def read_stackfaq(folder: Path) -> Stack:
    """The 125 threads and 1,249 paraphrases."""
    path = folder / "stackExchange-FAQ.json"
    threads = json.loads(path.read_text(encoding="utf-8"))["root"]["qapair"]
    stack = Stack([], [], [])
    for number, thread in enumerate(threads):
        identity, answer = f"thread-{number:03d}", thread["answer"]
        first = answer if isinstance(answer, str) else answer[0]
        stack.full.append(Passage(identity, first, thread["question"], "stackfaq", {"kind": "faq"}))
        stack.answers.append(Passage(identity, first, "", "stackfaq", {"kind": "faq"}))
        stack.questions.extend(
            Question(text, frozenset({identity}))
            for text in thread["rephr"]
            if text and text.strip() != _SEPARATOR
        )
    return stack


def indexed(
    passages: Sequence[Passage],
    encoder: Encoder,
    root: Path,
    known: Sequence[Question] = (),
    titles: bool = False,
    with_sentences: bool = False,
) -> Index:
    """An index of them, with further rows for known questions, titles and sentences."""
    rows = list(known)
    if titles:
        rows += [
            Question(text, frozenset({key}))
            for passage in passages
            for text, key in part_rows(passage, with_sentences)
        ]
    return build_index(passages, encoder, "benchmark", root, rows)


def orders(index: Index, questions: Sequence[Question], fusion: Fusion) -> list[list[str]]:
    """The ids of all passages for each question, best first."""
    weighted = index.weighted(fusion)
    vectors = index.encoder.encode([question.text for question in questions])
    return [
        [passage.id for passage in weighted.search(question.text, DEEP, vector=vector)]
        for question, vector in zip(questions, vectors, strict=True)
    ]


def ranks_of(found: Sequence[Sequence[str]], questions: Sequence[Question]) -> NDArray[np.int64]:
    """The place of the first right passage for each question (n,), counted from 1."""
    return np.array(
        [
            next((at for at, each in enumerate(ids, 1) if each in q.relevant), DEEP)
            for ids, q in zip(found, questions, strict=True)
        ]
    )


def reciprocal_rank_fusion(first: Sequence[str], second: Sequence[str], k: int = 60) -> list[str]:
    """Two orders as one: the sum of 1 / (k + place).

    Source: Cormack et al. 2009, https://doi.org/10.1145/1571941.1572114 (k = 60).
    """
    worth: dict[str, float] = {}
    for order in (first, second):
        for place, identity in enumerate(order, start=1):
            worth[identity] = worth.get(identity, 0.0) + 1 / (k + place)
    return sorted(worth, key=lambda identity: -worth[identity])


def fitted(
    table: NDArray[np.float64], groups: NDArray[np.int64], folds: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[Fusion]]:
    """Reciprocal ranks (n,), each fold under what `choose` takes on the others, and what that was.

    Args:
        table: Reciprocal ranks under each of FUSIONS (F, n).
        groups: Of the questions (n,), by thread.
        folds: Of the questions (n,).
    """
    found, chosen = np.zeros(table.shape[1]), []
    for fold in np.unique(folds):
        rest = folds != fold
        best = choose(table[:, rest], FUSIONS, groups[rest])
        found[~rest] = table[best, ~rest]
        chosen.append(FUSIONS[best])
    return found, chosen
