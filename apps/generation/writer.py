"""What a chat app asks for a written answer: whether one is wanted, and the answer as it grows."""

from collections.abc import Iterator, Mapping, Sequence

from apps.generation.answering import Guard, answer_with
from apps.generation.build import remembered_of
from apps.generation.choosing import choose
from apps.generation.config import GenerateConfig
from apps.generation.generator import Generator
from data.schema import Answer, Passage, Situation


class AnswerWriter:
    """A generator with its guard and its limits.

    Args:
        generator: Who writes.
        guard: See `answering.Guard`.
        config: When and how long.
        threshold: The index's: what scores less answers nothing.
    """

    def __init__(
        self, generator: Generator, guard: Guard, config: GenerateConfig, threshold: float
    ) -> None:
        self._generator, self._guard, self._config = generator, guard, config
        self._exact = threshold + config.margin
        self._remembered = remembered_of(config)

    def wants(
        self, selected: Passage | None, passages: Sequence[Passage], facts: Mapping[str, str]
    ) -> bool:
        """Whether to write instead of saying the selected passage (see `choose`)."""
        config = self._config
        chosen = choose(config.mode, selected, passages, facts, self._exact, config.long_chars)
        return chosen == "generate"

    def answers(self, situation: Situation, fallback: Passage | None) -> Iterator[Answer]:
        """See `answer_with`."""
        return answer_with(
            self._generator, situation, self._guard, fallback,
            stop_after_s=self._config.stop_after_s, stream=self._config.stream,
            remembered=self._remembered,
        )  # fmt: skip
