"""Search by vectors of length 1: exact for what is small, FAISS' inverted lists for what is large.

Exact search reads every vector of a segment for every question: 1.5 KB for each row of 384
dimensions. Past EXACT_ROWS a segment's vectors are kept in FAISS' IVF with an 8-bit scalar
quantizer instead: a quarter of the room, and a question reads only the lists nearest to it.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.durable import mapped, write_array, write_pieces

# Measured, 384 dimensions, one core: an exact search takes 3 ms of 20,000 rows, 13 ms of 100,000;
# inverted lists take 0.2 ms of either, and miss a few of the nearest.
EXACT_ROWS = 20_000
RECALL = 0.98  # of the 10 nearest, that nprobe is fitted for
# Questions lie further from passages than passages from each other: lists that bring 0.985 for
# held-out passages brought 0.943 for real questions (a million rows), twice as many 0.970.
_MARGIN = 3
EXACT, IVF = "vectors.npy", "vectors.faiss"
_FAISS: Any = faiss  # its type hints lack what its Python layer adds
_PER_LIST = 40  # rows that train a list's centre; FAISS asks for 39
_STEPS = 8  # of k-means
_HELD_OUT = 200  # rows that nprobe is fitted on
_FEW = 5_000  # admitted rows that are compared one by one
_BLOCK = 65_536

Found = tuple[NDArray[np.int64], NDArray[np.float32]]


class ExactVectors:
    """Vectors (n, D), compared one by one."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors

    def __len__(self) -> int:
        return len(self._vectors)

    def search(
        self, vector: NDArray[np.float32], k: int, admitted: NDArray[np.bool_] | None = None
    ) -> Found:
        """Rows and cosines of the `k` nearest (of `admitted` (n,) rows, if given), best first."""
        if admitted is None:
            return _best(None, self._vectors @ vector, k)
        rows = np.flatnonzero(admitted)
        if len(rows) * 4 < len(self):  # scattered reads are dearer than a straight one
            return _best(rows, self._vectors[rows] @ vector, k)
        return _best(rows, (self._vectors @ vector)[rows], k)

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors (m, D) of m rows."""
        return self._vectors[rows]


class IvfVectors:
    """Vectors in inverted lists, 8 bits a dimension; `nprobe` lists are read for a question."""

    def __init__(self, index: Any, nprobe: int) -> None:  # noqa: ANN401 - FAISS has no types
        self._index, self._nprobe = index, nprobe

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, vector: NDArray[np.float32], k: int, admitted: NDArray[np.bool_] | None = None
    ) -> Found:
        """As of ExactVectors, nearly: of the 10 nearest, RECALL and more come."""
        count, nprobe, selector = len(self), self._nprobe, None
        if admitted is not None:
            count = int(admitted.sum())
            if count <= _FEW:
                rows = np.flatnonzero(admitted)
                cosines = self.of(rows) @ vector if count else np.zeros(0, dtype=np.float32)
                return _best(rows, cosines, k)
            # Of rarer rows, the nearest lie in more lists.
            nprobe = min(int(np.ceil(nprobe * len(self) / count)), self._index.nlist)
            selector = _FAISS.IDSelectorBitmap(np.packbits(admitted, bitorder="little"))
        k = min(k, count)
        rows, cosines = self._search(vector, k, nprobe, selector)
        if len(rows) < k and nprobe < self._index.nlist:
            rows, cosines = self._search(vector, k, self._index.nlist, selector)
        return rows, cosines

    def _search(self, vector: NDArray[np.float32], k: int, nprobe: int, selector: object) -> Found:
        options = _FAISS.SearchParametersIVF(nprobe=nprobe, sel=selector)
        cosines, rows = self._index.search(vector[None], k, params=options)
        there = rows[0] >= 0
        return rows[0][there], cosines[0][there]

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors (m, D) of m rows, as the quantizer keeps them: off by half a step at most."""
        vectors: NDArray[np.float32] = self._index.reconstruct_batch(rows)
        return vectors


Vectors = ExactVectors | IvfVectors


