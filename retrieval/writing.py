"""Making and changing an index: new passages get a segment of their own, old ones a tombstone."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.errors import IndexMismatchError
from data.schema import Passage
from retrieval.carrying import carried, encoded_beside
from retrieval.compaction import MAX_SEGMENTS, merged, small_ones
from retrieval.decision import Fit
from retrieval.index import Index, open_index
from retrieval.manifest import (
    Manifest,
    SegmentEntry,
    commit,
    may_be_replaced,
    read_manifest,
    read_previous,
    writing,
)
from retrieval.questions import Question
from retrieval.rows import encoded, owned
from retrieval.segment import Segment, write_segment, write_tombstones


def build_index(
    passages: Sequence[Passage],
    encoder: Encoder,
    name: str,
    root: Path,
    questions: Sequence[Question] = (),
    *,
    extra_rows: Sequence[tuple[str, str]] = (),
    sources: Mapping[str, str] | None = None,
    fit: Callable[[Index], Fit] | None = None,
) -> Index:
    """Write a new index to `root`; one that was there is the version to roll back to.

    Args:
        passages: Ids unique.
        encoder: What its vectors are made with.
        name: The encoder's name or run, for the manifest.
        root: The index directory.
        questions: Known questions and the passages that answer them; each is a further row.
        extra_rows: (text, passage id) of further texts that lead to a passage.
        sources: SHA-256 of the files that passages came from, by name.
        fit: Told the new index before anyone sees it, says how it is to be searched. What it raises
            leaves `root` as it was.

    Raises:
        LogFormatError: If an id stands twice, or a question's passage is not among `passages`.
        IndexMismatchError: If `root` is a file, or a folder that is not an index.
    """
    if root.exists() and not may_be_replaced(root):
        raise IndexMismatchError(f"{root}: exists and is not an index; choose another --out")
    extras = owned(passages, questions, extra_rows)
    vectors = encoded(passages, extras, encoder)
    with writing(root):
        entries: tuple[SegmentEntry, ...] = ()
        if passages:
            entries = (write_segment(root, passages, extras, vectors),)
        new = Manifest(name, encoder.fingerprint, entries, sources=dict(sources or {}))
        segments = [Segment(root, entry) for entry in entries]
        return _committed(Index(root, new, segments, encoder), fit)


def add(
    index: Index,
    passages: Sequence[Passage],
    questions: Sequence[Question] = (),
    *,
    extra_rows: Sequence[tuple[str, str]] = (),
    sources: Mapping[str, str] | None = None,
    delete: Collection[str] = (),
    fit: Callable[[Index], Fit] | None = None,
) -> Index:
    """Add passages, and give the newest version: one with a known id replaces that passage.

    An id that stands twice counts as given last. What leads to a passage beside its own text (known
    questions, extra rows) stays where its text and title are as they were, and nothing of it is
    encoded again; with another text it goes: give it again.

    Args:
        index: Any version of it; the newest is changed.
        passages: New or changed ones.
        questions: Known questions that they answer.
        extra_rows: (text, passage id) of further texts that lead to them.
        sources: SHA-256 of the files that they came from, by name.
        delete: Ids that go in the same step; unknown ones are passed over.
        fit: As of `build_index`; without it the fit stays.

    Raises:
        LogFormatError: If a question's passage is not among `passages`.
        DeskhandError: If it cannot be written; the index is then as it was.
    """
    fresh = list({passage.id: passage for passage in passages}.values())
    extras = owned(fresh, questions, extra_rows)
    kept = carried(index.current(), fresh)
    # The slow part, before anyone is kept waiting.
    extras, vectors = encoded_beside(kept, fresh, extras, index.encoder)
    with writing(index.root):
        latest = open_index(index.root, index.encoder, index)
        gone = {passage.id for passage in fresh} | set(delete)
        segments = _without(latest.segments, gone)
        if fresh:
            entry = write_segment(index.root, fresh, extras, vectors)
            segments.append(Segment(index.root, entry))
        if len(segments) > MAX_SEGMENTS:
            segments = _merged_small(index.root, segments)
        known = {**latest.manifest.sources, **(sources or {})}
        grown = _committed(_changed(latest, segments, known), fit)
        if not latest.is_too_large:
            grown.warn_if_too_large()
        return grown


def delete(index: Index, ids: Collection[str]) -> Index:
    """Delete passages by id, unknown ones are passed over; gives the newest version."""
    return add(index, (), delete=ids)


def compact(index: Index, *, forget: bool = False) -> Index:
    """Merge all segments into one without deleted passages; nothing is encoded again.

    With `forget` the version before goes too, and with it what it holds of deleted text: nothing
    is left to roll back to.

    Vectors are read back from the segments. From a large one they come as its 8-bit quantizer kept
    them, so that what was rounded once is rounded again.
    """
    with writing(index.root):
        latest = open_index(index.root, index.encoder, index)
        segments: Sequence[Segment] = latest.segments
        if len(segments) > 1 or any(len(segment.deleted) for segment in segments):
            segments = merged(index.root, segments)
        elif not forget or latest.manifest.previous is None:
            return latest
        changed = _changed(latest, segments, latest.manifest.sources)
        return _committed(changed, forget=forget)


def rollback(root: Path) -> Manifest:
    """Make the version before this one the newest; once more takes that back.

    Raises:
        IndexMismatchError: If none is kept, or there is no index.
    """
    read_manifest(root)  # before a folder is made for the lock
    with writing(root):
        return commit(root, read_previous(root, read_manifest(root)))


def _without(segments: Sequence[Segment], ids: Collection[str]) -> list[Segment]:
    """The segments with tombstones for these ids; one with nothing left is dropped."""
    kept = []
    for segment in segments:
        places = segment.places_of(ids).values()
        if not places:
            kept.append(segment)
        elif len(places) < len(segment):
            deleted = np.union1d(segment.deleted, [*places]).astype(np.int32)
            kept.append(_buried(segment, deleted))
    return kept


def _buried(segment: Segment, deleted: NDArray[np.int32]) -> Segment:
    name = write_tombstones(segment.root, deleted)
    entry = replace(segment.entry, tombstones=name, deleted=len(deleted))
    return Segment(segment.root, entry, segment)


def _merged_small(root: Path, segments: Sequence[Segment]) -> list[Segment]:
    """Fewer segments: small ones become one, at the place of the last of them."""
    small = small_ones([len(segment) for segment in segments])
    together = merged(root, [segments[place] for place in small])
    return [s for place, s in enumerate(segments) if place not in small] + together


def _changed(latest: Index, segments: Sequence[Segment], sources: Mapping[str, str]) -> Index:
    entries = tuple(segment.entry for segment in segments)
    manifest = replace(latest.manifest, segments=entries, sources=dict(sources))
    return Index(latest.root, manifest, segments, latest.encoder, latest.lesson)


def _committed(
    index: Index, fit: Callable[[Index], Fit] | None = None, *, forget: bool = False
) -> Index:
    if fit is not None:
        index.settle(fit(index))
    manifest = commit(index.root, index.manifest, forget=forget)
    return Index(index.root, manifest, index.segments, index.encoder, index.lesson)
