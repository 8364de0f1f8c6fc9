"""Focus: which differences between texts tell nothing, learned from the rows of an index.

The known questions of one passage differ in what does not matter to its answer: the product, the
tone, the length. Two questions about one product are near all the same, whatever they ask. In
focus, the directions in which texts of one passage differ are shortened, so that what parts
passages decides; and a passage is met at the centre of its rows too, not at its closest row alone.
Nothing is labelled for this but which known question leads to which passage.

Source: within-class covariance normalization, Hatch, Kajarekar and Stolcke 2006, Interspeech
("Within-class covariance normalization for SVM-based speaker recognition").
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.matrix import load_matrix, save_matrix

# Rows beyond the first of their passage, below which there is too little to learn from, and rows in
# all, above which an index is too large to be kept in memory a second time.
LEAST, MOST = 100, 20_000
# Chosen on the sample company's fitting questions, 0.1 and 0.3 alike: the part of the mean variance
# in that of each direction. The other part is what was seen.
_EVEN = 0.2

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Focused:
    """A segment's vectors in focus, of length 1: `rows` (R, D), `centres` (P, D) of passages."""

    focus: "Focus"
    rows: Vectors
    centres: Vectors


class Focus:
    """A linear map of vectors.

    Args:
        matrix: (D, D); vectors are rows.
    """

    def __init__(self, matrix: Vectors) -> None:
        self.matrix = matrix

    def of(self, vectors: Vectors) -> Vectors:
        """Vectors (n, D) in focus, of length 1."""
        return _of_length_1(vectors @ self.matrix)

    def of_rows(self, vectors: Vectors, owners: NDArray[np.int32], passages: int) -> Focused:
        """The rows of a segment in focus.

        Args:
            vectors: (R, D).
            owners: The passage of each (R,).
            passages: How many there are.
        """
        rows = self.of(vectors)
        centres = np.zeros((passages, rows.shape[1]), dtype=np.float32)
        np.add.at(centres, owners, rows)
        return Focused(self, rows, _of_length_1(centres))

    def save(self, root: Path) -> str:
        """Write it to an index directory; the name of the file."""
        return save_matrix(root, "focus", self.matrix)

    @classmethod
    def load(cls, root: Path, name: str) -> "Focus":
        """Read what `save` wrote.

        Raises:
            IndexMismatchError: If it is missing, or something else.
        """
        return cls(load_matrix(root, name, square=True))


def learned(vectors: Vectors, owners: NDArray[np.int64]) -> Focus | None:
    """What rows teach; None where they are too few.

    Args:
        vectors: Of the rows (R, D), or of other texts that are sorted by what they ask.
        owners: The passage that each leads to, or another number for what it asks (R,).
    """
    if len(vectors) - len(np.unique(owners)) < LEAST:
        return None
    variances, directions = np.linalg.eigh(within(vectors, owners)[1])
    return Focus((directions / np.sqrt(variances / variances.mean())).astype(np.float32))


def within(
    vectors: Vectors, owners: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How vectors (R, D) differ that have the same owner (R,).

    Returns:
        The owners' means (P, D), and the covariance (D, D) around them, part of it evened out.
    """
    passages, of = np.unique(owners, return_inverse=True)
    exact = vectors.astype(np.float64)
    means = np.zeros((len(passages), exact.shape[1]))
    np.add.at(means, of, exact)
    means /= np.bincount(of)[:, None]
    apart = exact - means[of]
    seen = apart.T @ apart / (len(vectors) - len(passages))
    even = np.eye(len(seen)) * np.trace(seen) / len(seen)
    return means, (1 - _EVEN) * seen + _EVEN * even


def _of_length_1(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.float32(1e-9))
    return unit
