"""What is said where an answer is stopped: a passage word for word, else a person is asked."""

from collections.abc import Mapping, Sequence

from apps.guard.check import check
from apps.guard.finding import Entailment, Guarded
from apps.guard.injected import speaks_to_machine
from apps.guard.words import content
from data.redact.spans import PLACEHOLDER
from data.schema import Passage

HAND_OVER = (
    "I do not have a reliable answer to that. I am passing this conversation to a colleague who "
    "can "
    "help."
)


def guarded(
    answer_text: str,
    passages: Sequence[Passage],
    said: Sequence[str],
    facts: Mapping[str, str],
    *,
    system: str = "",
    entailment: Entailment | None = None,
) -> Guarded:
    """The answer if it may be sent; else the best passage, unchanged; else a hand-over.

    Args: See `check`.
    """
    findings = check(answer_text, passages, said, facts, system=system, entailment=entailment)
    if not findings:
        return Guarded(answer_text)
    best = quotable(passages, said)
    if best is None:
        return Guarded(HAND_OVER, findings, hand_over=True)
    return Guarded(best.text, findings, passage=best)


def quotable(passages: Sequence[Passage], said: Sequence[str]) -> Passage | None:
    """The best passage that may be said to any customer; None where there is none.

    A colleague's answer to somebody else is never quoted, nor a passage with a placeholder or
    with orders to a machine. The best has the highest score, then most of the last turn's words.
    """
    asked = content(said[-1]) if said else frozenset()
    fit = [
        passage
        for passage in passages
        if passage.metadata.get("kind") != "conversation"
        and not PLACEHOLDER.search(passage.text)
        and not speaks_to_machine(f"{passage.title}\n{passage.text}")
    ]
    return max(
        fit,
        key=lambda each: (each.score, len(asked & content(f"{each.title} {each.text}"))),
        default=None,
    )
