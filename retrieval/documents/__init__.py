"""What is read for retrieval: a file of each kind as one stream of blocks.

A reader raises LogFormatError for a file that cannot be read, and notes a bad row or page in `bad`
(without it the first one raises).
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from data.rows import BadRows
from retrieval.documents import markdown, pdf, plain, tables, web_page, word
from retrieval.documents.blocks import Document

Reader = Callable[[Path, BadRows | None], Document]

READERS: Mapping[str, Reader] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": web_page.read,
    ".htm": web_page.read,
    ".txt": plain.read,
    ".pdf": pdf.read,
    ".docx": word.read,
    ".csv": tables.read,
    ".tsv": tables.read,
    ".jsonl": tables.read,  # conversations of `deskhand prepare` are told apart in passages.py
    ".parquet": tables.read,
}
