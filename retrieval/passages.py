"""Passages from what a company has: FAQ and policy pages in Markdown, FAQ tables, conversations."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from data.conversations import read_conversations
from data.errors import LogFormatError
from data.pairs import best_answer
from data.rows import BadRows, first_row, read_rows, read_text, require_file
from data.schema import Passage

SUFFIXES = (".md", ".csv", ".tsv", ".jsonl", ".parquet")
MAX_CHARS = 900  # about 200 tokens: what the encoder reads in one piece
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$")
_ID = re.compile(r"^<!--\s*id:\s*(\S+)\s*-->\s*$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")
_ASKS = ("?", "？")
_CHINESE_END = ("。", "！", "？")


def read_passages(paths: Sequence[Path], bad: BadRows | None = None) -> list[Passage]:
    """The passages of files and folders (every known kind of file in them, by name).

    Args:
        paths: Markdown, FAQ tables with `question` and `answer`, or conversations JSONL.
        bad: Where rows that cannot be read are noted; without it the first one raises.

    Raises:
        LogFormatError: If a path is missing or of an unknown kind, two passages share an id, or
            nothing was found.
    """
    passages: dict[str, Passage] = {}
    for path, name in _files(paths):
        for passage in _read(path, name, bad):
            if passage.id in passages:
                raise LogFormatError(
                    f"{path}: passage id {passage.id!r} occurs twice (also in "
                    f"{passages[passage.id].source}); give each its own"
                )
            passages[passage.id] = passage
    if not passages:
        raise LogFormatError(f"{', '.join(map(str, paths))}: no passage found; check the files")
    return list(passages.values())


def markdown_passages(text: str, name: str) -> Iterator[Passage]:
    """One passage for each heading with text below it, long ones in several at sentence ends.

    A question as heading makes an FAQ entry; `<!-- id: x -->` under a heading names it. The title
    holds the headings above, ` › ` between them, or the file's name where there is none; the source
    is `file#line`.
    """
    trail: list[tuple[int, str]] = []
    body: list[str] = []
    identity: str | None = None
    start = 1

    def close() -> Iterator[Passage]:
        content = "\n".join(body).strip()
        if not content:
            return
        words = [words for _, words in trail] or [Path(name).stem]
        is_question = words[-1].endswith(_ASKS)
        is_entry = is_question and (mostly_questions or identity is not None)
        title = words[-1] if is_question else " › ".join(words)
        base = identity or f"{Path(name).with_suffix('')}-{start}"
        pieces = list(_split(content))
        for number, piece in enumerate(pieces, start=1):
            yield Passage(
                id=base if len(pieces) == 1 else f"{base}.{number}",
                text=piece,
                title=title,
                source=f"{name}#{start}",
                metadata={"kind": "faq" if is_entry else "policy"},
            )

    headings = [match.group(2) for match in map(_HEADING.match, text.splitlines()) if match]
    # A page of rules may have a question among its headings: that alone makes it no FAQ.
    mostly_questions = sum(words.endswith(_ASKS) for words in headings) * 2 >= len(headings)
    for number, line in enumerate(text.splitlines(), start=1):
        heading, marked = _HEADING.match(line), _ID.match(line)
        if heading:
            yield from close()
            level = len(heading.group(1))
            trail = [(depth, words) for depth, words in trail if depth < level]
            trail.append((level, heading.group(2)))
            body, identity, start = [], None, number
        elif marked:
            identity = marked.group(1)
        else:
            body.append(line)
    yield from close()


def embedding_text(passage: Passage) -> str:
    """What stands for a passage when it is searched.

    A conversation is found by its question: its answer may greet, apologise and name other things.
    """
    if passage.metadata.get("kind") == "conversation":
        return passage.title
    return f"{passage.title}\n{passage.text}"


def _split(content: str) -> Iterator[str]:
    piece = ""
    for sentence in filter(str.strip, _SENTENCE_END.split(content)):
        if piece and len(piece) + len(sentence) > MAX_CHARS:
            yield piece.strip()
            piece = ""
        # Lists keep a line for each point; sentences of a paragraph run on.
        point = sentence.lstrip().startswith(("-", "*", "|"))
        piece += "\n" if point else "" if piece.endswith(_CHINESE_END) else " "
        piece += sentence.strip()
    if piece.strip():
        yield piece.strip()


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each file, and its name within the folder that was given: what its passages are called by."""
    for path in paths:
        require_file(path)
        if path.is_file():
            yield path, path.name
            continue
        found = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in SUFFIXES and file.is_file() and file.stat().st_size
        )
        # What prepare writes beside the conversations is not for reading.
        found = [file for file in found if file.name not in ("dropped.jsonl", "README.md")]
        if not found:
            raise LogFormatError(f"{path}: no {', '.join(SUFFIXES)} file in this folder")
        yield from ((file, file.relative_to(path).as_posix()) for file in found)


def _read(path: Path, name: str, bad: BadRows | None) -> Iterable[Passage]:
    kind = path.suffix.lower()
    if kind == ".md":
        return markdown_passages(read_text(path), name)
    if kind == ".jsonl" and _holds_conversations(path):
        found = (best_answer(conversation) for conversation in read_conversations(path, bad))
        return (passage for passage in found if passage is not None)
    if kind in SUFFIXES:
        return _table(path, name, bad)
    raise LogFormatError(f"{path}: unknown kind of file; known: {', '.join(SUFFIXES)}")


def _holds_conversations(path: Path) -> bool:
    first = first_row(path)
    return first is not None and "turns" in first.values


def _table(path: Path, name: str, bad: BadRows | None) -> Iterator[Passage]:
    for number, row in enumerate(read_rows(path, bad), start=1):
        values = {str(key).strip().lower(): value for key, value in row.values.items()}
        if number == 1 and not {"question", "answer"} <= values.keys():
            raise LogFormatError(
                f"{row.where}: columns question and answer are needed; found: {', '.join(values)}"
            )
        question = str(values.get("question") or "").strip()
        answer = str(values.get("answer") or "").strip()
        if not question or not answer:
            if bad is None:
                raise LogFormatError(f"{row.where}: no question or no answer")
            bad.add(row.where, "no question or no answer")
            continue
        yield Passage(
            id=str(values.get("id") or f"{Path(name).with_suffix('')}-{number}"),
            text=answer,
            title=question,
            source=row.where,
            metadata={"kind": "faq"},
        )
