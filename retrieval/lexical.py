"""Search by words: BM25 arrays of bm25s, mapped, and weighted over all segments of an index.

bm25s writes the score of each word in each row into a sparse matrix, column by column. It has the
word's idf in it and the average length of a row, as its segment knows them. A small segment finds
every word rare and its own rows of middling length, so a question gives each score the idf and the
average over all segments instead, without deleted rows: however the rows are parted into segments,
their scores are the same. A segment without lengths is from before: it keeps its own average.
"""

import logging
import os
import re
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from unicodedata import category, normalize

import bm25s
import numpy as np
from numpy.typing import NDArray

from retrieval.durable import mapped, write_array
from retrieval.hashing import found, hashes

logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it has set DEBUG
_WORD = re.compile(r"[^\W_]+")
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
# Thai and Lao, Burmese, Khmer.
_WITHOUT_SPACES = (range(0x0E00, 0x0F00), range(0x1000, 0x10A0), range(0x1780, 0x1800))
_VARIATIONS = range(0xFE00, 0xFE10)  # of how an emoji or a digit looks
_ARRAYS = ("words", "indptr", "indices", "data")
_LENGTHS = "lengths.npy"  # words of each row
_B = 0.75  # how much a row's length counts: the constant of bm25s
_READ = 200_000  # scores of words that a question reads, and then only where it must


def words_of(text: str) -> list[str]:
    """Lower-cased words and numbers, plural `s` cut; Chinese is cut into words and characters.

    A letter is the same however it is written: full-width, with its mark apart, as a ligature.
    Characters stand beside the words because customers and companies choose different words that
    share them: with words alone far fewer questions meet their answer (BENCHMARKS.md).
    """
    if text.isascii():
        return [_stem(word) for word in _WORD.findall(text.lower())]
    word = _marked_word()
    # Of words alone: as one form, a trade mark's sign would be two letters of the word before it.
    forms = (normalize("NFKC", each).lower() for each in word.findall(text))
    return [part for form in forms for each in word.findall(form) for part in _parts_of(each)]


