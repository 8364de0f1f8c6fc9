"""What a colleague who takes over should know: one line for each thing, without a model."""

from collections.abc import Mapping, Sequence

from apps.customer_service.workflow import Progress
from data.schema import Conversation, Passage

LONGEST = 200  # characters of what was said
PASSAGES = 3


def summary(
    conversation: Conversation,
    progress: Progress | None,
    values: Mapping[str, str],
    tried: Sequence[str],
    passages: Sequence[Passage],
    why: str,
) -> str:
    """The lines.

    Args:
        conversation: All turns, the customer's last one too.
        progress: The workflow that was going on.
        values: What is known of the customer, type to text.
        tried: Steps of the answers so far, the latest last.
        passages: What was found last.
        why: Why it is handed over.
    """
    said = [turn.text for turn in conversation.turns if turn.speaker == "customer"]
    slots = {**values, **(progress.slots if progress is not None else {})}
    lines = [
        ("Why", why.replace("_", " ")),
        ("Wants", progress.name.replace("_", " ") if progress else _cut(_longest(said))),
        ("Known", "; ".join(f"{name.replace('_', ' ')} {_cut(v)}" for name, v in slots.items())),
        ("Tried", "; ".join(_step(step) for step in dict.fromkeys(tried))),
        ("Found", "; ".join(p.title or _cut(p.text) for p in passages[:PASSAGES])),
        ("Last said", _cut(said[-1]) if said else ""),
    ]
    return "\n".join(f"{name}: {text}" for name, text in lines if text)


def _step(step: str) -> str:
    """`workflow:cancel_order:answer:done` as `cancel order: done`."""
    parts = step.removeprefix("workflow:").replace("_", " ").split(":")
    return ": ".join(part for part in parts if part != "answer")


def _longest(said: Sequence[str]) -> str:
    """The message that tells most, of those that began it."""
    return max(said[:3], key=len, default="")


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
