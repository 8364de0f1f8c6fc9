"""Word shapes: what an uncased tokenizer throws away, as small integers beside the token ids.

An order number, a name or an email is recognised by its case, digits and signs. Each token gets two
ids: the shape of its own characters, and the shape of the whole run of non-space characters around
it (a word piece of `dan@example.com` should know of the `@`).

Source: case features for sequence labelling, Collobert et al. 2011, JMLR 12.
"""

import re
from bisect import bisect_right
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

OWN_SHAPES = 18
CHUNK_SHAPES = 110
_CHUNKS = re.compile(r"\S+")
_DIGIT_BUCKETS = (0, 1, 2, 3, 5, 6, 9, 10)  # upper ends; more digits are a bucket of their own


def shape_ids(text: str, encoding: Encoding) -> NDArray[np.int64]:
    """Ids (T, 2): own shape below OWN_SHAPES, chunk shape below CHUNK_SHAPES; 0 for specials."""
    chunks = [match.span() for match in _CHUNKS.finditer(text)]
    starts = [start for start, _ in chunks]
    ids = np.zeros((len(encoding.ids), 2), dtype=np.int64)
    for token, (start, end) in enumerate(encoding.offsets):
        if end <= start:
            continue
        left, right = chunks[bisect_right(starts, start) - 1]
        ids[token] = _own_shape(text[start:end], start > left), _chunk_shape(text[left:right])
    return ids


@lru_cache(maxsize=20_000)
def _own_shape(piece: str, inside: bool) -> int:
    if piece.isdigit():
        shape = 1
    elif piece.isalpha():
        shape = 2 if piece.islower() else 3 if piece.isupper() and len(piece) > 1 else 4
    elif piece.isalnum():
        shape = 5
    elif piece in "£$€":
        shape = 6
    elif piece == "#":
        shape = 7
    else:
        shape = 8
    return shape + 9 * inside


@lru_cache(maxsize=20_000)
def _chunk_shape(chunk: str) -> int:
    digits = sum(char.isdigit() for char in chunk)
    bucket = sum(digits > end for end in _DIGIT_BUCKETS)
    letters = any(char.isalpha() for char in chunk)
    sign = 1 if chunk[0] == "#" else 2 if chunk[0] in "£$€" else 0
    return 1 + bucket * 12 + ("@" in chunk) * 6 + letters * 3 + sign
