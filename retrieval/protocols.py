"""What retrieval offers."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.schema import Passage


class Retriever(Protocol):
    """Anything that finds passages for a question."""

    def search(self, question: str, k: int = 5) -> list[Passage]:
        """Up to `k` passages, best first, scores in [0, 1]; empty when nothing is indexed."""


class Reranker(Protocol):
    """Anything that reads a question and a passage together: slower than vectors, and closer."""

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.floating[Any]]:
        """How well each of n passages answers (n,), in [0, 1], in the order given."""
