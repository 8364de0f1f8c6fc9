"""Where results go: looked at before the work, so that none is for nothing, and written whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from data.errors import ConfigError, DeskhandError


def check_file(out: Path, option: str = "--out") -> None:
    """Refuse what no file can be written to; leaves nothing behind.

    Raises:
        ConfigError: If it is a folder, or nothing can be written where it is to lie.
    """
    if out.is_dir():
        raise ConfigError(f"{out}: is a folder; give {option} the name of a file")
    _check_room(out, out.absolute().parent)


def check_folder(out: Path) -> None:
    """Refuse what is no folder that can be written to or made; leaves nothing behind.

    Raises:
        ConfigError: If it is a file, or nothing can be written there.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: is a file; choose a folder as --out")
    _check_room(out, out.absolute())


def write_whole(path: Path, text: str) -> None:
    """Write a file as UTF-8, whole or not at all, with the folders that it lies in.

    Raises:
        ConfigError: If it cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write, which takes its name at the end; folders are made.

    Whoever is stopped half-way leaves `path` as it was: half a file is never taken for whole.

    Raises:
        ConfigError: If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        if error.filename and Path(error.filename) not in (partial, *path.parents):
            raise  # of a file that is read meanwhile
        raise _cannot(path, error) from error


@contextmanager
def alone(
    out: Path, refused: type[DeskhandError] = ConfigError, what: str = "file"
) -> Iterator[None]:
    """Be the only process that writes a file or folder; one that ended in any way holds it no more.

    Args:
        out: What is written.
        refused: The error where another process writes it.
        what: What it is called there.

    Raises:
        DeskhandError: If another process does, or nothing can be written beside it.
    """
    file = out.parent / f".{out.name}.lock"
    lock = FileLock(file, timeout=0)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise refused(
            f"{out}: another process is writing this {what}; wait for it, or choose another --out"
        ) from error
    except OSError as error:
        raise _cannot(out, error) from error
    try:
        yield
    finally:
        # While it is held: who waits for the file that is gone is told so by the library.
        with suppress(OSError):
            file.unlink()
        lock.release()


def _check_room(out: Path, folder: Path) -> None:
    """Try to write in the folder, or in the nearest one above it that is there."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise _cannot(out, error) from error


def _cannot(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path}: cannot be written ({error.strerror}); choose another")
