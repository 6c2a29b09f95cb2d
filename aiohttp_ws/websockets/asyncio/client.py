"""Connect by the message API, once or again and again."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import os
import socket
import ssl as ssl_module
import sys
import traceback as traceback_module
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from types import TracebackType
from typing import Any, Literal, cast

from ...errors import WSInvalidURL
from ...net.dial import TLS_ARGUMENTS, open_transport, parse_proxy, tcp_socket, tls_name
from ...net.dial_error import DialError, DialFault
from ...wire.deflate import DeflateOptions
from ...wire.url import WSParsedURL
from ...ws.opening.decisions import OnConnected
from ..datastructures import Headers, HeadersLike
from ..exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    ProxyError,
    SecurityError,
)
from ..http11 import USER_AGENT, Response
from ..redirecting import MAX_REDIRECTS, kept_headers, parsed, redirect_target
from ..typing import LoggerLike, Origin, Subprotocol
from . import reconnecting
from .client_connection import ClientConnection, MessageOpening, call_handshake, items_of
from .older import client_arguments
from .reconnecting import backoff, process_exception, system_proxy
from .settings import MaxSize, OpeningSettings, queue_marks, write_marks

if sys.version_info >= (3, 11):
    from asyncio import timeout as timeout_scope
else:
    from async_timeout import timeout as timeout_scope

__all__ = ("ClientConnection", "connect", "unix_connect")

NOT_DIALLED: dict[DialFault, type[InvalidHandshake]] = {
    DialFault.PROXY_ANSWER: InvalidProxyMessage,
    DialFault.SOCKS_FAILED: ProxyError,
    DialFault.SPOKE_FIRST: InvalidMessage,
}
PROXY_TLS = (
    "proxy_ssl",
    "proxy_server_hostname",
    "proxy_ssl_handshake_timeout",
    "proxy_ssl_shutdown_timeout",
)


class AllAvoided(Exception):
    """Every address of the host has closed with 1013."""


class connect:
    """Connect to the WebSocket server at *uri*.

    ``async with connect(uri) as websocket`` closes the connection at its end, and
    ``websocket = await connect(uri)`` leaves that to ``websocket.close()``.

    ``async for websocket in connect(uri)`` connects again and again, each time that the body of
    the loop ends or continues. Between failed attempts it waits, longer each time; errors that
    another attempt cannot mend are raised. After close code 1012, with which a service
    restarts, it waits a random 5 to 30 seconds. After 1013, with which one that is overloaded
    sends its clients away, it goes to another address of the host; when there is none left it
    raises the :exc:`ConnectionClosedError`, unless *try_again_after* is given.

    :param uri: ``ws://`` or ``wss://``; a user and a password in it are sent as
        ``Authorization: Basic``.
    :param origin: the value of ``Origin``, for servers that want one.
    :param extensions: permessage-deflate factories or :class:`DeflateOptions`, instead of
        *compression*.
    :param subprotocols: what to offer, preferred first.
    :param compression: ``"deflate"`` or a :class:`DeflateOptions` offers permessage-deflate;
        ``None`` does without.
    :param additional_headers: more headers for the request. ``Host`` replaces the URI's.
    :param user_agent_header: the value of ``User-Agent``, ``None`` for none.
    :param proxy: ``True`` for the one that the environment or the system names, the URL of
        one (``http``, ``https``, ``socks4``, ``socks4a``, ``socks5``, ``socks5h``), or ``None``.
    :param process_exception: says whether to try again after an exception, by returning
        ``None``, or which to raise; :func:`~aiohttp_ws.websockets.client.process_exception` by
        default.
    :param open_timeout: seconds for everything until the connection is open; ``None`` for no
        limit.
    :param ping_interval: these six are as for :func:`serve`.
    :param reconnect_delays: makes an iterator of the seconds to wait before attempts; by
        default random up to 5 s, then growing from 3.1 to 90 s.
    :param try_again_after: seconds after which an address that has closed with 1013 may be
        connected to again; ``None`` for never.
    :param logger: by default ``logging.getLogger("aiohttp_ws.websockets.client")``.
    :param create_connection: makes the connection instead of :class:`ClientConnection`: a
        subclass, or a function with its parameters.
    :param use_aiofastnet: as for :func:`serve`.
    :param on_connect: a function or coroutine function that is given a
        :class:`~aiohttp_ws.ConnectionResponse` when the server has accepted. What it raises ends
        the connection, and is raised.
    :param kwargs: for :meth:`asyncio.loop.create_connection`: ``ssl``, ``server_hostname``,
        ``sock``, ``local_addr``, ``happy_eyeballs_delay`` (0.25 seconds by default) and so on.
        ``host`` and ``port`` replace those of the URI to connect to, not to name in TLS and
        ``Host``. ``proxy_ssl``, ``proxy_server_hostname``, ``proxy_ssl_handshake_timeout`` and
        ``proxy_ssl_shutdown_timeout`` are for an ``https`` proxy. Keywords of the first generation
        (``create_protocol``, ``timeout``, ``read_limit``, ``loop``, ``extra_headers``) work with a
        :exc:`DeprecationWarning` that names what replaces them.
    :raises InvalidURI: *uri* is not a URI to connect to.
    :raises InvalidProxy: *proxy* is not the URL of a proxy.
    :raises InvalidHandshake: the server, or the proxy, refused; its subclasses tell how.
    :raises TimeoutError: there was no connection within *open_timeout* (
        ``asyncio.TimeoutError`` before Python 3.11).
    :raises OSError: the server cannot be reached.
    """

    def __init__(
        self,
        uri: str,
        *,
        origin: Origin | str | None = None,
        extensions: Sequence[Any] | None = None,
        subprotocols: Sequence[Subprotocol] | Sequence[str] | None = None,
        compression: str | DeflateOptions | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        proxy: str | Literal[True] | None = True,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        reconnect_delays: Callable[[], Generator[float, None, None]] = backoff,
        max_size: MaxSize = 2**20,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: int | tuple[int, int | None] = 2**15,
        logger: LoggerLike | None = None,
        create_connection: Callable[..., ClientConnection] | None = None,
        try_again_after: float | None = None,
        use_aiofastnet: bool | None = None,
        on_connect: OnConnected | None = None,
        **kwargs: Any,
    ) -> None:
        older = client_arguments(kwargs)
        self.uri = uri
        self.additional_headers = older.get("additional_headers", additional_headers)
        self.user_agent_header = user_agent_header
        self.proxy = proxy
        self.process_exception = process_exception
        self.open_timeout = open_timeout
        self.reconnect_delays = reconnect_delays
        self.try_again_after = try_again_after
        self.logger: Any = logger or logging.getLogger("aiohttp_ws.websockets.client")
        # The connection of ``async with``, and whether one is being entered.
        self.connection: ClientConnection
        self._is_entered = False
        self._settings: dict[str, Any] = {
            "logger": self.logger,
            "extensions": extensions,
            "compression": compression,
            "subprotocols": subprotocols,
            "max_size": max_size,
            "origin": origin,
            "on_connect": on_connect,
        }
        # What cannot be meant is refused before it connects.
        OpeningSettings(**self._settings)
        queue_marks(max_queue)
        write_marks(write_limit)
        self._create = older.get("create_connection", create_connection) or ClientConnection
        self._connection_settings: dict[str, Any] = {
            "ping_interval": ping_interval,
            "ping_timeout": ping_timeout,
            "close_timeout": older.get("close_timeout", close_timeout),
            "max_queue": max_queue,
            "write_limit": write_limit,
        }
        self._use_aiofastnet = use_aiofastnet
        self._kwargs = kwargs
        # Where the next attempt goes, and with which headers: redirects change them.
        self._target = uri
        self._headers: list[tuple[str, str]] = []
        # Addresses that have closed with 1013, and until when they are avoided.
        self._avoided: dict[Any, float] = {}

    # ---------------------------------------------------------------- one connection

    async def connect(self) -> ClientConnection:
        """Connect once, redirects followed, and return the connection."""
        self._target = self.uri
        self._headers = list(items_of(self.additional_headers))
        scope = timeout_scope(self.open_timeout)
        try:
            async with scope:
                return await self._connect()
        except asyncio.TimeoutError as exc:
            expired: Any = scope.expired
            if not (expired() if callable(expired) else expired):
                raise  # the network's own
            raise asyncio.TimeoutError("timed out during opening handshake") from exc

    async def _connect(self) -> ClientConnection:
        for _ in range(MAX_REDIRECTS + 1):
            connection = await self.open_tcp_connection()
            try:
                await call_handshake(connection, self._headers, self.user_agent_header)
            except BaseException as exc:
                connection._abandon()
                if not isinstance(exc, Exception):
                    raise
                decided = self.process_redirect(exc)
                if decided is exc:
                    raise
                if isinstance(decided, Exception):
                    raise decided from exc
                self._target = decided
            else:
                connection.start_keepalive()
                return connection
        raise SecurityError(f"more than {MAX_REDIRECTS} redirects")

    async def open_tcp_connection(self) -> ClientConnection:
        """Connect to the server, through a proxy if there is one; TLS included.

        The connection that it returns has its opening handshake before it.
        """
        loop = asyncio.get_running_loop()
        url = parsed(self._target)
        kwargs = dict(self._kwargs)
        context = ssl_context(url, kwargs)
        dialled = self._endpoint(url, kwargs)
        proxy = self._proxy_for(url, kwargs)
        proxy_tls = self._tls_to(proxy, kwargs)
        if self._avoided and proxy is None and not ("sock" in kwargs or "path" in kwargs):
            others = {name: kwargs.pop(name) for name in list(kwargs) if name not in TLS_ARGUMENTS}
            kwargs["socket_factory"] = functools.partial(self._other_socket, **others)
        settings = OpeningSettings(**self._settings, uri=url)
        connection = self._create(settings, **self._connection_settings)
        opening = MessageOpening(connection)
        try:
            await open_transport(
                opening.as_protocol,
                dialled,
                ssl_context=context,
                proxy=proxy,
                proxy_headers=self._proxy_headers(),
                proxy_ssl_context=proxy_tls.pop("ssl", None),
                proxy_tls=proxy_tls,
                use_aiofastnet=self._use_aiofastnet,
                loop=loop,
                **kwargs,
            )
        except WSInvalidURL as exc:  # SOCKS cannot carry the login
            raise InvalidProxy(exc.url, str(exc.args[1])) from None
        except DialError as exc:
            raise not_dialled(exc) from exc
        return connection

    def _tls_to(self, proxy: WSParsedURL | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take what is for TLS to *proxy* from *kwargs*, ``ssl`` only if it is a context.

        :raises ValueError: it contradicts the proxy.
        """
        given = {
            name.removeprefix("proxy_"): kwargs.pop(name)
            for name in list(kwargs)
            if name in PROXY_TLS
        }
        if proxy is None and self.proxy is True:
            return {}  # what is configured for this URI, or machine, is to go directly
        if proxy is None or not proxy.is_secure:
            for name, value in given.items():
                if value is not None:
                    to = "there is none" if proxy is None else f"{proxy.scheme}:// has no TLS"
                    raise ValueError(f"proxy_{name}= is for an https:// proxy; {to}")
            return {}
        wanted = given.pop("ssl", True)
        if wanted is None or wanted is False:
            raise ValueError(
                f"proxy_ssl={wanted} is incompatible with an https:// proxy; pass an"
                " ssl.SSLContext, or leave it out"
            )
        return given if wanted is True else {"ssl": wanted, **given}

    def _proxy_headers(self) -> list[tuple[str, str]]:
        agent = self.user_agent_header
        return [] if agent is None else [("User-Agent", agent)]

    def _endpoint(self, url: WSParsedURL, kwargs: dict[str, Any]) -> WSParsedURL:
        """*url* with the host and the port to connect to, and TLS for the host of the URI."""
        host, port = kwargs.pop("host", None), kwargs.pop("port", None)
        if host is None and port is None:
            return url
        if url.is_secure:
            kwargs.setdefault("server_hostname", tls_name(url))
        return dataclasses.replace(url, host=host or url.host, port=port or url.port)

    def _proxy_for(self, url: WSParsedURL, kwargs: dict[str, Any]) -> WSParsedURL | None:
        """The proxy to ask, if any.

        :raises InvalidProxy: it is not the URL of a proxy.
        """
        proxy = self.proxy
        if proxy is True:
            given = kwargs.get("sock") is not None or kwargs.get("path") is not None
            proxy = None if given else system_proxy(url)
        if proxy is None:
            return None
        try:
            return parse_proxy(proxy)
        except WSInvalidURL as exc:
            raise InvalidProxy(proxy, str(exc.args[1])) from None

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Decide about an attempt that ended with *exc*: follow a redirect, or raise.

        Never from ``wss`` to ``ws``. To another host go neither credentials nor ``Host``.

        :return: the URI to go on with, or the exception to raise.
        """
        old = parsed(self._target)
        given = [
            name for name in ("sock", "path", "host", "port") if self._kwargs.get(name) is not None
        ]
        target = redirect_target(exc, old, given)
        if isinstance(target, str):
            self._headers = kept_headers(self._headers, old, parsed(target))
        return target

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self.connect().__await__()

    __iter__ = __await__

    async def __aenter__(self) -> ClientConnection:
        if self._is_entered:
            raise RuntimeError(
                "connect() is not reentrant: this one is entered already; call connect() again"
                " for another connection"
            )
        self._is_entered = True
        try:
            self.connection = await self
            return await self.connection.__aenter__()
        except BaseException:
            self._is_entered = False
            raise

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.connection.__aexit__(exc_type, exc_value, traceback)
        finally:
            del self.connection
            self._is_entered = False

    # ------------------------------------------------------------------- again and again

    async def __aiter__(self) -> AsyncIterator[ClientConnection]:
        """Connect, and again when the body of the loop has ended."""
        delays: Generator[float, None, None] | None = None
        error: Exception | None = None
        while True:
            try:
                connection = await self
            except AllAvoided:
                await self._wait_for_address(error)
                continue
            except Exception as exc:
                decided = self.process_exception(exc)
                if decided is exc:
                    raise
                if decided is not None:
                    raise decided from exc
                if delays is None:
                    delays = self.reconnect_delays()
                delay = next(delays)
                self.logger.info(
                    "connect failed; reconnecting in %.1f seconds: %s",
                    delay,
                    traceback_module.format_exception_only(type(exc), exc)[0].strip(),
                )
                await reconnecting.sleep(delay)
                continue
            delays = None
            try:
                yield connection
            finally:
                await connection.close()
            closed = connection.close_exc
            code = reconnecting.told_code(closed)
            if code == reconnecting.SERVICE_RESTART:
                delay = reconnecting.restart_delay()
                self.logger.info("service restarts; reconnecting in %.1f seconds", delay)
                await reconnecting.sleep(delay)
            elif code == reconnecting.TRY_AGAIN_LATER:
                error = closed
                self._avoid(connection)
                if not self._knows_addresses():
                    await self._wait_for_address(error)

    def _knows_addresses(self) -> bool:
        """Whether it is for us to choose among addresses of the host."""
        ways = (self._kwargs.get("sock"), self._kwargs.get("path"))
        return ways == (None, None) and self._proxy_for(parsed(self.uri), self._kwargs) is None

    def _avoid(self, connection: ClientConnection) -> None:
        address = connection.remote_address
        until = float("inf")
        if self.try_again_after is not None:
            until = connection.loop.time() + self.try_again_after
        self._avoided[address_key(address)] = until
        self.logger.info("service is overloaded at %s; not returning to it", address)

    async def _wait_for_address(self, error: Exception | None) -> None:
        """Wait until an address may be connected to again; raise *error* if none may ever."""
        first = min(self._avoided.values())
        if first == float("inf"):
            assert error is not None
            raise error
        now = asyncio.get_running_loop().time()
        await reconnecting.sleep(max(first - now, 0))
        self._avoided = {key: until for key, until in self._avoided.items() if until > first}

    async def _other_socket(self, url: WSParsedURL, **kwargs: Any) -> socket.socket:
        """A socket connected to an address of *url* that is not avoided."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._avoided = {key: until for key, until in self._avoided.items() if until > now}
        known = await reconnecting.addresses(url.host, url.port, kwargs.get("family", 0))
        left = [address for address in known if address_key(address) not in self._avoided]
        failed: Exception = AllAvoided()
        for host, port, *_ in left:
            try:
                there = dataclasses.replace(url, host=host, port=port)
                return await tcp_socket(there, loop, **kwargs)
            except OSError as exc:
                failed = exc
        raise failed