@cache
def _marked_word() -> re.Pattern[str]:
    """A word as of _WORD with the marks of its letters, such as a vowel sign of Hindi.

    Not in scripts that put no spaces between words: there marks part a sentence, as ever.
    """
    marks = "".join(
        chr(code)
        for code in range(0x300, 0x1F000)
        if category(chr(code)) in ("Mn", "Mc")
        and not any(code in script for script in _WITHOUT_SPACES)
        and code not in _VARIATIONS
    )
    return re.compile(rf"[^\W_]+(?:[{marks}]+[^\W_]*)*")


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _parts_of(word: str) -> Iterator[str]:
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
    """A segment's opened arrays.

    Args:
        folder: Of `write_words`.
        rows: How many texts there were.
        deleted: Which of them are deleted (rows,); None: none is.

    Raises:
        ValueError: If the lengths are not those of so many rows.
    """

    def __init__(self, folder: Path, rows: int, deleted: NDArray[np.bool_] | None = None) -> None:
        self._words, self._starts, self._rows, self._scores = (
            mapped(folder / f"{name}.npy") for name in _ARRAYS
        )
        self.rows, self._deleted = rows, deleted
        self.live = rows if deleted is None else rows - int(deleted.sum())
        self._lengths = mapped(folder / _LENGTHS) if (folder / _LENGTHS).exists() else None
        if self._lengths is not None and len(self._lengths) != rows:
            raise ValueError("the lengths are of other rows")
        self._longer: tuple[float, NDArray[np.float32] | None] | None = None

    def counts(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        """In how many rows that are not deleted each of the hashed words stands."""
        columns = found(self._words, words)
        counts = self._written(columns)
        if self._deleted is not None:
            for place in np.flatnonzero(counts):
                holders = self._rows[self._part(columns[place])]
                counts[place] -= np.count_nonzero(self._deleted[holders])
        return counts

    @cached_property
    def length(self) -> tuple[int, int]:
        """How many rows that are not deleted have a length, and how many words they have."""
        if self._lengths is None:
            return 0, 0
        lengths = self._lengths if self._deleted is None else self._lengths[~self._deleted]
        return self.live, int(lengths.sum(dtype=np.int64))

    def best(
        self, query: "LexicalQuery", k: int, admitted: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        """Up to `k` rows that score best, in no order; only of `admitted` (rows,), if given.

        In a large segment the commonest words of a question bring no rows of their own: they stand
        in much of it, and tell little. Rows that rarer words bring are scored by all of them.
        """
        columns, own, longer = self._columns(query)
        scores = np.zeros(self.rows, dtype=np.float32)
        read, told, left = 0, 0.0, len(columns)
        for place in np.argsort(-query.idf, kind="stable"):
            if read > _READ and 2 * told >= query.idf[columns >= 0].sum():
                break
            left -= 1
            if columns[place] >= 0:
                part = self._part(columns[place])
                rows, idf = self._rows[part], np.float32(query.idf[place])
                scores[rows] += _weighed(self._scores[part], rows, own[place], idf, longer)
                read += len(rows)
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
        columns, own, longer = self._columns(query)
        for column, written, idf in zip(columns, own, query.idf.astype(np.float32), strict=True):
            if column >= 0:
                part = self._part(column)
                holders = self._rows[part]
                places = np.minimum(np.searchsorted(holders, rows), len(holders) - 1)
                there = holders[places] == rows
                found_scores = self._scores[part][places[there]]
                scores[there] += _weighed(found_scores, rows[there], written, idf, longer)
        return scores

    def holders(self, query: "LexicalQuery") -> list[NDArray[np.int32]]:
        """For each word of a query, the rows that it stands in."""
        columns = found(self._words, query.words)
        none = np.zeros(0, dtype=np.int32)
        return [self._rows[self._part(column)] if column >= 0 else none for column in columns]

    def _columns(
        self, query: "LexicalQuery"
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32] | None]:
        """The column of each word of a query, -1 without, and the idf that was written into it.

        Beside them, how much longer each row is by the query's average than by the segment's.
        """
        columns = found(self._words, query.words)
        own = idf_of(self._written(columns), self.rows).astype(np.float32)
        return columns, own, self._longer_by(query.average)

    def _written(self, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(columns < 0, 0, self._starts[columns + 1] - self._starts[columns])

    def _longer_by(self, average: float) -> NDArray[np.float32] | None:
        """By what a row's length weighs more (rows,) under another average; None: the same."""
        if self._lengths is None:
            return None
        known = self._longer
        if known is None or known[0] != average:  # kept: it stays while the index does
            own = int(self._lengths.sum(dtype=np.int64)) / max(self.rows, 1)
            longer = None
            if own and average and own != average:
                parts = [1 - _B + _B * self._lengths / each for each in (average, own)]
                longer = (parts[0] / parts[1]).astype(np.float32)
            self._longer = known = average, longer
        return known[1]

    def _part(self, column: int) -> slice:
        return slice(int(self._starts[column]), int(self._starts[column + 1]))


def _weighed(
    written: NDArray[np.float32],
    rows: NDArray[Any],
    own: np.float32,
    idf: np.float32,
    longer: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """A column's scores (m,) of m rows, with another idf than its own and another average length.

    What was written is own * f / (f + K) of a word that stands f times; K grows with the length.
    """
    if longer is None:
        return written * (idf / own)
    weighed: NDArray[np.float32] = own - written
    weighed *= longer[rows]
    weighed += written
    np.divide(written, weighed, out=weighed)
    weighed *= idf
    return weighed


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
    """A question's words, hashed, with their idf and a row's length over all segments."""

    def __init__(self, question: str, segments: Sequence[Words]) -> None:
        asked = Counter(words_of(question))
        self.words = hashes(asked)
        counts = np.zeros(len(asked), dtype=np.int64)
        for segment in segments:
            counts += segment.counts(self.words)
        rows = sum(segment.live for segment in segments)
        measured = sum(segment.length[0] for segment in segments)
        length = sum(segment.length[1] for segment in segments)
        self.average = length / max(measured, 1)  # words of a row
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
    write_array(folder / _LENGTHS, np.array([len(row) for row in rows], dtype=np.int32))


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
