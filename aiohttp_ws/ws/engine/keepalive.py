"""Pings that a frame-level connection sends by itself (RFC 6455 5.5.2)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ..types import WSAutoPingStrategy, WSCloseCode

if TYPE_CHECKING:
    from ..opening.frame_settings import FrameSettings
    from .transport import WSTransport

__all__ = ("AutoPing",)


class AutoPing:
    """Pings through the listener, and ends a connection whose peer does not answer.

    Costs no timer a message: the timer that runs looks when the peer was last heard of.
    """

    __slots__ = ("_idle", "_loop", "_periodic", "_pinged_at", "_reply", "_timer", "_transport")

    def __init__(self, transport: WSTransport, settings: FrameSettings) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._idle = settings.auto_ping_idle_timeout
        self._reply = settings.auto_ping_reply_timeout
        self._periodic = settings.auto_ping_strategy is WSAutoPingStrategy.PING_PERIODICALLY
        self._pinged_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to count."""
        self._wait(self._idle, self._ping_if_due)

    def stop(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def answered(self) -> None:
        """The pong has come."""
        elapsed = time.monotonic() - self._pinged_at if self._periodic else 0.0
        self._wait(max(self._idle - elapsed, 0.0), self._ping_if_due)

    def _wait(self, seconds: float, then: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, then)  # type: ignore[arg-type]

    def _ping_if_due(self) -> None:
        transport = self._transport
        if not self._periodic:
            quiet = time.monotonic() - transport._last_heard
            if quiet < self._idle - 0.0005:
                self._wait(self._idle - quiet, self._ping_if_due)
                return
        self._pinged_at = time.monotonic()
        if transport._ping():
            self._wait(self._reply, self._unanswered)

    def _unanswered(self) -> None:
        self._timer = None
        self._transport._give_up(
            WSCloseCode.GOING_AWAY,
            f"no pong within auto_ping_reply_timeout={self._reply:g} s of a ping",
        )
