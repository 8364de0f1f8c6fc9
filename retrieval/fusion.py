"""From a cosine and a BM25 score to one score in [0, 1]."""

import numpy as np
from numpy.typing import NDArray

DENSE_ONLY = 1.0
_HALF = 10.0  # the BM25 score that counts as 0.5: scores have no upper end


def fused(
    cosines: NDArray[np.float32], words: NDArray[np.float32], dense_weight: float
) -> NDArray[np.float64]:
    """One score in [0, 1] for each of n rows, from cosines (n,) and BM25 scores (n,)."""
    matched = words.astype(np.float64)
    score = dense_weight * np.maximum(cosines, 0.0) + (1 - dense_weight) * matched / (
        matched + _HALF
    )
    return np.minimum(score, 1.0)
