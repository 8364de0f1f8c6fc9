"""One message through an app and into the store: the path of page, command line and tests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from apps.app import App
from apps.explain import answer_values
from apps.store import Store
from data.schema import Answer, Turn


def exchange(
    app: App, store: Store, conversation_id: str, text: str
) -> Iterator[tuple[Answer, int | None]]:
    """Yield growing Answers; the last is committed first and comes with the agent turn's id.

    Args:
        app: Who answers.
        store: Where turn, answer, trace, state and effects go, in one transaction.
        conversation_id: A conversation of the store.
        text: What the customer wrote.
    """
    conversation, state = store.open(conversation_id)
    turn = Turn("customer", text, datetime.now(UTC))
    conversation = replace(conversation, turns=(*conversation.turns, turn))
    last: Answer | None = None
    for answer in app.answer(conversation, state):
        if last is not None:
            yield last, None
        last = answer
    assert last is not None, "an app yields at least one Answer"
    turn_id = store.record(conversation_id, text, last, answer_values(last))
    yield last, turn_id
