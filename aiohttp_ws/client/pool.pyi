"""The connections that are kept, and those that are lent."""

import asyncio
from collections import Counter, OrderedDict, deque

from .connection_key import ConnectionKey
from .protocol import ClientProtocol

class ConnectionPool:
    """See :class:`~aiohttp_ws.BaseConnector`."""

    _loop: asyncio.AbstractEventLoop
    _keepalive: float
    _closed: bool
    _force_close: bool
    _idle: OrderedDict[ConnectionKey, deque[tuple[ClientProtocol, float]]]
    _idle_count: int
    _in_use: set[ClientProtocol]
    _limit: int
    _limit_per_host: int
    _taken: int
    _taken_by_key: Counter[ConnectionKey]
    _waiters: OrderedDict[asyncio.Future[None], ConnectionKey]
    _waiting_by_key: Counter[ConnectionKey]
    _sweeper: asyncio.TimerHandle | None

    def _lend_kept(self, key: ConnectionKey) -> ClientProtocol | None:
        """Lend a kept connection at once, or return ``None``."""
    def _has_room(self, key: ConnectionKey) -> bool:
        """Whether the limits allow one more."""
    def _take(self, key: ConnectionKey) -> None:
        """Take a place."""
    def _give_back(self, key: ConnectionKey) -> None:
        """Give a place back."""
    def _pop_idle(self, key: ConnectionKey) -> ClientProtocol | None:
        """Take a kept connection that is still good, ``None`` without one."""
    def _release(
        self, key: ConnectionKey, protocol: ClientProtocol, *, should_close: bool = False
    ) -> None:
        """Take back a connection that was lent."""
