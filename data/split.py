"""Which split an id belongs to: always the same one, on every machine and in every import."""

import hashlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def hash_fraction(key: str, salt: str = "") -> float:
    """A number in [0, 1) that depends on `key` and `salt` alone."""
    return hash_number(key, salt) / 2**64


def hash_number(key: str, salt: str = "") -> int:
    """A number below 2^64 that depends on `key` and `salt` alone."""
    digest = hashlib.sha256(f"{salt}\0{key}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big")


def split_of(conversation_id: str, validation: float = 0.1, test: float = 0.1) -> Split:
    """The split of a conversation; `validation` and `test` are shares in [0, 1)."""
    place = hash_fraction(conversation_id)
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"


def splits_of(
    ids: NDArray[np.uint64],
    group: NDArray[np.int64],
    starts: NDArray[np.float64] | None = None,
    validation: float = 0.1,
    test: float = 0.1,
) -> NDArray[np.int8]:
    """The split of each conversation as its place in SPLITS; a group is never torn apart.

    Args:
        ids: Hashes (n,) of what decides: a conversation's or a customer's id.
        group: The group (n,) of each, such as near-duplicates.
        starts: Seconds since 1970; where given the split is by time: the latest conversations are
            the test split, those before them validation. A group goes where its first one falls, so
            that nothing later repeats in the test split what training has seen.
        validation: Share in [0, 1).
        test: Share in [0, 1).
    """
    size = len(ids)
    if starts is not None:
        key = np.where(np.isnan(starts), -np.inf, starts)  # without a time: to training
        first = np.full(int(group.max()) + 1 if size else 0, np.inf)
        np.minimum.at(first, group, key)
        place = np.full(size, 0, dtype=np.int8)
        from_validation, from_test = np.quantile(key, [1 - validation - test, 1 - test])
        place[first[group] >= from_validation] = 1
        place[first[group] >= from_test] = 2
        return place
    least = np.full(int(group.max()) + 1 if size else 0, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(least, group, ids)
    share = least[group].astype(np.float64) / 2.0**64
    return np.where(share < test, 2, np.where(share < test + validation, 1, 0)).astype(np.int8)
