"""From a URL to a connected transport: directly, through a proxy, or by a socket given."""

from __future__ import annotations

import asyncio
import functools
import inspect
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import aiohappyeyeballs

from ..net.transports import create_connection, start_tls, uses_aiofastnet
from .socks import SOCKS_PORTS, connect_through_socks
from .tunnel import Opening
from .url import WSParsedURL, authority, split_url

__all__ = ("SocketFactory", "open_transport")

SocketFactory: TypeAlias = (
    "Callable[[WSParsedURL], socket.socket | Awaitable[socket.socket | None] | None]"
)

PROXY_PORTS = {"http": 80, "https": 443, **SOCKS_PORTS}

TLS_ARGUMENTS = (
    "server_hostname",
    "ssl_handshake_timeout",
    "ssl_shutdown_timeout",
    "ssl_incoming_bio_size",
    "ssl_outgoing_bio_size",
)


async def open_transport(
    protocol_factory: Callable[[], asyncio.BaseProtocol],
    url: WSParsedURL,
    *,
    ssl_context: ssl.SSLContext | None = None,
    proxy: str | None = None,
    proxy_ssl_context: ssl.SSLContext | None = None,
    proxy_tls: Mapping[str, Any] | None = None,
    socket_factory: SocketFactory | None = None,
    use_aiofastnet: bool | None = None,
    loop: asyncio.AbstractEventLoop,
    **kwargs: Any,
) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
    """Connect to the host and port of *url*, with TLS where it says ``wss``.

    The protocol is made when the connection stands, TLS and tunnel included. Whatever ends
    this early, a cancellation too, leaves no socket open. There is no limit of time.

    :param ssl_context: the context of TLS; one that verifies certificates by default.
    :param proxy: the URL of a proxy: ``http``, ``https``, ``socks4``, ``socks4a``, ``socks5``
        or ``socks5h``, with user and password if it wants them.
    :param proxy_ssl_context: the context of TLS to an ``https`` proxy.
    :param proxy_tls: TLS's other arguments, for that proxy.
    :param socket_factory: called with *url*, or with the proxy's, for the socket to use. It may
        be a coroutine function. The socket may be connected; ``None`` stands for no socket.
    :param use_aiofastnet: see :func:`~aiohttp_ws.net.transports.uses_aiofastnet`.
    :param kwargs: of :meth:`asyncio.loop.create_connection`, or ``path=``, a Unix socket. TLS's
        are for the server, not for the proxy.
    :raises WSInvalidURL: when *proxy* is no URL of a proxy.
    :raises WSProxyError: when the proxy does not connect to the server.
    :raises WSInvalidMessageError: when the server speaks before the request.
    :raises OSError: when there is no connection, or TLS fails (:exc:`ssl.SSLError`).
    :raises ImportError: when a package that an argument needs is not installed.
    """
    proxy_url = split_url(proxy, PROXY_PORTS) if proxy is not None else None
    check(url, proxy, socket_factory, kwargs)
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
    opening = Opening(loop)
    connect = functools.partial(connect_to, endpoint, opening, loop, fast)
    try:
        if proxy_url is None:
            await connect(**kwargs, **tls)
        elif proxy_url.scheme in SOCKS_PORTS:
            sock = (
                kwargs["sock"] if "sock" in kwargs else await tcp_socket(endpoint, loop, **kwargs)
            )
            await connect(sock=await connect_through_socks(proxy_url, url, sock), **tls)
        else:
            if proxy_context is not None:
                kwargs["ssl"] = proxy_context
                kwargs["server_hostname"] = tls_name(proxy_url)
                kwargs.update(proxy_tls or {})
            await connect(**kwargs)
            await opening.connect_through(proxy_url, url)
            if url.is_secure:
                await opening.secure(functools.partial(start_tls, loop, fast), tls)
        protocol = protocol_factory()
        return opening.hand_over(protocol, authority(url.host, url.port)), protocol
    except BaseException:
        opening.abort()
        raise


def check(
    url: WSParsedURL,
    proxy: str | None,
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
    for name in TLS_ARGUMENTS:
        if name in kwargs and not url.is_secure:
            raise ValueError(f"{name}= is for wss:// URLs; this one is {url.url!r}")
    for name in ("sock", "path"):
        if name in kwargs and kwargs[name] is None:
            del kwargs[name]


async def connect_to(
    endpoint: WSParsedURL,
    opening: Opening,
    loop: asyncio.AbstractEventLoop,
    fast: bool,
    *,
    sock: socket.socket | None = None,
    path: str | None = None,
    **kwargs: Any,
) -> None:
    """Give *opening* a transport to *endpoint*, or to what *sock* or *path* lead to."""
    taken = False

    def protocol() -> Opening:
        nonlocal taken
        taken = True
        return opening

    try:
        if sock is not None:
            await create_connection(loop, fast, protocol, sock=sock, **kwargs)
        elif path is not None:
            await create_connection(loop, fast, protocol, path=path, **kwargs)
        else:
            host, port = endpoint.host, endpoint.port
            await create_connection(loop, fast, protocol, host, port, **kwargs)
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
            raise ValueError(f"socket_factory returned {sock!r}, which is no stream socket")
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
    happy_eyeballs_delay: float | None = None,
    interleave: int | None = None,
) -> socket.socket:
    """A socket connected to *endpoint*, arguments as of :meth:`asyncio.loop.create_connection`."""
    resolve = functools.partial(
        loop.getaddrinfo, family=family, type=socket.SOCK_STREAM, proto=proto, flags=flags
    )
    return await aiohappyeyeballs.start_connection(
        await resolve(endpoint.host, endpoint.port),
        local_addr_infos=await resolve(*local_addr) if local_addr else None,
        happy_eyeballs_delay=happy_eyeballs_delay,
        interleave=interleave,
        loop=loop,
    )


@functools.cache
def verifying_context() -> ssl.SSLContext:
    # Once: reading the authorities takes some 10 ms.
    return ssl.create_default_context()


def tls_name(url: WSParsedURL) -> str:
    """The name that the certificate of *url* is to be for."""
    return url.host.partition("%")[0].rstrip(".")
