"""From a URL to a connected transport: directly, through a proxy, or by a socket given.

Every client dials here. In order, each step only where it is asked for::

    a TCP socket (RFC 8305), a Unix socket, or one that the caller made
    a SOCKS proxy's dialog on it
    TLS to an https proxy, and CONNECT (RFC 9110 9.3.6)
    TLS to the server
    the transport is handed to its protocol
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import aiohappyeyeballs
from aiohappyeyeballs import AddrInfoType, SocketFactoryType

from ..wire.url import WSParsedURL, authority, split_url
from .http_tunnel import PendingConnection
from .socks import SOCKS_PORTS, connect_through_socks
from .transports import create_connection, start_tls, uses_aiofastnet

__all__ = (
    "HAPPY_EYEBALLS_DELAY",
    "TLS_ARGUMENTS",
    "AddrInfoType",
    "SocketFactory",
    "SocketFactoryType",
    "connect_socket",
    "is_socks",
    "open_transport",
    "parse_proxy",
    "tcp_socket",
    "tls_name",
)

#: What makes the socket for a URL, for ``open_transport``.
SocketFactory: TypeAlias = (
    "Callable[[WSParsedURL], socket.socket | Awaitable[socket.socket | None] | None]"
)

#: Seconds before the next address is tried beside the one under way (RFC 8305 5).
HAPPY_EYEBALLS_DELAY = 0.25

PROXY_PORTS = {"http": 80, "https": 443, **SOCKS_PORTS}

#: The keywords of ``open_transport`` that are for TLS to the server.
TLS_ARGUMENTS = (
    "server_hostname",
    "ssl_handshake_timeout",
    "ssl_shutdown_timeout",
    "ssl_incoming_bio_size",
    "ssl_outgoing_bio_size",
)
#: Those that say how to connect over TCP.
TCP_ARGUMENTS = ("family", "flags", "happy_eyeballs_delay", "interleave", "local_addr", "proto")


def parse_proxy(url: str) -> WSParsedURL:
    """Take the URL of a proxy apart: ``http``, ``https`` or one of four kinds of SOCKS.

    :raises WSInvalidURL: it is not one.
    """
    return split_url(url, PROXY_PORTS)


def is_socks(proxy: WSParsedURL) -> bool:
    """Whether *proxy* is asked with SOCKS, not with HTTP."""
    return proxy.scheme in SOCKS_PORTS


async def open_transport(
    protocol_factory: Callable[[], asyncio.BaseProtocol],
    url: WSParsedURL,
    *,
    ssl_context: ssl.SSLContext | None = None,
    proxy: str | WSParsedURL | None = None,
    proxy_headers: Iterable[tuple[str, str]] = (),
    proxy_ssl_context: ssl.SSLContext | None = None,
    proxy_tls: Mapping[str, Any] | None = None,
    socket_factory: SocketFactory | None = None,
    use_aiofastnet: bool | None = None,
    loop: asyncio.AbstractEventLoop,
    **kwargs: Any,
) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
    """Connect to the host and port of *url*, with TLS where it is secure.

    The protocol is made when the connection stands, TLS and tunnel included. Whatever ends
    this early, a cancellation too, leaves no socket open. There is no limit of time.

    :param ssl_context: the context of TLS; one that verifies certificates by default.
    :param proxy: a proxy, as :func:`parse_proxy` takes it, with user and password if it wants
        them.
    :param proxy_headers: more headers for an HTTP proxy's ``CONNECT``.
    :param proxy_ssl_context: the context of TLS to an ``https`` proxy.
    :param proxy_tls: TLS's other arguments, for that proxy.
    :param socket_factory: called with *url*, or with the proxy's, for the socket to use. It may
        be a coroutine function. The socket may be connected; ``None`` stands for no socket.
    :param use_aiofastnet: see :func:`~aiohttp_ws.net.transports.uses_aiofastnet`.
    :param kwargs: ``sock``, a connected socket; ``path``, a Unix socket's; or those of
        :func:`tcp_socket`. And those of :meth:`asyncio.loop.create_connection` for TLS, which
        are for the server, not for the proxy.
    :raises WSInvalidURL: *proxy* is not the URL of a proxy.
    :raises DialError: the proxy does not connect to the server, or the server speaks before the
        request.
    :raises OSError: there is no connection, or TLS fails (:exc:`ssl.SSLError`).
    :raises ImportError: a package that an argument needs is not installed.
    """
    proxy_url = parse_proxy(proxy) if isinstance(proxy, str) else proxy
    check(url, proxy_url, socket_factory, kwargs)
    tls = {name: kwargs.pop(name) for name in TLS_ARGUMENTS if name in kwargs}
    if url.is_secure:
        tls["ssl"] = ssl_context or verifying_context()
        tls.setdefault("server_hostname", tls_name(url))
    proxy_context = None
    if proxy_url is not None and proxy_url.is_secure:
        proxy_context = proxy_ssl_context or verifying_context()
    fast = uses_aiofastnet(use_aiofastnet, tls.get("ssl"), proxy_context)
    endpoint = proxy_url or url
    if socket_factory is not None:
        sock = await socket_of(socket_factory, endpoint, loop)
        if sock is not None:
            kwargs = {"sock": sock}  # What else there is says how to connect.
    pending = PendingConnection(loop)
    connect = functools.partial(connect_to, pending, loop, fast)
    if "path" not in kwargs and "sock" not in kwargs:
        kwargs = {"sock": await tcp_socket(endpoint, loop, **kwargs)}
    try:
        if proxy_url is None:
            await connect(**kwargs, **tls)
        elif is_socks(proxy_url):
            sock = await connect_through_socks(proxy_url, url, kwargs["sock"])
            await connect(sock=sock, **tls)
        else:
            if proxy_context is not None:
                kwargs["ssl"] = proxy_context
                kwargs["server_hostname"] = tls_name(proxy_url)
                kwargs.update(proxy_tls or {})
            await connect(**kwargs)
            await pending.connect_through(proxy_url, url, proxy_headers)
            if url.is_secure:
                await pending.secure(functools.partial(start_tls, loop, fast), tls)
        protocol = protocol_factory()
        return pending.hand_over(protocol, authority(url.host, url.port)), protocol
    except BaseException:
        pending.abort()
        raise


def check(
    url: WSParsedURL,
    proxy: WSParsedURL | None,
    socket_factory: SocketFactory | None,
    kwargs: dict[str, Any],
) -> None:
    """Refuse arguments that contradict each other, before there is a socket to close."""
    if "ssl" in kwargs:
        raise TypeError("ssl= is not taken here; pass ssl_context=")
    for name in ("host", "port"):
        if name in kwargs:
            raise TypeError(f"{name}= is not taken here; the URL has it, and sock= overrides it")
    ways = [name for name in ("sock", "path") if kwargs.get(name) is not None]
    if socket_factory is not None:
        ways.append("socket_factory")
    if len(ways) > 1:
        raise ValueError(f"{' and '.join(f'{name}=' for name in ways)} exclude each other")
    if proxy is not None and kwargs.get("path") is not None:
        raise ValueError("path= and proxy= exclude each other")
    for name in kwargs:
        if name not in ("sock", "path", *TLS_ARGUMENTS, *TCP_ARGUMENTS):
            raise TypeError(f"{name}= is not taken here; it is not an argument of a connection")
    for name in TLS_ARGUMENTS:
        if name in kwargs and not url.is_secure:
            raise ValueError(f"{name}= is for wss:// URLs; this one is {url.url!r}")
    for name in ("sock", "path"):
        if name in kwargs and kwargs[name] is None:
            del kwargs[name]


async def connect_to(
    pending: PendingConnection,
    loop: asyncio.AbstractEventLoop,
    fast: bool,
    *,
    sock: socket.socket | None = None,
    path: str | None = None,
    ssl: ssl.SSLContext | None = None,
    server_hostname: str | None = None,
    **kwargs: Any,
) -> None:
    """Give *pending* a transport on *sock*, or to the Unix socket *path*.

    :param kwargs: TLS's other arguments. What says how to connect over TCP is of no use here.
    """
    taken = False

    def protocol() -> PendingConnection:
        nonlocal taken
        taken = True
        return pending

    tls: dict[str, Any] = {name: kwargs[name] for name in TLS_ARGUMENTS if name in kwargs}
    if ssl is not None:
        tls["ssl"] = ssl
        tls["server_hostname"] = server_hostname
    try:
        await create_connection(loop, fast, protocol, sock=sock, path=path, **tls)
    except BaseException:
        # With the protocol the loop has made a transport, and closes that itself. A socket closed
        # below it would leave it to the next connection with the same descriptor.
        if sock is not None and not taken:
            sock.close()
        raise


async def socket_of(
    socket_factory: SocketFactory, endpoint: WSParsedURL, loop: asyncio.AbstractEventLoop
) -> socket.socket | None:
    """The socket that *socket_factory* makes, connected to *endpoint* if it was not connected."""
    made = socket_factory(endpoint)
    sock = await made if inspect.isawaitable(made) else made
    if sock is None:
        return None
    if not isinstance(sock, socket.socket):
        raise TypeError(
            f"socket_factory returned {sock!r}; it must return a socket.socket, or None"
        )
    try:
        if sock.type != socket.SOCK_STREAM:
            raise ValueError(f"socket_factory returned {sock!r}, which is not a stream socket")
        sock.setblocking(False)
        if not is_connected(sock):
            addresses = await loop.getaddrinfo(
                endpoint.host, endpoint.port, family=sock.family, type=sock.type, proto=sock.proto
            )
            await loop.sock_connect(sock, addresses[0][4])
    except BaseException:
        sock.close()
        raise
    return sock


def is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


async def tcp_socket(
    endpoint: WSParsedURL,
    loop: asyncio.AbstractEventLoop,
    *,
    local_addr: tuple[str, int] | None = None,
    family: int = 0,
    proto: int = 0,
    flags: int = 0,
    happy_eyeballs_delay: float | None = HAPPY_EYEBALLS_DELAY,
    interleave: int | None = None,
) -> socket.socket:
    """A socket connected to *endpoint*, arguments as of :meth:`asyncio.loop.create_connection`.

    :raises OSError: no address can be connected to.
    """
    resolve = functools.partial(
        loop.getaddrinfo, family=family, type=socket.SOCK_STREAM, proto=proto, flags=flags
    )
    return await connect_socket(
        await resolve(endpoint.host, endpoint.port),
        loop,
        local_addresses=await resolve(*local_addr) if local_addr else None,
        happy_eyeballs_delay=happy_eyeballs_delay,
        interleave=interleave,
    )


async def connect_socket(
    addresses: Sequence[AddrInfoType],
    loop: asyncio.AbstractEventLoop,
    *,
    local_addresses: Sequence[AddrInfoType] | None = None,
    happy_eyeballs_delay: float | None = HAPPY_EYEBALLS_DELAY,
    interleave: int | None = None,
    socket_factory: SocketFactoryType | None = None,
) -> socket.socket:
    """A socket connected to the first of *addresses* that answers (RFC 8305).

    :param addresses: as of :meth:`asyncio.loop.getaddrinfo`.
    :param local_addresses: those to connect from.
    :param happy_eyeballs_delay: seconds before the next address is tried beside the one under
        way; ``None`` tries one after the other.
    :param interleave: addresses of the first family to try before one of the other.
    :param socket_factory: makes the sockets.
    :raises OSError: none answers.
    """
    return await aiohappyeyeballs.start_connection(
        list(addresses),
        local_addr_infos=None if local_addresses is None else list(local_addresses),
        happy_eyeballs_delay=happy_eyeballs_delay,
        interleave=interleave,
        loop=loop,
        socket_factory=socket_factory,
    )


@functools.cache
def verifying_context() -> ssl.SSLContext:
    # Once: reading the authorities takes some 10 ms.
    return ssl.create_default_context()


def tls_name(url: WSParsedURL) -> str:
    """The name that the certificate of *url* is to be for."""
    return url.host.partition("%")[0].rstrip(".")
