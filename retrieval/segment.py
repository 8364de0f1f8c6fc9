"""A segment: passages with their rows, written once and then only mapped.

    passages.jsonl, offsets.npy    a passage is read where it lies, when it is returned
    ids.npy, places.npy            sorted hashes of ids, and whose they are
    columns.npy, columns.jsonl     metadata, for filters
    owners.npy, extras.jsonl       whose a row is; the texts of rows that are no passage's own
    vectors.npy or .faiss, words/  of every row; see dense.py and lexical.py
    segment.json                   counts, the size of each file, the checksum of each small one

A passage has a row of its own, and one for each further text that leads to it, such as a known
question: what customers asked is closer to what customers will ask than the company's own words
are. The passages' own rows come first, in their order.
"""

import json
import mmap
import shutil
import uuid
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import IndexMismatchError
from data.schema import Passage
from retrieval.columns import Columns, ColumnWriter
from retrieval.dense import open_vectors, write_vectors
from retrieval.durable import mapped, sync, sync_tree, write_array, write_pieces
from retrieval.filters import SOURCE, Filter
from retrieval.focus import Focus, Focused
from retrieval.hashing import found, hashes
from retrieval.lexical import LexicalQuery, Words, write_words
from retrieval.manifest import SegmentEntry
from retrieval.topics import Profiles, Topics

ABOUT = "segment.json"
_UNREADABLE = (OSError, EOFError, LookupError, TypeError, AttributeError, ValueError, RuntimeError)
_SUMMED = 1 << 22  # bytes of a file up to which it is read through when it is opened
_MASKS = 16  # filters whose masks are kept; an app asks with a few, again and again


class _NotKept:
    """Stands for a mask that is not kept: None is one that admits all."""


_NOT_KEPT = _NotKept()


def write_segment(
    root: Path,
    passages: Iterable[Passage],
    extras: Sequence[tuple[str, int]],
    vectors: NDArray[np.float32],
) -> SegmentEntry:
    """Write a new segment to the disk; nothing names it yet.

    Args:
        root: The index directory.
        passages: n of them, ids unique; read once, so that they need not all be in memory.
        extras: (text, place of its passage) of each further row.
        vectors: (n + len(extras), D), the passages' own first.
    """
    folder = root / f"segment-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
        entry = _written(folder, passages, extras, vectors)
        sync_tree(folder)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return entry


def _written(
    folder: Path,
    passages: Iterable[Passage],
    extras: Sequence[tuple[str, int]],
    vectors: NDArray[np.float32],
) -> SegmentEntry:
    columns, offsets, ids = ColumnWriter(), [0], []

    def read() -> Iterator[str]:
        """Write each passage, and yield what its own row is searched by words in."""
        with (folder / "passages.jsonl").open("wb") as file:
            for passage in passages:
                line = _line(passage)
                file.write(line)
                offsets.append(offsets[-1] + len(line))
                ids.append(passage.id)
                columns.add(passage)
                yield f"{passage.title}\n{passage.text}"
        for text, _ in extras:
            yield text

    write_words(folder / "words", read())
    hashed = hashes(ids)
    order = np.argsort(hashed, kind="stable")
    owners = np.array([*range(len(ids)), *(place for _, place in extras)], dtype=np.int32)
    for name, values in (
        ("offsets", np.array(offsets, dtype=np.int64)),
        ("ids", hashed[order]),
        ("places", order.astype(np.int32)),
        ("owners", owners),
    ):
        write_array(folder / f"{name}.npy", values)
    if extras:
        write_pieces(folder / "extras.jsonl", (_json(text) for text, _ in extras))
    about = {
        "passages": len(ids),
        "rows": len(owners),
        "keys": columns.save(folder),
        "vectors": write_vectors(folder, vectors),
    }
    paths = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    files = {name: path.stat().st_size for name, path in paths.items()}
    sums = {name: _sum(path) for name, path in paths.items() if files[name] <= _SUMMED}
    write_pieces(folder / ABOUT, [_json({**about, "files": files, "sums": sums})])
    return SegmentEntry(folder.name, len(ids), len(owners))


def write_tombstones(root: Path, places: NDArray[np.int32]) -> str:
    """Write the places of deleted passages, sorted; the name of the file."""
    name = f"tombstones-{uuid.uuid4().hex[:8]}.npy"
    write_array(root / name, places)
    sync(root / name)
    return name


