"""Questions on passages: SQuAD 1.1 and 2.0 JSON, or a row a question."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data.errors import LogFormatError
from data.rows import read_rows, read_text
from data.schema import Example
from finetune.reading.cells import some, string


def read_questions_on_passages(path: Path) -> list[Example]:
    """Questions with the spans of their passage that answer.

    Args:
        path: SQuAD JSON, or in any other kind of file rows of `question`, `passage` (or
            `context`), `answers` ([{`text`, `answer_start`}], or lists of both) and perhaps
            `title`. A question without `answers` has none in its passage.

    Returns:
        Examples. Those of one passage share a group, and so do those of one title where the file
        has several.

    Raises:
        LogFormatError: If the file or a row is not of this shape, a question or passage is empty,
            or an answer is not where it is said to be.
    """
    found = list(_squad(path) if path.suffix.lower() == ".json" else _rows(path))
    several = len({title for title, _ in found}) > 1
    groups: dict[str, str] = {}  # by passage: one that two articles have stays with the first
    examples = []
    for title, example in found:
        passage = example.passage or ""
        group = groups.setdefault(passage, title if several and title else passage)
        examples.append(
            Example(
                example.text,
                group=group,
                where=example.where,
                passage=passage,
                spans=example.spans,
            )
        )
    return some(path, examples)


def _squad(path: Path) -> Iterator[tuple[str, Example]]:
    try:
        values = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise LogFormatError(f"{path}{line}: not valid JSON; SQuAD JSON is needed") from error
    for number, article in _listed(values, "data", str(path)):
        where = f"{path}: data[{number}]"
        title = string(article.get("title"), where, "title")
        for place, paragraph in _listed(article, "paragraphs", where):
            inside = f"{where}.paragraphs[{place}]"
            passage = _text(paragraph, "context", inside)
            for index, row in _listed(paragraph, "qas", inside):
                yield title, _example(row, passage, f"{inside}.qas[{index}]")


def _rows(path: Path) -> Iterator[tuple[str, Example]]:
    for row in read_rows(path):
        column = "passage" if "passage" in row.values else "context"
        passage = _text(row.values, column, row.where)
        title = string(row.values.get("title"), row.where, "title")
        yield title, _example(row.values, passage, row.where)


def _example(row: Mapping[str, Any], passage: str, where: str) -> Example:
    question = _text(row, "question", where)
    spans = tuple(dict.fromkeys(_span(each, passage, where) for each in _answers(row, where)))
    if spans and row.get("is_impossible"):
        raise LogFormatError(f"{where}: both is_impossible and answers; keep one of them")
    return Example(question, where=where, passage=passage, spans=spans)


def _answers(row: Mapping[str, Any], where: str) -> list[Any]:
    answers = row.get("answers") or []
    if isinstance(answers, Mapping):  # a list of texts and one of their places
        texts, starts = answers.get("text"), answers.get("answer_start")
        if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
            raise LogFormatError(f"{where}: 'answers' needs a text and an answer_start for each")
        return [{"text": text, "answer_start": start}
                for text, start in zip(texts, starts, strict=True)]  # fmt: skip
    if not isinstance(answers, list):
        raise LogFormatError(f"{where}: 'answers' must be a list")
    return answers


def _span(answer: Any, passage: str, where: str) -> tuple[int, int]:  # noqa: ANN401 - whatever JSON holds
    text = answer.get("text") if isinstance(answer, Mapping) else None
    start = answer.get("answer_start") if isinstance(answer, Mapping) else None
    if not isinstance(text, str) or not text.strip() or not isinstance(start, int):
        raise LogFormatError(f"{where}: an answer needs a text and answer_start")
    end = start + len(text)
    if not 0 <= start < end <= len(passage):
        raise LogFormatError(
            f"{where}: answer [{start}, {end}) lies outside the passage of {len(passage)} "
            "characters"
        )
    if passage[start:end] != text:
        raise LogFormatError(
            f"{where}: answer [{start}, {end}) does not match its text; answer_start counts "
            "characters from 0"
        )
    # White space at the ends is no part of an answer.
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def _text(values: Mapping[str, Any], key: str, where: str) -> str:
    text = string(values.get(key), where, key)
    if not text.strip():
        raise LogFormatError(f"{where}: no text in {key!r}; fill or remove it")
    return text


def _listed(values: Any, key: str, where: str) -> Iterator[tuple[int, Mapping[str, Any]]]:  # noqa: ANN401 - whatever JSON holds
    """The objects of a list, numbered."""
    inside = values.get(key) if isinstance(values, Mapping) else None
    if not isinstance(inside, list):
        raise LogFormatError(
            f"{where}: no list {key!r}; SQuAD JSON has data, paragraphs and qas in one another"
        )
    for number, each in enumerate(inside):
        if not isinstance(each, Mapping):
            raise LogFormatError(f"{where}: {key}[{number}] is not an object")
        yield number, each
