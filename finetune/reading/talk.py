"""What conversations teach: the next answer."""

from pathlib import Path

from data.conversations import read_conversations
from data.errors import LogFormatError
from data.pairs import reply_examples
from data.rows import BadRows
from data.schema import Example
from finetune.reading.cells import some


def read_replies(path: Path) -> list[Example]:
    """(conversation so far, answer) pairs of a conversations file.

    Raises:
        LogFormatError: If a row cannot be read or no agent answers a customer in the file.
    """
    bad = BadRows()
    examples = [
        example
        for conversation in read_conversations(path, bad)
        for example in reply_examples(conversation)
    ]
    if bad.lines:
        raise LogFormatError(bad.lines[0])
    return some(path, examples)


def conversation_of(example: Example) -> str:
    """The id of the conversation that a reply example comes from."""
    return example.where.rsplit(":", 1)[0]
