"""Labelled questions: which passages answer them, or that nothing does."""

from dataclasses import dataclass
from pathlib import Path

from data.errors import LogFormatError
from data.rows import Row, read_rows


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of the passages that answer it; none: nothing answers it."""

    text: str
    relevant: frozenset[str]


def read_questions(path: Path) -> list[Question]:
    """Rows `{"question", "relevant": [ids]}`; where the list is empty, nothing answers it.

    What `deskhand pairs` writes is read too: there `passage` is the id.

    Raises:
        LogFormatError: If a row has no question, or does not say what answers it.
    """
    return [_question(row) for row in read_rows(path)]


def read_known_questions(path: Path) -> list[Question]:
    """Rows as of `read_questions`, each of which leads to a passage.

    Raises:
        LogFormatError: As there, or if a row has no id.
    """
    questions = []
    for row in read_rows(path):
        questions.append(_question(row))
        if not questions[-1].relevant:
            raise LogFormatError(
                f"{row.where}: a known question leads to a passage; name its id in relevant"
            )
    return questions


def _question(row: Row) -> Question:
    text, relevant = row.values.get("question"), row.values.get("relevant")
    if relevant is None and isinstance(row.values.get("passage"), str):
        relevant = [row.values["passage"]]
    if not isinstance(text, str) or not isinstance(relevant, list):
        raise LogFormatError(
            f"{row.where}: needs a question, and a list of ids as relevant, which is [] where "
            "nothing answers"
        )
    return Question(text, frozenset(map(str, relevant)))
