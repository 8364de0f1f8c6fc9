"""LangChain's door: passages as its retriever and vector store, our encoder as its embeddings.

Apps and models are its runnables.
Nothing is sent anywhere by this module. LangChain itself traces runs to a service where
`LANGSMITH_TRACING` is set in the environment: leave it unset for customers' text.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance
from numpy.typing import NDArray

from apps.app import App
from data.encoders import Encoder, passage_vectors, question_vectors
from data.schema import Answer, Conversation, Passage, Turn
from retrieval.columns import source_file
from retrieval.filters import Filter
from retrieval.living import LivingIndex
from retrieval.protocols import LivingRetriever, Retriever
from retrieval.rows import encodable
from retrieval.writing import build_index

_TITLE, _SOURCE, _SCORE = "title", "source", "score"
_DEEPEST = 10_000  # passages, past which no more are looked at for those of a filter
P = TypeVar("P", covariant=True)


class Predictor(Protocol[P]):
    """What an IntentModel and an NerModel have in common."""

    def predict(self, texts: Sequence[str], /) -> Sequence[P]:
        """One prediction for each text."""


class PassageRetriever(BaseRetriever):
    """A `Retriever` as a LangChain retriever: a step of any chain.

    Documents carry the passage's text; `title`, `source` and `score` stand in their metadata.
    """

    retriever: Any  # a Retriever; pydantic cannot check a Protocol with data in its methods
    k: int = 5
    where: Any = None  # a Filter or None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        searched: Retriever = self.retriever
        return [document_of(p) for p in searched.search(query, self.k, where=self.where)]


class EncoderEmbeddings(Embeddings):
    """An `Encoder` as LangChain's embeddings."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of length 1, one for each text."""
        texts = [encodable(text) for text in texts]
        vectors: list[list[float]] = passage_vectors(self.encoder, texts).tolist() if texts else []
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        vector: list[float] = question_vectors(self.encoder, [encodable(text)])[0].tolist()
        return vector


