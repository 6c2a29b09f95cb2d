"""The pool of connections: kept alive, limited in number, lent in the order of the requests.

A connection belongs to the pool while it is idle and to one request while it is lent; an upgrade
takes it out. Subclasses know how a connection is made.
"""

from __future__ import annotations

import asyncio
import functools
import math
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import ClientConnectionError
from .connection import Connection
from .connection_key import ConnectionKey
from .hooks import refuse_hooks
from .pool import ConnectionPool
from .protocol import ClientProtocol
from .timeouts import ClientTimeout
from .unclosed import tell_unclosed
from .unset import UNSET, Unset

if TYPE_CHECKING:
    from .request import ClientRequest

__all__ = ("BaseConnector",)


DEFAULT_KEEPALIVE = 15.0
# What aiohttp's pool consists of; ours has other parts.
UNCALLED = {
    "_get": "override connect()",
    "_available_connections": "override connect(), or pass limit=",
    "_wait_for_available_connection": "override connect()",
    "_release_waiter": "override _release()",
    "_release_acquired": "override _release()",
    "_cleanup": "pass keepalive_timeout=",
}
# Seconds that close() gives connections to shut down TLS before it aborts them.
CLOSING_TIME = 2.0


class Closing:
    """Connections that are being closed; awaiting this waits for them, and is not required."""

    __slots__ = ("_protocols", "_seconds")

    def __init__(self, protocols: Iterable[ClientProtocol], seconds: float) -> None:
        self._protocols = list(protocols)
        self._seconds = seconds

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        waiting = [
            asyncio.ensure_future(protocol.wait_closed())
            for protocol in self._protocols
            if protocol.transport is not None
        ]
        if not waiting:
            return
        _, late = await asyncio.wait(waiting, timeout=self._seconds)
        if late:
            for protocol in self._protocols:
                protocol.abort()
            await asyncio.wait(late)


