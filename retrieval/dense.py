"""Search by vectors: FAISS, exact inner product of unit-length vectors."""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray


class DenseIndex:
    """Vectors (n, D) of length 1 and their exact nearest neighbours."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self._index = faiss.IndexFlatIP(self.vectors.shape[1])
        self._index.add(self.vectors)

    def search(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """(row, cosine) of the `k` nearest rows, best first."""
        scores, rows = self._index.search(
            vector[None].astype(np.float32), min(k, len(self.vectors))
        )
        return [
            (int(row), float(score))
            for row, score in zip(rows[0], scores[0], strict=True)
            if row >= 0
        ]

    def save(self, path: Path) -> None:
        """Write the vectors as `.npy`."""
        np.save(path, self.vectors)

    @classmethod
    def load(cls, path: Path) -> "DenseIndex":
        """Read what `save` wrote."""
        return cls(np.load(path, allow_pickle=False))
