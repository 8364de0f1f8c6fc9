"""What a database raises when it cannot be used now: locked, out of connections, gone."""

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

STORE_UNAVAILABLE: tuple[type[Exception], ...] = (OperationalError, NoConnection)
