"""Finding a text's place by a sorted array of 64-bit hashes: it maps, where a dict must be read."""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def hashes(texts: Iterable[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each text; two of a million share one with odds of 1 in 40 million."""
    return np.fromiter(
        (
            int.from_bytes(
                hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
                "little",
            )
            for text in texts
        ),
        dtype=np.uint64,
    )


def found(sorted_hashes: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The first place of each wanted hash, -1 where it is not there."""
    places = np.searchsorted(sorted_hashes, wanted)
    inside = np.minimum(places, len(sorted_hashes) - 1)
    if not len(sorted_hashes):
        return np.full(len(wanted), -1)
    return np.where(sorted_hashes[inside] == wanted, inside, -1)
