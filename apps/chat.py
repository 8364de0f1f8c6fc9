"""One message through an app and into the store: the path of page, command line and tests.

A message is stored before it is read, and its answer, state and effects in one transaction. What a
crash leaves unanswered is answered when the app starts again, or before the next message; so is one
that has called another system, and whose answer could not be stored.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from threading import Lock
from weakref import WeakValueDictionary

from apps.app import App
from apps.explain import answer_of, answer_values
from apps.store import Store
from apps.store_ledger import Ledger, Received
from data.errors import ConversationError
from data.schema import Answer, Turn

logger = logging.getLogger(__name__)


class _Held:
    """A lock that a weak dictionary can hold."""

    def __init__(self) -> None:
        self.lock = Lock()


_held: WeakValueDictionary[tuple[int, str], _Held] = WeakValueDictionary()
_holding = Lock()


def exchange(
    app: App, store: Store, conversation_id: str, text: str, message: str | None = None
) -> Iterator[tuple[Answer, int | None]]:
    """Yield growing Answers; the last is committed first and comes with the agent turn's id.

    Args:
        app: Who answers.
        store: Where turn, answer, trace, state and effects go, in one transaction.
        conversation_id: A conversation of the store.
        text: What the customer wrote.
        message: The sender's id of it: sent twice, it is answered once.

    Raises:
        ConversationError: If another process answered in the conversation meanwhile.
        Exception: What kept it from being answered. Where it has called another system, it is
            answered before the next message, so that the next one knows what was done.
    """
    ledger = Ledger(store)
    with _holding:
        held = _held.setdefault((id(store), conversation_id), _Held())
    with held.lock:  # one after the other within a conversation
        for left, _ in ledger.unanswered(conversation_id):
            if left.id != message:
                _answer_left(app, store, ledger, left)
        received = ledger.receive(conversation_id, text, message)
        yield from _answered(app, store, ledger, received)


def recover(apps: Mapping[str, App], store: Store) -> int:
    """Answer what other processes left unanswered; how many messages that were.

    For whoever begins to serve, and is the only one: see `Ledger.unanswered`.
    """
    ledger = Ledger(store)
    count = 0
    for left, name in ledger.unanswered():
        if name in apps:
            ledger.receive(left.conversation, left.text, left.id)  # this process has it now
            count += _answer_left(apps[name], store, ledger, left)
    return count


def _answer_left(app: App, store: Store, ledger: Ledger, left: Received) -> bool:
    try:
        for _ in _answered(app, store, ledger, left):
            pass
    except Exception as error:
        if ledger.acted(left):
            raise  # who went on would be told that what was done was not
        # Else it must not keep the conversation from going on.
        logger.error("a message that was left could not be answered: %s", type(error).__name__)
        return False
    return True


def _answered(
    app: App, store: Store, ledger: Ledger, received: Received
) -> Iterator[tuple[Answer, int | None]]:
    if received.turn_id is not None:
        stored = next(s for s in store.turns(received.conversation) if s.id == received.turn_id)
        yield answer_of(stored.trace), received.turn_id
        return
    conversation, state, version = store.open(received.conversation)
    time = received.time.replace(tzinfo=UTC)
    turn = Turn("customer", received.text, time, id=received.id)
    conversation = replace(conversation, turns=(*conversation.turns, turn))
    last: Answer | None = None
    try:
        for answer in app.answer(conversation, state):
            if last is not None:
                yield last, None
            last = answer
        assert last is not None, "an app yields at least one Answer"
        turn_id = store.record(
            received.conversation,
            received.text,
            last,
            answer_values(last),
            received.id,
            version,
        )
    except Exception as error:
        # A conversation that has gone on meanwhile would give it another meaning.
        if isinstance(error, ConversationError) or not ledger.acted(received):
            ledger.withdraw(received)
        raise
    yield last, turn_id
