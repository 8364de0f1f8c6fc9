"""Near-duplicates among many conversations, in a few bytes each."""

import hashlib
import re
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BANDS = 4
ROWS = 6  # of a band: a pair of Jaccard similarity s shares one of 4 bands with 1 - (1 - s^6)^4
MIN_SHINGLES = 8  # fewer words than that are a greeting, which many conversations share
_PRIME = (1 << 61) - 1
_WORD = re.compile(r"[^\W_]+|[\u4e00-\u9fff]")
_DRAWN = np.random.default_rng(7).integers(1, 1 << 31, (2, BANDS * ROWS), dtype=np.uint64)


def signature(text: str) -> tuple[int, ...]:
    """Four 64-bit hashes: texts of which one is equal have most of their word triples in common.

    Source: Broder 1997, On the resemblance and containment of documents (MinHash), with bands.

    Returns:
        BANDS numbers, all zero where the text has fewer than MIN_SHINGLES different triples.
    """
    words = _WORD.findall(text.casefold())
    shingles = {" ".join(words[place : place + 3]) for place in range(len(words) - 2)}
    if len(shingles) < MIN_SHINGLES:
        return (0,) * BANDS
    hashes = np.fromiter(
        (crc32(each.encode("utf-8", "replace")) for each in shingles), np.uint64, len(shingles)
    )
    # 32-bit products stay below 2^63: no overflow, and the prime spreads them.
    mixed = (hashes[:, None] * _DRAWN[0] + _DRAWN[1]) % np.uint64(_PRIME)
    least = mixed.min(axis=0).reshape(BANDS, ROWS)
    return tuple(hash_of(f"{band}:{least[band].tobytes()!r}") | 1 for band in range(BANDS))


def hash_of(text: str) -> int:
    """A 64-bit hash, the same on every machine."""
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def groups(keys: list[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """Which conversations belong together: a group's number for each.

    Args:
        keys: Arrays (n,) of hashes; two conversations with the same one in the same array, not
            zero, are in one group, and so are those that a third connects.
    """
    size = len(keys[0]) if keys else 0
    edges: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for key in keys:
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        same = (ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)
        edges.append((order[1:][same], order[:-1][same]))
    if not edges:
        return np.arange(size)
    left = np.concatenate([a for a, _ in edges])
    right = np.concatenate([b for _, b in edges])
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    _, found = connected_components(graph, directed=False)
    return np.asarray(found, dtype=np.int64)
