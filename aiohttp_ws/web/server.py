"""The server: makes one connection object per client, and closes them at shutdown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..http.streams import StreamReader
from .access_log import AccessLogger
from .base_request import BaseRequest
from .connection import RequestHandler
from .interfaces import AbstractAccessLogger
from .reading import ConnectionSettings
from .stream_response import StreamResponse

__all__ = ("Server",)

server_logger = logging.getLogger("aiohttp_ws.server")
access_logger = logging.getLogger("aiohttp_ws.access")


class Server:
    """A low-level server: every request goes to one handler; a protocol factory for asyncio.

    ``loop.create_server(web.Server(handler), host, port)`` serves it.

    :param handler: a coroutine function from a :class:`BaseRequest` to a response.
    :param request_factory: makes the request from head, body, connection, writer and task.
    :param handler_cancellation: cancel a handler whose client disconnects.
    :param loop: the event loop; the running one by default.
    :param keepalive_timeout: seconds that an idle connection is kept. Longer than that of a
        proxy in front, which might send a request just when we close: hence 3630.
    :param head_timeout: seconds in which a request's head has to come, from its first byte
        (for the first request from the start of the connection, TLS's handshake included); 0
        for no limit.
    :param body_timeout: seconds between two pieces of a body that is being read; 0 for no
        limit.
    :param lingering_time: seconds that the rest of a body is read and dropped for when its
        request is answered already; 0 closes the connection at once.
    :param max_line_size: bytes of the request line.
    :param max_field_size: bytes of one header line.
    :param max_headers: header lines.
    :param read_bufsize: bytes of a body that are held before reading pauses: twice this.
    :param auto_decompress: inflate bodies sent with ``Content-Encoding``.
    :param tcp_keepalive: let the kernel probe idle connections.
    :param access_log: the logger for answered requests; ``None`` for none.
    :param access_log_class: makes an :class:`~aiohttp_ws.abc.AbstractAccessLogger` of it.
    :param access_log_format: its format.
    :param logger: where errors are logged.
    :param debug: show clients the traceback of a handler that fails, as event loops in debug mode
        do anyway.
    :param timeout_ceil_threshold: not used; accepted because aiohttp has it.
    """

    def __init__(
        self,
        handler: Callable[[BaseRequest], Awaitable[StreamResponse]],
        *,
        request_factory: Callable[..., BaseRequest] | None = None,
        handler_cancellation: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        keepalive_timeout: float = 3630.0,
        head_timeout: float = 60.0,
        body_timeout: float = 300.0,
        lingering_time: float = 10.0,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
        read_bufsize: int = 2**18,
        auto_decompress: bool = True,
        tcp_keepalive: bool = True,
        access_log: logging.Logger | None = access_logger,
        access_log_class: type[AbstractAccessLogger] = AccessLogger,
        access_log_format: str = AccessLogger.LOG_FORMAT,
        logger: logging.Logger = server_logger,
        debug: bool = False,
        timeout_ceil_threshold: float = 5,
    ) -> None:
        self.request_handler = handler
        self.request_factory = request_factory or self._make_request
        self.handler_cancellation = handler_cancellation
        self.head_timeout = head_timeout
        self.debug = debug
        #: Requests answered so far.
        self.requests_count = 0
        self._loop = loop
        self._settings: ConnectionSettings | None = None
        self._connections: dict[RequestHandler, asyncio.Transport] = {}
        # The connections are lost, handlers still run.
        self._unfinished: set[RequestHandler] = set()
        access = None if access_log is None else access_log_class(access_log, access_log_format)
        self._limits: dict[str, Any] = {
            "logger": logger,
            "access_logger": access if access is not None and access.enabled else None,
            "keepalive_timeout": keepalive_timeout,
            "head_timeout": head_timeout,
            "body_timeout": body_timeout,
            "lingering_time": lingering_time,
            "max_line_size": max_line_size,
            "max_field_size": max_field_size,
            "max_headers": max_headers,
            "read_bufsize": read_bufsize,
            "auto_decompress": auto_decompress,
            "tcp_keepalive": tcp_keepalive,
        }

    def __call__(self) -> RequestHandler:
        """Return the protocol for a new connection."""
        settings = self._settings
        if settings is None:
            loop = asyncio.get_running_loop() if self._loop is None else self._loop
            settings = self._settings = ConnectionSettings(
                server=self,
                loop=loop,
                handler=self.request_handler,
                request_factory=self.request_factory,
                handler_cancellation=self.handler_cancellation,
                **self._limits,
            )
        return RequestHandler(settings)

    def _make_request(
        self,
        message: Any,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: Any,
        task: asyncio.Task[None],
    ) -> BaseRequest:
        return BaseRequest(message, payload, protocol, writer, task, task.get_loop())

    @property
    def connections(self) -> list[RequestHandler]:
        """The open connections."""
        return list(self._connections)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Called by each connection when it opens."""
        self._connections[handler] = transport

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Called by each connection when it is lost."""
        if self._connections.pop(handler, None) is not None and handler.busy:
            self._unfinished.add(handler)

    def task_ended(self, handler: RequestHandler) -> None:
        """Called by each connection when no handler of it runs any more."""
        self._unfinished.discard(handler)

    def pre_shutdown(self) -> None:
        """Close the idle connections; let the others end with their current request."""
        for connection in list(self._connections):
            connection.close()

    async def shutdown(self, timeout: float | None = None) -> None:
        """Close all connections: WebSockets with 1001, the others once answered.

        :param timeout: seconds until handlers that still run are cancelled; ``None`` for 15.
        """
        limit = 15.0 if timeout is None else timeout
        self.pre_shutdown()
        # A handler that shuts its own server down cannot be waited for here.
        current = asyncio.current_task()
        connections = {*self._connections, *self._unfinished}
        await asyncio.gather(
            *(each.shutdown(limit) for each in connections if each.task != current)
        )
        self._connections.clear()
        self._unfinished.clear()
