"""What retrieval offers."""

from typing import Protocol

from data.schema import Passage


class Retriever(Protocol):
    """Anything that finds passages for a question."""

    def search(self, question: str, k: int = 5) -> list[Passage]:
        """Up to `k` passages, best first, scores in [0, 1]; empty when nothing is indexed."""
