"""The index: passages that are searched by vectors and words, in immutable segments.

`manifest.py` draws the directory, `segment.py` a segment, `candidates.py` gathers what is weighed.
`Index` only searches. What makes and changes an index stands in `writing.py` and `compaction.py`;
each gives a new version.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder, question_vectors
from data.errors import IndexMismatchError
from data.schema import Passage
from retrieval.candidates import gathered
from retrieval.decision import Decision, Fit
from retrieval.filters import Filter
from retrieval.focus import MOST
from retrieval.fusion import Candidates, Fusion, scores
from retrieval.lesson import Lesson, taught
from retrieval.lexical import LexicalQuery
from retrieval.manifest import (
    MANIFEST,
    Manifest,
    SegmentEntry,
    commit,
    read_manifest,
    writing,
)
from retrieval.rows import encodable
from retrieval.segment import Segment
from retrieval.topics import AKIN, LabelledTurns, Topics

_POOL = 50  # candidates that each half brings, at least
_DEEPEST = 10_000  # candidates, past which no more are looked at for other passages or sources
_log = logging.getLogger(__name__)


class Index:
    """Passages that can be searched: `open_index` opens one, `writing.build_index` makes one.

    It stays what it was when others write: `current` gives the newest version.
    """

    def __init__(
        self,
        root: Path,
        manifest: Manifest,
        segments: Sequence[Segment],
        encoder: Encoder,
        lesson: Lesson | None = None,
    ) -> None:
        self.root, self.manifest, self.encoder = root, manifest, encoder
        self.lesson = lesson or Lesson()
        self.segments = tuple(segments)
        sizes = [segment.entry.passages for segment in self.segments]
        self._starts = np.cumsum([0, *sizes])[:-1]  # a passage's place in the index begins here
        self._seen = _stamp(root)
        self._turns: LabelledTurns | None = None
        self._teaches: Lesson | None = None  # once that was asked for

    def __len__(self) -> int:
        return sum(map(len, self.segments))

    @property
    def seen_through(self) -> Lesson:
        """What a search looks through: its lesson, unless there are too many rows for one."""
        return Lesson() if self.is_too_large else self.lesson

    @property
    def is_too_large(self) -> bool:
        """Whether it has a lesson, and more rows than are kept in memory a second time for it."""
        has_lesson = self.lesson.focus is not None or self.lesson.topics is not None
        return has_lesson and sum(segment.words.live for segment in self.segments) > MOST

    @property
    def fusion(self) -> Fusion:
        """How the halves of a search make a score: as fitted, where it is seen through that."""
        lesson, fusion = self.seen_through, self.manifest.fusion
        topics = fusion.topics if lesson.topics is not None else 0.0
        return replace(fusion, focused=lesson.focus is not None, topics=topics)

    def warn_if_too_large(self) -> None:
        """Tell that what was fitted does not hold for so many rows."""
        if self.is_too_large:
            _log.warning(
                "%s: has grown past %s rows: it is searched without the focus and the topics that "
                "were fitted, fit it again", self.root, f"{MOST:,}",
            )  # fmt: skip

    @property
    def passages(self) -> Iterator[Passage]:
        """All of them, read from the disk one after the other."""
        return (passage for segment in self.segments for passage in segment.passages())

    def missing(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` that no passage has."""
        there: set[str] = set()
        for segment in self.segments:
            there |= segment.places_of(ids).keys()
        return set(ids) - there

    def search(
        self,
        question: str,
        k: int = 5,
        *,
        where: Filter | None = None,
        vector: NDArray[np.float32] | None = None,
        per_source: int | None = None,
    ) -> list[Passage]:
        """Up to `k` passages, best first, scores in [0, 1].

        Args:
            question: What is asked.
            k: How many at most.
            where: Only passages that it admits.
            vector: The question's vector (D,), if the caller has it.
            per_source: At most so many passages of one file.
        """
        if not self.segments or k < 1:
            return []
        fusion = self.fusion
        vector, query = self._asked(question, vector, words=fusion.dense < 1)
        pool = _POOL + 20 * k
        while True:
            each, is_all = self._candidates(vector, query, pool, where, whole=fusion.whole > 0)
            found = scores(fusion, each.whole, each.closest, each.words, each.topics)
            order = np.lexsort((each.places, -found)).tolist()
            chosen = self._chosen(each.places, order, k, per_source)
            if len(chosen) == k or is_all or pool >= _DEEPEST:
                break
            pool *= 4  # these were rows of few passages, or of few sources
        return [
            replace(self.passage(int(each.places[at])), score=float(found[at])) for at in chosen
        ]

    def candidates(
        self,
        question: str,
        k: int = 5,
        *,
        where: Filter | None = None,
        vector: NDArray[np.float32] | None = None,
    ) -> Candidates:
        """What vectors and words say of the passages that may be among the best `k`, not weighed.

        Arguments as of `search`.
        """
        vector, query = self._asked(question, vector, words=True)
        return self._candidates(vector, query, _POOL + 20 * k, where, whole=True)[0]

    def passage(self, place: int) -> Passage:
        """The passage at a place of the index, read from the disk."""
        number = int(np.searchsorted(self._starts, place, side="right")) - 1
        return self.segments[number].passage(place - int(self._starts[number]))

    def values(self, key: str) -> set[str]:
        """The values that passages which are not deleted have under a metadata key."""
        return {value for segment in self.segments for value in segment.values(key)}

    def places(self, ids: Collection[str]) -> NDArray[np.int64]:
        """The places in the index of those of `ids` that are here."""
        found = [
            start + place
            for start, segment in zip(self._starts, self.segments, strict=True)
            for place in segment.places_of(ids).values()
        ]
        return np.array(found, dtype=np.int64)

    def akin(
        self, topics: Topics, places: NDArray[np.int64], others: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which passages (m,), by their places, are about the same as any of the others (r,)."""
        roots = np.concatenate([segment.in_topics(topics).roots for segment in self.segments])
        return np.asarray((roots[places] @ roots[others].T >= AKIN).any(axis=1))

    def word_shares(self, question: str, ids: Sequence[str]) -> list[float]:
        """How much of a question's words each passage or a row that leads to it holds, in [0, 1].

        Words count as much as they are rare in the index; one that stands nowhere counts most.
        """
        query = LexicalQuery(question, [each.words for each in self.segments])
        shares = dict.fromkeys(ids, 0.0)
        total = float(query.idf.sum())
        for segment in self.segments if total else ():
            there = segment.places_of(shares)
            held = segment.holds(query, np.array(list(there.values()), dtype=np.int64))
            shares |= {
                identity: float(query.idf[row].sum()) / total
                for identity, row in zip(there, held, strict=True)
            }
        return [shares[identity] for identity in ids]

    def vector_of(self, question: str) -> NDArray[np.float32]:
        """The question's vector (D,), for callers that need it more than once."""
        vector: NDArray[np.float32] = self.vectors_of([question])[0]
        return vector

    def vectors_of(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """The vectors (n, D) of n questions in one pass."""
        return question_vectors(self.encoder, [encodable(question) for question in questions])

    def _asked(
        self, question: str, vector: NDArray[np.float32] | None, words: bool
    ) -> tuple[NDArray[np.float32], LexicalQuery | None]:
        if vector is None:
            vector = self.vector_of(question)
        query = LexicalQuery(question, [each.words for each in self.segments]) if words else None
        return np.ascontiguousarray(vector, dtype=np.float32), query

    def _candidates(
        self,
        vector: NDArray[np.float32],
        query: LexicalQuery | None,
        pool: int,
        where: Filter | None,
        whole: bool,
    ) -> tuple[Candidates, bool]:
        focus, topics = self.seen_through.focus, self.seen_through.topics
        return gathered(self.segments, focus, topics, vector, query, pool, where, whole)

    def _chosen(
        self, places: NDArray[np.int64], order: list[int], k: int, per_source: int | None
    ) -> list[int]:
        """The first `k` of `order`, at most `per_source` of one file."""
        if per_source is None:
            return order[:k]
        taken: dict[str, int] = {}
        chosen = []
        for at in order:
            number = int(np.searchsorted(self._starts, places[at], side="right")) - 1
            files, codes = self.segments[number].sources()
            file = files[codes[places[at] - self._starts[number]]]
            taken[file] = taken.get(file, 0) + 1
            if taken[file] <= per_source:
                chosen.append(at)
            if len(chosen) == k:
                break
        return chosen

    def answerable(self, passages: Sequence[Passage]) -> bool:
        """Whether the best of the found passages is close enough to answer; give it two or more."""
        return self.manifest.decision.answers(passages)

    def current(self) -> "Index":
        """The newest version: this very index where nobody has written since.

        One that cannot be opened is logged, and this one goes on: its files stay readable.
        """
        stamp = _stamp(self.root)
        if stamp == self._seen:
            return self
        try:
            return open_index(self.root, self.encoder, self)
        except IndexMismatchError as error:
            _log.warning("the version before it is searched on: %s", error)
            self._seen = stamp
            return self

    def weighted(self, fusion: Fusion) -> "Index":
        """The same passages under other weights, without threshold: to try, nothing is written.

        Focused weights look at what the rows teach as they are now.
        """
        lesson = self._seen_through(fusion)
        manifest = self.manifest.with_fit(
            Fit(fusion, Decision(), self.manifest.fitted_on),
            None if lesson.focus is None else "not written",
            None if lesson.topics is None else "not written",
        )
        return Index(self.root, manifest, self.segments, self.encoder, lesson)

    def learn_from(self, turns: LabelledTurns) -> None:
        """Take labelled turns for what a fit learns from now on; nothing is written."""
        self._turns, self._teaches = turns, None

    def teaches(self) -> Lesson:
        """What its rows teach as they are now, with the turns to learn from.

        Without turns, topics that were learned before stay as they are.
        """
        if self._teaches is None:  # a fit tries many weights on one index
            lesson = taught(self.segments, self._turns)
            known = self.seen_through.topics if self._turns is None else lesson.topics
            self._teaches = replace(lesson, topics=known)
        return self._teaches

    def _seen_through(self, fusion: Fusion) -> Lesson:
        if fusion.focused or fusion.topics:
            return self.teaches().of(fusion)
        return Lesson()

    def refit(self, fit: Fit) -> "Index":
        """The same index with other weights and another decision, its manifest replaced.

        A rollback brings back what was before the passages changed, not before the fit. Focused
        weights look at what the rows teach now, and at the same when passages come and go.

        Raises:
            IndexMismatchError: If someone has written since this index was opened.
        """
        with writing(self.root):
            if read_manifest(self.root).version != self.manifest.version:
                raise IndexMismatchError(f"{self.root}: changed since it was opened; fit it again")
            self.settle(fit)
            self.manifest = commit(self.root, self.manifest, keep=False)
            self._seen = _stamp(self.root)
        return self

    def settle(self, fit: Fit) -> None:
        """Take what was fitted, and write what it looks through; the caller writes the manifest."""
        self.lesson = self._seen_through(fit.fusion)
        self.manifest = self.manifest.with_fit(fit, *self.lesson.save(self.root))


def open_index(root: Path, encoder: Encoder, opened: Index | None = None) -> Index:
    """Open an index for searching.

    Args:
        root: The index directory.
        encoder: What it was built with.
        opened: An earlier version, whose segments are taken over where they are the same.

    Raises:
        IndexMismatchError: If it is missing or broken, or `encoder` is not the one it was built
            with.
    """
    known = {segment.entry.name: segment for segment in opened.segments} if opened else {}
    while True:
        seen, manifest = _stamp(root), read_manifest(root)
        if manifest.fingerprint != encoder.fingerprint:
            raise IndexMismatchError(
                f"{root}: built with encoder {manifest.encoder} (weights "
                f"{manifest.fingerprint[:12]}), opened with weights {encoder.fingerprint[:12]}; "
                "index again or open it with that one"
            )
        try:
            segments = [_segment(root, entry, known) for entry in manifest.segments]
            lesson = _lesson(root, manifest, opened)
        except IndexMismatchError:
            if _stamp(root) == seen:
                raise
            continue  # someone has written twice since the manifest was read: begin again
        index = Index(root, manifest, segments, encoder, lesson)
        index._seen = seen
        if opened is None or not opened.is_too_large:
            index.warn_if_too_large()
        return index


def _segment(root: Path, entry: SegmentEntry, known: Mapping[str, Segment]) -> Segment:
    before = known.get(entry.name)
    if before is not None and before.entry == entry:
        return before
    return Segment(root, entry, before)


def _lesson(root: Path, manifest: Manifest, opened: Index | None) -> Lesson:
    if opened is not None:
        known = opened.manifest
        if (known.focus, known.topics) == (manifest.focus, manifest.topics):
            return opened.lesson
    return Lesson.load(root, manifest)


def _stamp(root: Path) -> tuple[int, int, int] | None:
    """What tells that the manifest was replaced; None where there is none."""
    try:
        stat = (root / MANIFEST).stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size
