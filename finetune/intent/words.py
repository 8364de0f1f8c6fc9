"""A linear model over words and letter groups beside the network: rare names of things tell a lot.

The two err on different rows, so their sum beats both (wide and deep learning, Cheng et al. 2016,
arXiv:1606.07792). Features are hashed: no customer's word is stored in a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from finetune.confidence.scaling import calibrated_loss

Floats = NDArray[np.floating[Any]]
BUCKETS = 2**16  # of each half: words and pairs of words, letter groups of 3 to 5
SHARES = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
_C = 0.5
_COMMON: dict[str, Any] = {"n_features": BUCKETS, "alternate_sign": False, "norm": None}
_HALVES = (
    HashingVectorizer(ngram_range=(1, 2), **_COMMON),
    HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **_COMMON),
)


@dataclass(frozen=True, slots=True)
class Words:
    """Inverse document frequencies (F,), weights (F, K) and biases (K,).

    The features come first: a text touches some hundred rows, which then lie together in memory.
    """

    idf: Floats
    weight: Floats
    bias: Floats

    def logits(self, texts: Sequence[str]) -> Floats:
        """Margins (n, K) of each label."""
        return np.asarray(_weighted(_counts(texts), self.idf) @ self.weight + self.bias)

    def save(self, path: Path, share: float) -> None:
        """Write it with the share it has beside the network; weights in half precision."""
        save_file(
            {"idf": self.idf.astype(np.float16), "weight": self.weight.astype(np.float16),
             "bias": self.bias.astype(np.float32), "share": np.array([share], dtype=np.float32)},
            path,
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> "tuple[Words, float]":
        """Read back what `save` wrote, and the share."""
        values = load_file(path)
        words = cls(*(values[name].astype(np.float32) for name in ("idf", "weight", "bias")))
        return words, float(values["share"][0])


def fit_words(texts: Sequence[str], target: NDArray[np.int_], labels: int) -> Words:
    """Fit on texts and their label numbers in [0, labels); a label without rows gets a low bias."""
    from sklearn.svm import LinearSVC

    counts = _counts(texts)
    idf = _idf(counts)
    features = _weighted(counts, idf)
    seen = np.unique(target)
    weight = np.zeros((features.shape[1], labels), dtype=np.float32)
    bias = np.full(labels, -2.0, dtype=np.float32)
    if len(seen) > 1:
        model = LinearSVC(C=_C, random_state=0).fit(features, target)
        both = len(seen) == 2  # scikit-learn gives one row for two classes
        weight[:, seen] = (np.concatenate([-model.coef_, model.coef_]) if both else model.coef_).T
        bias[seen] = (
            np.concatenate([-model.intercept_, model.intercept_]) if both else model.intercept_
        )
    return Words(idf, weight, bias)


def fit_words_each(texts: Sequence[str], marks: NDArray[np.bool_]) -> Words:
    """Fit each label on its own; marks (n, K) say which labels each text has, of several or none.

    A label that all texts or none have gets a low bias.
    """
    from sklearn.svm import LinearSVC

    counts = _counts(texts)
    idf = _idf(counts)
    features = _weighted(counts, idf)
    weight = np.zeros((features.shape[1], marks.shape[1]), dtype=np.float32)
    bias = np.full(marks.shape[1], -2.0, dtype=np.float32)
    for label in np.flatnonzero(marks.any(axis=0) & ~marks.all(axis=0)):
        model = LinearSVC(C=_C, random_state=0).fit(features, marks[:, label])
        weight[:, label], bias[label] = model.coef_[0], model.intercept_[0]
    return Words(idf, weight, bias)


def best_share(base: Floats, words: Floats, target: NDArray[np.int_]) -> float:
    """The factor of the words' margins (n, K) beside the logits (n, K) with the lowest log loss.

    The loss, because it is steadier than accuracy on some hundred rows. Rows must be ones that
    neither was trained on; those whose label is not among the K (-1) are left out. A larger factor
    has to be better by more than a rounding error.
    """
    kept = target >= 0
    losses = [calibrated_loss((base + share * words)[kept], target[kept]) for share in SHARES]
    return SHARES[int(np.argmax(np.array(losses) <= min(losses) + 1e-6))]


def _counts(texts: Sequence[str]) -> csr_matrix:
    return csr_matrix(hstack([half.transform(texts) for half in _HALVES]))


def _idf(counts: csr_matrix) -> Floats:
    documents = np.asarray((counts > 0).sum(axis=0)).ravel()
    result: Floats = np.log((1 + counts.shape[0]) / (1 + documents)) + 1
    return result


def _weighted(counts: csr_matrix, idf: Floats) -> csr_matrix:
    """Sublinear counts times idf, rows of length 1."""
    scaled = counts.copy()
    scaled.data = (1 + np.log(scaled.data)) * idf[scaled.indices]
    return normalize(scaled)
