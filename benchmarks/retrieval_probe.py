"""One size of an index, built or asked in a process of its own, so that its memory is its own.

    python -m benchmarks.retrieval_probe build|ask SIZE FOLDER

It prints a JSON object. FOLDER holds what `benchmarks/retrieval_rows.py` prepares.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.retrieval_peers import peak_mib
from benchmarks.retrieval_rows import Given, passages, texts_of, vectors
from data.schema import Passage
from retrieval.decision import Decision, Fit
from retrieval.filters import Filter
from retrieval.fusion import Fusion
from retrieval.index import Index, open_index
from retrieval.lexical import LexicalQuery
from retrieval.writing import add, build_index

K = 10
WEIGHT = Fusion(0.7)  # of the vectors: both halves are asked
ADDED = 1000
_POOL = 250  # candidates of a half, as Index.search asks for ten passages


def build(size: int, folder: Path) -> dict[str, Any]:
    """Build the index; its seconds, without making texts and vectors, and its bytes by part."""
    rows = vectors(folder, size)
    texts = list(passages(folder, size))
    root = folder / f"index-{size}"
    start = time.perf_counter()
    index = build_index(texts, Given(rows), "given", root)
    seconds = time.perf_counter() - start
    index.refit(Fit(WEIGHT, Decision(), "by hand"))
    files = {path: path.stat().st_size for path in root.rglob("*") if path.is_file()}

    def part(*names: str) -> int:
        return sum(s for path, s in files.items() if any(name in str(path) for name in names))

    return {
        "build_s": round(seconds, 2),
        "peak_mib": peak_mib(),
        "disk_mb": round(sum(files.values()) / 1e6, 1),
        "vectors_mb": round(part("vectors.") / 1e6, 1),
        "words_mb": round(part("/words/") / 1e6, 1),
        "passages_mb": round(part("passages.jsonl") / 1e6, 1),
        "about": json.loads(next(root.glob("segment-*/segment.json")).read_text())["vectors"],
    }


def ask(size: int, folder: Path) -> dict[str, Any]:
    """Open the index and ask it, then add to it."""
    encoder = Given(np.zeros((0, 0), np.float32))
    before = _resident()
    start = time.perf_counter()
    index = open_index(folder / f"index-{size}", encoder)
    opened = time.perf_counter() - start
    questions, asked = texts_of(folder, "questions"), np.load(folder / "questions.npy")
    segment = max(index.segments, key=len)
    dense = _times(lambda q, v: segment.vectors.search(v, _POOL), questions, asked)
    resident = _resident()  # what vectors need; words and passages come to it below
    result = {"open_s": round(opened, 4), "vectors_rss_mb": resident - before}

    def words(question: str, vector: NDArray[np.float32]) -> None:
        segment.words.best(LexicalQuery(question, [segment.words]), _POOL)

    one = Filter.of({"kind": "kind-3"})
    verbs = {
        "vectors": dense,
        "words": _times(words, questions, asked),
        "whole": _times(lambda q, v: index.search(q, K, vector=v), questions, asked),
        "filtered": _times(lambda q, v: index.search(q, K, vector=v, where=one), questions, asked),
    }
    for name, seconds in verbs.items():
        result[f"{name}_p50_ms"], result[f"{name}_p95_ms"] = (
            round(float(np.quantile(seconds[0], share)) * 1000, 2) for share in (0.5, 0.95)
        )
        result[f"{name}_p95_cpu_ms"] = round(float(np.quantile(seconds[1], 0.95)) * 1000, 2)
    result["per_s"] = round(1 / float(verbs["whole"][0].mean()), 1)
    result["rss_mb"] = _resident() - before
    result["recall_at_10"] = round(_recall(index, asked, vectors(folder, size)), 4)
    result["add_s"] = round(_added(index, folder, size), 2)
    return result


def _added(index: Index, folder: Path, size: int) -> float:
    """Seconds to add passages, without encoding them."""
    rows = vectors(folder, size)[:ADDED] + np.float32(0)
    fresh = [
        Passage(f"new-{p.id}", p.text, p.title, p.source, p.metadata)
        for p, _ in zip(passages(folder, size), range(ADDED), strict=False)
    ]
    grown = Index(index.root, index.manifest, index.segments, Given(rows))
    start = time.perf_counter()
    grown = add(grown, fresh)
    seconds = time.perf_counter() - start
    assert len(grown) == size + ADDED
    return seconds


def _recall(index: Index, asked: NDArray[np.float32], rows: NDArray[np.float32]) -> float:
    """The share of the ten nearest, by exact cosine, that the index's own vectors bring.

    One that is as near as the tenth counts: rows may stand twice.
    """
    nearest = np.full((len(asked), K), -np.inf, dtype=np.float32)
    for start in range(0, len(rows), 50_000):
        block = np.hstack([nearest, asked @ rows[start : start + 50_000].T])
        nearest = -np.partition(-block, K - 1, axis=1)[:, :K]
    segment = max(index.segments, key=len)
    hits = [
        (rows[segment.vectors.search(vector, K)[0]] @ vector >= tenth - 1e-6).mean()
        for vector, tenth in zip(asked, nearest.min(axis=1), strict=True)
    ]
    return float(np.mean(hits))


def _times(verb: Any, questions: list[str], asked: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: ANN401
    """Seconds (2, n) of each question, asked alone: by the clock, and of the processor.

    The first twenty warm up and do not count. On a shared machine the clock tells of others too.
    """
    seconds = []
    for question, vector in zip(questions, asked, strict=True):
        start, used = time.perf_counter(), time.thread_time()
        verb(question, vector)
        seconds.append((time.perf_counter() - start, time.thread_time() - used))
    return np.array(seconds[20:]).T


def _resident() -> int:
    return int(psutil.Process().memory_info().rss / 1e6)


if __name__ == "__main__":
    verb = {"build": build, "ask": ask}[sys.argv[1]]
    sys.stdout.write(json.dumps(verb(int(sys.argv[2]), Path(sys.argv[3]))) + "\n")
