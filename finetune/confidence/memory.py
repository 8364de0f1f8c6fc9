"""What a run remembers of its rows' vectors: means, spread, and a few rows of each label.

No texts: numbers in half precision, at most ROWS rows a label, and HELD that it was not trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from sklearn.covariance import ledoit_wolf

from data.schema import OOS

Floats = NDArray[np.floating[Any]]
ROWS = 20  # of a label that are kept
HELD = 2000  # of all labels, held out of training, that are kept
_LARGEST = 60_000.0  # that half precision holds
NEIGHBOUR = 3  # the distance to the third nearest row of a label: one odd row says nothing

_NO_STANDING = np.zeros((0, 2), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Near:
    """How near n texts are to each of K in-scope labels; higher is nearer.

    `mahalanobis` (n, K) is minus the squared distance to the label's mean, `knn` (n, K) the cosine
    to the label's NEIGHBOUR-th nearest row.
    """

    mahalanobis: Floats
    knn: Floats

    def rows(self, places: NDArray[Any]) -> "Near":
        """Those of some texts."""
        return Near(self.mahalanobis[places], self.knn[places])

    def beside(self, other: "Near") -> "Near":
        """These texts and then the other ones."""
        return Near(
            np.concatenate([self.mahalanobis, other.mahalanobis]),
            np.concatenate([self.knn, other.knn]),
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """A whitening (D, D), the K labels' whitened means (K, D), and rows (m, D) with their labels.

    `held` (h, D) are rows of these labels that the weights were not trained on, where there are
    any: what happens to them is what will happen to others. `standing` (m, 2) and `held_standing`
    (h, 2) are what a further label must beat on each of them, see `standing_of`; empty in a run
    that was trained before they were kept.

    Source: Mahalanobis distance with one covariance, Lee et al. 2018, arXiv:1807.03888, shrunk as
    Ledoit & Wolf 2004; nearest neighbours, Sun et al. 2022, arXiv:2204.06507 (here of each label).
    """

    whitening: Floats
    means: Floats
    rows: Floats
    owners: NDArray[np.int32]
    held: Floats
    standing: Floats
    held_standing: Floats

    def with_held(self, vectors: Floats, standing: Floats) -> "Memory":
        """The same with the first HELD of these vectors as rows that were held out."""
        return replace(self, held=_halved(vectors[:HELD]), held_standing=standing[:HELD])

    def near(self, vectors: Floats) -> Near:
        """How near vectors (n, D), unit length, are to each label."""
        white = vectors.astype(np.float32) @ self.whitening
        distance = (
            (white**2).sum(axis=1, keepdims=True)
            - 2 * white @ self.means.T
            + (self.means**2).sum(axis=1)
        )
        cosine = vectors.astype(np.float32) @ self.rows.T
        knn = np.full((len(vectors), len(self.means)), -1.0)
        for label in np.unique(self.owners):
            own = cosine[:, self.owners == label]
            place = own.shape[1] - min(NEIGHBOUR, own.shape[1])
            knn[:, label] = np.partition(own, place, axis=1)[:, place]
        return Near(-np.maximum(distance, 0).astype(np.float64), knn)

    def save(self, path: Path) -> None:
        """Write it as safetensors."""
        save_file(
            {"whitening": self.whitening.astype(np.float16),
             "means": self.means.astype(np.float16), "rows": self.rows.astype(np.float16),
             "owners": self.owners, "held": self.held.astype(np.float16),
             "standing": self.standing.astype(np.float32),
             "held_standing": self.held_standing.astype(np.float32)},
            path,
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> "Memory":
        """Read back what `save` wrote."""
        values = load_file(path)
        whitening, means, rows, held = (
            values[name].astype(np.float32) for name in ("whitening", "means", "rows", "held")
        )
        standing, held_standing = (
            values.get(name, _NO_STANDING) for name in ("standing", "held_standing")
        )
        return cls(whitening, means, rows, values["owners"], held, standing, held_standing)


def standing_of(scores: Floats, margins: Floats | None) -> Floats:
    """What a further label must score on n texts to be said: (n, 2).

    First the highest score of the K labels, then the logarithm of the sum of their exponentials,
    both less what words add to a label that they do not know.

    Args:
        scores: (n, K) before calibration, with the words.
        margins: (n, K), what the words add to them.
    """
    known = scores if margins is None else scores - margins.max(axis=1, keepdims=True)
    return np.column_stack([known.max(axis=1), np.logaddexp.reduce(known, axis=1)])


def few_of_each(gold: Sequence[str], seed: int) -> NDArray[np.int_]:
    """The places of at most ROWS rows of each in-scope label, drawn by the seed, in order."""
    kept: dict[str, list[int]] = {}
    for place in np.random.default_rng(seed).permutation(len(gold)):
        rows = kept.setdefault(gold[place], [])
        if gold[place] != OOS and len(rows) < ROWS:
            rows.append(int(place))
    return np.sort(np.array([place for rows in kept.values() for place in rows], dtype=int))


def fit_memory(vectors: Floats, gold: Sequence[str], names: Sequence[str], seed: int) -> Memory:
    """Remember vectors (n, D), unit length, of rows labelled `gold`; `names` are the K labels.

    Numbers are rounded as they are saved, so that a fitted memory says what a loaded one says.
    """
    owner = np.array([names.index(label) if label in names else -1 for label in gold])
    inside = vectors[owner >= 0].astype(np.float64)
    owner_inside = owner[owner >= 0]
    means = np.zeros((len(names), vectors.shape[1]))
    for label in np.unique(owner_inside):
        means[label] = inside[owner_inside == label].mean(axis=0)
    covariance = ledoit_wolf(inside - means[owner_inside], assume_centered=True)[0]
    # Labels of one row have no spread of their own: some of that between labels is lent to them.
    covariance += np.eye(len(covariance)) * (1e-4 * inside.var(axis=0).mean() + 1e-9)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    kept = few_of_each(gold, seed)
    half = [_halved(array) for array in (whitening, means @ whitening, vectors[kept])]
    # A label without rows is near to nothing.
    empty = np.setdiff1d(np.arange(len(names)), owner_inside)
    half[1][empty] = np.float16(100.0)
    none = np.zeros((0, vectors.shape[1]), dtype=np.float32)
    return Memory(
        half[0], half[1], half[2], owner[kept].astype(np.int32), none, *[_NO_STANDING] * 2
    )


def _halved(array: Floats) -> Floats:
    """As it is after it was saved in half precision."""
    half: Floats = np.clip(array, -_LARGEST, _LARGEST).astype(np.float16).astype(np.float32)
    return half
