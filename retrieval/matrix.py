"""A learned matrix beside an index's segments: written under a new name, checked when read."""

import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import IndexMismatchError
from retrieval.durable import sync, write_array


def save_matrix(root: Path, kind: str, matrix: NDArray[np.float32]) -> str:
    """Write a matrix (A, B) to an index directory; the name of the file, which begins with kind."""
    name = f"{kind}-{uuid.uuid4().hex[:8]}.npy"
    write_array(root / name, matrix)
    sync(root / name)
    return name


def load_matrix(root: Path, name: str, square: bool = False) -> NDArray[np.float32]:
    """Read what `save_matrix` wrote: (A, B) of at least two rows and columns.

    Raises:
        IndexMismatchError: If it is missing, something else, or not square where it must be.
    """
    try:
        matrix: NDArray[np.float32] = np.load(root / name, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise IndexMismatchError(
            f"{root}: broken ({name}: {type(error).__name__}); index again"
        ) from error
    shaped = matrix.ndim == 2 and min(matrix.shape) > 1
    if not shaped or matrix.dtype != np.float32 or (square and len(set(matrix.shape)) > 1):
        kind = "a square matrix" if square else "a matrix"
        raise IndexMismatchError(f"{root}: broken ({name}: not {kind}); index again")
    return matrix
