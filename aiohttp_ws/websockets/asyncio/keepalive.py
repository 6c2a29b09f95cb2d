"""Keepalive pings, by timers instead of a task (RFC 6455 5.5.2)."""

from __future__ import annotations

import asyncio
import os
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ("Keepalive",)

PING = 0x9


class Keepalive:
    """Pings a peer every ``ping_interval`` seconds, and gives up on one that does not answer."""

    __slots__ = ("_connection", "_halves", "_pong", "_timer")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pong: asyncio.Future[float] | None = None
        self._halves = 0
        self._timer: asyncio.TimerHandle | None = None
        assert connection.ping_interval is not None
        self._later(connection.ping_interval, self._ping)

    def _later(self, delay: float, act: object) -> None:
        self._timer = self._connection.loop.call_later(delay, act)  # type: ignore[arg-type]

    def cancel(self) -> None:
        """Stop: the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ping(self) -> None:
        connection = self._connection
        self._timer = None
        if not connection.open:
            return
        assert connection.ping_interval is not None
        if connection._writing_paused():
            # A ping would wait behind what the peer does not read.
            pong = None
        else:
            pong = self._send()
        if connection.ping_timeout is None:
            self._later(connection.ping_interval, self._ping)
            return
        self._pong = pong
        self._halves = 0
        # The time passes in two halves. A loop that was blocked wakes too late from one and still
        # has the other, to read the pong that may be in the socket already.
        self._later(connection.ping_timeout / 2, self._check)

    def _send(self) -> asyncio.Future[float]:
        connection = self._connection
        pings = connection._pings
        if pings is None:
            pings = connection._pings = {}
        payload = os.urandom(4)
        while payload in pings:
            payload = os.urandom(4)
        pong: asyncio.Future[float] = connection.loop.create_future()
        pings[payload] = (pong, perf_counter())
        connection._put_control(PING, payload)
        connection._flush()
        return pong

    def _check(self) -> None:
        connection = self._connection
        self._timer = None
        if not connection.open:
            return
        timeout, interval = connection.ping_timeout, connection.ping_interval
        assert timeout is not None
        assert interval is not None
        answered = self._pong is not None and self._pong.done()
        if not answered and self._pong is None:
            # Output piled up when the ping was due: once it has drained, the peer reads.
            answered = not connection._writing_paused()
        if answered:
            passed = timeout * (self._halves + 1) / 2
            self._pong = None
            self._later(max(interval - passed, 0), self._ping)
            return
        self._halves += 1
        if self._halves < 2 or connection._peer_may_be_unheard(timeout):
            self._later(timeout / 2, self._check)
            return
        connection._give_up(1011, "keepalive ping timeout")
