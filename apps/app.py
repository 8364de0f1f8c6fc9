"""What an app is: turns in, growing Answers out. It knows neither page nor store."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from data.schema import Answer, Conversation

MAX_CHARS = 4000  # of one message; about a thousand words
MAX_SENT_CHARS = 20_000  # an app refuses far shorter ones politely; this bounds what is stored
State = Mapping[str, Any]


class App(Protocol):
    """A chat template."""

    title: str
    examples: tuple[str, ...]

    def answer(self, conversation: Conversation, state: State) -> Iterator[Answer]:
        """Answer the conversation's last turn, which is the customer's.

        Yields Answers whose text grows; the last one is complete and carries the new state, made of
        plain JSON values, and the effects that the store is to carry out with it.
        """


def polite_refusal(text: str) -> str | None:
    """What to say to a message that no model should read, or None where one may."""
    if not text.strip():
        return "I did not get any words there. What can I help you with?"
    if len(text) > MAX_CHARS:
        return (
            f"That message is very long ({len(text):,} characters). Could you tell me in fewer "
            f"than {MAX_CHARS:,} what you need?"
        )
    if not any(char.isalnum() for char in text):
        return "Thanks! Could you put it in a few words, so that I can help?"
    return None


def clean(text: str) -> str:
    """The message without control characters, spaces at its ends cut; line breaks stay."""
    return "".join(char for char in text if char.isprintable() or char in "\n\t").strip()


def since(start: float) -> float:
    """Milliseconds since `time.perf_counter()` was `start`."""
    return (time.perf_counter() - start) * 1000
