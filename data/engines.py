"""What runs the processing: this process, a pool of them, or Ray's cluster."""

import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from typing import Any, Protocol

from data.errors import ConfigError
from data.process import Drop, Processed, Settings, processed
from data.redact.conversation import EntityFinder
from data.schema import Conversation

BATCH = 128  # conversations that travel to a worker at once
FEW = 1000  # conversations that one process does before a pool would have started
ROWS_AT_ONCE = 50_000  # conversations that are handed to Ray in one piece


class Engine(Protocol):
    """Runs `processed` on conversations and gives the results in the same order."""

    def __call__(
        self,
        conversations: Iterator[Conversation],
        settings: Settings,
        finder: EntityFinder | None,
    ) -> Iterator[Processed | Drop]:
        """Yield a result for each conversation."""


def local(
    conversations: Iterator[Conversation],
    settings: Settings,
    finder: EntityFinder | None,
    workers: int | None = None,
) -> Iterator[Processed | Drop]:
    """Here: a few in this process, many in a pool. With a finder, which holds a model, all here."""
    workers = workers or len(os.sched_getaffinity(0))
    first = list(islice(conversations, FEW))
    if finder is not None or workers < 2 or len(first) < FEW:
        for conversation in chain(first, conversations):
            yield processed(conversation, settings, finder)
        return
    context = multiprocessing.get_context("forkserver")  # a fork copies locks of other threads
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: deque[Future[list[Processed | Drop]]] = deque()
        rest = chain(first, conversations)
        while True:
            while len(waiting) < 2 * workers + 1 and (batch := list(islice(rest, BATCH))):
                waiting.append(pool.submit(_batch, batch, settings))
            if not waiting:
                return
            yield from waiting.popleft().result()


def on_ray(
    conversations: Iterator[Conversation], settings: Settings, finder: EntityFinder | None
) -> Iterator[Processed | Drop]:
    """On a Ray cluster, as stages of Ray Data: the one that RAY_ADDRESS names, else a local one.

    Ray may spill rows to its disks, so what it is handed is redacted in its first stage, and it is
    handed pieces of at most ROWS_AT_ONCE conversations.

    Raises:
        ConfigError: If Ray is not installed, or a finder is given.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError("--engine ray: install deskhand[scale]") from error
    if finder is not None:
        raise ConfigError("--engine ray runs without --ner; use --engine local")
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="error")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True

    def stage(batch: dict[str, Any]) -> dict[str, Any]:
        done = [processed(pickle.loads(each), settings) for each in batch["item"]]
        return {"item": [pickle.dumps(each) for each in done]}

    while piece := list(islice(conversations, ROWS_AT_ONCE)):
        # As bytes: an object that Arrow cannot hold is written, whole, into Ray's log files.
        rows = ray.data.from_items([{"item": pickle.dumps(each)} for each in piece])
        for row in rows.map_batches(stage, batch_size=BATCH).iter_rows():
            yield pickle.loads(row["item"])


def _batch(conversations: Iterable[Conversation], settings: Settings) -> list[Processed | Drop]:
    return [processed(each, settings) for each in conversations]
