"""A file that grows in `FILE.partial`, a line for each thing done, so that a command can go on.

Its first line says what of; a file of other input or settings begins no resume.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from data.errors import ConfigError
from data.outputs import check_file, write_whole


def partial_of(out: Path) -> Path:
    """Where the lines of a file grow."""
    return out.with_name(f"{out.name}.partial")


def check_out(path: Path, out: Path, suffixes: Collection[str]) -> None:
    """Refuse what is no place for results, before the work.

    Args:
        path: What is read.
        out: What is to be written.
        suffixes: Of the kinds that can be written.

    Raises:
        ConfigError: If it is a folder, of another kind, among what is read, or cannot be written.
    """
    if out.suffix.lower() not in suffixes or out.is_dir():
        raise ConfigError(f"{out}: --out writes a file that ends in {', '.join(suffixes)}")
    if path.resolve() in (out.resolve(), *out.resolve().parents):
        raise ConfigError(f"{out}: lies in what is read, {path}; write it elsewhere")
    check_file(out)


def begun(partial: Path, head: Mapping[str, str]) -> int:
    """Whole lines of an earlier start; a new file gets its first line, a torn last one is cut.

    Whoever calls it is `alone` with the file that grows.

    Raises:
        ConfigError: If the file is of other input or settings, or no such file.
    """
    first = (json.dumps(head, ensure_ascii=False) + "\n").encode()
    try:
        content = partial.read_bytes() if partial.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole and not whole.startswith(first):
            raise ConfigError(
                f"{partial}: was begun with other input or settings; remove it to begin again"
            )
        if whole and len(whole) < len(content):
            os.truncate(partial, len(whole))
    except OSError as error:
        raise ConfigError(f"{partial}: cannot be written ({error.strerror})") from error
    if not whole:
        write_whole(partial, first.decode())
    return max(0, whole.count(b"\n") - 1)


def stamp(path: Path) -> str:
    """What changes when a file of the input does: names, sizes and times, as one hash."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            facts = file.stat()
            digest.update(f"{file}:{facts.st_size}:{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def stamps(paths: Iterable[Path | None]) -> str:
    """The stamps of several paths, of which some may not be there."""
    return " ".join("" if path is None else stamp(path) for path in paths)
