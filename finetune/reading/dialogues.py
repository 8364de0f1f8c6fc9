"""What a model that writes learns from: each answer of an agent, and what it was written from."""

from dataclasses import replace
from pathlib import Path

from data.clean import merge_turns
from data.conversations import read_conversations
from data.dialogue import situations
from data.errors import LogFormatError
from data.pairs import answer_weight, context_of
from data.rows import BadRows
from data.schema import Conversation, Example
from finetune.reading.cells import some


def read_dialogues(path: Path, steps: bool = False) -> list[Example]:
    """An Example for each agent turn that follows a customer's, with its Situation.

    Args:
        path: Of conversations.
        steps: Whether a situation has the step that its agent took.

    Raises:
        LogFormatError: If a row cannot be read or no agent answers a customer in the file.
    """
    bad = BadRows()
    examples = [
        example
        for conversation in read_conversations(path, bad)
        for example in dialogue_examples(conversation, steps)
    ]
    if bad.lines:
        raise LogFormatError(bad.lines[0])
    return some(path, examples)


def dialogue_examples(conversation: Conversation, steps: bool = False) -> list[Example]:
    """The Examples of one conversation; turns that no person wrote are left out."""
    turns, _ = merge_turns([turn for turn in conversation.turns if turn.mark is None])
    return [
        Example(
            text=context_of(turns[:place]),
            answer=turns[place].text,
            entities=turns[place].entities,
            group=conversation.labels.get("brand", conversation.id),
            weight=answer_weight(conversation, turns, place),
            where=f"{conversation.id}:{place}",
            situation=situation if steps else replace(situation, step=None),
        )
        for place, situation in situations(turns)
    ]
