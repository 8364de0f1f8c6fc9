"""What tunes an encoder on a company's own words: questions, and the passages that answer them."""

from collections.abc import Iterator, Sequence

from data.errors import LogFormatError
from data.schema import Passage
from retrieval.passages import embedding_text
from retrieval.questions import Question


def training_pairs(
    passages: Sequence[Passage], questions: Sequence[Question] = ()
) -> Iterator[dict[str, str]]:
    """Rows `question`, `answer`, `passage` (its id), as `deskhand train reply` reads them.

    A known question leads to its passages as they are indexed. A heading stands for a question to
    the text below it alone: with its own words on both sides there would be nothing to learn.

    Raises:
        LogFormatError: If a question's passage is not among `passages`.
    """
    by_id = {passage.id: passage for passage in passages}
    for question in questions:
        for identity in sorted(question.relevant):
            if identity not in by_id:
                raise LogFormatError(
                    f"a question's passage {identity!r} is not in what was read; add its source"
                )
            yield _row(question.text, embedding_text(by_id[identity]), identity)
    for passage in passages:
        if passage.title.strip() and passage.text.strip():
            yield _row(passage.title, passage.text, passage.id)


def _row(question: str, answer: str, identity: str) -> dict[str, str]:
    return {"question": question, "answer": answer, "passage": identity}
