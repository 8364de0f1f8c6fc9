"""The addresses that a page is served on, bound before anything is opened for it."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from data.errors import ConfigError

_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # a machine without IPv6, say


@contextmanager
def bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Sockets bound to all addresses of a host, closed in the end.

    Args:
        host: A name or an address.
        port: 0 to 65535; 0 takes any that is free.

    Raises:
        ConfigError: If there is no such host, or the port is taken or not allowed.
    """
    with ExitStack() as opened:
        try:
            sockets = _sockets(host, port, opened)
        except OSError as error:
            raise ConfigError(
                f"--host {host} --port {port}: cannot be served on ({error.strerror}); choose "
                "another port or host"
            ) from error
        yield sockets


def _sockets(host: str, port: int, opened: ExitStack) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        try:
            each = opened.enter_context(socket.socket(family, kind, protocol))
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # IPv4 has a socket of its own
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(address)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            missing = error
        else:
            sockets.append(each)
    if not sockets and missing is not None:
        raise missing
    return sockets
