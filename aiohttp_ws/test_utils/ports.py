"""Sockets for test servers: bound before the server starts, so that no port is raced for."""

from __future__ import annotations

import os
import socket
import sys

__all__ = ("get_port_socket", "get_unused_port_socket", "unused_port")

# Windows gives SO_REUSEADDR another meaning: there it lets two servers share one port.
REUSE_ADDRESS = os.name == "posix" and sys.platform != "cygwin"


def get_port_socket(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
    """Return a TCP socket of *family* bound to *host* and *port*; port 0 takes a free one.

    Raises :exc:`OSError` when the address cannot be bound.
    """
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if REUSE_ADDRESS:
            # The port of a test that has just ended would otherwise wait out TIME_WAIT.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def get_unused_port_socket(
    host: str, family: socket.AddressFamily = socket.AF_INET
) -> socket.socket:
    """Return a TCP socket bound to a free port of *host*; the port is the caller's until closed."""
    return get_port_socket(host, 0, family)


def unused_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on.

    Another program may take it before the caller does: where a socket will do,
    :func:`get_unused_port_socket` has no such gap.
    """
    with get_unused_port_socket("127.0.0.1") as sock:
        port: int = sock.getsockname()[1]
        return port
