"""Opening a database: its settings, its tables, and one line where it cannot be opened."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError

from apps.store_tables import Base
from data.errors import ConfigError


def opened_engine(url: str) -> Engine:
    """The engine of a database that has all tables; those that are missing are made.

    Raises:
        ConfigError: If the database cannot be opened.
    """
    try:
        if url.startswith("sqlite:///") and ":memory:" not in url:
            _create_file(make_url(url).database or "")
        # Parameters are customers' words and visitors' secrets: no error may quote them.
        engine = create_engine(url, hide_parameters=True)
        if url.startswith("sqlite"):
            event.listen(engine, "connect", _sqlite_settings)
        _create_tables(engine)
    except (SQLAlchemyError, ModuleNotFoundError, OSError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise ConfigError(
            f"store {shown_url(url)}: cannot be opened ({reason}); check its URL"
        ) from error
    return engine


def _create_file(database: str) -> None:
    """Make the file, which no other user of the machine may read; SQLite's log gets the same."""
    path = Path(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    if database and not database.startswith("file:") and not path.exists():
        path.touch(0o600)


def _create_tables(engine: Engine) -> None:
    """Make the tables that are missing, also where several processes begin at once."""
    with engine.begin() as connection:
        if set(Base.metadata.tables) <= set(inspect(connection).get_table_names()):
            return
        if engine.dialect.name == "sqlite":  # who comes second waits here, and finds them made
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        Base.metadata.create_all(connection)


def shown_url(url: str) -> str:
    """A URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return repr(url)


def _sqlite_settings(connection: Any, record: Any) -> None:  # noqa: ANN401 - a DBAPI connection
    """Readers go on while a turn is written, and a writer waits instead of failing."""
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=5000",
    ):
        connection.execute(f"PRAGMA {pragma}")
