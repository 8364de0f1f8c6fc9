"""A text file's lines, decoded: what is not UTF-8 among them is mended."""

import itertools
from collections.abc import Iterator

from data.rows import BadRows
from data.sources import Source, encoding_of, reading


def text_lines(source: Source, bad: BadRows) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, the line without its end).

    Raises:
        LogFormatError: If the file is no text.
    """
    encoding = encoding_of(source.head(), source.name)
    if encoding == "utf-16":  # its line ends are two bytes
        with source.text() as text, reading(source, bad.add):
            for number, line in enumerate(text, start=1):
                yield number, line.rstrip("\r\n")
        return
    for number, raw in source.lines(bad.add):
        if encoding != "utf-8-sig":
            yield number, raw.decode(encoding, "replace").rstrip("\r\n")
            continue
        try:
            line = raw.decode(encoding)
        except UnicodeDecodeError:
            bad.mended["bytes of another encoding"] += 1
            line = raw.decode(encoding, "deskhand-mixed")
        yield number, line.rstrip("\r\n")


def first_lines(source: Source, count: int) -> list[str]:
    """The first lines that hold anything: what a file's kind is told by.

    Raises:
        LogFormatError: If it is no text.
    """
    lines = (line for _, line in text_lines(source, BadRows()) if line.strip())
    return list(itertools.islice(lines, count))
