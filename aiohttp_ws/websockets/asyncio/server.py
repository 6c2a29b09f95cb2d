"""``serve`` and its server: a coroutine per connection, as in websockets.

:class:`Server` wraps an :class:`asyncio.Server`. For each connection it runs one task, which sees
the connection through: opening handshake, handler, closing handshake.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, cast

from ...net.transports import create_server
from ...wire.deflate import DeflateOptions
from ...ws.opening.decisions import OnConnect
from ...ws.opening.server import Stage
from ..frames import CloseCode
from ..http11 import SERVER
from ..protocol import State
from ..typing import LoggerLike, Subprotocol
from .basic_auth import basic_auth
from .broadcasting import broadcast
from .older import server_arguments, with_path
from .server_connection import (
    ProcessRequest,
    ProcessResponse,
    ServerConnection,
    call_handshake,
)
from .server_opening import ServerOpening
from .settings import MaxSize, OpeningSettings, Origins, queue_marks, write_marks

__all__ = ("Server", "ServerConnection", "basic_auth", "broadcast", "serve", "unix_serve")

Handler = Callable[[ServerConnection], Awaitable[Any]]


class Server:
    """What :func:`serve` returns: a server with the methods of :class:`asyncio.Server`.

    Await it, or enter it with ``async with``, to begin to listen.

    :param create_server: a coroutine function that begins to listen.
    :param handler: the coroutine function that is called with each connection.
    :param logger: by default ``logging.getLogger("aiohttp_ws.websockets.server")``.
    """

    def __init__(
        self,
        create_server: Callable[[], Coroutine[Any, Any, asyncio.Server]],
        handler: Handler,
        logger: LoggerLike | None = None,
    ) -> None:
        self.handler = handler
        self.logger: Any = logger or logging.getLogger("aiohttp_ws.websockets.server")
        self.server: asyncio.Server | None = None
        #: The tasks of handlers, by connection.
        self.handlers: dict[ServerConnection, asyncio.Task[None]] = {}
        self._create_server = create_server
        self._openings: set[ServerOpening] = set()
        self._make_connection: Callable[[], ServerConnection]
        self._process_request: ProcessRequest | None = None
        self._process_response: ProcessResponse | None = None
        self._server_header: str | None = SERVER
        self._closing: asyncio.Task[None] | None = None
        self._closed: asyncio.Future[None] | None = None

    # ---------------------------------------------------------------- connections

    def _start_handler(
        self, connection: ServerConnection, opening: ServerOpening
    ) -> asyncio.Task[None]:
        task = self.get_loop().create_task(self._handle(connection, opening))
        self.handlers[connection] = task
        # Not at the end of the coroutine: a task that is cancelled at once does not begin it.
        task.add_done_callback(lambda _: self.handlers.pop(connection, None))
        return task

    async def _handle(self, connection: ServerConnection, opening: ServerOpening) -> None:
        """Run one connection, from its request to its end."""
        # Here too, for tasks that start at once, before create_task() returns.
        self.handlers[connection] = cast("asyncio.Task[None]", asyncio.current_task())
        try:
            await call_handshake(
                connection, self._process_request, self._process_response, self._server_header
            )
        except asyncio.CancelledError:
            opening.refuse(503, "Server is shutting down.\n")
            if opening.stage is Stage.OVER and not connection._opened:
                return  # the client left
            raise
        except Exception as exc:
            connection.logger.error("opening handshake failed", exc_info=exc)
            opening.refuse(
                500,
                "Failed to open a WebSocket connection.\nSee server log for more information.\n",
            )
            return
        if not connection._opened:
            return
        connection.start_keepalive()
        try:
            await self.handler(connection)
        except Exception as exc:
            connection.logger.error("connection handler failed", exc_info=exc)
            await connection.close(CloseCode.INTERNAL_ERROR)
        except BaseException:
            connection._start_closing(CloseCode.GOING_AWAY, "")
            raise
        else:
            await connection.close()

    @property
    def connections(self) -> set[ServerConnection]:
        """The connections that are open: not those in their opening or closing handshake."""
        return {connection for connection in self.handlers if connection.state is State.OPEN}

    # --------------------------------------------------------------------- closing

    def close(
        self,
        close_connections: bool = True,
        code: int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """Stop listening and close the connections; :meth:`wait_closed` waits until that is done.

        Connections in their opening handshake are answered with 503. Called again, it does
        nothing.

        :param close_connections: ``False`` leaves connections to their handlers and clients.
        :param code: what connections are closed with, 1001 by default; such as 1012 when the
            service restarts.
        :param reason: the reason that goes with it.
        """
        if self._closing is None:
            self._closing = self.get_loop().create_task(
                self._close(close_connections, code, reason)
            )

    async def _close(self, close_connections: bool, code: int, reason: str) -> None:
        if self.server is not None:
            self.logger.info("server closing")
            self.server.close()
            # The event loop hands over connections it has accepted in its next iteration.
            await asyncio.sleep(0)
            for opening in list(self._openings):
                if close_connections or opening.task is None:
                    opening.refuse(503, "Server is shutting down.\n")
            if close_connections:
                await self._close_connections(code, reason)
            if self.handlers:
                await asyncio.wait(list(self.handlers.values()))
            await self.server.wait_closed()
            self.logger.info("server closed")
        self._closed_future().set_result(None)

    async def _close_connections(self, code: int, reason: str) -> None:
        closing = [connection.close(code, reason) for connection in self.connections]
        for failed in await asyncio.gather(*closing, return_exceptions=True):
            if failed is not None:
                self.logger.error("closing a connection failed", exc_info=failed)

    def _closed_future(self) -> asyncio.Future[None]:
        if self._closed is None:
            self._closed = self.get_loop().create_future()
        return self._closed

    async def wait_closed(self) -> None:
        """Wait until TCP connections are closed and handlers have returned.

        In a handler that awaits ``recv()``, that raises :exc:`ConnectionClosed` then.
        """
        await asyncio.shield(self._closed_future())

    # ------------------------------------------------------------ as asyncio.Server

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """See :meth:`asyncio.Server.get_loop`."""
        if self.server is None:
            return asyncio.get_running_loop()
        return self.server.get_loop()

    def is_serving(self) -> bool:
        """See :meth:`asyncio.Server.is_serving`."""
        return self.server is not None and self.server.is_serving()

    async def start_serving(self) -> None:
        """See :meth:`asyncio.Server.start_serving`; for ``serve(start_serving=False)``."""
        await self._listening().start_serving()

    async def serve_forever(self) -> None:
        """Serve until this is cancelled, which closes the server, or :meth:`close` is called.

        In both cases connections are closed and handlers have returned when it ends.
        """
        await self.start_serving()
        try:
            await self.wait_closed()
        except asyncio.CancelledError:
            self.close()
            await self.wait_closed()
            raise

    @property
    def sockets(self) -> Iterable[Any]:
        """See :attr:`asyncio.Server.sockets`."""
        return () if self.server is None else self.server.sockets

    def _listening(self) -> asyncio.Server:
        if self.server is None:
            raise RuntimeError("the server is not started: await it, or use async with")
        return self.server

    async def __aenter__(self) -> Server:
        return await self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        await self.wait_closed()

    def __await__(self) -> Generator[Any, None, Server]:
        return self._start().__await__()

    __iter__ = __await__

    async def _start(self) -> Server:
        if self.server is None:
            self.server = await self._create_server()
            for sock in self.server.sockets:
                self.logger.info("server listening on %s", listening_on(sock))
        return self


def listening_on(sock: Any) -> str:
    address = sock.getsockname()
    if isinstance(address, tuple):
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{host}:{address[1]}"
    return str(address)


def serve(
    handler: Handler | None = None,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    origins: Origins = None,
    extensions: Sequence[Any] | None = None,
    subprotocols: Sequence[str] | None = None,
    select_subprotocol: (
        Callable[[ServerConnection, Sequence[Subprotocol]], Subprotocol | None] | None
    ) = None,
    compression: str | DeflateOptions | None = "deflate",
    process_request: ProcessRequest | None = None,
    process_response: ProcessResponse | None = None,
    server_header: str | None = SERVER,
    open_timeout: float | None = 10,
    ping_interval: float | None = 20,
    ping_timeout: float | None = 20,
    close_timeout: float | None = 10,
    max_size: MaxSize = 2**20,
    max_queue: int | tuple[int | None, int | None] | None = 16,
    write_limit: int | tuple[int, int | None] = 2**15,
    logger: LoggerLike | None = None,
    create_connection: Callable[..., ServerConnection] | None = None,
    use_aiofastnet: bool | None = None,
    on_connect: OnConnect | None = None,
    **kwargs: Any,
) -> Server:
    """Serve WebSocket connections on *host* and *port*, each with a call of *handler*.

    ``async with serve(handler, "localhost", 8765) as server`` closes it in the end;
    ``server = await serve(...)`` leaves that to ``server.close()``. When the handler returns,
    its connection is closed with 1000; when it raises, with 1011, and that is logged.

    :param handler: a coroutine function of the :class:`ServerConnection`. One of two
        parameters, ``(websocket, path)``, is given the path too, as the first generation did.
    :param host: what to listen on, as for :meth:`asyncio.loop.create_server`.
    :param port: the same; 0 for a free port, which ``server.sockets`` has.
    :param origins: acceptable values of ``Origin``, against pages of other sites (RFC 6455
        10.2): strings, compiled patterns that match all of it, and ``None`` for requests
        without one.
    :param extensions: a list of one ``ServerPerMessageDeflateFactory`` or :class:`DeflateOptions`,
        instead of *compression*.
    :param subprotocols: those that the server speaks, preferred first. A client that offers
        none of them is refused with 400.
    :param select_subprotocol: chooses instead: a function of the connection and the list of
        what the client offers; ``None`` goes on without one, and
        :exc:`~aiohttp_ws.websockets.exceptions.NegotiationError` refuses with 400.
    :param compression: ``"deflate"`` or a :class:`DeflateOptions` accepts permessage-deflate;
        ``None`` does not.
    :param process_request: a function or coroutine function of the connection and its
        ``Request``; the ``Response`` that it returns is sent instead of going on, such as
        ``connection.respond(200, "OK\\n")``.
    :param process_response: the same of the connection, the ``Request`` and the ``Response``
        about to be sent; it may change the response, or return another.
    :param server_header: the value of ``Server``, ``None`` for none.
    :param open_timeout: seconds for the opening handshake, TLS's included; ``None`` for no limit.
    :param ping_interval: seconds between keepalive pings; ``None`` for none.
    :param ping_timeout: seconds that a client has for its pong; then the connection is closed
        with 1011. ``None`` for no limit.
    :param close_timeout: seconds that a client has for the closing handshake; ``None`` for no
        limit.
    :param max_size: bytes that a message may have, inflated, or ``(message, fragment)``, each
        ``None`` for no limit: 1 MiB. A longer one closes the connection with 1009.
    :param max_queue: how many received frames may wait in the queue before the socket is no longer
        read, 16 by default, or ``(high, low)``; ``None`` for no limit.
    :param write_limit: how many bytes of output may be unsent before ``send()`` waits, 32 KiB by
        default, or ``(high, low)``.
    :param logger: by default ``logging.getLogger("aiohttp_ws.websockets.server")``.
    :param create_connection: makes the connection instead of :class:`ServerConnection`: a
        subclass, or a function with its parameters.
    :param use_aiofastnet: transports of the ``aiofastnet`` package: ``True`` needs it,
        ``False`` does without, ``None`` takes them for TLS where it is installed.
    :param on_connect: a function or coroutine function that is asked, when the request is a
        valid one, with a :class:`~aiohttp_ws.ConnectionRequest`. It returns ``None``, a
        subprotocol, a pair (subprotocol, headers) or a :class:`~aiohttp_ws.ConnectionAccept`,
        or raises :exc:`~aiohttp_ws.ConnectionDeny`.
    :param kwargs: for :meth:`asyncio.loop.create_server`: ``ssl``, ``sock``, ``reuse_port``,
        ``start_serving`` and so on. Keywords of the first generation (``create_protocol``,
        ``timeout``, ``read_limit``, ``loop``, ``extra_headers``) work with a
        :exc:`DeprecationWarning` that names what replaces them.
    :return: the :class:`Server`.
    :raises OSError: when it is awaited: the address is in use, or not an address of this machine.
    :raises TypeError: *handler* is missing, *subprotocols* is one string, or an extension is not
        permessage-deflate.
    :raises ValueError: a parameter is out of its range, or a subprotocol is not a token.
    """
    older = server_arguments(kwargs)
    handler = cast("Handler | None", older.pop("handler", handler))
    if handler is None:
        raise TypeError("serve() needs a handler")
    close_timeout = older.pop("close_timeout", close_timeout)
    create_connection = older.pop("create_connection", create_connection) or ServerConnection
    make = create_connection
    logger = logger or logging.getLogger("aiohttp_ws.websockets.server")
    settings = OpeningSettings(
        logger=logger,
        is_server=True,
        extensions=extensions,
        compression=compression,
        subprotocols=subprotocols,
        max_size=max_size,
        origins=origins,
        select_subprotocol=select_subprotocol,
        extra_headers=older.pop("extra_headers", None),
        on_connect=on_connect,
    )

    queue_marks(max_queue)
    write_marks(write_limit)

    def make_connection() -> ServerConnection:
        return make(
            settings,
            server,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_queue=max_queue,
            write_limit=write_limit,
        )

    async def listen() -> asyncio.Server:
        loop = asyncio.get_running_loop()

        def opening() -> ServerOpening:
            return ServerOpening(loop, server, open_timeout)

        return await create_server(
            loop, use_aiofastnet, opening, host, port, tls_timeout=open_timeout, **kwargs
        )

    server = Server(listen, with_path(handler), logger)
    server._make_connection = make_connection
    server._process_request = process_request
    server._process_response = process_response
    server._server_header = server_header
    return server


def unix_serve(
    handler: Handler, path: str | os.PathLike[str] | None = None, **kwargs: Any
) -> Server:
    """Serve on the Unix socket *path*; everything else is as in :func:`serve`.

    :param path: where the socket is made; ``None`` with ``sock``, a Unix socket that exists.
    :raises ValueError: neither *path* nor ``sock`` is given, or both, or ``sock`` is not a Unix
        socket.
    """
    sock = kwargs.get("sock")
    if (path is None) == (sock is None):
        given = "neither" if path is None else "both"
        raise ValueError(f"unix_serve() needs a path or sock=, not {given}")
    if sock is not None and sock.family != socket.AF_UNIX:
        raise ValueError(f"unix_serve() needs a Unix socket as sock=, not {sock!r}; use serve()")
    if path is not None:
        kwargs["path"] = os.fspath(path)
    return serve(handler, **kwargs)
