"""The event loop as aiofastnet sees it, which works around four faults of its version 1.2.

* What a TLS transport had read, but not decrypted, when its reading was paused is forgotten when
  it is resumed: a peer that waits for an answer never gets it.
* A client that leaves in the middle of the TLS handshake, as many a health check does, is
  reported with an exception's class for an exception, which loggers fail to print.
* A listening socket that no descriptor is left for is asked again in every iteration of the loop.
* A TLS transport that is closed once more in ``connection_lost()``, or aborted while it closes,
  leaves the timer of its shutdown running: 30 s in which it keeps its buffers, 150 KiB.

All four show in what it asks of the loop. Nothing here harms a version without them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

__all__ = ("patched",)

# Seconds before a socket that had no descriptor left is asked again, as asyncio has it.
REST = 1.0

logger = logging.getLogger("aiohttp_ws")


def patched(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """Return *loop* as aiofastnet is to see it."""
    proactor: Any = getattr(asyncio, "ProactorEventLoop", ())
    if isinstance(loop, proactor):
        found: asyncio.AbstractEventLoop = loop  # it is told from others by its class
        return found
    return cast(asyncio.AbstractEventLoop, PatchedLoop(loop))


def rest_of(callback: Callable[..., Any]) -> Any:
    """What decrypts the rest of the last read, for a *callback* that reads for TLS."""
    if getattr(callback, "__name__", "") != "_read_ready":
        return None
    return getattr(getattr(callback, "__self__", None), "_retry_ssl_read", None)


class PatchedLoop:
    __slots__ = ("_listening", "_loop", "_resting", "_resuming", "_shutting_down")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._listening: dict[int, tuple[Any, ...]] = {}
        self._resuming: dict[int, Callable[..., Any]] = {}
        # The timers of TLS shutdowns, by the transport's identity: it cannot be referred to weakly.
        self._shutting_down: dict[int, asyncio.TimerHandle] = {}
        self._resting = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        if rest_of(callback) is not None:
            return None  # _resume() does it, in the right order
        name = getattr(callback, "__name__", "")
        if name == "_finalize_close":
            callback, args = self._finalize, (callback, *args)
        elif name == "buffer_updated":
            # Python's ssl module has no such thing where aiofastnet has to use that.
            callback, args = callback.__self__._retry_ssl_read, ()  # type: ignore[attr-defined]
        return self._loop.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = self._loop.call_later(delay, callback, *args, context=context)
        # Other transports for TLS have no _finalize_close(), and leave no timer.
        if (
            getattr(callback, "__name__", "") == "_check_shutdown_timeout"
            and type(callback.__self__).__name__ == "SSLTransport_Socket"  # type: ignore[attr-defined]
        ):
            self._shutting_down[id(callback.__self__)] = handle  # type: ignore[attr-defined]
        return handle

    def _finalize(self, finalize_close: Callable[..., Any], *args: Any) -> None:
        """Let a transport close its socket, and keep nothing of it."""
        try:
            finalize_close(*args)
        finally:
            transport = finalize_close.__self__  # type: ignore[attr-defined]
            timer = self._shutting_down.pop(id(transport), None)
            if timer is not None:
                timer.cancel()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        exc = context.get("exception")
        if isinstance(exc, type) and issubclass(exc, OSError):
            # Loops do not report what the network does either.
            if self._loop.get_debug():
                logger.debug("%s: %s", context.get("message"), exc.__name__)
            return
        if context.get("message") == "socket.accept() out of system resource":
            self._rest(context["socket"].fileno())
        self._loop.call_exception_handler(context)

    def add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> None:
        if args:  # a listening socket; connections' callbacks have none
            self._listening[fd] = (callback, *args)
            self._loop.add_reader(fd, self._accept, fd)
        elif rest_of(callback) is None:
            self._loop.add_reader(fd, callback)
        else:
            self._resuming[fd] = callback
            self._loop.call_soon(self._resume, fd, callback)

    def remove_reader(self, fd: int) -> bool:
        self._resuming.pop(fd, None)
        self._listening.pop(fd, None)
        return self._loop.remove_reader(fd)

    def _resume(self, fd: int, callback: Callable[..., Any]) -> None:
        # First what has been read: the socket may be empty or at its end, and of a full buffer
        # aiofastnet would take "no room" for the end.
        if self._resuming.get(fd) is callback:
            rest_of(callback)()
        # It may be paused again, or closed, by what was read.
        if self._resuming.get(fd) is callback:
            del self._resuming[fd]
            self._loop.add_reader(fd, callback)

    # ------------------------------------------------------------------- listening sockets

    def _accept(self, fd: int) -> None:
        callback, *args = self._listening[fd]
        self._resting = False
        try:
            callback(*args)
        except AttributeError:
            # "'socket' object has no attribute 'remove_reader'"
            if not self._resting:
                raise

    def _rest(self, fd: int) -> None:
        self._resting = True
        self._loop.remove_reader(fd)
        self._loop.call_later(REST, self._wake, fd, self._listening.get(fd))

    def _wake(self, fd: int, listening: tuple[Any, ...] | None) -> None:
        # It may be closed by now, and its descriptor another's.
        if listening is not None and self._listening.get(fd) is listening:
            self._loop.add_reader(fd, self._accept, fd)
