"""Connections through named pipes of Windows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from ..errors import ClientConnectorError, ConnectionTimeoutError
from .connector import BaseConnector
from .protocol import ClientProtocol
from .timeouts import ClientTimeout, has_expired, timeout_of
from .unset import UNSET, Unset

if TYPE_CHECKING:
    from .request import ClientRequest

__all__ = ("NamedPipeConnector",)


class NamedPipeConnector(BaseConnector):
    """Connects every request to one named pipe, whatever host its URL names.

    Only the proactor event loop of Windows has named pipes.

    :param path: the pipe's path, such as ``\\\\.\\pipe\\name``.
    :raises RuntimeError: in another event loop.

    The other parameters are those of :class:`~aiohttp_ws.BaseConnector`.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"npipe"}
    _takes_proxies = False

    def __init__(
        self,
        path: str,
        force_close: bool = False,
        keepalive_timeout: float | Unset | None = UNSET,
        limit: int = 100,
        limit_per_host: int = 0,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(
            force_close=force_close,
            keepalive_timeout=keepalive_timeout,
            limit=limit,
            limit_per_host=limit_per_host,
            loop=loop,
        )
        if not hasattr(self._loop, "create_pipe_connection"):
            self._closed = True
            raise RuntimeError(
                f"{type(self._loop).__name__} has no named pipes; Windows' proactor event loop has"
            )
        self._path = path

    @property
    def path(self) -> str:
        """The pipe's path."""
        return self._path

    async def _create_connection(
        self, req: ClientRequest, traces: Any, timeout: ClientTimeout
    ) -> ClientProtocol:
        if req.connection_key.way is not None:
            raise ValueError(f"proxy= is not for connections to the pipe {self._path}")
        limit = timeout_of(self._loop, timeout)
        try:
            async with limit:
                _, made = await cast(Any, self._loop).create_pipe_connection(
                    self._factory, self._path
                )
                protocol = cast(ClientProtocol, made)
                await asyncio.sleep(0)  # The loop has scheduled connection_made().
        except asyncio.TimeoutError as exc:
            if not has_expired(limit):
                raise
            raise ConnectionTimeoutError(
                f"Connection timeout to pipe {self._path}: sock_connect={timeout.sock_connect}"
                " seconds are over"
            ) from exc
        except OSError as exc:
            raise ClientConnectorError(req.connection_key, exc) from exc
        return protocol
