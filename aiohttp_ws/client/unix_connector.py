"""Connections over Unix domain sockets."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, cast

from ..errors import ConnectionTimeoutError, UnixClientConnectorError
from ..net.transports import create_connection
from .connector import BaseConnector
from .protocol import ClientProtocol
from .timeouts import ClientTimeout, deadline_after, has_expired, timeout_at
from .unset import UNSET, Unset

if TYPE_CHECKING:
    from .request import ClientRequest

__all__ = ("UnixConnector",)


class UnixConnector(BaseConnector):
    """Connects every request to one Unix socket, whatever host its URL names.

    :param path: the socket's path.
    :param use_aiofastnet: ``True`` takes the transports of the ``aiofastnet`` package.

    The other parameters are those of :class:`~aiohttp_ws.BaseConnector`.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"unix"}
    _takes_proxies = False

    def __init__(
        self,
        path: str,
        force_close: bool = False,
        keepalive_timeout: float | Unset | None = UNSET,
        limit: int = 100,
        limit_per_host: int = 0,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        use_aiofastnet: bool | None = None,
    ) -> None:
        super().__init__(
            force_close=force_close,
            keepalive_timeout=keepalive_timeout,
            limit=limit,
            limit_per_host=limit_per_host,
            loop=loop,
        )
        self._path = path
        self._use_aiofastnet = use_aiofastnet

    @property
    def path(self) -> str:
        """The socket's path."""
        return self._path

    async def _create_connection(
        self, req: ClientRequest, traces: Any, timeout: ClientTimeout
    ) -> ClientProtocol:
        if req.connection_key.proxy is not None:
            raise ValueError(f"proxy= is not for connections to the Unix socket {self._path}")
        deadline = deadline_after(self._loop.time(), timeout.sock_connect, timeout.ceil_threshold)
        limit = timeout_at(None if deadline == math.inf else deadline)
        try:
            async with limit:
                _, protocol = await create_connection(
                    self._loop,
                    self._use_aiofastnet,
                    lambda: ClientProtocol(self._loop),
                    path=self._path,
                )
        except asyncio.TimeoutError as exc:
            if not has_expired(limit):
                raise
            raise ConnectionTimeoutError(
                f"Connection timeout to unix socket {self._path}: sock_connect="
                f"{timeout.sock_connect} seconds are over"
            ) from exc
        except OSError as exc:
            raise UnixClientConnectorError(self._path, req.connection_key, exc) from exc
        return cast(ClientProtocol, protocol)