def _best(rows: NDArray[np.int64] | None, cosines: NDArray[np.float32], k: int) -> Found:
    """The `k` best, best first; `rows` names those that the cosines are of, None all."""
    k = min(k, len(cosines))
    top = np.argpartition(-cosines, k - 1)[:k] if 0 < k < len(cosines) else np.arange(len(cosines))
    top = top[np.lexsort((top, -cosines[top]))][:k]
    return (top if rows is None else rows[top]), cosines[top]


def write_vectors(
    folder: Path, vectors: NDArray[np.float32], exact_rows: int = EXACT_ROWS
) -> dict[str, float]:
    """Write vectors (n, D) of length 1 for `open_vectors`.

    Returns:
        For inverted lists, `nprobe` and the `recall` (of the 10 nearest) that it was fitted to.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if len(vectors) <= exact_rows:
        write_array(folder / EXACT, vectors)
        return {}
    count, width = vectors.shape
    rng = np.random.default_rng(0)
    nlist = max(1, min(int(4 * count**0.5), count // _PER_LIST))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(width), width, nlist, faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )  # fmt: skip
    index.cp.niter = _STEPS
    index.train(vectors[np.sort(rng.choice(count, min(count, nlist * _PER_LIST), replace=False))])
    for start in range(0, count, _BLOCK):
        index.add(vectors[start : start + _BLOCK])
    held_out = np.sort(rng.choice(count, min(count, _HELD_OUT), replace=False))
    nprobe, recall = _fitted(index, vectors, held_out)
    index.make_direct_map()  # so that a row's vector can be read back
    write_pieces(folder / IVF, [faiss.serialize_index(index).data])
    return {"nprobe": nprobe, "recall": round(recall, 4)}


def _fitted(
    index: Any,  # noqa: ANN401 - FAISS has no types
    vectors: NDArray[np.float32],
    held_out: NDArray[np.int64],
) -> tuple[int, float]:
    """How many lists to read, and what share of the 10 nearest of held-out rows they bring.

    That is _MARGIN times the fewest that bring RECALL of them.

    A row itself does not count among its nearest, and a row that is as near as the tenth does:
    texts that stand twice have the same vector.
    """
    wanted = min(10, len(vectors) - 1)
    questions = vectors[held_out]
    nearest = np.full((len(held_out), wanted + 1), -np.inf, dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = np.hstack([nearest, questions @ vectors[start : start + _BLOCK].T])
        nearest = -np.partition(-block, wanted, axis=1)[:, : wanted + 1]
    tenth = nearest.min(axis=1)

    def recall(nprobe: int) -> float:
        options = _FAISS.SearchParametersIVF(nprobe=nprobe)
        _, rows = index.search(questions, wanted + 1, params=options)
        exact = np.einsum("nd,nkd->nk", questions, vectors[rows])
        near = (exact >= tenth[:, None] - 1e-6) & (rows != held_out[:, None]) & (rows >= 0)
        return float((near.sum(axis=1).clip(max=wanted) / wanted).mean())

    # Where lists are many, more than an eighth would cost more than it brings; what is still
    # missing there was lost to the quantizer, which more lists do not mend.
    most = max(index.nlist // 8, min(index.nlist, 200))
    target = min(RECALL, recall(most) - 0.003)
    nprobe = 1
    while recall(nprobe) < target and nprobe < most:
        nprobe = max(nprobe + 1, int(nprobe * 1.25))
    nprobe = min(nprobe * _MARGIN, index.nlist)
    return nprobe, recall(nprobe)


def open_vectors(folder: Path, told: dict[str, float]) -> Vectors:
    """Map what `write_vectors` wrote and told."""
    if "nprobe" not in told:
        return ExactVectors(mapped(folder / EXACT))
    # IO_FLAG_MMAP would read lists through threads of its own: ten times slower for one question.
    index = faiss.read_index(str(folder / IVF), faiss.IO_FLAG_MMAP_IFC)
    return IvfVectors(index, int(told["nprobe"]))
