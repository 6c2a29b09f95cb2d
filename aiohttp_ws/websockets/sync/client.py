"""Connect from programs of threads, once or again and again."""

from __future__ import annotations

import logging
import os
import socket
import ssl as ssl_module
import time
import traceback as traceback_module
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from ...net.dial import tls_name
from ...wire.url import WSParsedURL
from ..asyncio.client_connection import items_of
from ..asyncio.reconnecting import backoff, process_exception, system_proxy
from ..asyncio.settings import MaxSize, queue_marks, subprotocol_list
from ..client_protocol import ClientProtocol
from ..datastructures import HeadersLike
from ..exceptions import SecurityError
from ..http11 import USER_AGENT, Response
from ..protocol import Event
from ..redirecting import MAX_REDIRECTS, kept_headers, parsed, redirect_target
from ..typing import LoggerLike, Origin, Subprotocol
from ..uri import parse_uri
from .connection import Connection
from .dialling import Wire, connected_socket, proxy_of, secured
from .extensions import offered
from .hooks import refuse_uncalled
from .utils import Deadline

if TYPE_CHECKING:
    from ...wire.deflate import DeflateOptions

__all__ = ("ClientConnection", "connect", "reconnect", "unix_connect", "unix_reconnect")

NOT_ENTERED = (
    "connect() is to be entered: with connect(...) as websocket: ...; or pass legacy=True to"
    " have a connection that you close yourself"
)


class ClientConnection(Connection):
    """The client's end of a connection; parameters and methods are those of
    :class:`~aiohttp_ws.websockets.sync.connection.Connection`."""

    protocol: ClientProtocol
    # Whether the first use warns: it was made by connect(), without a word about ``legacy``.
    _unentered = False

    def __enter__(self) -> ClientConnection:
        self._unentered = False
        return super().__enter__()

    def _used(self) -> None:
        if self._unentered:
            self._unentered = False
            warnings.warn(NOT_ENTERED, DeprecationWarning, stacklevel=3)

    def handshake(
        self,
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        timeout: float | None = None,
    ) -> None:
        """Do the opening handshake.

        :raises InvalidHandshake: the server refuses.
        :raises TimeoutError: it does not answer within *timeout* seconds.
        """
        with self.protocol_mutex:
            self.request = self.protocol.connect()
            for name, value in items_of(additional_headers):
                if name.lower() == "host":
                    del self.request.headers["Host"]
                self.request.headers[name] = value
            if user_agent_header is not None:
                self.request.headers.setdefault("User-Agent", user_agent_header)
            self.protocol.send_request(self.request)
        self._flush(wait=True)
        if not self._handshaken.wait(timeout):
            self._cut()
            self._closed.wait()
            raise TimeoutError("timed out while waiting for handshake response")
        if self.protocol.handshake_exc is not None:
            self._finish()
            raise self.protocol.handshake_exc
        if self._lost_by is not None and self.response is None:
            raise self._lost_by

    def process_event(self, event: Event) -> None:
        if isinstance(event, Response):
            self.response = event
            self._handshaken.set()
        else:
            super().process_event(event)


NOT_CALLED = ("enable_tls", "open_connection", "open_socket", "process_redirect")


