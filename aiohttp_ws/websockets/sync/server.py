"""Serve from programs of threads: each connection has a thread of its own."""

from __future__ import annotations

import concurrent.futures
import inspect
import logging
import os
import re
import selectors
import socket
import ssl as ssl_module
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..asyncio.settings import MaxSize, queue_marks, subprotocol_list
from ..credentials import BasicLogin
from ..exceptions import InvalidHandshake, InvalidStatus
from ..frames import CloseCode
from ..http11 import SERVER, Request, Response
from ..protocol import CONNECTING, OPEN, Event
from ..server_protocol import ServerProtocol
from ..typing import DataLike, LoggerLike, Origin, StatusLike, Subprotocol
from .connection import Connection
from .dialling import Wire
from .extensions import offered
from .tls import TLSSocket
from .utils import Deadline

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...wire.deflate import DeflateOptions

__all__ = (
    "Server",
    "ServerConnection",
    "basic_auth",
    "broadcast",
    "serve",
    "unix_serve",
)

ProcessRequest = Callable[["ServerConnection", Request], "Response | None"]
ProcessResponse = Callable[["ServerConnection", Request, Response], "Response | None"]
Select = Callable[["ServerConnection", Sequence[Subprotocol]], "Subprotocol | None"]


class ServerConnection(Connection):
    """The server's end of a connection.

    :param server: the :class:`Server` that it belongs to.

    The other parameters and the methods are those of
    :class:`~aiohttp_ws.websockets.sync.connection.Connection`.
    """

    protocol: ServerProtocol
    #: The user that :func:`basic_auth` has let in.
    username: str
    #: What :func:`route` has chosen by the path: the handler, and what the path says to it.
    handler: Callable[..., Any]
    handler_kwargs: Mapping[str, Any]

    def __init__(
        self, sock: Wire, protocol: ServerProtocol, server: Server, **settings: Any
    ) -> None:
        self.server = server
        super().__init__(sock, protocol, **settings)

    def respond(self, status: StatusLike, text: str) -> Response:
        """Make a response that ``process_request`` and ``process_response`` can return.

        :param status: the status.
        :param text: the body, sent as UTF-8. Headers can be changed before it is returned.
        """
        return self.protocol.reject(status, text)

    def handshake(
        self,
        process_request: ProcessRequest | None = None,
        process_response: ProcessResponse | None = None,
        server_header: str | None = SERVER,
        timeout: float | None = None,
    ) -> None:
        """Answer the request of the opening handshake.

        :raises InvalidHandshake: the answer is a refusal.
        :raises TimeoutError: there is no request within *timeout* seconds.
        """
        if not self._handshaken.wait(timeout):
            self._cut()
            self._closed.wait()
            raise TimeoutError("timed out while waiting for handshake request")
        request = self.request
        if request is None:
            self._finish()
            raise self.protocol.handshake_exc or ConnectionError("connection closed")
        response: Response | None = None
        try:
            if process_request is not None:
                response = process_request(self, request)
            if response is None:
                response = self._answer(request)
            if server_header is not None:
                response.headers.setdefault("Server", server_header)
            if process_response is not None:
                response = process_response(self, request, response) or response
                if server_header is not None:
                    response.headers.setdefault("Server", server_header)
        except Exception as exc:
            self.protocol.handshake_exc = exc
            self.logger.error("opening handshake failed", exc_info=True)
            response = self.respond(500, "Failed to open a WebSocket connection.\n")
        with self.protocol_mutex:
            self.response = response
            if self.protocol.state is CONNECTING:
                self.protocol.send_response(response)
            is_open = self.protocol.state is OPEN
            for event in self.protocol.events_received():
                self.process_event(event)  # It came with the request.
        self._flush(wait=True)
        if not is_open:
            self._finish()
            raise self.protocol.handshake_exc or InvalidStatus(response)

    def _answer(self, request: Request) -> Response:
        if self.server._refusing:
            return self.respond(503, "Server is shutting down.\n")
        with self.protocol_mutex:
            return self.protocol.accept(request)

    def process_event(self, event: Event) -> None:
        if isinstance(event, Request):
            self.request = event
            self._handshaken.set()
        else:
            super().process_event(event)


