"""An index as a retriever whose passages come and go."""

from collections.abc import Collection, Sequence

from data.schema import Passage
from retrieval.filters import Filter
from retrieval.index import Index
from retrieval.writing import add, delete


class LivingIndex:
    """A `LivingRetriever` on an index directory: each search sees what anyone has written."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def search(self, question: str, k: int = 5, *, where: Filter | None = None) -> list[Passage]:
        """See Retriever."""
        self._index = self._index.current()
        return self._index.search(question, k, where=where)

    def add(self, passages: Sequence[Passage]) -> None:
        """See LivingRetriever."""
        self._index = add(self._index, passages)

    def delete(self, ids: Collection[str]) -> None:
        """See LivingRetriever."""
        self._index = delete(self._index, ids)

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """See LivingRetriever."""
        self._index = self._index.current()
        places = self._index.places(ids).tolist()
        found = {passage.id: passage for passage in map(self._index.passage, places)}
        return [found[identity] for identity in dict.fromkeys(ids) if identity in found]

    def __len__(self) -> int:
        self._index = self._index.current()
        return len(self._index)