class reconnect:
    """Connect to the WebSocket server at *uri*, and again.

    ``for websocket in reconnect(uri)`` connects each time that the body of the loop ends or
    continues, and waits between failed attempts, longer each time; errors that another attempt
    cannot mend are raised. ``with reconnect(uri) as websocket`` connects once.

    Parameters and exceptions are those of :func:`connect`, and:

    :param process_exception: says whether to try again after an exception, by returning
        ``None``, or which to raise.
    :param reconnect_delays: makes an iterator of the seconds to wait before attempts.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_uncalled(cls, NOT_CALLED)

    def __init__(
        self,
        uri: str,
        *,
        sock: socket.socket | None = None,
        ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
        origin: Origin | None = None,
        extensions: Sequence[Any] | None = None,
        subprotocols: Sequence[Subprotocol] | None = None,
        compression: str | DeflateOptions | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        proxy: str | Literal[True] | None = True,
        proxy_ssl: ssl_module.SSLContext | None = None,
        proxy_server_hostname: str | None = None,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        reconnect_delays: Callable[[], Generator[float, None, None]] = backoff,
        max_size: MaxSize = 2**20,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        logger: LoggerLike | None = None,
        create_connection: Callable[..., ClientConnection] | None = None,
        **kwargs: Any,
    ) -> None:
        self.uri = uri
        self.open_timeout = open_timeout
        self.process_exception = process_exception
        self.reconnect_delays = reconnect_delays
        self.logger: Any = logger or logging.getLogger("aiohttp_ws.websockets.client")
        self.connection: ClientConnection
        self._path = kwargs.pop("path", None)
        self._sock = sock
        self._ssl = ssl
        self._server_hostname = server_hostname
        self._additional_headers = additional_headers
        self._user_agent_header = user_agent_header
        self._proxy = proxy
        self._proxy_ssl = proxy_ssl
        self._proxy_server_hostname = proxy_server_hostname
        self._create = create_connection or ClientConnection
        self._kwargs = kwargs
        # What cannot be meant is refused before it connects.
        queue_marks(max_queue)
        names = None if subprotocols is None else subprotocol_list(subprotocols)
        self._protocol_settings: dict[str, Any] = {
            "origin": origin,
            "extensions": offered(extensions, compression),
            "subprotocols": names,
            "max_size": max_size,
            "logger": self.logger,
        }
        self._connection_settings: dict[str, Any] = {
            "ping_interval": ping_interval,
            "ping_timeout": ping_timeout,
            "close_timeout": close_timeout,
            "max_queue": max_queue,
        }

    def connect(self) -> ClientConnection:
        """Connect once, redirects followed, and return the connection."""
        target = self.uri
        headers = list(items_of(self._additional_headers))
        deadline = Deadline(self.open_timeout)
        given = [
            name
            for name, value in (
                ("sock", self._sock),
                ("path", self._path),
                ("host", self._kwargs.get("address")),
            )
            if value is not None
        ]
        for _ in range(MAX_REDIRECTS + 1):
            try:
                return self._connect_to(target, headers, deadline)
            except Exception as exc:
                old = parsed(target)
                decided = redirect_target(exc, old, given)
                if decided is exc:
                    raise
                if isinstance(decided, Exception):
                    raise decided from exc
                headers = kept_headers(headers, old, parsed(decided))
                target = decided
        raise SecurityError(f"more than {MAX_REDIRECTS} redirects")

    def _connect_to(
        self, target: str, headers: list[tuple[str, str]], deadline: Deadline
    ) -> ClientConnection:
        url = parsed(target)
        wire = self._open(url, deadline)
        try:
            wire.settimeout(None)
            protocol = ClientProtocol(parse_uri(target), **self._protocol_settings)
            connection = self._create(wire, protocol, **self._connection_settings)
        except BaseException:
            wire.close()
            raise
        connection.handshake(headers, self._user_agent_header, deadline.timeout())
        connection.start_keepalive()
        return connection

    def _open(self, url: WSParsedURL, deadline: Deadline) -> Wire:
        """Connect to the server, through a proxy if there is one; TLS included."""
        if self._ssl is not None and not url.is_secure:
            raise ValueError("ssl argument is incompatible with a ws:// URI")
        wire: Wire
        if self._sock is not None:
            wire = self._sock
        else:
            wire = connected_socket(
                url,
                deadline,
                path=self._path,
                proxy=self._proxy_for(url),
                proxy_ssl=self._proxy_ssl,
                proxy_server_hostname=self._proxy_server_hostname,
                user_agent=self._user_agent_header,
                arguments=self._kwargs,
            )
        if not url.is_secure or isinstance(wire, ssl_module.SSLSocket):
            return wire
        context = self._ssl or ssl_module.create_default_context()
        try:
            return secured(wire, context, self._server_hostname or tls_name(url), deadline)
        except BaseException:
            wire.close()
            raise

    def _proxy_for(self, url: WSParsedURL) -> WSParsedURL | None:
        proxy = self._proxy
        if proxy is True:
            proxy = None if self._path is not None else system_proxy(url)
        return None if proxy is None else proxy_of(proxy)

    def __enter__(self) -> ClientConnection:
        self.connection = self.connect()
        return self.connection

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.__exit__(exc_type, exc_value, traceback)
        del self.connection

    def __iter__(self) -> Iterator[ClientConnection]:
        delays: Generator[float, None, None] | None = None
        while True:
            try:
                connection = self.connect()
            except Exception as exc:
                decided = self.process_exception(exc)
                if decided is exc:
                    raise
                if decided is not None:
                    raise decided from exc
                delays = delays or self.reconnect_delays()
                delay = next(delays)
                self.logger.info(
                    "connect failed; reconnecting in %.1f seconds: %s",
                    delay,
                    traceback_module.format_exception_only(type(exc), exc)[0].strip(),
                )
                time.sleep(delay)
                continue
            delays = None
            with connection:
                yield connection


def connect(
    uri: str,
    *,
    sock: socket.socket | None = None,
    ssl: ssl_module.SSLContext | None = None,
    server_hostname: str | None = None,
    origin: Origin | None = None,
    extensions: Sequence[Any] | None = None,
    subprotocols: Sequence[Subprotocol] | None = None,
    compression: str | DeflateOptions | None = "deflate",
    additional_headers: HeadersLike | None = None,
    user_agent_header: str | None = USER_AGENT,
    proxy: str | Literal[True] | None = True,
    proxy_ssl: ssl_module.SSLContext | None = None,
    proxy_server_hostname: str | None = None,
    open_timeout: float | None = 10,
    ping_interval: float | None = 20,
    ping_timeout: float | None = 20,
    close_timeout: float | None = 10,
    max_size: MaxSize = 2**20,
    max_queue: int | tuple[int | None, int | None] | None = 16,
    logger: LoggerLike | None = None,
    create_connection: Callable[..., ClientConnection] | None = None,
    legacy: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Connect to the WebSocket server at *uri*: ``with connect(uri) as websocket``.

    :param uri: ``ws://`` or ``wss://``; a user and a password in it are sent as
        ``Authorization: Basic``.
    :param legacy: ``True`` returns a :class:`ClientConnection`, which the caller closes; iterating
        over it receives messages. So does ``None``, the default, with a
        :exc:`DeprecationWarning` where the connection is used and was not entered. ``False``
        returns a :class:`reconnect`.
    :param sock: a connected socket to use.
    :param ssl: the context of TLS for ``wss``; one that verifies certificates by default.
    :param server_hostname: the name in the server's certificate; the URI's by default.
    :param origin: the value of ``Origin``, for servers that want one.
    :param extensions: factories of extensions to offer, of your own too, before permessage-deflate.
    :param subprotocols: what to offer, preferred first.
    :param compression: ``"deflate"`` or a :class:`~aiohttp_ws.DeflateOptions` offers
        permessage-deflate, ``None`` does not.
    :param additional_headers: more headers for the request. ``Host`` replaces the URI's.
    :param user_agent_header: the value of ``User-Agent``, ``None`` for none.
    :param proxy: ``True`` for the one that the environment or the system names, the URL of one,
        or ``None``.
    :param proxy_ssl: the context of TLS to an ``https`` proxy.
    :param proxy_server_hostname: the name in its certificate.
    :param open_timeout: seconds for everything until the connection stands, 10 by default;
        ``None`` for no limit.
    :param ping_interval: these four are as for
        :class:`~aiohttp_ws.websockets.sync.connection.Connection`.
    :param max_size: the most bytes of a message, 1 MiB by default; ``None`` for no limit;
        ``(message, fragment)`` for one limit each.
    :param logger: by default ``logging.getLogger("aiohttp_ws.websockets.client")``.
    :param create_connection: makes the connection: a subclass of :class:`ClientConnection`, or a
        function with its parameters.
    :param kwargs: for :func:`socket.create_connection`; ``address`` is where to
        connect to, instead of the URI's host and port.
    :raises InvalidURI: *uri* is not a URI to connect to.
    :raises InvalidProxy: *proxy* is not the URL of a proxy.
    :raises InvalidHandshake: the server, or the proxy, refuses; its subclasses tell how.
    :raises TimeoutError: there is no connection in time.
    :raises OSError: there is no way to the server.
    """
    connector = reconnect(
        uri,
        sock=sock,
        ssl=ssl,
        server_hostname=server_hostname,
        origin=origin,
        extensions=extensions,
        subprotocols=subprotocols,
        compression=compression,
        additional_headers=additional_headers,
        user_agent_header=user_agent_header,
        proxy=proxy,
        proxy_ssl=proxy_ssl,
        proxy_server_hostname=proxy_server_hostname,
        open_timeout=open_timeout,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        close_timeout=close_timeout,
        max_size=max_size,
        max_queue=max_queue,
        logger=logger,
        create_connection=create_connection,
        **kwargs,
    )
    if legacy is False:
        return connector
    connection = connector.connect()
    connection._unentered = legacy is None
    return connection


def unix_reconnect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, **kwargs: Any
) -> reconnect:
    """:class:`reconnect` for a server that listens on the Unix socket *path*.

    :param uri: by default ``ws://localhost/``, or ``wss://localhost/`` when ``ssl`` is given.
    """
    return reconnect(unix_uri(uri, kwargs), path=path, **kwargs)


def unix_connect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, **kwargs: Any
) -> Any:
    """:func:`connect` for a server that listens on the Unix socket *path*.

    :param uri: by default ``ws://localhost/``, or ``wss://localhost/`` when ``ssl`` is given.
    """
    return connect(unix_uri(uri, kwargs), path=path, **kwargs)


def unix_uri(uri: str | None, kwargs: dict[str, Any]) -> str:
    if uri is not None:
        return uri
    return "ws://localhost/" if kwargs.get("ssl") is None else "wss://localhost/"
