"""Topics as clusters of unit vectors: cut a tree, mend the cut, say how well it fits.

Source: Ward 1963, https://doi.org/10.1080/01621459.1963.10500845; spherical k-means, Dhillon and
Modha 2001, https://doi.org/10.1023/A:1007612920971
"""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix

from data.topics.vectors import Vectors, unit

Labels = NDArray[np.intp]
Tree = NDArray[np.float64]
ROUNDS = 20  # of mending at most


def tree_of(vectors: Vectors) -> Tree:
    """Ward's tree of n vectors; needs 4 n² bytes and time in n²."""
    tree: Tree = linkage(vectors, "ward")
    return tree


def sums_of(vectors: Vectors, labels: Labels, count: int) -> Vectors:
    """Sum of the vectors (n, D) of each cluster, (count, D)."""
    ones = np.ones(len(labels), dtype=np.float32)
    members = csr_matrix((ones, (labels, np.arange(len(labels)))), (count, len(labels)))
    sums: Vectors = np.asarray(members @ vectors, dtype=np.float32)
    return sums


def centres_of(vectors: Vectors, labels: Labels, count: int) -> Vectors:
    """Unit-length centre of each cluster, (count, D)."""
    return unit(sums_of(vectors, labels, count))


def nearest(vectors: Vectors, centres: Vectors) -> Labels:
    """The nearest centre of each vector, (n,)."""
    found: Labels = (vectors @ centres.T).argmax(axis=1)
    return found


def without_gaps(labels: Labels) -> Labels:
    """The same clusters, numbered from 0."""
    places: Labels = np.unique(labels, return_inverse=True)[1].ravel()
    return places


def cut(tree: Tree, vectors: Vectors, count: int, rounds: int = ROUNDS) -> Labels:
    """Cut the tree into `count` clusters, then move vectors to nearer centres; labels (n,).

    Starting from the tree makes the result depend on nothing drawn at random.
    """
    labels = without_gaps(fcluster(tree, count, "maxclust"))
    for _ in range(rounds):
        moved = nearest(vectors, centres_of(vectors, labels, int(labels.max()) + 1))
        if (moved == labels).all():
            break
        labels = without_gaps(moved)
    return labels


def silhouette(vectors: Vectors, labels: Labels) -> float:
    """Mean silhouette by cosine distance, in [-1, 1]; a cluster of one counts 0.

    The mean distance from unit vectors to a cluster follows from the cluster's sum, so that this
    takes n times count products instead of n².

    Source: Rousseeuw 1987, https://doi.org/10.1016/0377-0427(87)90125-7
    """
    count = int(labels.max()) + 1
    if count < 2:
        return -1.0
    sizes = np.bincount(labels, minlength=count)
    near = vectors @ sums_of(vectors, labels, count).T
    rows = np.arange(len(labels))
    alone = sizes[labels] == 1
    own = 1 - (near[rows, labels] - 1) / np.maximum(sizes[labels] - 1, 1)
    other = 1 - near / np.maximum(sizes, 1)
    other[:, sizes == 0] = np.inf
    other[rows, labels] = np.inf
    best = other.min(axis=1)
    scores = (best - own) / np.maximum(np.maximum(best, own), 1e-9)
    return float(np.where(alone, 0.0, scores).mean())
