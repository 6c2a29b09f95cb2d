"""Connections over Unix domain sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from ..errors import ConnectionTimeoutError, UnixClientConnectorError
from ..net.dial import open_transport
from ..net.dial_error import DialError
from .connector import BaseConnector
from .dialling import not_dialled, url_of
from .protocol import ClientProtocol
from .timeouts import ClientTimeout, has_expired, timeout_of
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

    # TLS is not for a socket of this machine, whatever the scheme says.
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
        if req.connection_key.way is not None:
            raise ValueError(f"proxy= is not for connections to the Unix socket {self._path}")
        limit = timeout_of(self._loop, timeout)
        try:
            async with limit:
                _, protocol = await open_transport(
                    self._factory,
                    url_of(req.connection_key._replace(is_ssl=False)),
                    path=self._path,
                    use_aiofastnet=self._use_aiofastnet,
                    loop=self._loop,
                )
        except asyncio.TimeoutError as exc:
            if not has_expired(limit):
                raise
            raise ConnectionTimeoutError(
                f"Connection timeout to unix socket {self._path}: sock_connect="
                f"{timeout.sock_connect} seconds are over"
            ) from exc
        except DialError as exc:
            raise not_dialled(req, req.connection_key, exc) from exc
        except OSError as exc:
            raise UnixClientConnectorError(self._path, req.connection_key, exc) from exc
        return cast(ClientProtocol, protocol)
