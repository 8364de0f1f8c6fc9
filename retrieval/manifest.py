"""The manifest: what an index is made of. It is renamed into place last, so all or nothing counts.

    INDEX/manifest.json          the current version
    INDEX/versions/<n>.json      the version before it, which can be rolled back to
    INDEX/segment-<id>/          a segment; it never changes
    INDEX/tombstones-<id>.npy    places of a segment that are deleted; it never changes
    INDEX/focus-<id>.npy         what its rows taught (see focus.py); it never changes
    INDEX/topics-<id>.npy        what labelled turns taught (see topics.py); it never changes
    INDEX/.lock                  held by whoever writes; readers never lock

What no kept version names is removed after the rename, and what a killed writer left at the next
write.
"""

import errno
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from data.errors import DeskhandError, IndexMismatchError
from retrieval.decision import Decision, Fit
from retrieval.durable import sync, write_pieces
from retrieval.fusion import Fusion

FORMAT = 2
MANIFEST = "manifest.json"
UNFITTED = "nothing: vectors only, every question counts as answerable"
WAIT_S = 10.0  # for another writer
_PARTIAL = f".{MANIFEST}.partial"
_LOCK = ".lock"
_VERSIONS = "versions"
_PARTS = ("segment-*", "tombstones-*.npy", "focus-*.npy", "topics-*.npy")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment: its folder, how many passages and rows it has, and how many passages are gone."""

    name: str
    passages: int
    rows: int
    tombstones: str | None = None
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index is made of.

    `dense_weight`, `whole` and `topic_weight` in [0, 1] are a `Fusion`, focused where `focus` names
    a file; `topics` names one where topics are weighed. An index from before either has none.
    `threshold` and `margin` are a `Decision`, `fitted_on` the questions that both were fitted on.
    `sources` has the SHA-256 of the files that passages came from, by the file's name. `previous`
    is the version that a rollback brings back.
    """

    encoder: str
    fingerprint: str
    segments: tuple[SegmentEntry, ...]
    dense_weight: float = 1.0
    whole: float = 0.0
    threshold: float = 0.0
    margin: float = 0.0
    focus: str | None = None
    topic_weight: float = 0.0
    topics: str | None = None
    fitted_on: str = UNFITTED
    sources: Mapping[str, str] = field(default_factory=dict)
    version: int = 1
    previous: int | None = None
    format: int = FORMAT

    @property
    def fusion(self) -> Fusion:
        """How the halves of a search make a score."""
        return Fusion(self.dense_weight, self.whole, self.focus is not None, self.topic_weight)

    @property
    def decision(self) -> Decision:
        """When what was found answers."""
        return Decision(self.threshold, self.margin)

    def with_fit(self, fit: Fit, focus: str | None, topics: str | None) -> "Manifest":
        """The same with what was fitted; `focus` and `topics` name what it looks through."""
        return replace(
            self, dense_weight=fit.fusion.dense, whole=fit.fusion.whole,
            topic_weight=fit.fusion.topics, threshold=fit.decision.threshold,
            margin=fit.decision.margin, fitted_on=fit.fitted_on, focus=focus, topics=topics,
        )  # fmt: skip


def read_manifest(root: Path) -> Manifest:
    """What the index at `root` is made of.

    Raises:
        IndexMismatchError: If there is none, or of another format.
    """
    return _read(root, root / MANIFEST)


def read_previous(root: Path, manifest: Manifest) -> Manifest:
    """The version before `manifest`.

    Raises:
        IndexMismatchError: If none is kept.
    """
    path = root / _VERSIONS / f"{manifest.previous}.json"
    if manifest.previous is None or not path.exists():
        raise IndexMismatchError(f"{root}: no earlier version is kept; index again")
    return _read(root, path)


def _read(root: Path, path: Path) -> Manifest:
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexMismatchError(f"{root}: no index here; make one with deskhand index") from error
    except (OSError, ValueError) as error:
        raise IndexMismatchError(f"{path}: cannot be read; index again") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise IndexMismatchError(f"{root}: not an index of format {FORMAT}; index again")
    try:
        segments = tuple(SegmentEntry(**entry) for entry in values["segments"])
        manifest = Manifest(**{**values, "segments": segments})
    except (KeyError, TypeError) as error:
        raise IndexMismatchError(f"{path}: incomplete; index again") from error
    wrong = next(_wrong(manifest), None)
    if wrong is not None:
        raise IndexMismatchError(f"{path}: broken ({wrong} cannot be what it says); index again")
    return manifest


