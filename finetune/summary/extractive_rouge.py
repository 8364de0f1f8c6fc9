"""ROUGE for learning: the scores of rouge-score, stemmed, a hundred times as quick.

A training row is scored with thousands of runs of sentences; the longest common subsequence is
found with one bit a word (Hyyrö 2004, bit-parallel LCS). A test holds it to the package.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any


@lru_cache(maxsize=2)
def _tokenizer(stemming: bool) -> Any:  # noqa: ANN401 - the package's own
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=stemming)


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    return str(_tokenizer(True).tokenize(word)[0])


@lru_cache(maxsize=50_000)
def words_of(text: str) -> tuple[str, ...]:
    """Stems of a text's words, as rouge-score has them."""
    return tuple(_stem(word) for word in _tokenizer(False).tokenize(text))


class Reference:
    """A reference, ready to be compared."""

    def __init__(self, text: str) -> None:
        self._words = words_of(text)
        self._one = Counter(self._words)
        self._two = Counter(pairwise(self._words))
        self._places: dict[str, int] = {}
        for place, word in enumerate(self._words):
            self._places[word] = self._places.get(word, 0) | 1 << place

    def mean(self, words: Sequence[str]) -> float:
        """The mean of ROUGE-1, ROUGE-2 and ROUGE-L (F-measures) of a text's stems, in [0, 1]."""
        sizes = len(words) + len(self._words)
        one = _f(_shared(Counter(words), self._one), sizes)
        two = _f(_shared(Counter(pairwise(words)), self._two), sizes - 2)
        return (one + two + _f(self._subsequence(words), sizes)) / 3

    def _subsequence(self, words: Sequence[str]) -> int:
        """Words of the longest common subsequence."""
        full = (1 << len(self._words)) - 1
        state = full
        for word in words:
            met = state & self._places.get(word, 0)
            state = ((state + met) | (state - met)) & full
        return len(self._words) - state.bit_count()


def nearest(words: Sequence[str], references: Sequence[Reference]) -> float:
    """The mean of the three scores to the nearest of the references, in [0, 1]."""
    return max(reference.mean(words) for reference in references)


def _shared(one: Counter[Any], other: Counter[Any]) -> int:
    return sum(min(count, other[key]) for key, count in one.items() if key in other)


def _f(shared: int, sizes: int) -> float:
    return 2 * shared / sizes if shared else 0.0