def address_key(address: Any) -> Any:
    return address[:2] if isinstance(address, tuple) else address


def ssl_context(url: WSParsedURL, kwargs: dict[str, Any]) -> ssl_module.SSLContext | None:
    """Take ``ssl`` from *kwargs*; ``None`` for the default of *url*."""
    if "ssl" not in kwargs:
        return None
    context = kwargs.pop("ssl")
    if url.is_secure:
        if context is None:
            raise ValueError("ssl=None is incompatible with a wss:// URI")
        return None if context is True else cast("ssl_module.SSLContext", context)
    if context is not None:
        raise ValueError("ssl argument is incompatible with a ws:// URI")
    return None


def not_dialled(exc: DialError) -> InvalidHandshake:
    """What the dialler reports, as the message API raises it."""
    head = exc.head
    if exc.fault is DialFault.PROXY_REFUSED and head is not None:
        headers = Headers.from_raw(head.raw_headers)
        return InvalidProxyStatus(Response(head.status, head.reason, headers, exc.raw_body or b""))
    return NOT_DIALLED[exc.fault](exc.message)


def unix_connect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, **kwargs: Any
) -> connect:
    """Connect to a server that listens on the Unix socket *path*; all else as :class:`connect`.

    :param uri: by default ``ws://localhost/``, or ``wss://localhost/`` when ``ssl`` is given.
    :raises ValueError: there is neither *path* nor ``sock``, or there are both.
    """
    if (path is None) is (kwargs.get("sock") is None):
        given = "neither" if path is None else "both"
        raise ValueError(f"unix_connect() needs path or sock=, not {given}")
    if uri is None:
        uri = "ws://localhost/" if kwargs.get("ssl") is None else "wss://localhost/"
    if path is not None:
        kwargs["path"] = os.fspath(path)
    return connect(uri, **kwargs)