class Segment:
    """An opened segment without the passages that are deleted in it.

    Args:
        root: The index directory.
        entry: What the manifest tells of it.
        before: The same with fewer deleted passages: what it keeps of its rows is taken over.

    Raises:
        IndexMismatchError: If a file of it is missing, cut, or not what the others fit to.
    """

    def __init__(self, root: Path, entry: SegmentEntry, before: "Segment | None" = None) -> None:
        self.root, self.entry = root, entry
        folder = root / entry.name
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            for name, size in about["files"].items():
                if (folder / name).stat().st_size != size:
                    raise IndexMismatchError(
                        f"{root}: broken ({entry.name}/{name}: its parts differ in length); "
                        "index again"
                    )
            for name, value in about.get("sums", {}).items():  # there are none from before
                if _sum(folder / name) != value:
                    raise IndexMismatchError(
                        f"{root}: broken ({entry.name}/{name}: not what was written); index again"
                    )
            with (folder / "passages.jsonl").open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            has_extras = about["rows"] > about["passages"]
            self._extras = (folder / "extras.jsonl").read_bytes() if has_extras else b""
            self._offsets, self._ids, self._places, self.owners = (
                mapped(folder / f"{name}.npy") for name in ("offsets", "ids", "places", "owners")
            )
            self._columns = Columns(folder, about["keys"])
            self.vectors = open_vectors(folder, about["vectors"])
            self.deleted = np.zeros(0, dtype=np.int32)
            gone = None  # rows
            if entry.tombstones is not None:
                self.deleted = np.load(root / entry.tombstones, allow_pickle=False)
                gone = np.zeros(entry.passages, dtype=np.bool_)
                gone[self.deleted] = True
                gone = gone[self.owners]
            self.words = Words(folder / "words", about["rows"], gone)
            fits = len(self.vectors) == len(self.owners) == entry.rows == about["rows"]
            fits &= len(self._offsets) - 1 == len(self._ids) == entry.passages
            fits &= len(self.deleted) == entry.deleted
            fits &= bool((np.diff(self.deleted) > 0).all()) and self.deleted.min(initial=0) >= 0
        except _UNREADABLE as error:
            raise IndexMismatchError(
                f"{root}: broken ({entry.name}: {type(error).__name__}); index again"
            ) from error
        if not fits:
            raise IndexMismatchError(
                f"{root}: broken ({entry.name}: its parts differ in length); index again"
            )
        self._masks: dict[Filter | None, NDArray[np.bool_] | None] = {}
        self._keeping = Lock()
        self._values: dict[str, list[str]] = {}
        self._focused: Focused | None = None if before is None else before._focused
        self._profiles: Profiles | None = None if before is None else before._profiles

    def __len__(self) -> int:
        return self.entry.passages - self.entry.deleted

    def passage(self, place: int) -> Passage:
        """The passage at a place, read from the disk."""
        start, end = self._offsets[place : place + 2]
        try:
            return Passage(**json.loads(self._text[start:end]))
        except (ValueError, TypeError) as error:
            raise IndexMismatchError(
                f"{self.root}: broken ({self.entry.name}: a passage cannot be read); index again"
            ) from error

    def live(self) -> NDArray[np.int64]:
        """The places of passages that are not deleted, in order."""
        there = np.ones(self.entry.passages, dtype=np.bool_)
        there[self.deleted] = False
        return np.flatnonzero(there)

    def passages(self) -> Iterator[Passage]:
        """All that are not deleted, one after the other."""
        return (self.passage(int(place)) for place in self.live())

    def extras(self) -> list[tuple[str, int]]:
        """(text, place) of the rows that are no passage's own, those of deleted ones too."""
        texts = self._extras.split(b"\n")
        owners = self.owners[self.entry.passages :]
        return [(json.loads(text), int(owner)) for text, owner in zip(texts, owners, strict=False)]

    def extras_of(self, places: NDArray[np.int64]) -> list[tuple[int, str, int]]:
        """(row, text, place) of the rows that lead to these places beside the passages' own."""
        own = self.entry.passages
        owners = self.owners[own:]
        rows = np.flatnonzero(np.isin(owners, places))
        texts = self._extras.split(b"\n") if len(rows) else []
        return [(own + int(row), json.loads(texts[row]), int(owners[row])) for row in rows]

    def places_of(self, ids: Collection[str]) -> dict[str, int]:
        """The places of those ids that are here and not deleted."""
        wanted = list(ids)
        hashed = hashes(wanted)
        first = found(self._ids, hashed)
        deleted = set(self.deleted.tolist())
        there: dict[str, int] = {}
        for identity, value, at in zip(wanted, hashed, first, strict=True):
            while 0 <= at < len(self._ids) and self._ids[at] == value:  # two may share a hash
                place = int(self._places[at])
                if place not in deleted and self.passage(place).id == identity:
                    there[identity] = place
                at += 1
        return there

    def values(self, key: str) -> list[str]:
        """The values that passages which are not deleted have under a metadata key."""
        if key not in self._values:
            values, codes = self._columns.values(key), self._columns.codes_of(key)
            if len(self.deleted) and codes is not None:
                there = np.unique(codes[self.live()])
                values = [values[code] for code in there.tolist() if code >= 0]
            self._values[key] = values
        return self._values[key]

    def sources(self) -> tuple[list[str], NDArray[np.int32]]:
        """The files that passages came from, and which of them each (n,) came from."""
        codes = self._columns.codes_of(SOURCE)
        return self._columns.values(SOURCE), np.zeros(0, np.int32) if codes is None else codes

    def admitted(self, where: Filter | None) -> NDArray[np.bool_] | None:
        """Which passages (n,) a filter admits and are not deleted; None: all of them."""
        mask = None if where is None else self._columns.mask(where)
        if len(self.deleted):
            mask = np.ones(self.entry.passages, dtype=np.bool_) if mask is None else mask.copy()
            mask[self.deleted] = False
        return mask

    def candidates(
        self,
        vector: NDArray[np.float32],
        query: LexicalQuery | None,
        pool: int,
        where: Filter | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """Rows (m,) that are near in vectors or in words, their cosines and their BM25 scores.

        Each half brings `pool` rows; both scores are computed for all of them. Without a query the
        words bring none, and their scores are 0.
        """
        mask = self._row_mask(where)
        rows, cosines = self.vectors.search(vector, pool, mask)
        if query is None:
            return rows, cosines, np.zeros(len(rows), dtype=np.float32)
        further = np.setdiff1d(self.words.best(query, pool, mask), rows)
        if len(further):
            rows = np.concatenate([rows, further])
            cosines = np.concatenate([cosines, self.vectors.of(further) @ vector])
        return rows, cosines, self.words.of(rows, query)

    def in_focus(self, focus: Focus) -> Focused:
        """Its rows in focus; kept, so that only the first question waits for them."""
        focused = self._focused
        if focused is None or focused.focus is not focus:
            vectors = self.vectors.of(np.arange(self.entry.rows))
            focused = focus.of_rows(vectors, self.owners, self.entry.passages)
            self._focused = focused
        return focused

    def in_topics(self, topics: Topics) -> Profiles:
        """What its passages are about; kept as what is in focus."""
        profiles = self._profiles
        if profiles is None or profiles.topics is not topics:
            vectors = self.vectors.of(np.arange(self.entry.rows))
            profiles = topics.of_rows(vectors, self.owners, self.entry.passages)
            self._profiles = profiles
        return profiles

    def holds(self, query: LexicalQuery, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which words (q,) of a query stand in any row of each of m passages: (m, q)."""
        each = [np.isin(places, self.owners[rows]) for rows in self.words.holders(query)]
        return np.stack(each, axis=1) if each else np.zeros((len(places), 0), dtype=np.bool_)

    def _row_mask(self, where: Filter | None) -> NDArray[np.bool_] | None:
        known = self._masks.get(where, _NOT_KEPT)
        if not isinstance(known, _NotKept):
            return known
        admitted = self.admitted(where)
        mask = None if admitted is None else admitted[self.owners]
        with self._keeping:  # threads search at once, and may not drop what another is adding
            while len(self._masks) >= _MASKS:
                self._masks.pop(next(iter(self._masks)))
            self._masks[where] = mask
        return mask


def _sum(path: Path) -> int:
    return zlib.crc32(path.read_bytes())


def _line(passage: Passage) -> bytes:
    return _json(
        {
            "id": passage.id,
            "text": passage.text,
            "title": passage.title,
            "source": passage.source,
            "metadata": dict(passage.metadata),
        }
    )


def _json(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON holds
    # Halves of an emoji are no UTF-8; a customer's text must not stop an index for one.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
