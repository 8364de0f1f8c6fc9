"""What retrieval offers."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.schema import Passage
from retrieval.filters import Filter


class Retriever(Protocol):
    """Anything that finds passages for a question."""

    def search(self, question: str, k: int = 5, *, where: Filter | None = None) -> list[Passage]:
        """Up to `k` passages that `where` admits, best first, scores in [0, 1].

        Empty when nothing is indexed or admitted. Any text is a question: empty, very long, with
        null bytes or halves of an emoji.
        """


class LivingRetriever(Retriever, Protocol):
    """A retriever whose passages come and go; a search sees what was added before it began.

    `tests/test_retriever_contract.py` holds what each of them must do.
    """

    def add(self, passages: Sequence[Passage]) -> None:
        """Add passages; one with a known id replaces it, one given twice counts as given last."""

    def delete(self, ids: Collection[str]) -> None:
        """Delete passages by id; unknown ones are passed over."""

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """The passages of these ids in their order, each once; unknown ones are passed over."""

    def __len__(self) -> int:
        """How many passages can be found."""


class Reranker(Protocol):
    """Anything that reads a question and a passage together: slower than vectors, and closer."""

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.floating[Any]]:
        """How well each of n passages answers (n,), in [0, 1], in the order given."""
