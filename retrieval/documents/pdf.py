"""PDF: the lines of its pages, with the size of their letters and their place."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import LogFormatError
from data.rows import BadRows, require_file
from retrieval.documents.blocks import Document
from retrieval.documents.pdf_lines import PageLine, blocks_of_pages
from retrieval.documents.pieces import clean

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

MAX_PDF = 256 << 20  # bytes
MAX_PAGES = 5000
MAX_STREAM = 16 << 20  # bytes that one packed stream may unpack to: a page takes seconds at most
MAX_SECONDS = 600  # for all pages: broken or hostile ones may take that each
_BOLD = ("bold", "black", "heavy")


def read(path: Path, bad: BadRows | None) -> Document:
    """The blocks of a PDF, each with its page.

    Raises:
        LogFormatError: If it is missing, empty, too large, encrypted, broken, or holds no text.
    """
    size = require_file(path).stat().st_size
    if size > MAX_PDF:
        raise LogFormatError(f"{path}: larger than {MAX_PDF >> 20} MiB; split it by chapter")
    from pypdf import PdfReader, apply_configuration  # slow to import, and few files are PDF
    from pypdf.errors import DependencyError, FileNotDecryptedError

    # It warns of each crooked object, quoting it; what matters is told below.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    with path.open("rb") as file:
        if b"%PDF-" not in file.read(1024):
            raise LogFormatError(f"{path}: not a PDF; export it again")
        try:
            reader = PdfReader(file)
            if reader.is_encrypted and not reader.decrypt(""):
                raise FileNotDecryptedError
            pages = len(reader.pages)
        except (DependencyError, FileNotDecryptedError) as error:
            raise LogFormatError(
                f"{path}: the PDF is encrypted; save it without a password"
            ) from error
        except Exception as error:  # noqa: BLE001 - broken files raise nearly everything
            raise LogFormatError(
                f"{path}: the PDF is broken ({type(error).__name__}); export it again"
            ) from error
        if pages > MAX_PAGES:
            raise LogFormatError(f"{path}: {pages} pages, at most {MAX_PAGES}; split it by chapter")
        with apply_configuration(
            zlib_maximum_output_length=MAX_STREAM,
            lzw_maximum_output_length=MAX_STREAM,
            run_length_maximum_output_length=MAX_STREAM,
            array_based_stream_maximum_output_length=MAX_STREAM,
        ):
            found = list(_pages(reader, path, bad))
    if not any(char.isalnum() for page in found for line in page for char in line.text):
        raise LogFormatError(
            f"{path}: no text in its {pages} pages, they may be scans; recognise the text (OCR) "
            "first"
        )
    if bad is not None and not all(found):
        bad.left_out["PDF pages without text"] += sum(not lines for lines in found)
    return Document(blocks_of_pages(found))


def _pages(reader: "PdfReader", path: Path, bad: BadRows | None) -> Iterator[list[PageLine]]:
    start = time.monotonic()
    for number in range(1, len(reader.pages) + 1):
        if time.monotonic() - start > MAX_SECONDS:
            raise LogFormatError(
                f"{path}#page={number}: the PDF takes more than {MAX_SECONDS} s; print it to a new "
                "PDF, or split it"
            )
        try:
            yield _lines(reader.pages[number - 1], number)
        except Exception as error:  # noqa: BLE001 - one broken page is no reason to lose the rest
            why = f"the page cannot be read ({type(error).__name__}); export the PDF again"
            if bad is None:
                raise LogFormatError(f"{path}#page={number}: {why}") from error
            bad.add(f"{path}#page={number}", why)
            yield []


def _lines(page: "PageObject", number: int) -> list[PageLine]:
    """The lines of a page in the order in which they were written."""
    lines: list[PageLine] = []
    text = ""
    sizes: Counter[tuple[float, bool]] = Counter()
    height = 0.0

    def end() -> None:
        nonlocal text
        words = " ".join(clean(text).split())
        if words:
            size, bold = sizes.most_common(1)[0][0]
            lines.append(PageLine(number, words, size, bold, height))
        text = ""
        sizes.clear()

    # pypdf tells each run of text with its matrices, its font and its size before scaling.
    def visit(run: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:  # noqa: ANN401
        nonlocal text, height
        for place, part in enumerate(run.split("\n")):
            if place:
                end()
            if not part.strip():
                text += part
                continue
            if not text.strip():
                height = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            scale = (tm[2] ** 2 + tm[3] ** 2) ** 0.5 * (cm[2] ** 2 + cm[3] ** 2) ** 0.5
            name = str((font or {}).get("/BaseFont", "")).lower()
            sizes[round(size * scale, 1), any(word in name for word in _BOLD)] += len(part)
            text += part

    page.extract_text(visitor_text=visit)
    end()
    return lines
