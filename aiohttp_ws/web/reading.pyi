"""How the server's side of an HTTP connection reads requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from ..net.link import Link
from .base_request import BaseRequest
from .interfaces import AbstractAccessLogger
from .server import Server
from .stream_response import StreamResponse

class ConnectionSettings:
    """What all connections of a server have in common; :class:`Server` documents each."""

    def __init__(
        self,
        *,
        server: Server,
        loop: asyncio.AbstractEventLoop,
        handler: Callable[[BaseRequest], Awaitable[StreamResponse]],
        request_factory: Callable[..., BaseRequest],
        logger: logging.Logger,
        access_logger: AbstractAccessLogger | None,
        keepalive_timeout: float,
        lingering_time: float,
        head_timeout: float,
        body_timeout: float,
        max_line_size: int,
        max_field_size: int,
        max_headers: int,
        read_bufsize: int,
        auto_decompress: bool,
        handler_cancellation: bool,
        tcp_keepalive: bool,
    ) -> None: ...

class RequestReader(Link):
    """Base of :class:`HTTPConnection`."""

    def __init__(self, settings: ConnectionSettings) -> None: ...
    def begin_whole(self, pieces: Iterable[bytes]) -> bool:
        """Receive the rest of the body after *pieces* of it, as one piece that is not copied.

        It is what :meth:`end_whole` returns, or is given to the body's ``take_whole()``.

        :returns: whether it is: the length has to be known, and the transport to read at once.
        """
    def end_whole(self) -> bytes:
        """Receive no more so; return what has come if that is not all, else nothing."""
