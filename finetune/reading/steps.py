"""Conversations whose agents' actions a log names, as rows of an intent run."""

from pathlib import Path

from data.conversations import from_dict, read_conversations
from data.errors import LogFormatError
from data.rows import BadRows, Row, first_row
from data.schema import Example, Situation
from data.steps import step_examples
from finetune.reading.cells import some

TEXTS, CONVERSATIONS = "texts", "conversations"


def holds_conversations(path: Path) -> bool:
    """Whether the rows of a file are conversations, as far as its first row tells."""
    first = first_row(path)
    return first is not None and isinstance(first.values.get("turns"), list)


def read_steps(path: Path) -> list[Example]:
    """(conversation so far, next action) rows of a conversations file.

    Raises:
        LogFormatError: If a row cannot be read, or no agent's turn names an action.
    """
    bad = BadRows()
    examples = [
        example
        for conversation in read_conversations(path, bad)
        for example in step_examples(conversation)
    ]
    if bad.lines:
        raise LogFormatError(bad.lines[0])
    if not examples:
        raise LogFormatError(
            f"{path}: no agent's turn after the first names an action; a log tells it under "
            "'action' of a turn, or give a table of texts and labels"
        )
    return some(path, examples)


def situation_in(row: Row) -> Situation:
    """A row's turns, and the `facts` that were looked up since the last of the agent's, if any.

    Without `facts` what the agent's last turn knew is still known.

    Raises:
        LogFormatError: If it has no turns, or its facts are no object.
    """
    try:
        conversation = from_dict({"id": row.where, **row.values})
    except ValueError as error:
        raise LogFormatError(f"{row.where}: {error}") from error
    facts = row.values.get("facts")
    if facts is not None and not isinstance(facts, dict):
        raise LogFormatError(f"{row.where}: 'facts' must be an object")
    if facts is None:
        known = [turn.facts for turn in conversation.turns if turn.speaker == "agent"]
        return Situation(conversation.turns, facts=known[-1] if known else {})
    return Situation(
        conversation.turns, facts={str(name): str(value) for name, value in facts.items()}
    )
