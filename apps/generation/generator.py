"""What writes an answer, and how it says that it could not."""

from collections.abc import Iterator
from typing import Final, Literal, Protocol

from data.schema import Situation

Failure = Literal[
    "timeout", "unreachable", "refused", "busy", "broken", "empty", "too_long", "cut", "unfilled"
]  # fmt: skip


class GenerationFailed(Exception):
    """Nothing more will be written; `reason` says why, `detail` never quotes a text."""

    def __init__(self, reason: Failure, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Final = reason
        self.detail: Final = detail


class Generator(Protocol):
    """Anything that writes the next agent turn."""

    name: str

    def write(self, situation: Situation, stop_after_s: float) -> Iterator[str]:
        """Yield the answer in pieces, new text only.

        Raises:
            GenerationFailed: Where it cannot go on, at the latest after `stop_after_s` seconds.
        """
