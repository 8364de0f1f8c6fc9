"""The store's tables."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def utc_now() -> datetime:
    """Now, as the tables keep a time: UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """All tables."""


class ConversationRow(Base):
    """A conversation, whose it is, and its app's memory."""

    __tablename__ = "conversations"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64), index=True)
    app: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(80))
    updated: Mapped[datetime]
    state: Mapped[dict[str, Any]] = mapped_column(JSON)


class TurnRow(Base):
    """A turn; an agent's carries its answer's trace and the customer's thumb (1 up, -1 down)."""

    __tablename__ = "turns"
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    speaker: Mapped[str] = mapped_column(String(16))
    text: Mapped[str]
    time: Mapped[datetime]
    trace: Mapped[dict[str, Any]] = mapped_column(JSON)
    thumb: Mapped[int] = mapped_column(default=0)


class EditRow(Base):
    """What a reviewer would have said instead of an agent's turn."""

    __tablename__ = "edits"  # a table of its own: older databases get it when they are opened
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id"), primary_key=True)
    text: Mapped[str]


class CorrectionRow(Base):
    """What a reviewer says of an agent's turn and of the customer's before it.

    `intent` and `entities` are None where the reviewer did not label them; offsets
    count in the customer's turn as `apps.app.clean` leaves it. Another answer than the one that was
    given is an EditRow.
    """

    __tablename__ = "corrections"
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id"), primary_key=True)
    intent: Mapped[str | None] = mapped_column(String(100))
    entities: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    reviewer: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime]


class OrderRow(Base):
    """An order that workflows look up and change."""

    __tablename__ = "orders"
    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    customer: Mapped[str]
    email: Mapped[str]
    city: Mapped[str]
    address: Mapped[str]
    status: Mapped[str] = mapped_column(String(16))
    placed: Mapped[date]
    dispatched: Mapped[date | None]
    delivered: Mapped[date | None]
    tracking_number: Mapped[str]
    items: Mapped[str]
    total: Mapped[float]
    returning: Mapped[str] = mapped_column(
        "returning_item", default=""
    )  # RETURNING is a word of SQL


class ReceivedRow(Base):
    """A customer's message from when it came; `turn_id` is the turn that answered it.

    It is stored before it is read, so that one that was not answered is found after a crash.
    `worker` is the process that answers it.
    """

    __tablename__ = "received"
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str]
    time: Mapped[datetime]
    worker: Mapped[str] = mapped_column(String(200))
    turn_id: Mapped[int | None]


class ActionRow(Base):
    """A call to another system: stored as pending before it is made."""

    __tablename__ = "actions"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(40), index=True)
    turn: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    slots: Mapped[dict[str, str]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(16))
    result: Mapped[dict[str, Any]] = mapped_column(JSON)
    time: Mapped[datetime]
