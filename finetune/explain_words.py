"""What each character of a text gave to the linear model over words: exact, since it is a sum."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction import FeatureHasher

from finetune.intent.words import BUCKETS, Words

_TOKEN = re.compile(r"(?u)\b\w\w+\b")  # what scikit-learn takes for a word
_CHUNK = re.compile(r"\S+")
_HASHER = FeatureHasher(BUCKETS, input_type="string", alternate_sign=False)

Gram = tuple[str, list[int]]  # a feature, and the characters that it stands for


def character_weights(
    words: Words, text: str, label: int, above_mean: bool = True
) -> NDArray[np.floating[Any]]:
    """Logits (n characters,) that each gives to the label, above the mean of all labels or alone.

    A feature's share is dealt out evenly among its characters; a pair of words, to both of them.
    """
    found = [(place, gram) for place, half in enumerate((_word_grams, _letter_grams))
             for gram in half(text)]  # fmt: skip
    weights = np.zeros(len(text))
    if not found:
        return weights
    names = [[name] for _, (name, _) in found]
    buckets = [
        half * BUCKETS + int(bucket)
        for (half, _), bucket in zip(found, _HASHER.transform(names).indices, strict=True)
    ]
    counts = Counter(buckets)
    values = {each: (1 + np.log(count)) * words.idf[each] for each, count in counts.items()}
    length = np.sqrt(sum(value**2 for value in values.values()))
    for (_, (_, places)), bucket in zip(found, buckets, strict=True):
        row = words.weight[bucket]
        part = row[label] - (row.mean() if above_mean else 0.0)
        gain = values[bucket] / length * part / counts[bucket]
        weights[places] += gain / len(places)
    return weights


def _word_grams(text: str) -> Iterator[Gram]:
    tokens = [(match.group().lower(), [*range(*match.span())]) for match in _TOKEN.finditer(text)]
    yield from tokens
    for (left, here), (right, there) in zip(tokens, tokens[1:], strict=False):
        yield f"{left} {right}", here + there


def _letter_grams(text: str) -> Iterator[Gram]:
    for match in _CHUNK.finditer(text):
        padded = f" {match.group().lower()} "
        first, last = match.start(), match.end() - 1
        for size in range(3, 6):
            for start in range(max(1, len(padded) - size + 1)):
                places = range(first + start - 1, first + min(start + size, len(padded)) - 1)
                yield padded[start : start + size], [p for p in places if first <= p <= last]
            if size >= len(padded):
                break  # a short word's one group counts once
