"""The conversation store: SQLite by default, any database by URL. It and `store_*.py` know SQL.

It holds what people wrote, because a bot needs it; it is local, and `store_forget.py` deletes.
"""

import csv
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apps.actions import Order
from apps.store_opening import opened_engine, shown_url
from apps.store_tables import (
    ConversationRow,
    CorrectionRow,
    EditRow,
    OrderRow,
    ReceivedRow,
    TurnRow,
    utc_now,
)
from data.errors import ConfigError, ConversationError
from data.schema import Answer, Conversation, Speaker, Turn

DEFAULT_URL = "sqlite:///var/deskhand.db"
TITLE_CHARS = 48
_ORDER_CHANGES = ("status", "address", "returning")


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation as a list shows it."""

    id: str
    title: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn with its id, its answer's trace (empty for a customer's) and thumb (1, -1 or 0).

    `edited` is what a reviewer would have said instead.
    """

    id: int
    turn: Turn
    trace: Mapping[str, Any]
    thumb: int
    edited: str | None = None


class Store:
    """Conversations, traces, thumbs and orders.

    Args:
        url: An SQLAlchemy database URL.

    Raises:
        ConfigError: If the database cannot be opened.
    """

    def __init__(self, url: str = DEFAULT_URL) -> None:
        self._engine = opened_engine(url)

    @property
    def engine(self) -> Engine:
        """The engine, for the other modules that know SQL."""
        return self._engine

    @property
    def in_memory(self) -> bool:
        """Whether each thread has a database of its own, which ends with the process."""
        url = self._engine.url
        return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")

    def new_conversation(self, owner: str, app: str, conversation_id: str | None = None) -> str:
        """Begin one, and return its id; it is listed once it has a turn."""
        identity = conversation_id or secrets.token_urlsafe(12)
        with Session(self._engine) as session, session.begin():
            session.add(
                ConversationRow(
                    id=identity, owner=owner, app=app, title="", updated=utc_now(), state={}
                )
            )
        return identity

    def conversation_of(self, owner: str, app: str, conversation_id: str | None) -> str:
        """Begin the owner's conversation of that id, unless it was begun; the id.

        Raises:
            ConfigError: If another owner or another app has a conversation of that id.
        """
        try:
            return self.new_conversation(owner, app, conversation_id)
        except IntegrityError:
            with Session(self._engine) as session:
                row = session.get(ConversationRow, conversation_id)
                if row is not None and (row.owner, row.app) == (owner, app):
                    return row.id
        raise ConfigError(f"conversation {conversation_id}: is not of this app; choose another id")

    def owns(self, owner: str, conversation_id: str) -> bool:
        """Whether the conversation exists and is this owner's."""
        with Session(self._engine) as session:
            row = session.get(ConversationRow, conversation_id)
            return row is not None and row.owner == owner

    def conversations(self, owner: str, app: str) -> list[Listed]:
        """An owner's conversations with turns, the latest first."""
        wanted = (
            select(ConversationRow)
            .where(
                ConversationRow.owner == owner,
                ConversationRow.app == app,
                ConversationRow.title != "",
            )
            .order_by(ConversationRow.updated.desc())
        )
        with Session(self._engine) as session:
            return [Listed(row.id, row.title, row.updated) for row in session.scalars(wanted)]

    def turns(self, conversation_id: str) -> list[StoredTurn]:
        """The turns in order."""
        wanted = (
            select(TurnRow, EditRow.text)
            .outerjoin(EditRow, EditRow.turn_id == TurnRow.id)
            .where(TurnRow.conversation_id == conversation_id)
            .order_by(TurnRow.id)
        )
        with Session(self._engine) as session:
            return [
                StoredTurn(
                    row.id,
                    Turn(_speaker(row.speaker), row.text, row.time),
                    row.trace,
                    row.thumb,
                    edited,
                )
                for row, edited in session.execute(wanted)
            ]

    def open(self, conversation_id: str) -> tuple[Conversation, dict[str, Any], datetime | None]:
        """The conversation so far, its app's state and its version; empty for an unknown id."""
        with Session(self._engine) as session:
            row = session.get(ConversationRow, conversation_id)
            state, version = (dict(row.state), row.updated) if row else ({}, None)
        # Read after the version: turns that are newer than it cannot be recorded upon.
        turns = tuple(stored.turn for stored in self.turns(conversation_id))
        return Conversation(conversation_id, turns), state, version

    def record(
        self,
        conversation_id: str,
        text: str,
        answer: Answer,
        trace: Mapping[str, Any],
        message: str | None = None,
        version: datetime | None = None,
    ) -> int:
        """Commit an exchange, the new state and the action's effects together; the agent turn's id.

        Args:
            conversation_id: A known conversation.
            text: What the customer wrote.
            answer: The complete Answer.
            trace: Plain values that explain it.
            message: Id of the received message that this answers.
            version: Of the conversation that the answer was made from, as `open` gave it.

        Raises:
            ConversationError: If it has another version by now; nothing is stored then.
            RuntimeError: If that message was answered meanwhile; nothing is stored then.
        """
        now = utc_now()
        with Session(self._engine) as session, session.begin():
            if version is not None:
                now = max(now, version + timedelta(microseconds=1))  # no version comes again
                same = (ConversationRow.id == conversation_id, ConversationRow.updated == version)
                wanted = update(ConversationRow).where(*same).values(updated=now)
                if not session.execute(wanted.returning(ConversationRow.id)).all():
                    raise ConversationError(
                        f"conversation {conversation_id}: another process answered in it "
                        "meanwhile; send the message again"
                    )
            row = session.get_one(ConversationRow, conversation_id)
            row.title = row.title or (" ".join(text.split())[:TITLE_CHARS] or "(no words)")
            row.state, row.updated = dict(answer.state), now
            asked = TurnRow(
                conversation_id=conversation_id, speaker="customer", text=text, time=now, trace={}
            )
            said = TurnRow(
                conversation_id=conversation_id,
                speaker="agent",
                text=answer.text,
                time=now + timedelta(microseconds=1),
                trace=dict(trace),
            )
            session.add(asked)
            session.flush()  # the customer's turn comes first, whatever order the ids are given in
            session.add(said)
            for effect in answer.effects:
                changes = {key: effect[key] for key in _ORDER_CHANGES if key in effect}
                session.execute(
                    update(OrderRow).where(OrderRow.number == effect["order"]).values(**changes)
                )
            session.flush()
            if message is not None:
                answered = session.execute(
                    update(ReceivedRow)
                    .where(
                        ReceivedRow.conversation_id == conversation_id,
                        ReceivedRow.id == message,
                        ReceivedRow.turn_id.is_(None),
                    )
                    .values(turn_id=said.id)
                    .returning(ReceivedRow.id)
                ).all()
                if not answered:
                    raise RuntimeError("this message was answered meanwhile")
            return said.id

    def thumb(self, owner: str, turn_id: int, value: int) -> bool:
        """Store a thumb (1 up, -1 down, 0 none) on this owner's agent turn; False if it is not."""
        with Session(self._engine) as session, session.begin():
            row = session.get(TurnRow, turn_id)
            if row is None or row.speaker != "agent":
                return False
            conversation = session.get(ConversationRow, row.conversation_id)
            if conversation is None or conversation.owner != owner:
                return False
            row.thumb = value
            return True

    def reviewed(self) -> list[str]:
        """The ids of all conversations with a thumb, an edit or a label, in order."""
        labelled = CorrectionRow.intent.is_not(None) | CorrectionRow.entities.is_not(None)
        wanted = (
            select(TurnRow.conversation_id)
            .outerjoin(EditRow, EditRow.turn_id == TurnRow.id)
            .outerjoin(CorrectionRow, CorrectionRow.turn_id == TurnRow.id)
            .where((TurnRow.thumb != 0) | EditRow.text.is_not(None) | labelled)
            .distinct()
            .order_by(TurnRow.conversation_id)
        )
        with Session(self._engine) as session:
            return list(session.scalars(wanted))

    def find(self, number: str) -> Order | None:
        """The order of that number."""
        with Session(self._engine) as session:
            row = session.get(OrderRow, number.upper())
            if row is None:
                return None
            return Order(
                row.number,
                row.customer,
                row.email,
                row.city,
                row.address,
                row.status,
                row.placed,
                row.dispatched,
                row.delivered,
                row.tracking_number,
                row.items,
                row.total,
                row.returning,
            )

    def copy_orders(self, table: Path, today: date | None = None) -> int:
        """Copy the sample orders in, once; how many. Their days count back from `today`.

        Raises:
            OSError: If the table cannot be read.
        """
        today = today or date.today()
        try:
            with Session(self._engine) as session, session.begin():
                if session.scalar(select(func.count()).select_from(OrderRow)):
                    return 0
                with table.open(encoding="utf-8", newline="") as file:
                    rows = [_order_row(values, today) for values in csv.DictReader(file)]
                session.add_all(rows)
        except IntegrityError:  # another process has copied them meanwhile
            return 0
        return len(rows)


def existing_store(url: str) -> Store:
    """The store of a URL, to look into.

    Raises:
        ConfigError: If there is no such database: none is made.
    """
    path = url.removeprefix("sqlite:///")
    if path != url and not Path(path).exists():
        raise ConfigError(
            f"store {shown_url(url)}: no such database; it is made when an app is served"
        )
    return Store(url)


def _order_row(values: Mapping[str, str], today: date) -> OrderRow:
    def day(column: str) -> date | None:
        return today - timedelta(days=int(values[column])) if values[column] else None

    return OrderRow(
        number=values["order_number"],
        customer=values["customer"],
        email=values["email"],
        city=values["city"],
        address=f"{values['address']}, {values['city']}, {values['postcode']}",
        status=values["status"],
        placed=day("placed_days_ago") or today,
        dispatched=day("dispatched_days_ago"),
        delivered=day("delivered_days_ago"),
        tracking_number=values["tracking_number"],
        items=values["items"],
        total=float(values["total"]),
    )


def _speaker(name: str) -> Speaker:
    return "customer" if name == "customer" else "agent"


__all__: Sequence[str] = ("DEFAULT_URL", "Listed", "Store", "StoredTurn", "existing_store")
