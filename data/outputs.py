"""Where results go: looked at before the work, so that none is for nothing, and written whole."""

import tempfile
from pathlib import Path

from data.errors import ConfigError


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
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise _cannot(path, error) from error


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
