"""Which split an id belongs to: always the same one, on every machine and in every import."""

import hashlib
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def hash_fraction(key: str, salt: str = "") -> float:
    """A number in [0, 1) that depends on `key` and `salt` alone."""
    digest = hashlib.sha256(f"{salt}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_of(conversation_id: str, validation: float = 0.1, test: float = 0.1) -> Split:
    """The split of a conversation; `validation` and `test` are shares in [0, 1)."""
    place = hash_fraction(conversation_id)
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"