class Server:
    """What :func:`serve` returns; in a ``with`` statement it is shut down at the end.

    :param sock: the listening socket.
    :param handler: serves a connection, given the socket and the address that
        :meth:`socket.socket.accept` has returned; each in a thread of its own.
    :param logger: by default ``logging.getLogger("aiohttp_ws.websockets.server")``.
    """

    def __init__(
        self,
        sock: socket.socket,
        handler: Callable[[socket.socket, Any], None],
        logger: LoggerLike | None = None,
    ) -> None:
        self.socket = sock
        self.handler = handler
        self.logger = logger or logging.getLogger("aiohttp_ws.websockets.server")
        self._stopping = threading.Event()
        self._refusing = False
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._connections: set[ServerConnection] = set()
        self._idle = threading.Event()  # serve_forever() is not running.
        self._idle.set()
        # A byte here wakes it.
        self._waking, self._woken = socket.socketpair()

    @property
    def connections(self) -> set[ServerConnection]:
        """The connections that are open."""
        with self._lock:
            return {each for each in self._connections if each.state is OPEN}

    def serve_forever(self) -> None:
        """Accept connections until :meth:`shutdown` is called in another thread."""
        self._idle.clear()
        try:
            if self._stopping.is_set():
                return
            # A client that has gone again must not make accept() wait.
            self.socket.setblocking(False)
            with selectors.DefaultSelector() as selector:
                selector.register(self.socket, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                while not self._stopping.is_set():
                    for key, _ in selector.select():
                        if key.fileobj is self.socket:
                            self._accept()
        finally:
            self._idle.set()

    def _accept(self) -> None:
        try:
            sock, address = self.socket.accept()
        except OSError:
            return  # The client has gone.
        sock.setblocking(True)
        thread = threading.Thread(target=self._serve, args=(sock, address))
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _serve(self, sock: socket.socket, address: Any) -> None:
        try:
            self.handler(sock, address)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def shutdown(
        self,
        close_connections: bool = True,
        code: CloseCode | int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """Accept no more connections, and wait until all handlers have returned.

        :param close_connections: close those that are open, and refuse with 503 those that are
            being opened; else wait until the clients leave.
        :param code: the close code.
        :param reason: a text for people, at most 123 bytes of UTF-8.
        """
        if not self._stopping.is_set():
            self._stopping.set()
            self._waking.send(b"\0")
            self._idle.wait()
            self.socket.close()
            self._waking.close()
            self._woken.close()
        if close_connections:
            self._refusing = True
            closing = [
                threading.Thread(target=each.close, args=(code, reason), daemon=True)
                for each in self.connections
            ]
            for thread in closing:
                thread.start()
            for thread in closing:
                thread.join()
        with self._lock:
            threads = [each for each in self._threads if each is not threading.current_thread()]
        for thread in threads:
            thread.join()

    def fileno(self) -> int:
        """The number of the listening socket's descriptor."""
        return self.socket.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()


def serve(
    handler: Callable[[ServerConnection], Any],
    host: str | None = None,
    port: int | None = None,
    *,
    sock: socket.socket | None = None,
    ssl: ssl_module.SSLContext | None = None,
    origins: Sequence[Origin | re.Pattern[str] | None] | None = None,
    extensions: Sequence[Any] | None = None,
    subprotocols: Sequence[Subprotocol] | None = None,
    select_subprotocol: Select | None = None,
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
    logger: LoggerLike | None = None,
    create_connection: Callable[..., ServerConnection] | None = None,
    **kwargs: Any,
) -> Server:
    """Listen, and serve WebSockets when :meth:`Server.serve_forever` is called::

        with serve(handler, "127.0.0.1", 8080) as server:
            server.serve_forever()

    :param handler: a function that is called with each :class:`ServerConnection`, in a thread of
        its own; the connection is closed when it returns, with 1011 when it raises.
    :param host: the address to listen at; ``None`` for all.
    :param port: the port; 0 or ``None`` for one that is free.
    :param sock: a listening socket, instead.
    :param ssl: the context of TLS.
    :param origins: values of ``Origin`` to accept: strings, compiled patterns that match the
        whole value, ``None`` for requests without it. ``None`` instead accepts all.
    :param extensions: factories of extensions to accept, of your own too.
    :param subprotocols: what to accept, preferred first.
    :param select_subprotocol: chooses instead: a function of the connection and of what the
        client offers.
    :param compression: ``"deflate"`` or a :class:`~aiohttp_ws.DeflateOptions` accepts
        permessage-deflate, ``None`` does not.
    :param process_request: a function of the connection and the request, called before it is
        answered; a response that it returns is the answer.
    :param process_response: a function of the connection, the request and the response, which it
        may change; a response that it returns is sent instead.
    :param server_header: the value of ``Server``, ``None`` for none.
    :param open_timeout: seconds for TLS and the opening handshake, 10 by default; ``None`` for no
        limit.
    :param ping_interval: these four are as for
        :class:`~aiohttp_ws.websockets.sync.connection.Connection`.
    :param max_size: the most bytes of a message, 1 MiB by default; ``None`` for no limit;
        ``(message, fragment)`` for one limit each.
    :param logger: by default ``logging.getLogger("aiohttp_ws.websockets.server")``.
    :param create_connection: makes the connections: a subclass of :class:`ServerConnection`, or a
        function with its parameters.
    :param kwargs: for :func:`socket.create_server`.
    :raises TypeError: a coroutine function is given: threads do not run it.
    """
    for name, function in (
        ("handler", handler),
        ("process_request", process_request),
        ("process_response", process_response),
        ("select_subprotocol", select_subprotocol),
    ):
        if inspect.iscoroutinefunction(function):
            raise _not_run(name)
    queue_marks(max_queue)
    names: Any = None if subprotocols is None else subprotocol_list(subprotocols)
    factories = offered(extensions, compression)
    settings: dict[str, Any] = {
        "ping_interval": ping_interval,
        "ping_timeout": ping_timeout,
        "close_timeout": close_timeout,
        "max_queue": max_queue,
    }
    ServerProtocol(extensions=factories)  # What cannot be meant is refused before it listens.

    def serve_socket(accepted: socket.socket, address: Any) -> None:
        deadline = Deadline(open_timeout)
        wire: Wire = accepted
        try:
            if accepted.family != getattr(socket, "AF_UNIX", None):
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if ssl is not None:
                wire = TLSSocket(accepted, ssl, server_side=True)
                wire.do_handshake(deadline)
            wire.settimeout(None)
            connection: ServerConnection
            select = select_subprotocol
            protocol = ServerProtocol(
                origins=origins,
                extensions=factories,
                subprotocols=names,
                select_subprotocol=(
                    None if select is None else lambda _, offers: select(connection, offers)
                ),
                max_size=max_size,
                logger=server.logger,
            )
            connection = (create_connection or ServerConnection)(wire, protocol, server, **settings)
        except Exception as exc:
            # A client that leaves, or that does not speak TLS, is not an event for the log.
            server.logger.debug("connection lost before the opening handshake: %s", exc)
            wire.close()
            return
        serve_connection(connection, deadline)

    def serve_connection(connection: ServerConnection, deadline: Deadline) -> None:
        try:
            try:
                left = deadline.timeout(raise_if_elapsed=False)
                connection.handshake(process_request, process_response, server_header, left)
            except (InvalidHandshake, OSError):
                connection._finish()
                return
            except Exception:
                server.logger.error("opening handshake failed", exc_info=True)
                connection._finish()
                return
            with server._lock:
                server._connections.add(connection)
            connection.start_keepalive()
            if server._refusing:
                connection.close(CloseCode.GOING_AWAY)
                return
            try:
                handler(connection)
            except Exception:
                connection.logger.error("connection handler failed", exc_info=True)
                connection.close(CloseCode.INTERNAL_ERROR)
            else:
                connection.close()
        finally:
            with server._lock:
                server._connections.discard(connection)

    if sock is None:
        if kwargs.pop("unix", False):
            sock = unix_socket(kwargs.pop("path"))
        else:
            sock = socket.create_server((host or "", port or 0), **kwargs)
    elif host is not None or port is not None:
        raise ValueError("sock= takes the place of host and port: pass one or the other")
    server = Server(sock, serve_socket, logger)
    return server


def unix_socket(path: str | os.PathLike[str]) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(os.fspath(path))
        sock.listen()
    except BaseException:
        sock.close()
        raise
    return sock


def unix_serve(
    handler: Callable[[ServerConnection], Any],
    path: str | os.PathLike[str] | None = None,
    **kwargs: Any,
) -> Server:
    """Serve on the Unix socket *path*; all else as :func:`serve`.

    :raises ValueError: there is neither *path* nor ``sock``.
    """
    if path is None:
        if kwargs.get("sock") is None:
            raise ValueError("unix_serve() needs path or sock=, not neither")
        return serve(handler, **kwargs)
    return serve(handler, unix=True, path=path, **kwargs)


def broadcast(
    connections: Iterable[Connection],
    message: DataLike,
    *,
    raise_exceptions: bool = False,
    text: bool | None = None,
    **kwargs: Any,
) -> None:
    """Send one message to many connections, each in a thread of a pool.

    Connections that are not open are skipped, and so is what one connection fails with.

    :param raise_exceptions: raise an :exc:`ExceptionGroup` of what failed.
    :param text: ``True`` sends bytes as text, ``False`` ``str`` as binary.
    :param kwargs: for :class:`concurrent.futures.ThreadPoolExecutor`.
    :raises TypeError: for another type of message.
    :raises ValueError: *raise_exceptions* before Python 3.11, which has no such groups.
    """
    if not isinstance(message, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"data must be str or bytes, not {type(message).__name__}")
    if raise_exceptions and sys.version_info < (3, 11):
        raise ValueError("raise_exceptions=True needs Python 3.11: ExceptionGroup came with it")
    failed: list[Exception] = []
    with concurrent.futures.ThreadPoolExecutor(**kwargs) as pool:
        sending = {
            pool.submit(each.send, message, text=text): each
            for each in connections
            if each.state is OPEN
        }
        for future, connection in sending.items():
            exc = future.exception()
            if isinstance(exc, Exception):
                failed.append(exc)
                connection.logger.warning("skipped broadcast: failed to write message: %s", exc)
    if raise_exceptions and failed:
        raise ExceptionGroup("skipped broadcast", failed)  # noqa: F821 (ruff thinks of 3.10)


def _not_run(name: str) -> TypeError:
    return TypeError(
        f"{name} is a coroutine function, which threads do not run; pass a function, or"
        " call aiohttp_ws.websockets.asyncio.server.serve()"
    )


def basic_auth(
    realm: str = "",
    credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
    check_credentials: Callable[[str, str], bool] | None = None,
) -> ProcessRequest:
    """Make a ``process_request`` that demands HTTP Basic Authentication (RFC 7617).

    Afterwards the connection has the user's name as ``username``; other requests are answered
    with 401.

    :param realm: what is protected, in ASCII.
    :param credentials: a pair of name and password, or several.
    :param check_credentials: a function of name and password that says whether they are valid;
        instead of *credentials*.
    :raises TypeError: *credentials* is neither a pair nor pairs, or *check_credentials* is a
        coroutine function.
    :raises ValueError: both are given, or neither.
    """
    if inspect.iscoroutinefunction(check_credentials):
        raise _not_run("check_credentials")
    login = BasicLogin(realm, credentials, check_credentials)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        given = login.given(connection, request)
        if isinstance(given, Response):
            return given
        valid = login.check(*given)
        if inspect.isawaitable(valid):
            # It is true, and would let everyone in.
            if inspect.iscoroutine(valid):
                valid.close()
            raise _not_run("check_credentials")
        return login.decided(connection, given[0], valid)

    return process_request
