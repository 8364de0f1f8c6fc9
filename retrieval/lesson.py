"""What a fit has learned and a search looks through: a focus, and topics."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.focus import LEAST, MOST, Focus, learned
from retrieval.fusion import Fusion
from retrieval.manifest import Manifest
from retrieval.segment import Segment
from retrieval.topics import LabelledTurns, Topics, learned_topics

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A focus and topics, each where there is one."""

    focus: Focus | None = None
    topics: Topics | None = None

    def of(self, fusion: Fusion) -> "Lesson":
        """What of it these weights look through.

        Raises:
            ValueError: If they need what it has not.
        """
        if fusion.focused and self.focus is None:
            raise ValueError("focused weights need an index whose rows teach a focus")
        if fusion.topics and self.topics is None:
            raise ValueError("weights with topics need labelled turns that teach them")
        return Lesson(
            self.focus if fusion.focused else None, self.topics if fusion.topics else None
        )

    def save(self, root: Path) -> tuple[str | None, str | None]:
        """Write it to an index directory; the names of the focus' file and of the topics'."""
        return (
            None if self.focus is None else self.focus.save(root),
            None if self.topics is None else self.topics.save(root),
        )

    @classmethod
    def load(cls, root: Path, manifest: Manifest) -> "Lesson":
        """Read what a manifest names.

        Raises:
            IndexMismatchError: If a file is missing, or something else.
        """
        focus, topics = manifest.focus, manifest.topics
        return cls(
            None if focus is None else Focus.load(root, focus),
            None if topics is None else Topics.load(root, topics),
        )


def taught(segments: Sequence[Segment], turns: LabelledTurns | None = None) -> Lesson:
    """What the rows of segments teach as they are now, and labelled turns beside them.

    In turns of one label, too, what differs does not matter to what is asked: they sharpen the
    focus. There is none where all together are too few; where the rows are too many to be kept in
    memory a second time, there are no topics either.
    """
    turns = turns if turns is not None and turns.teach else None
    live = [np.isin(segment.owners, segment.live()) for segment in segments]
    count = sum(int(rows.sum()) for rows in live)
    if count > MOST:
        if turns is not None:
            _log.warning("topics are weighed up to %s rows, here are %s", f"{MOST:,}", f"{count:,}")
        return Lesson()
    topics = None if turns is None else learned_topics(turns)
    if not count:
        return Lesson(topics=topics)
    vectors, owners, start = [], [], 0
    for segment, rows in zip(segments, map(np.flatnonzero, live), strict=True):
        vectors.append(segment.vectors.of(rows))
        owners.append(segment.owners[rows].astype(np.int64) + start)
        start += segment.entry.passages
    if turns is not None:
        vectors.append(turns.vectors)
        owners.append(turns.labels + start)
    if sum(map(len, owners)) < LEAST:
        return Lesson(topics=topics)
    return Lesson(learned(np.concatenate(vectors), np.concatenate(owners)), topics)
