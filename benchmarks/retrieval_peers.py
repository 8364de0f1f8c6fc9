"""Other libraries over the same rows, by any interpreter that has them.

    PYTHON -P benchmarks/retrieval_peers.py PEER SIZE FOLDER

It prints a JSON object: seconds to build, milliseconds of a question asked alone. It imports none
of our packages.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

K = 10
QUESTIONS = 50  # of them the first five warm up
LONGEST_S = 60  # of asking; a slow peer is asked fewer
Ask = Callable[[str, Any], object]


def faiss_flat(texts: Sequence[str], vectors: Any) -> Ask:  # noqa: ANN401 - NumPy's, if it is there
    """FAISS, every vector compared."""
    import faiss

    index: Any = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda question, vector: index.search(vector[None], K)


def rank_bm25(texts: Sequence[str], vectors: Any) -> Ask:  # noqa: ANN401
    """Okapi BM25 in Python, as many retrievers use it."""
    from rank_bm25 import BM25Okapi

    bm25 = BM25Okapi([text.lower().split() for text in texts])
    return lambda question, vector: bm25.get_top_n(question.lower().split(), texts, n=K)


def langchain_faiss(texts: Sequence[str], vectors: Any) -> Ask:  # noqa: ANN401
    """LangChain's FAISS store."""
    from langchain_community.embeddings import FakeEmbeddings
    from langchain_community.vectorstores import FAISS

    store = FAISS.from_embeddings(
        zip(texts, vectors.tolist(), strict=True), FakeEmbeddings(size=vectors.shape[1])
    )
    return lambda question, vector: store.similarity_search_by_vector(vector.tolist(), k=K)


def haystack_memory(texts: Sequence[str], vectors: Any) -> Ask:  # noqa: ANN401
    """Haystack's in-memory store, by vectors."""
    from haystack import Document
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(
        [
            Document(id=str(place), content=text, embedding=vector)
            for place, (text, vector) in enumerate(zip(texts, vectors.tolist(), strict=True))
        ]
    )
    return lambda question, vector: store.embedding_retrieval(vector.tolist(), top_k=K)


@dataclass(frozen=True)
class Peer:
    """A library: how it is called in a table, its package, and what it needs."""

    name: str
    package: str
    build: Callable[[Sequence[str], Any], Ask]
    is_ours: bool = False  # in our own environment
    is_slow: bool = False


PEERS = {
    "faiss_flat": Peer("bare FAISS, flat", "faiss-cpu", faiss_flat, is_ours=True),
    "rank_bm25": Peer("rank_bm25", "rank-bm25", rank_bm25, is_slow=True),
    "langchain_faiss": Peer("LangChain's FAISS store", "langchain-community", langchain_faiss),
    "haystack_memory": Peer(
        "Haystack's in-memory store", "haystack-ai", haystack_memory, is_slow=True
    ),
}


def peak_mib() -> int:
    """The most memory this process has had; what its parent had before it began does not count."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def main(peer: str, size: int, folder: Path) -> None:
    """Build one and ask it."""
    import numpy as np

    texts = json.loads((folder / f"texts-{size}.json").read_text(encoding="utf-8"))
    vectors = np.load(folder / f"vectors-{size}.npy")
    questions = json.loads((folder / "questions.json").read_text(encoding="utf-8"))[:QUESTIONS]
    asked = np.load(folder / "questions.npy")
    start = time.perf_counter()
    ask = PEERS[peer].build(texts, vectors)
    built = time.perf_counter() - start
    seconds = []
    for question, vector in zip(questions, asked, strict=False):
        start = time.perf_counter()
        ask(question, vector)
        seconds.append(time.perf_counter() - start)
        if len(seconds) >= 10 and sum(seconds) > LONGEST_S:
            break
    package = PEERS[peer].package
    said = {
        "build_s": round(built, 2),
        "p50_ms": round(float(np.quantile(seconds[5:], 0.5)) * 1000, 2),
        "p95_ms": round(float(np.quantile(seconds[5:], 0.95)) * 1000, 2),
        "questions": len(seconds) - 5,
        "peak_mib": peak_mib(),
        "version": f"{package} {version(package)}",
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
