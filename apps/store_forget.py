"""Forgetting: conversations with all that the store holds of them, and their text in its files."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, select
from sqlalchemy.exc import OperationalError

from apps.store import Store
from apps.store_tables import (
    ActionRow,
    Base,
    ConversationRow,
    CorrectionRow,
    EditRow,
    ReceivedRow,
    TurnRow,
    utc_now,
)
from data.errors import DeskhandError

_AT_ONCE = 500  # conversations of a transaction: whoever writes meanwhile waits for one
_WAIT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows were deleted.

    `ratings` are turns with a thumb, `reviews` corrections and edits, `actions` calls to other
    systems, `messages` what was received, answered or not.
    """

    conversations: int = 0
    turns: int = 0
    ratings: int = 0
    reviews: int = 0
    actions: int = 0
    messages: int = 0

    def __add__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def forget_owners(store: Store, owners: Sequence[str]) -> Forgotten:
    """Delete all conversations of owners."""
    return _forget(store, ConversationRow.owner.in_(owners))


def forget_conversation(store: Store, conversation_id: str) -> Forgotten:
    """Delete one conversation."""
    return _forget(store, ConversationRow.id == conversation_id)


def forget_older(store: Store, days: int) -> Forgotten:
    """Delete the conversations whose last turn is more than so many days old."""
    limit = utc_now() - timedelta(days=days)
    return _forget(store, ConversationRow.updated < limit)


def wipe(store: Store) -> None:
    """Leave none of what was deleted in the free pages of SQLite's files, nor in its log.

    The file is written anew, which takes its size of free disk; who writes meanwhile waits.
    Other databases clean up by themselves.

    Raises:
        DeskhandError: If others use the store for so long that it cannot be done.
    """
    if store.engine.url.get_backend_name() != "sqlite":
        return
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_WAIT_MS}")
        try:
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
        except OperationalError as error:
            raise DeskhandError(_not_wiped(store)) from error
        finally:
            connection.detach()  # closed with its settings, instead of going back to the pool
    if busy:
        raise DeskhandError(_not_wiped(store))


def _not_wiped(store: Store) -> str:
    return (
        f"store {store.engine.url.database}: what was deleted may still stand in its free pages, "
        "because others use it or the disk is full; stop them and do it again"
    )


def _forget(store: Store, which: ColumnElement[bool]) -> Forgotten:
    total = Forgotten()
    wanted = select(ConversationRow.id).where(which).limit(_AT_ONCE)
    while True:
        with store.engine.begin() as connection:
            identities = connection.scalars(wanted).all()
            if not identities:
                return total
            total += _delete(connection, identities)


def _delete(connection: Connection, identities: Sequence[str]) -> Forgotten:
    of_these = TurnRow.conversation_id.in_(identities)
    turns = select(TurnRow.id).where(of_these)
    rated = select(func.count()).select_from(TurnRow).where(of_these, TurnRow.thumb != 0)
    ratings = connection.scalar(rated) or 0

    def deleted(rows: type[Base], which: ColumnElement[bool]) -> int:
        return connection.execute(delete(rows).where(which)).rowcount

    reviews = deleted(EditRow, EditRow.turn_id.in_(turns))
    reviews += deleted(CorrectionRow, CorrectionRow.turn_id.in_(turns))
    actions = deleted(ActionRow, ActionRow.conversation_id.in_(identities))
    messages = deleted(ReceivedRow, ReceivedRow.conversation_id.in_(identities))
    said = deleted(TurnRow, of_these)
    conversations = deleted(ConversationRow, ConversationRow.id.in_(identities))
    return Forgotten(conversations, said, ratings, reviews, actions, messages)