class EmbeddingsEncoder:
    """LangChain's embeddings as an `Encoder`."""

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = embeddings
        model = getattr(embeddings, "model", "") or getattr(embeddings, "model_name", "")
        self.fingerprint = f"langchain {type(embeddings).__qualname__} {model}".strip()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Encoder."""
        return _unit(self.embeddings.embed_documents(list(texts)))

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See TwoWays."""
        return self.encode(texts)

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See TwoWays: some embeddings read a question otherwise than what answers it."""
        return _unit([self.embeddings.embed_query(text) for text in texts])


def _unit(rows: list[list[float]]) -> NDArray[np.float32]:
    vectors = np.array(rows, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-9)
    return unit


class PassageStore(VectorStore):
    """A `LivingRetriever` as a LangChain vector store.

    `filter` is a dictionary of metadata keys and the values, or lists of values, that are wanted;
    `source` is one as a document has it, or a file's name, and `title` is one as it has it.
    """

    def __init__(self, store: LivingRetriever, encoder: Encoder) -> None:
        """Wrap `store`, whose passages `encoder` has encoded."""
        self.store, self.encoder = store, encoder

    @property
    def embeddings(self) -> Embeddings:
        """Its encoder."""
        return EncoderEmbeddings(self.encoder)

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,  # noqa: ANN401 - as the parent
    ) -> list[str]:
        """Add passages, or replace those with these ids; gives the ids.

        Raises:
            ValueError: If there are not as many metadatas or ids as texts, or a metadata value is
                a list or another container, of which no filter would find a part.
        """
        texts = list(texts)
        for name, values in (("metadatas", metadatas), ("ids", ids)):
            if values is not None and len(values) != len(texts):
                raise ValueError(f"{len(texts)} texts, but {len(values)} {name}")
        passages = [
            passage_of(
                Document(page_content=text, metadata=metadata, id=identity or uuid.uuid4().hex)
            )
            for text, metadata, identity in zip(
                texts, metadatas or repeat({}), ids or repeat(None), strict=False
            )
        ]
        self.store.add(passages)
        return [passage.id for passage in passages]

    def delete(
        self,
        ids: list[str] | None = None,
        **kwargs: Any,  # noqa: ANN401 - as the parent
    ) -> bool:
        """Delete passages by id.

        Raises:
            ValueError: Without ids: deleting all is not what a slip should do.
        """
        if ids is None:
            raise ValueError("name the ids to delete")
        self.store.delete(ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """The documents of these ids; unknown ones are passed over."""
        return [document_of(passage) for passage in self.store.get(ids)]

    def similarity_search(
        self,
        query: str,
        k: int = 4,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - LangChain's name
        **kwargs: Any,  # noqa: ANN401 - as the parent
    ) -> list[Document]:
        """Documents, best first."""
        return [document_of(passage) for passage in self._found(query, k, filter)]

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - LangChain's name
        **kwargs: Any,  # noqa: ANN401 - as the parent
    ) -> list[tuple[Document, float]]:
        """Documents with their scores in [0, 1], best first."""
        return [(document_of(passage), passage.score) for passage in self._found(query, k, filter)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - LangChain's name
        **kwargs: Any,  # noqa: ANN401 - as the parent
    ) -> list[Document]:
        """Documents that are near the query and unlike one another (Carbonell & Goldstein 1998)."""
        found = self._found(query, fetch_k, filter)
        if not found:
            return []
        asked = question_vectors(self.encoder, [encodable(query)])[0]
        vectors = passage_vectors(self.encoder, [encodable(passage.text) for passage in found])
        chosen = maximal_marginal_relevance(asked, list(vectors), lambda_mult, k)
        return [document_of(found[place]) for place in chosen]

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        folder: str | Path | None = None,
        **kwargs: Any,  # noqa: ANN401 - as the parent
    ) -> "PassageStore":
        """A new index in `folder`, in place of one that is there, with these texts.

        Without `folder` it is one of its own, `indexes/langchain-…`.

        Raises:
            IndexMismatchError: If `folder` is there and is not an index.
        """
        encoder: Encoder = EmbeddingsEncoder(embedding)
        if isinstance(embedding, EncoderEmbeddings):
            encoder = embedding.encoder
        root = Path(folder or f"indexes/langchain-{uuid.uuid4().hex[:12]}")
        index = build_index([], encoder, encoder.fingerprint, root)
        store = cls(LivingIndex(index), encoder)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def _select_relevance_score_fn(self) -> Any:  # noqa: ANN401 - as the parent
        return lambda score: score

    def _found(self, query: str, k: int, wanted: Mapping[str, Any] | None) -> list[Passage]:
        values = {key: _texts(value) for key, value in (wanted or {}).items()}
        titles, sources = values.pop(_TITLE, None), values.get(_SOURCE)
        if sources is not None:  # an index knows the file of each passage, not its place there
            files = {source_file(Passage("", "", source=source)) for source in sources}
            values[_SOURCE] = sources | files
        where, depth = Filter.of(values) if values else None, k
        while True:
            found = self.store.search(query, depth, where=where)
            right = [
                passage
                for passage in found
                if (titles is None or passage.title in titles)
                and (sources is None or {passage.source, source_file(passage)} & sources)
            ]
            if len(right) >= k or len(found) < depth or depth >= _DEEPEST:
                return right[:k]
            depth *= 4


def _texts(wanted: object) -> set[str]:
    """The value, or each of several, as an index holds them."""
    several = wanted if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
    return {str(value) for value in several}


def runnable_of(app: App) -> Runnable[str, Answer]:
    """A chat app as a step of a chain: a customer's message → the complete Answer.

    Each message is a conversation of its own, of which nothing is stored: what a Python action
    would change is in the Answer's `effects`, and stays undone. A workflow's action by HTTP is
    called, and noted where the app has a journal. `apps.harmless.opened_harmless` builds an
    app that calls nothing.
    """

    def answer(text: str) -> Answer:
        identity = uuid.uuid4().hex  # what is noted of one message is not another's
        turn = Turn("customer", text, id=identity)
        *_, last = app.answer(Conversation(identity, (turn,)), {})
        return last

    return RunnableLambda(answer)


def predictor_of(model: Predictor[P]) -> Runnable[str, P]:
    """An intent or ner model as a step of a chain: a text → its prediction."""

    def predict(text: str) -> P:
        return model.predict([text])[0]

    return RunnableLambda(predict)


def document_of(passage: Passage) -> Document:
    """A passage as LangChain's document."""
    own = {_TITLE: passage.title, _SOURCE: passage.source, _SCORE: passage.score}
    return Document(page_content=passage.text, metadata={**passage.metadata, **own}, id=passage.id)


def passage_of(document: Document) -> Passage:
    """LangChain's document, which has an id, as a passage; metadata values become text.

    What is None is left out.

    Raises:
        ValueError: If a value is a list or another container.
    """
    for key, value in document.metadata.items():
        if isinstance(value, list | tuple | set | frozenset | dict):
            raise ValueError(
                f"metadata {key!r} is a {type(value).__name__}: give a text, a number or a truth "
                "value, or leave it out; no filter would find a part of it"
            )
    given = {key: value for key, value in document.metadata.items() if value is not None}
    metadata = {key: str(value) for key, value in given.items()}
    metadata.pop(_SCORE, None)
    title, source = metadata.pop(_TITLE, ""), metadata.pop(_SOURCE, "")
    return Passage(document.id or "", document.page_content, title, source, metadata)
