"""Any chat model of langchain-core as a Generator: its prompt goes to it, and nowhere else."""

import threading
from collections.abc import Callable, Iterator

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langsmith import tracing_context

from apps.generation.generator import Failure, GenerationFailed
from apps.generation.prompt import Prompts, Said
from apps.generation.timed import Pieces, timed
from data.schema import Situation

_MESSAGES: dict[str, type[BaseMessage]] = {
    "system": SystemMessage,
    "customer": HumanMessage,
    "agent": AIMessage,
}
_THINK, _THOUGHT = "<think>", "</think>"


def failure_of(error: Exception) -> Failure:
    """What Python's own errors mean."""
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unreachable" if isinstance(error, ConnectionError) else "broken"


class ChatModel:
    """Writes with a chat model, piece by piece, without retries.

    Args:
        name: What a trace calls it.
        model: A model that streams.
        prompts: What it reads.
        max_chars: Longest answer.
        at_once: How many answers it may be writing.
        says_end: Whether it tells why it stopped; then an end without a reason is a cut.
        failure_of: What an error of its library means.
    """

    def __init__(
        self,
        name: str,
        model: BaseChatModel,
        prompts: Prompts,
        max_chars: int = 2000,
        at_once: int = 8,
        says_end: bool = False,
        failure_of: Callable[[Exception], Failure] = failure_of,
    ) -> None:
        self.name = name
        self._model, self._prompts, self._max_chars = model, prompts, max_chars
        self._slots = threading.BoundedSemaphore(at_once)
        self._says_end, self._failure_of = says_end, failure_of

    def write(self, situation: Situation, stop_after_s: float) -> Iterator[str]:
        """See Generator."""
        messages = [_message(said) for said in self._prompts.of(situation)]
        pieces = timed(lambda: self._stream(messages), stop_after_s, self._failure_of, self._slots)
        chars = 0
        try:
            for piece in _without_thought(pieces):
                chars += len(piece)
                if chars > self._max_chars:
                    raise GenerationFailed("too_long", f"over {self._max_chars} characters")
                yield piece
        finally:
            pieces.close()
        if not chars:
            raise GenerationFailed("empty")

    def _stream(self, messages: list[BaseMessage]) -> Pieces:
        ended = None
        with tracing_context(enabled=False):  # LangSmith would send the texts elsewhere
            for chunk in self._model.stream(messages):
                ended = chunk.response_metadata.get("finish_reason") or ended
                if chunk.text:
                    yield str(chunk.text)
                else:
                    yield ""  # so that an abandoned stream notices and closes
        if ended == "length":
            raise GenerationFailed("too_long", "the limit of tokens")
        if ended == "content_filter":
            raise GenerationFailed("refused", "its filter")
        if self._says_end and ended is None:
            raise GenerationFailed("cut")


def _message(said: Said) -> BaseMessage:
    return _MESSAGES[said.by](content=said.text)


def _without_thought(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces without blanks at the beginning and without what a reasoning model thinks."""
    held, begun = "", False
    for piece in pieces:
        if begun:
            if piece:
                yield piece
            continue
        held = (held + piece).lstrip()
        if held.startswith(_THINK):
            _, closed, rest = held.partition(_THOUGHT)
            held = rest.lstrip() if closed else _THINK + held[-len(_THOUGHT) :]
            if not closed:
                continue
        if held and not _THINK.startswith(held):
            begun = True
            yield held
    if not begun and held and not held.startswith(_THINK):
        yield held
