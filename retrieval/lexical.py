"""Search by words: BM25 arrays of bm25s, mapped, and weighted over all segments of an index.

bm25s writes the score of each word in each row into a sparse matrix, column by column. It has the
word's idf in it, as its segment knows it. A small segment finds every word rare, so each column is
weighted by the idf over all segments instead: scores of a small and of a large segment compare.
"""

import logging
import os
import re
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

from retrieval.durable import mapped, write_array
from retrieval.hashing import found, hashes

logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it has set DEBUG
_WORD = re.compile(r"[^\W_]+")
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_ARRAYS = ("words", "indptr", "indices", "data")
_READ = 200_000  # scores of words that a question reads, and then only where it must


def words_of(text: str) -> list[str]:
    """Lower-cased words and numbers, plural `s` cut; Chinese is cut into words and characters.

    Characters stand beside the words because customers and companies choose different words that
    share them: with words alone far fewer questions meet their answer (BENCHMARKS.md).
    """
    if _CHINESE.search(text):
        return list(_chinese_words(text))
    return [_stem(word) for word in _WORD.findall(text.lower())]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _chinese_words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.lower()):
        end = 0
        for run in _CHINESE.finditer(word):
            if run.start() > end:
                yield _stem(word[end : run.start()])
            yield from run.group()
            yield from (part for part in _jieba().cut_for_search(run.group()) if len(part) > 1)
            end = run.end()
        if end < len(word):
            yield _stem(word[end:])


@cache
def _jieba() -> Any:  # noqa: ANN401 - it has no types
    """Jieba, imported where Chinese is met: its dictionary takes a second. Its log is silenced."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # regular expressions of an older Python, when compiled
        import jieba
    jieba.setLogLevel(logging.WARNING)
    jieba.dt.tmp_dir = str(_own_folder())
    return jieba


def _own_folder() -> Path:
    """Where jieba keeps its compiled dictionary: by default anyone may put one into /tmp for us."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deskhand"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp())
    return folder


class Words:
    """A segment's opened arrays."""

    def __init__(self, folder: Path, rows: int) -> None:
        self._words, self._starts, self._rows, self._scores = (
            mapped(folder / f"{name}.npy") for name in _ARRAYS
        )
        self.rows = rows

    def counts(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        """In how many rows each of the hashed words stands."""
        columns = found(self._words, words)
        return np.where(columns < 0, 0, self._starts[columns + 1] - self._starts[columns])

    def best(
        self, query: "LexicalQuery", k: int, admitted: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        """Up to `k` rows that score best, in no order; only of `admitted` (rows,), if given.

        In a large segment the commonest words of a question bring no rows of their own: they stand
        in much of it, and tell little. Rows that rarer words bring are scored by all of them.
        """
        columns, weights = self._columns(query)
        scores = np.zeros(self.rows, dtype=np.float32)
        read, told, left = 0, 0.0, len(columns)
        for place in np.argsort(-query.idf, kind="stable"):
            if read > _READ and 2 * told >= query.idf[columns >= 0].sum():
                break
            left -= 1
            if columns[place] >= 0:
                part = self._part(columns[place])
                scores[self._rows[part]] += self._scores[part] * weights[place]
                read += part.stop - part.start
                told += query.idf[place]
        if admitted is not None:
            scores[~admitted] = 0
        if not left:
            return _largest(scores, k)
        rows = _largest(scores, 4 * k)
        return rows[np.argsort(-self.of(rows, query), kind="stable")[:k]]

    def of(self, rows: NDArray[np.int64], query: "LexicalQuery") -> NDArray[np.float32]:
        """The BM25 scores (m,) of m rows."""
        scores = np.zeros(len(rows), dtype=np.float32)
        for column, weight in zip(*self._columns(query), strict=True):
            if column >= 0:
                part = self._part(column)
                holders = self._rows[part]
                places = np.minimum(np.searchsorted(holders, rows), len(holders) - 1)
                there = holders[places] == rows
                scores[there] += self._scores[part][places[there]] * weight
        return scores

    def holders(self, query: "LexicalQuery") -> list[NDArray[np.int32]]:
        """For each word of a query, the rows that it stands in."""
        columns = found(self._words, query.words)
        none = np.zeros(0, dtype=np.int32)
        return [self._rows[self._part(column)] if column >= 0 else none for column in columns]

    def _columns(self, query: "LexicalQuery") -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The column of each word of a query, -1 without, and what weighs its scores alike."""
        own = idf_of(self.counts(query.words), self.rows)
        return found(self._words, query.words), (query.idf / own).astype(np.float32)

    def _part(self, column: int) -> slice:
        return slice(int(self._starts[column]), int(self._starts[column + 1]))


def _largest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The places of the `k` largest scores that are above 0."""
    above = scores[scores > 0]
    if len(above) <= k:
        return np.flatnonzero(scores > 0)
    top = np.flatnonzero(scores >= np.partition(above, -k)[-k])
    return top[np.argsort(-scores[top], kind="stable")[:k]]


def idf_of(counts: NDArray[np.int64], rows: int) -> NDArray[np.float64]:
    """Lucene's inverse document frequency, which bm25s has by default; above 0."""
    idf: NDArray[np.float64] = np.log1p((rows - counts + 0.5) / (counts + 0.5))
    return idf


class LexicalQuery:
    """A question's words, hashed, with their idf over all segments."""

    def __init__(self, question: str, segments: Sequence[Words]) -> None:
        asked = Counter(words_of(question))
        self.words = hashes(asked)
        counts = np.zeros(len(asked), dtype=np.int64)
        for segment in segments:
            counts += segment.counts(self.words)
        rows = sum(segment.rows for segment in segments)
        # A word that is asked twice counts twice.
        times = np.fromiter(asked.values(), dtype=np.float64, count=len(asked))
        self.idf = idf_of(counts, rows) * times


def write_words(folder: Path, texts: Iterable[str]) -> None:
    """Write the arrays of texts, in the order of their rows."""
    folder.mkdir()
    columns: dict[str, int] = {}
    rows = [
        array("i", [columns.setdefault(word, len(columns)) for word in words_of(text)])
        for text in texts
    ]
    hashed = hashes(columns)
    order = np.argsort(hashed, kind="stable")  # columns in the order of hashes: found by bisection
    if columns:
        bm25 = bm25s.BM25()
        matrix = bm25.build_index_from_ids(range(len(columns)), rows, show_progress=False)
        arrays = _sorted_columns(matrix, order)
    else:
        arrays = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    every: tuple[NDArray[Any], ...] = (hashed[order], *arrays)
    for name, values in zip(_ARRAYS, every, strict=True):
        write_array(folder / f"{name}.npy", values)


def _sorted_columns(
    matrix: dict[str, Any], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """The matrix's `indptr`, `indices` and `data` with its columns in another order."""
    starts = np.asarray(matrix["indptr"], dtype=np.int64)
    sizes = np.diff(starts)[order]
    ends = np.cumsum(sizes)
    # The place of each value: its column's start, then one after the other.
    places = np.arange(ends[-1]) + np.repeat(starts[:-1][order] - (ends - sizes), sizes)
    indices: NDArray[np.int32] = np.asarray(matrix["indices"], dtype=np.int32)[places]
    data: NDArray[np.float32] = np.asarray(matrix["data"], dtype=np.float32)[places]
    return np.concatenate([[0], ends]).astype(np.int64), indices, data