def _wrong(manifest: Manifest) -> Iterator[str]:
    """The names of values that are of another type, or out of their range."""
    for name, is_right in _RIGHT.items():
        if not is_right(getattr(manifest, name)):
            yield name
    for entry in manifest.segments:
        for name, is_right in _RIGHT_OF_SEGMENT.items():
            if not is_right(getattr(entry, name)):
                yield name


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_share(value: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    return _is_number(value) and 0 <= value <= 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_texts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _named(kind: str, suffix: str = "") -> Callable[[object], bool]:
    """Whether a value names a file or folder of that kind in the index directory."""
    name = re.compile(rf"{kind}-[\w-]+{re.escape(suffix)}")
    return lambda value: isinstance(value, str) and name.fullmatch(value) is not None


def _or_none(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or is_right(value)


_RIGHT = {
    "encoder": _is_text, "fingerprint": _is_text, "fitted_on": _is_text, "sources": _are_texts,
    "dense_weight": _is_share, "whole": _is_share, "topic_weight": _is_share,
    "threshold": _is_number, "margin": _is_number,
    "focus": _or_none(_named("focus", ".npy")), "topics": _or_none(_named("topics", ".npy")),
    "version": _is_count, "previous": _or_none(_is_count),
}  # fmt: skip
_RIGHT_OF_SEGMENT = {
    "name": _named("segment"), "tombstones": _or_none(_named("tombstones", ".npy")),
    "passages": _is_count, "rows": _is_count, "deleted": _is_count,
}  # fmt: skip


def may_be_replaced(root: Path) -> bool:
    """Whether it is an index, or a folder with nothing but what a killed first build leaves."""
    if not root.is_dir():
        return False
    ours = {*_parts(root), root / _PARTIAL, root / _LOCK, root / _VERSIONS}
    return (root / MANIFEST).exists() or set(root.iterdir()) <= ours


@contextmanager
def writing(root: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Be the only writer of `root`, beginning without leftovers of a killed one.

    Raises:
        DeskhandError: If another process writes for longer than `wait_s`, or the disk is full: the
            index is then as it was.
    """
    lock = FileLock(root / _LOCK, timeout=wait_s)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with lock:
            try:
                collect(root)
                yield
            except Exception:
                with suppress(OSError):
                    collect(root)  # a full disk is not left full of what nobody will read
                raise
    except Timeout as error:
        raise DeskhandError(
            f"{root}: another process is writing this index; try again when it is done"
        ) from error
    except OSError as error:
        full = error.errno in _FULL
        why = "the disk is full" if full else f"{error.strerror or type(error).__name__}"
        raise DeskhandError(
            f"{root}: cannot be written ({why}); the index is as it was, "
            f"{'free some space' if full else 'mend that'} and write again"
        ) from error


def commit(root: Path, manifest: Manifest, *, keep: bool = True, forget: bool = False) -> Manifest:
    """Make `manifest` the newest version; the caller is the only writer.

    Args:
        root: The index directory; what the manifest names is on the disk.
        manifest: Its `version` and `previous` are set here.
        keep: Whether the version that was current can be rolled back to; else the one before it
            stays so.
        forget: Whether no version is kept; `keep` does not count then.
    """
    try:
        current = read_manifest(root)
    except IndexMismatchError:  # none yet, or of an older format
        manifest = replace(manifest, version=1, previous=None)
    else:
        previous = current.version if keep else current.previous
        previous = None if forget else previous
        manifest = replace(manifest, version=current.version + 1, previous=previous)
        if keep and not forget:
            (root / _VERSIONS).mkdir(exist_ok=True)
            _put(root / _VERSIONS / f"{current.version}.json", current)
            sync(root / _VERSIONS)
    _put(root / _PARTIAL, manifest)
    sync(root)  # the names of segments and versions, before the name that needs them
    (root / _PARTIAL).replace(root / MANIFEST)
    sync(root)
    with suppress(OSError):  # it is written; leftovers go at the next write
        collect(root)
    return manifest


def collect(root: Path) -> None:
    """Remove what neither the current version nor the one before it names."""
    kept = set()
    try:
        current = read_manifest(root)
        versions = [current]
        with suppress(IndexMismatchError):
            versions.append(read_previous(root, current))
            kept.add(root / _VERSIONS / f"{current.previous}.json")
    except IndexMismatchError:
        if (root / MANIFEST).exists():  # of another format, or broken: not ours to tidy
            return
        versions = []
    for manifest in versions:
        kept |= {root / (manifest.focus or MANIFEST), root / (manifest.topics or MANIFEST)}
        for entry in manifest.segments:
            kept |= {root / entry.name, root / (entry.tombstones or entry.name)}
    for path in {*_parts(root), *(root / _VERSIONS).glob("*.json"), root / _PARTIAL} - kept:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _parts(root: Path) -> set[Path]:
    return {found for name in _PARTS for found in root.glob(name)}


def _put(path: Path, manifest: Manifest) -> None:
    write_pieces(path, [json.dumps(asdict(manifest), indent=2).encode() + b"\n"])
    sync(path)
