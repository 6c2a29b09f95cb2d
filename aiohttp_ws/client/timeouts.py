"""How long a client waits, and for what."""

from __future__ import annotations

import asyncio
import math
import sys
from typing import Any

import attrs

if sys.version_info >= (3, 11):
    from asyncio import timeout_at as timeout_at
else:
    from async_timeout import timeout_at as timeout_at

__all__ = ("ClientTimeout", "ClientWSTimeout")


@attrs.frozen(slots=True)
class ClientTimeout:
    """Limits of one request, in seconds; ``None`` or 0 is no limit.

    :param total: from the call to the end of the response's body, redirects included;
        raises :exc:`TimeoutError` (``asyncio.TimeoutError`` before Python 3.11).
    :param connect: to get a connection, waiting for a place in the pool included; raises
        :exc:`~aiohttp_ws.ConnectionTimeoutError`.
    :param sock_read: between two pieces of a response; raises
        :exc:`~aiohttp_ws.SocketTimeoutError`.
    :param sock_connect: for the operating system to connect to one peer, TLS handshake
        included; raises :exc:`~aiohttp_ws.ConnectionTimeoutError`.
    :param ceil_threshold: limits above this many seconds may last up to a second longer,
        so that the timers of many requests expire together.
    """

    total: float | None = None
    connect: float | None = None
    sock_read: float | None = None
    sock_connect: float | None = None
    ceil_threshold: float = 5


@attrs.frozen(slots=True)
class ClientWSTimeout:
    """Limits of a WebSocket, in seconds; ``None`` is no limit.

    :param ws_receive: for one ``receive()``.
    :param ws_close: for the server's close frame, and then again for its end of TCP.
    """

    ws_receive: float | None = None
    ws_close: float | None = None


# Five minutes in all; a peer that does not even answer SYN is given up sooner.
DEFAULT_TIMEOUT = ClientTimeout(total=5 * 60, sock_connect=30)
DEFAULT_WS_CLOSE_TIMEOUT = ClientWSTimeout(ws_close=10.0)


def deadline_after(now: float, seconds: float | None, ceil_threshold: float) -> float:
    """When *seconds* from *now* are over; infinity when there is no limit."""
    if not seconds or seconds <= 0:
        return math.inf
    when = now + seconds
    return math.ceil(when) if seconds > ceil_threshold else when


def timeout_of(loop: asyncio.AbstractEventLoop, timeout: ClientTimeout) -> Any:
    """The context that limits a connect to ``sock_connect`` seconds."""
    deadline = deadline_after(loop.time(), timeout.sock_connect, timeout.ceil_threshold)
    return timeout_at(None if deadline == math.inf else deadline)


def has_expired(timeout: Any) -> bool:
    """Whether what :func:`timeout_at` returned has run out.

    Asked, because the exception alone does not tell whose limit it was.
    """
    expired = timeout.expired
    return bool(expired() if callable(expired) else expired)


class NoTimer:
    """What the constructors of responses are given for aiohttp's timer: it limits nothing."""

    __slots__ = ()

    def assert_timeout(self) -> None:
        """Nothing is late: the connection has the timers."""

    def __enter__(self) -> NoTimer:
        return self

    def __exit__(self, *args: object) -> None:
        return None


NO_TIMER = NoTimer()
