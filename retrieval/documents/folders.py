"""Which files are read of what was given: all of a known kind, but for what was made of them."""

import json
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from data.errors import LogFormatError
from data.rows import BadRows, first_row, require_file
from retrieval.documents import READERS

SUFFIXES = tuple(READERS)
# What prepare writes beside the conversations, and what tells of a folder, is not for reading.
_NOT_READ = ("dropped.jsonl", "README.md")
_MANIFEST = "manifest.json"  # of an index (retrieval/manifest.py) and of other programs, too
_SEGMENT = "segment.json"  # of a part of an index: a killed `deskhand index` leaves such
_PAIR = {"question", "answer", "passage"}  # a row of what `deskhand pairs` writes


def files_in(paths: Sequence[Path], bad: BadRows | None) -> Iterator[tuple[Path, str, bool]]:
    """Each file, its name within the folder that was given, and whether it was given itself.

    Raises:
        LogFormatError: If a path is missing, or of an unknown kind, or a folder holds nothing to
            read; if a file or a sub-folder cannot be read and `bad` is None, else it is noted.
    """
    for path in paths:
        require_file(path)
        if path.is_file():
            if path.suffix.lower() not in SUFFIXES:
                raise LogFormatError(f"{path}: unknown kind of file; known: {', '.join(SUFFIXES)}")
            try:
                path.open("rb").close()
            except OSError as error:
                raise LogFormatError(f"{path}: {_why(error)}") from error
            yield path, _name(path.name), True
            continue
        found = False
        for file in _below(path, bad):
            found = True
            yield file, _name(file.relative_to(path).as_posix()), False
        if not found and (bad is None or not len(bad)):
            kind = f"no {', '.join(SUFFIXES)} file in this folder"
            if _is_index(path):
                kind = "an index; give the files that it was made of"
            raise LogFormatError(f"{path}: {kind}")


def _below(folder: Path, bad: BadRows | None) -> Iterator[Path]:
    """The files of a folder that are read, in order."""
    bad = bad if bad is not None else BadRows(sink=_refuse)
    for file in sorted(_walked(folder, bad)):
        if file.name in _NOT_READ or _is_hidden(file.relative_to(folder)):
            continue
        try:
            left_out = _left_out(file)
        except FileNotFoundError:  # a link that leads nowhere
            continue
        except OSError as error:
            bad.add(str(file), _why(error))
            continue
        if left_out:
            bad.left_out[left_out] += 1
        else:
            yield file


def _walked(folder: Path, bad: BadRows) -> Iterator[Path]:
    """All files in a folder and in its sub-folders, but for those of an index."""

    def note(error: OSError) -> None:
        bad.add(str(error.filename), _why(error))

    for root, folders, files in os.walk(folder, onerror=note):
        if _is_index(Path(root)):
            folders.clear()
            bad.left_out["indexes"] += 1
            continue
        if _SEGMENT not in files:
            yield from (Path(root, name) for name in files)


def _refuse(where: str, why: str) -> None:
    raise LogFormatError(f"{where}: {why}")


def _why(error: OSError) -> str:
    return f"cannot be read ({error.strerror}); see its permissions"


def _left_out(file: Path) -> str:
    """Why a file of a folder is not read; empty where it is.

    Raises:
        OSError: If it cannot be opened.
    """
    about = file.stat()
    if about.st_size == 0 and stat.S_ISREG(about.st_mode):
        return "empty files"
    if file.suffix.lower() not in SUFFIXES or not stat.S_ISREG(about.st_mode):
        return "files of another kind"
    with file.open("rb"):
        return "question pairs" if _holds_pairs(file) else ""


def _holds_pairs(path: Path) -> bool:
    """Whether it is what `deskhand pairs` wrote: its questions are headings of other files."""
    if path.suffix.lower() != ".jsonl":
        return False
    try:
        first = first_row(path)
    except LogFormatError:  # it is told of when the file is read
        return False
    return first is not None and first.values.keys() == _PAIR


def _is_index(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and {"format", "segments", "encoder"} <= manifest.keys()


def _name(name: str) -> str:
    """The name as people type it: macOS writes an ü in it as a u and its dots."""
    return unicodedata.normalize("NFC", name)


def _is_hidden(name: Path) -> bool:
    """Whether it is a hidden file, or one that Word keeps beside an open document."""
    return any(part.startswith((".", "~$")) for part in name.parts)
