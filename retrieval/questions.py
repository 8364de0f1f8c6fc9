"""Labelled questions: which passages answer them, or that nothing does."""

from dataclasses import dataclass
from pathlib import Path

from data.errors import LogFormatError
from data.rows import read_rows


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of the passages that answer it; none: nothing answers it."""

    text: str
    relevant: frozenset[str]


def read_questions(path: Path) -> list[Question]:
    """Rows `{"question", "relevant": [ids]}`; without `relevant` nothing answers the question.

    Raises:
        LogFormatError: If a row has no question.
    """
    questions = []
    for row in read_rows(path):
        text, relevant = row.values.get("question"), row.values.get("relevant") or []
        if not isinstance(text, str) or not isinstance(relevant, list):
            raise LogFormatError(f"{row.where}: needs a question, and a list of ids as relevant")
        questions.append(Question(text, frozenset(map(str, relevant))))
    return questions
