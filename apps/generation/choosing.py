"""Whether an answer is selected or written."""

from collections.abc import Mapping, Sequence
from typing import Literal

from apps.generation.config import Mode
from data.redact.spans import PLACEHOLDER
from data.schema import Passage

NEAR = 0.05  # scores so close that both passages may hold a part of the answer


def choose(
    mode: Mode,
    selected: Passage | None,
    passages: Sequence[Passage],
    facts: Mapping[str, str],
    exact: float,
    long_chars: int = 600,
) -> Literal["select", "generate"]:
    """Select what is exact; write where several passages, a long one or facts must become one text.

    `auto` selects, in this order: where there is nothing to write from; where the selected answer's
    score is `exact` or more and it stands by itself (short, no placeholder left). It writes where
    nothing was selected, where facts could fill the selected answer's placeholders, where it is
    long, or where another passage with another text is as near. In all other cases it selects.

    Args:
        mode: As the config says; `select` and `generate` decide alone, but for the first rule.
        selected: The passage that would be said.
        passages: What was retrieved, best first.
        facts: What was looked up, name to value.
        exact: The score that makes a selected answer exact, in [0, 1].
        long_chars: More characters than a customer wants to read.
    """
    if mode == "select" or not (passages or facts):
        return "select"
    if mode == "generate" or selected is None:
        return "generate"
    unfilled = PLACEHOLDER.search(selected.text) is not None
    long = len(selected.text) > long_chars
    if selected.score >= exact and not unfilled and not long:
        return "select"
    rivals = any(
        other.id != selected.id and other.score >= selected.score - NEAR for other in passages
    )
    return "generate" if (unfilled and facts) or long or rivals else "select"
