"""Exports as streams: plain and gzip files, folders, and the members of zip and tar archives.

Nothing is unpacked to disk, and no more than a piece of a file is in memory. What was cut off in
transfer is read as far as it goes, and the place is noted.
"""

import codecs
import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from data.errors import LogFormatError

HEAD = 1 << 16  # bytes that tell what a file is
MAX_LINE = 1 << 24  # bytes; a longer line is noted and skipped: it would not fit the memory of all
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MIXED = "deskhand-mixed"
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_CUT = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError)


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8, read as Windows-1252: what a mixed export holds beside UTF-8."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_MIXED, _as_windows)


@dataclass(frozen=True, slots=True)
class Source:
    """One file of an export, or a folder or archive of several.

    `name` is what messages call it: the path, with `:member` for a member of an archive.
    """

    name: str
    opener: Callable[[], BinaryIO] | None = None
    path: Path | None = None

    @property
    def suffix(self) -> str:
        """The name's suffix in lower case, without `.gz`: `.csv` for `log.CSV.gz`."""
        return PurePosixPath(self.name.lower().removesuffix(".gz")).suffix

    @property
    def holds_members(self) -> bool:
        """Whether it is a folder or an archive."""
        return self.path is not None and (self.path.is_dir() or self.is_archive)

    @property
    def is_archive(self) -> bool:
        """Whether it is an archive; one inside another archive is not opened."""
        return self.name.lower().endswith(_ARCHIVES)

    def open(self) -> BinaryIO:
        """Its bytes from the beginning, decompressed.

        Raises:
            LogFormatError: If it cannot be opened.
        """
        assert self.opener is not None, f"{self.name} is a folder or an archive"
        try:
            return self.opener()
        except (OSError, *_CUT) as error:
            raise LogFormatError(f"{self.name}: cannot be opened ({_why(error)})") from error

    def head(self, size: int = HEAD) -> bytes:
        """At most the first `size` bytes; fewer where the file is cut off there."""
        with self.open() as file:
            found = b""
            try:
                while len(found) < size and (piece := file.read(size - len(found))):
                    found += piece
            except (OSError, *_CUT):
                pass  # reading all of it will tell
            return found

    def lines(self, note: Callable[[str, str], None]) -> Iterator[tuple[int, bytes]]:
        """Yield (line number from 1, its bytes with the line's end).

        Args:
            note: Told `(where, why)` of a line of more than MAX_LINE bytes, which is left out, and
                of the end of a file that was cut off.
        """
        number = 0
        with self.open() as file:
            while True:
                number += 1
                try:
                    line = file.readline(MAX_LINE)
                    long = len(line) == MAX_LINE and not line.endswith(b"\n")
                    rest = line if long else b""
                    while rest and not rest.endswith(b"\n"):
                        line = b""  # frees it before more is read
                        rest = file.readline(MAX_LINE)
                except (OSError, *_CUT) as error:
                    note(f"{self.name}:{number}", f"the file is cut off here ({_why(error)})")
                    return
                if not line and not long:
                    return
                if long:
                    note(f"{self.name}:{number}", f"a line of more than {MAX_LINE >> 20} MiB")
                    continue
                yield number, line

    def text(self, strict: bool = False) -> io.TextIOWrapper:
        """Its text, decoded by `encoding_of`; line ends are left as they are.

        Args:
            strict: Raise UnicodeDecodeError at wrong bytes instead of mending them.

        Raises:
            LogFormatError: If it is no text.
        """
        encoding = encoding_of(self.head(), self.name)
        # A tear inside a multi-byte character is no reason to lose the rest of the file.
        errors = "strict" if strict else _MIXED if encoding == "utf-8-sig" else "replace"
        return io.TextIOWrapper(self.open(), encoding=encoding, errors=errors, newline="")

    def members(self, note: Callable[[str, str], None]) -> Iterator["Source"]:
        """The files of a folder or archive, in order of their names (of a tar: as they come).

        A member of a tar must be read before the next is asked for.

        Args:
            note: Told `(where, why)` of a member that is left out, and of an archive cut off.
        """
        assert self.path is not None
        if self.path.is_dir():
            for file in sorted(self.path.rglob("*")):
                inside = file.is_file() and not _hidden(file.relative_to(self.path).parts)
                if inside and file.stat().st_size:
                    yield of_path(file)
            return
        read = _zip_members if self.path.name.lower().endswith(".zip") else _tar_members
        found = 0
        try:
            for member in read(self.path, note):
                found += 1
                yield member
        except (OSError, *_CUT) as error:
            if not found:
                raise LogFormatError(f"{self.name}: not an archive ({_why(error)})") from error
            note(self.name, f"the archive is cut off after {found} files ({_why(error)})")


