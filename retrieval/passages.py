"""Passages from what a company has: FAQ, policies and manuals of many kinds, conversations."""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data.conversations import read_conversations
from data.errors import LogFormatError
from data.pairs import best_answer
from data.rows import BadRows, first_row
from data.schema import Passage
from retrieval.documents import READERS, markdown
from retrieval.documents.folders import files_in
from retrieval.documents.markdown_lines import links_of
from retrieval.documents.pieces import MAX_CHARS, OVERLAP
from retrieval.documents.sections import passages_of

_SHOWN = 3  # files that are named
_log = logging.getLogger(__name__)


def read_passages(
    paths: Sequence[Path], bad: BadRows | None = None, *, overlap: int = OVERLAP
) -> list[Passage]:
    """The passages of files and folders (every known kind of file in them, by name).

    Args:
        paths: Files of a kind in READERS, or folders that hold some.
        bad: Where rows, pages, files of a folder and second uses of an id are noted that cannot be
            read; without it the first one raises. What a folder holds besides is in `left_out`.
        overlap: Sentences that a passage repeats of the one before it where a paragraph is cut.

    Raises:
        LogFormatError: If a path is missing or of an unknown kind, a file that was named cannot be
            read, or nothing was found.
    """
    passages: dict[str, Passage] = {}
    asking: list[str] = []
    for path, name, is_named in files_in(paths, bad):
        for passage in _found(path, name, is_named, bad, overlap, asking):
            if passage.id not in passages:
                passages[passage.id] = passage
                continue
            where, why = str(path), (
                f"passage id {passage.id!r} occurs twice (also in "
                f"{passages[passage.id].source}); give each its own"
            )  # fmt: skip
            if bad is None:
                raise LogFormatError(f"{where}: {why}")
            bad.add(where, why)
    if not passages:
        reason = f" ({bad.lines[0]})" if bad is not None and bad.lines else ""
        raise LogFormatError(
            f"{', '.join(map(str, paths))}: no passage found; check the files{reason}"
        )
    if asking:
        more = f" and {len(asking) - _SHOWN} more" if len(asking) > _SHOWN else ""
        _log.info(
            "taken for policy, which the FAQ app passes over where there are FAQ entries, as fewer "
            "than half of the headings ask: %s%s; `kind: faq` (or policy) in the front matter of a "
            "file says what it is",
            ", ".join(asking[:_SHOWN]), more,
        )  # fmt: skip
    return list(passages.values())


def fingerprints(paths: Sequence[Path]) -> dict[str, str]:
    """The SHA-256 of each file that `read_passages` reads, by the name its passages have as `file`.

    Two files that were given under one name count as one, changed when either is.

    Raises:
        LogFormatError: As `read_passages` does of the paths.
    """
    found: dict[str, str] = {}
    for path, name, _ in files_in(paths, None):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if name in found:
            digest = hashlib.sha256(f"{found[name]} {digest}".encode()).hexdigest()
        found[name] = digest
    return found


def markdown_passages(text: str, name: str, overlap: int = OVERLAP) -> Iterator[Passage]:
    """The passages of a page in Markdown.

    A question as heading makes an FAQ entry; `<!-- id: x -->` under a heading names it. The title
    holds the headings above, ` › ` between them, or the file's name where there is none; the source
    is `file#line`.
    """
    lines = list(enumerate(text.splitlines(), start=1))
    document = markdown.parsed(lines, name, links_of(lines))
    yield from passages_of(document, name, MAX_CHARS, overlap)


def embedding_text(passage: Passage) -> str:
    """What stands for a passage when it is searched.

    A conversation is found by its question: its answer may greet, apologise and name other things.
    """
    if passage.metadata.get("kind") == "conversation":
        return passage.title
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def _found(
    path: Path, name: str, is_named: bool, bad: BadRows | None, overlap: int, asking: list[str]
) -> Iterable[Passage]:
    try:
        return _read(path, name, bad, overlap, asking)
    except LogFormatError as error:
        # One broken file among many is noted like a row; one that was named is what was asked for.
        if bad is None or is_named:
            raise
        where, _, why = str(error).partition(": ")
        bad.add(where, why or "cannot be read")
        return ()


def _read(
    path: Path, name: str, bad: BadRows | None, overlap: int, asking: list[str]
) -> list[Passage]:
    """The passages of a file; its name goes to `asking` if it asks and was not taken for an FAQ."""
    kind = path.suffix.lower()
    if kind == ".jsonl" and _holds_conversations(path):
        found = (best_answer(conversation) for conversation in read_conversations(path, bad))
        return [
            replace(passage, metadata={**passage.metadata, "file": name})
            for passage in found
            if passage is not None
        ]
    document = READERS[kind](path, bad)
    passages = passages_of(document, name, MAX_CHARS, overlap)
    if "kind" not in document.values and any(map(_asks_in_vain, passages)):
        asking.append(name)
    return passages


def _asks_in_vain(passage: Passage) -> bool:
    return passage.metadata["kind"] == "policy" and passage.title.endswith(("?", "？"))


def _holds_conversations(path: Path) -> bool:
    first = first_row(path)
    return first is not None and "turns" in first.values
