"""What `predict` gives a run that reads conversations: situations, as its training saw them."""

from collections.abc import Sequence
from pathlib import Path

from data.rows import SUFFIXES, read_rows
from data.schema import Situation, Turn
from data.steps import step_text
from finetune.reading.steps import holds_conversations, situation_in
from finetune.run_dir import RunDir


def reads_conversations(path: Path) -> bool:
    """Whether a run is one of next actions."""
    return RunDir(path).trained().intent.from_the_end


def conversation_texts(rows: Path) -> list[str] | None:
    """Each row's conversation, at its end, as a text of such a run; None where rows are texts.

    Raises:
        LogFormatError: If a row is no conversation.
    """
    if rows.suffix.lower() not in SUFFIXES or not holds_conversations(rows):
        return None
    return [step_text(situation_in(row)) for row in read_rows(rows)]


def first_turns(texts: Sequence[str]) -> list[str]:
    """Plain texts as what customers write first."""
    return [step_text(Situation((Turn("customer", text),))) for text in texts]
