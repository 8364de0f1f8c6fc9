"""Pieces that come from elsewhere, with an end to the waiting."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing

from apps.generation.generator import Failure, GenerationFailed

logger = logging.getLogger(__name__)
Pieces = Generator[str, None, None]
_Made = queue.SimpleQueue[str | GenerationFailed | None]


def timed(
    pieces: Callable[[], Pieces],
    stop_after_s: float,
    failure_of: Callable[[Exception], Failure],
    slots: threading.Semaphore,
) -> Pieces:
    """The pieces, made in a thread that nobody waits for longer than `stop_after_s`.

    Args:
        pieces: Begins to write.
        stop_after_s: Seconds for all of them.
        failure_of: What an error of theirs means.
        slots: How many threads may write; an abandoned one keeps its slot until it ends.

    Raises:
        GenerationFailed: When time is up, no slot is free, or the pieces fail.
    """
    deadline = time.monotonic() + stop_after_s
    if not slots.acquire(blocking=False):
        raise GenerationFailed("busy", "all slots are taken")
    made: _Made = queue.SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        try:
            _make(pieces, made, stopped, failure_of)
        finally:
            slots.release()

    threading.Thread(target=work, name="generation", daemon=True).start()
    try:
        while True:
            try:
                piece = made.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise GenerationFailed("timeout", f"{stop_after_s:g} s") from None
            if piece is None:
                return
            if isinstance(piece, GenerationFailed):
                raise piece
            yield piece
    finally:
        stopped.set()


def _make(
    pieces: Callable[[], Pieces],
    made: _Made,
    stopped: threading.Event,
    failure_of: Callable[[Exception], Failure],
) -> None:
    """Put each piece, then None or what went wrong."""
    try:
        with closing(pieces()) as written:
            for piece in written:
                if stopped.is_set():
                    return
                made.put(piece)
        made.put(None)
    except GenerationFailed as failed:
        made.put(failed)
    except Exception as error:  # whatever a model's library raises
        logger.debug("a model failed", exc_info=True)
        # The text of an error may quote what was sent: only its kind is told.
        made.put(GenerationFailed(failure_of(error), type(error).__name__))