def of_path(path: Path) -> Source:
    """The Source of a file, a gzip file, a folder or an archive.

    Raises:
        LogFormatError: If there is none, or it is an empty file.
    """
    if not path.exists():
        raise LogFormatError(f"{path}: no such file; check the path")
    if path.is_dir():
        return Source(str(path), path=path)
    if path.stat().st_size == 0:
        raise LogFormatError(f"{path}: the file is empty; export it again")
    if path.name.lower().endswith(_ARCHIVES):
        return Source(str(path), path=path)
    if path.suffix.lower() == ".gz":
        return Source(str(path), lambda: cast(BinaryIO, gzip.open(path, "rb")), path)
    return Source(str(path), lambda: path.open("rb"), path)


def encoding_of(head: bytes, name: str) -> str:
    """The encoding of a text by its first bytes.

    UTF-8 where all of it or nearly all is (single bytes of Windows-1252 among it are mended), else
    what charset-normalizer finds.

    Raises:
        LogFormatError: If the bytes are no text.
    """
    if head.startswith(_UTF_16):
        return "utf-16"
    if b"\0" in head:
        raise LogFormatError(f"{name}: not text, or UTF-16 without its mark; save it as UTF-8")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8-sig"
    except UnicodeDecodeError:
        pass
    high = sum(byte >= 0x80 for byte in head)
    bad = head.decode("utf-8", "replace").count("\ufffd")
    if bad * 4 <= high:  # mostly UTF-8 beyond ASCII: a torn or a foreign line among it
        return "utf-8-sig"
    from charset_normalizer import from_bytes  # slow to import, and most files are UTF-8

    best = from_bytes(head).best()
    # Short texts fit many one-byte encodings alike: the most usual of them is meant.
    usual = from_bytes(head, cp_isolation=["cp1252"]).best()
    if best is None or usual is not None:
        return "cp1252"
    return best.encoding


@contextmanager
def reading(source: Source, note: Callable[[str, str], None]) -> Iterator[None]:
    """Turn what a cut-off file raises while it is read into a note; what came before is kept."""
    try:
        yield
    except _CUT as error:
        note(source.name, f"the file is cut off ({_why(error)}); what came before is kept")


def _zip_members(path: Path, note: Callable[[str, str], None]) -> Iterator[Source]:
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            if info.is_dir() or not _safe(path, info.filename, note):
                continue
            if info.flag_bits & 1:
                note(f"{path}:{info.filename}", "is encrypted; unpack it first")
                continue
            yield Source(
                f"{path}:{info.filename}",
                lambda info=info: cast(BinaryIO, archive.open(info)),  # type: ignore[misc]
            )


def _tar_members(path: Path, note: Callable[[str, str], None]) -> Iterator[Source]:
    with tarfile.open(path, "r|*") as archive:
        for info in archive:
            if not info.isfile() or not _safe(path, info.name, note):
                continue
            kept: list[bytes] = []  # a tar is read once, and its head is looked at before

            def opened(info: tarfile.TarInfo = info, kept: list[bytes] = kept) -> BinaryIO:
                if not kept:
                    file = archive.extractfile(info)
                    kept.append(file.read() if file is not None else b"")
                return io.BytesIO(kept[0])

            yield Source(f"{path}:{info.name}", opened)


def _safe(path: Path, member: str, note: Callable[[str, str], None]) -> bool:
    """Whether a member's name stays inside: others are noted, hidden files passed over."""
    parts = PurePosixPath(member.replace("\\", "/")).parts
    if ".." in parts or member.startswith(("/", "\\")):
        note(f"{path}:{member}", "its path leads out of the archive; it is left out")
        return False
    return not _hidden(parts)


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in parts)


def _why(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
