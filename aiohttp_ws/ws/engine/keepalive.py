"""Keepalive: pings that a connection sends by itself, and when a peer counts as dead.

Every API pings through this class (RFC 6455 5.5.2); they differ in when a ping is due and in what
answers it. What is not a dead peer, although no pong comes in time:

* Our event loop was blocked. The time for the pong passes in two halves: a loop that comes too late
  to the first still has the second to read the pong, which may be in the socket already.
* We do not read, because the application takes no messages: the pong waits after them. Then the
  peer's TCP tells whether its machine is there, and pings go on, so that there is something to
  acknowledge. A peer that has ended its side is waited for only while the application goes on
  taking what had come.
* The peer has not read yet what we sent before the ping. As long as it takes more of it, it lives.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ...net.tcp_info import TCPState, tcp_state

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ("Keepalive",)


class Keepalive:
    """Pings the peer of *connection*, and has it report a peer that does not answer.

    Costs no timer per message: the timer that runs looks when the peer was last heard of.

    :param interval: seconds until a ping: of silence, or from one ping to the next.
    :param reply: seconds that the peer has to answer; ``None`` for no limit.
    :param periodic: ping every *interval* seconds, whatever the peer sends meanwhile.
    :param any_input: whatever the peer sends answers a ping; else :meth:`answered` says so.
    """

    __slots__ = (
        "_any_input",
        "_connection",
        "_half",
        "_interval",
        "_loop",
        "_periodic",
        "_pinged_at",
        "_queued",
        "_reply",
        "_tcp",
        "_timer",
    )

    def __init__(
        self,
        connection: Connection,
        interval: float,
        reply: float | None,
        *,
        periodic: bool,
        any_input: bool,
    ) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._interval = interval
        self._reply = reply
        self._periodic = periodic
        self._any_input = any_input
        self._pinged_at = 0.0  # 0 while no ping is unanswered
        self._half = 0
        self._queued = 0  # bytes that had not left when the ping was due
        self._tcp: TCPState | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wait(interval, self._ping_if_due)

    def stop(self) -> None:
        """The connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def answered(self) -> None:
        """The peer has answered the ping."""
        if self._pinged_at:
            elapsed = time.monotonic() - self._pinged_at if self._periodic else 0.0
            self._pinged_at = 0.0
            self._wait(max(self._interval - elapsed, 0.0), self._ping_if_due)

    def _wait(self, seconds: float, then: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, then)  # type: ignore[arg-type]

    def _ping_if_due(self) -> None:
        if not self._periodic:
            quiet = time.monotonic() - self._connection._last_heard
            if quiet < self._interval - 0.0005:
                self._wait(self._interval - quiet, self._ping_if_due)
                return
        self._timer = None
        self._queued = self._connection._unsent()
        self._tcp = tcp_state(self._connection.underlying_transport)
        self._connection._take_resumed()
        self._pinged_at = time.monotonic()
        if not self._connection._ping(False):
            return
        if self._reply is None:
            self._pinged_at = 0.0
            self._wait(self._interval, self._ping_if_due)
        elif self._timer is None:  # the answer may have come already
            self._half = 1
            self._wait(self._reply / 2, self._look)

    def _look(self) -> None:
        """Half of the time for the answer is over, or all of it."""
        assert self._reply is not None
        if self._any_input and self._connection._last_heard > self._pinged_at:
            self.answered()
            return
        if self._half == 2 and not self._excused(self._reply):
            self._timer = None
            self._connection._unanswered(self._reply)
            return
        self._half = 2
        self._wait(self._reply / 2, self._look)

    def _excused(self, reply: float) -> bool:
        """Whether the answer may be late without the peer being dead; see the module's text."""
        connection = self._connection
        before, self._tcp = self._tcp, tcp_state(connection.underlying_transport)
        now = self._tcp
        if connection.reading_paused:
            resumed = connection._take_resumed()
            if now is not None and (now.is_silent(reply) or (now.ended and not resumed)):
                return False
            connection._ping(True)
            return True
        queued, self._queued = self._queued, connection._unsent()
        if now is None or before is None:
            return 0 < self._queued < queued
        # Unacknowledged bytes in the kernel count as unread too.
        unread = queued > 0 or before.owes
        return unread and now.acknowledged > before.acknowledged