class BaseConnector(ConnectionPool):
    """Keeps and lends connections; subclasses know how to make one.

    :param keepalive_timeout: seconds a connection is kept after a response; 15 by default, ``None``
        for no limit.
    :param force_close: close a connection after each response.
    :param limit: connections in use at a time, of all hosts; 0 for no limit.
    :param limit_per_host: likewise, for each host, port and TLS setting.
    :param enable_cleanup_closed: cut TLS connections whose server does not answer the
        closing alert within 2 seconds.
    :param timeout_ceil_threshold: timeouts above this many seconds are rounded up.
    """

    allowed_protocol_schema_set: frozenset[str] = frozenset({"", "http", "https", "ws", "wss"})
    _has_connect = False
    # Whether the environment's proxies are for its connections.
    _takes_proxies = True

    def __init__(
        self,
        *,
        keepalive_timeout: float | Unset | None = UNSET,
        force_close: bool = False,
        limit: int = 100,
        limit_per_host: int = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
    ) -> None:
        if force_close and keepalive_timeout is not UNSET and keepalive_timeout is not None:
            raise ValueError(
                f"keepalive_timeout={keepalive_timeout} cannot be set if force_close is True"
            )
        self._loop = loop or asyncio.get_running_loop()
        self._keepalive = (
            DEFAULT_KEEPALIVE
            if keepalive_timeout is UNSET
            else math.inf
            if keepalive_timeout is None
            else keepalive_timeout
        )
        self._force_close = force_close
        self._limit = limit
        self._limit_per_host = limit_per_host
        self._cleanup_closed = enable_cleanup_closed
        self._timeout_ceil_threshold = timeout_ceil_threshold
        #: Makes the protocol of a connection; for the connectors of users.
        self._factory = functools.partial(ClientProtocol, self._loop)
        self._closed = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_hooks(cls, BaseConnector, UNCALLED)
        # Where connect() is overridden, no connection is lent without it.
        cls._has_connect = cls.connect is not BaseConnector.connect

    @property
    def force_close(self) -> bool:
        """Whether connections are closed after each response."""
        return self._force_close

    @property
    def limit(self) -> int:
        """Connections in use at a time; 0 for no limit."""
        return self._limit

    @property
    def limit_per_host(self) -> int:
        """Connections in use at a time for each endpoint; 0 for no limit."""
        return self._limit_per_host

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    @property
    def _conns(self) -> Mapping[ConnectionKey, deque[tuple[ClientProtocol, float]]]:
        # aiohttp's name, which users read: the connections that are kept, and since when.
        return self._idle

    @property
    def _acquired(self) -> set[ClientProtocol]:
        # Likewise: the connections that are lent.
        return self._in_use

    # --------------------------------------------------------------------------- lending

    def acquire_idle(self, key: ConnectionKey) -> Connection | None:
        """Lend a kept connection at once, or return ``None``: then ``await connect()``."""
        protocol = None if self._has_connect else self._lend_kept(key)
        if protocol is None:
            return None
        return Connection(self, key, protocol, True)

    async def connect(
        self, req: ClientRequest, traces: Any, timeout: ClientTimeout, *, fresh: bool = False
    ) -> Connection:
        """Lend a connection for *req*: a kept one, or a new one.

        Waits for a place in the order of calls when a limit is reached.

        :param fresh: make a new one even when one is kept.
        :raises ClientConnectionError: when the connector is closed, or the connection
            cannot be made.
        """
        self._check_open()
        key = req.connection_key
        if not self._has_room(key) or (self._waiting_by_key and self._waiting_by_key[key]):
            await self._wait_for_place(key, traces)
        else:
            self._take(key)
        protocol = None
        try:
            protocol = None if fresh else self._pop_idle(key)
            reused = protocol is not None
            if protocol is None:
                self._check_open()
                self._make_space()
                for trace in traces:
                    await trace.send_connection_create_start()
                protocol = await self._create_connection(req, traces, timeout)
                for trace in traces:
                    await trace.send_connection_create_end()
                if self._closed:
                    self._check_open()
            else:
                for trace in traces:
                    await trace.send_connection_reuseconn()
        except BaseException:
            if protocol is not None:
                protocol.close()
            self._give_back(key)
            raise
        self._in_use.add(protocol)
        return Connection(self, key, protocol, reused)

    def _check_open(self) -> None:
        if self._closed:
            raise ClientConnectionError("Connector is closed.")

    async def _create_connection(
        self, req: ClientRequest, traces: Any, timeout: ClientTimeout
    ) -> ClientProtocol:
        """Make a connection for *req*; subclasses implement it."""
        raise TypeError(f"{type(self).__name__} cannot connect; use TCPConnector or a subclass")

    async def _wait_for_place(self, key: ConnectionKey, traces: Any) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters[waiter] = key
        self._waiting_by_key[key] += 1
        try:
            for trace in traces:
                await trace.send_connection_queued_start()
            await waiter
            for trace in traces:
                await trace.send_connection_queued_end()
        except BaseException:
            # Stopped after its turn had come: the next one takes the place.
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give_back(key)
            raise
        finally:
            if self._waiters.pop(waiter, None) is not None:
                self._no_longer_waits(key)

    def _no_longer_waits(self, key: ConnectionKey) -> None:
        self._waiting_by_key[key] -= 1
        if not self._waiting_by_key[key]:
            del self._waiting_by_key[key]

    def _wake(self) -> None:
        """Give free places to the requests that have waited longest and may have one."""
        for waiter, key in list(self._waiters.items()):
            if self._limit and self._taken >= self._limit:
                return
            if not self._has_room(key):
                continue
            del self._waiters[waiter]
            self._no_longer_waits(key)
            if not waiter.done():
                # Taken on its behalf: a newcomer cannot snatch the place before it runs.
                self._take(key)
                waiter.set_result(None)

    # --------------------------------------------------------------------------- keeping

    def _drop(self, key: ConnectionKey, protocol: ClientProtocol) -> None:
        """Forget a connection that has another owner now."""
        if not self._closed:
            self._in_use.discard(protocol)
            self._give_back(key)

    def _make_space(self) -> None:
        # A new connection and the kept ones together stay within the limit too.
        if self._limit and self._idle_count and self._taken + self._idle_count > self._limit:
            key, kept = next(iter(self._idle.items()))
            protocol, _ = kept.popleft()
            self._idle_count -= 1
            if not kept:
                del self._idle[key]
            self._close_protocol(key, protocol)

    def _close_protocol(self, key: ConnectionKey, protocol: ClientProtocol) -> None:
        protocol.close()
        if self._cleanup_closed and key.is_ssl and protocol.transport is not None:
            self._loop.call_later(CLOSING_TIME, protocol.abort)

    def _schedule_sweep(self) -> None:
        # Through a weak reference: the timer does not keep an abandoned connector alive.
        ref = weakref.ref(self)

        def sweep() -> None:
            connector = ref()
            if connector is not None:
                connector._sweep()

        if self._keepalive != math.inf:
            self._sweeper = self._loop.call_later(self._keepalive, sweep)

    def _sweep(self) -> None:
        """Close the connections that were not used for ``keepalive_timeout`` seconds."""
        self._sweeper = None
        oldest = self._loop.time() - self._keepalive
        for key, kept in list(self._idle.items()):
            for entry in list(kept):
                protocol, since = entry
                if since <= oldest or not protocol.is_connected():
                    kept.remove(entry)
                    self._idle_count -= 1
                    self._close_protocol(key, protocol)
            if not kept:
                del self._idle[key]
        if self._idle:
            self._schedule_sweep()

    # --------------------------------------------------------------------------- closing

    def close(self, *, abort_ssl: bool = False) -> Awaitable[None]:
        """Close all connections; awaiting the result waits until they are closed.

        :param abort_ssl: cut TLS connections without a close_notify.
        """
        return self._close(abort_ssl=abort_ssl)

    def _close(self, *, abort_ssl: bool = False) -> Closing:
        """Close without waiting, as a finalizer must."""
        if self._closed:
            return Closing((), 0)
        self._closed = True
        if self._loop.is_closed():
            return Closing((), 0)
        protocols = [protocol for kept in self._idle.values() for protocol, _ in kept]
        secure = {
            protocol for key, kept in self._idle.items() if key.is_ssl for protocol, _ in kept
        }
        protocols.extend(self._in_use)
        if self._sweeper is not None:
            self._sweeper.cancel()
        for protocol in protocols:
            if abort_ssl and (protocol in secure or protocol in self._in_use):
                protocol.abort()
            else:
                protocol.close()
        self._idle.clear()
        self._idle_count = 0
        self._in_use.clear()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(ClientConnectionError("Connector is closed."))
        self._waiters.clear()
        self._waiting_by_key.clear()
        return Closing(protocols, CLOSING_TIME)

    async def __aenter__(self) -> BaseConnector:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        exc_traceback: TracebackType | None = None,
    ) -> None:
        await self.close()

    def __del__(self, _tell: Callable[..., None] = tell_unclosed) -> None:
        if not self._closed and self._idle_count:
            self._close()
            _tell("connector", self, "connector", self._loop)
