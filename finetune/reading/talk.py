"""What conversations and answered questions teach: the next answer, the passage that answers."""

from pathlib import Path

from data.conversations import read_conversations
from data.errors import LogFormatError
from data.pairs import reply_examples
from data.rows import BadRows, first_row, read_rows
from data.schema import Example
from finetune.reading.cells import some, string, traits_of

QUESTION, ANSWER, PASSAGE = "question", "answer", "passage"


def read_replies(path: Path) -> list[Example]:
    """(conversation so far, answer) pairs of a conversations file, or the pairs of a table.

    A table has the columns `question` and `answer`, as `deskhand mine` and `deskhand index --pairs`
    write them. Where it has `passage`, an id, the questions of one passage stay in one split.

    Raises:
        LogFormatError: If a row cannot be read or no agent answers a customer in the file.
    """
    first = first_row(path)
    if first is not None and {QUESTION, ANSWER} <= first.values.keys():
        return some(path, _pairs(path))
    bad = BadRows()
    examples = [
        example
        for conversation in read_conversations(path, bad)
        for example in reply_examples(conversation)
    ]
    if bad.lines:
        raise LogFormatError(bad.lines[0])
    return some(path, examples)


def _pairs(path: Path) -> list[Example]:
    examples = []
    for row in read_rows(path):
        question, answer, passage = (
            string(row.values.get(column), row.where, column).strip()
            for column in (QUESTION, ANSWER, PASSAGE)
        )
        if not question or not answer:
            raise LogFormatError(f"{row.where}: no {ANSWER if question else QUESTION}; fill it in")
        kept_with = passage or row.where
        examples.append(
            Example(
                question,
                answer=answer,
                group=kept_with,
                where=f"{kept_with}:0",
                traits=traits_of(row),
            )
        )
    return examples


def conversation_of(example: Example) -> str:
    """The id of the conversation that a reply example comes from, or of its passage."""
    return example.where.rsplit(":", 1)[0]
