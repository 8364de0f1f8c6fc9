"""What must outlive a crash: messages that are not answered yet, and calls to other systems."""

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import psutil
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apps.actions import ActionResult, Noted, Status
from apps.store import Store
from apps.store_tables import ActionRow, ConversationRow, ReceivedRow, utc_now


@dataclass(frozen=True, slots=True)
class Received:
    """A customer's message, when it came first, and the agent's turn that answered it."""

    id: str
    conversation: str
    text: str
    time: datetime
    turn_id: int | None


class Ledger:
    """The store's messages and calls; satisfies Journal."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def receive(self, conversation_id: str, text: str, message: str | None = None) -> Received:
        """Store a message before it is read; one whose id is known is as it was the first time."""
        identity = message or secrets.token_urlsafe(12)
        with Session(self._engine) as session, session.begin():
            row = session.get(ReceivedRow, (conversation_id, identity))
            if row is None:
                row = ReceivedRow(
                    conversation_id=conversation_id, id=identity, text=text, time=utc_now(),
                    worker=this_process(), turn_id=None,
                )  # fmt: skip
                session.add(row)
            elif row.turn_id is None:
                row.worker = this_process()
            return _received(row)

    def withdraw(self, received: Received) -> None:
        """Forget a message that could not be answered: its sender was told."""
        with Session(self._engine) as session, session.begin():
            row = session.get(ReceivedRow, (received.conversation, received.id))
            if row is not None and row.turn_id is None:
                session.delete(row)

    def acted(self, received: Received) -> bool:
        """Whether a call to another system was begun for a message, or for a part of it."""
        wanted = select(ActionRow.turn).where(ActionRow.conversation_id == received.conversation)
        with Session(self._engine) as session:
            return any(part_of(turn, received.id) for turn in session.scalars(wanted))

    def unanswered(self, conversation_id: str | None = None) -> list[tuple[Received, str]]:
        """Messages that a process left when it ended, the earliest first, with their app's name.

        Where a conversation is named, those of this process count, since its caller holds that
        one's lock, and those of other machines do not: whether their process lives is not known.
        Where none is named, they do: whoever begins to serve a store is the only one that does.
        """
        wanted = (
            select(ReceivedRow, ConversationRow.app)
            .join(ConversationRow, ConversationRow.id == ReceivedRow.conversation_id)
            .where(ReceivedRow.turn_id.is_(None))
            .order_by(ReceivedRow.time)
        )
        if conversation_id is not None:
            wanted = wanted.where(ReceivedRow.conversation_id == conversation_id)
        with Session(self._engine) as session:
            rows = session.execute(wanted).all()
            return [(_received(row), app) for row, app in rows if self._left(row, conversation_id)]

    def begin(
        self, key: str, conversation: str, turn: str, name: str, slots: Mapping[str, str]
    ) -> Noted | None:
        """See Journal."""
        try:
            with Session(self._engine) as session, session.begin():
                session.add(
                    ActionRow(key=key, conversation_id=conversation, turn=turn, name=name,
                              slots=dict(slots), status="pending", result={}, time=utc_now())
                )  # fmt: skip
        except IntegrityError:
            return self.noted(key)
        return None

    def finish(self, key: str, status: Status, result: ActionResult) -> None:
        """See Journal."""
        with Session(self._engine) as session, session.begin():
            row = session.get_one(ActionRow, key)
            row.status, row.result = status, {"say": result.say, "facts": result.facts}

    def noted(self, key: str) -> Noted | None:
        """What is known of a call."""
        with Session(self._engine) as session:
            row = session.get(ActionRow, key)
            return _noted(row) if row is not None else None

    def actions(self, conversation_id: str) -> Sequence[Noted]:
        """The calls of a conversation, the earliest first."""
        wanted = select(ActionRow).where(ActionRow.conversation_id == conversation_id)
        with Session(self._engine) as session:
            return [_noted(row) for row in session.scalars(wanted.order_by(ActionRow.time))]

    def _left(self, row: ReceivedRow, conversation_id: str | None) -> bool:
        named = conversation_id is not None
        if row.worker == this_process():
            return named
        return not _lives(row.worker, elsewhere=named)


@lru_cache(maxsize=1)
def _process(pid: int) -> str:
    return f"{socket.gethostname()}|{pid}|{psutil.Process(pid).create_time()}"


def this_process() -> str:
    """Names this process: machine, number, and when it began."""
    return _process(os.getpid())


def part_of(turn: str, message: str) -> bool:
    """Whether a call's turn is the message, or one of its further wishes, which have a "+" each."""
    return turn.startswith(message) and not turn.removeprefix(message).strip("+")


def _lives(worker: str, elsewhere: bool) -> bool:
    """Whether a process still runs; `elsewhere` is what is taken of one of another machine."""
    host, pid, began = worker.split("|")
    if host != socket.gethostname():
        return elsewhere
    try:
        return bool(abs(psutil.Process(int(pid)).create_time() - float(began)) < 1)
    except psutil.Error:
        return False


def _received(row: ReceivedRow) -> Received:
    return Received(row.id, row.conversation_id, row.text, row.time, row.turn_id)


def _noted(row: ActionRow) -> Noted:
    status: Status = "done" if row.status == "done" else (
        "failed" if row.status == "failed" else "pending"
    )  # fmt: skip
    result = ActionResult(row.result["say"], row.result["facts"]) if row.result else None
    return Noted(row.key, status, result)
