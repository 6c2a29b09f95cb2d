"""Transports by the event loop or by aiofastnet, to connect and to listen."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from .aiofastnet_fixes import patched

__all__ = (
    "create_connection",
    "create_server",
    "has_ended",
    "note_loss",
    "start_tls",
    "uses_aiofastnet",
)

ProtocolFactory = Callable[[], asyncio.BaseProtocol]


def aiofastnet() -> ModuleType | None:
    try:
        import aiofastnet
    except ImportError:
        return None
    return aiofastnet


def uses_aiofastnet(use_aiofastnet: bool | None, *contexts: ssl.SSLContext | None) -> bool:
    """Whether aiofastnet makes the transport.

    :param use_aiofastnet: ``True`` and ``False`` decide; ``None`` takes it for TLS where it is
        installed and can do what the contexts ask for, and else the loop's own.
    :param contexts: TLS's, ``None`` for each connection without.
    :raises ImportError: for ``True`` where the package is not installed.
    :raises ValueError: for ``True`` and a context that it cannot use.
    """
    if use_aiofastnet is False:
        return False
    hindrance = next(filter(None, map(needs_loop, filter(None, contexts))), None)
    if use_aiofastnet is None:
        if sys.platform == "win32" or hindrance is not None or not any(contexts):
            return False
        found = aiofastnet()
        # Without OpenSSL's libraries to call, as in uv's Pythons, it goes through the ssl module,
        # and may lose what was received when a paused connection ends.
        return found is not None and found.OPENSSL_DYN_LIBS is not None
    if aiofastnet() is None:
        raise ImportError(
            "use_aiofastnet=True needs the package aiofastnet: pip install aiohttp_ws[speedups]"
        )
    if hindrance is not None:
        raise ValueError(
            f"use_aiofastnet=True does not go with {hindrance} of the SSLContext: leave it out"
        )
    return True


def needs_loop(context: ssl.SSLContext) -> str | None:
    """Name what *context* has that only the loop's TLS can do.

    aiofastnet uses the context's OpenSSL structure, and OpenSSL then calls back into Python's
    ``ssl`` module, which looks for an object that is not there and ends the process.
    """
    if type(context) is not ssl.SSLContext:
        return "the subclass"  # such as truststore's, whose own structure decides nothing
    if context.sni_callback is not None:
        return "sni_callback"
    if context.keylog_filename is not None:
        return "keylog_filename"
    if getattr(context, "_msg_callback", None) is not None:
        return "_msg_callback"
    if context.sslobject_class is not ssl.SSLObject:
        return "sslobject_class"
    return None


def maker(
    loop: asyncio.AbstractEventLoop,
    use_aiofastnet: bool | None,
    name: str,
    context: ssl.SSLContext | None,
) -> Callable[..., Any]:
    """The method *name* of *loop*, or aiofastnet's function in its stead."""
    if not uses_aiofastnet(use_aiofastnet, context):
        method: Callable[..., Any] = getattr(loop, name)
        return method
    function = getattr(aiofastnet(), name)

    def make(*args: Any, **kwargs: Any) -> Any:
        server_hostname = kwargs.get("server_hostname")
        if server_hostname and not server_hostname.isascii():
            kwargs["server_hostname"] = server_hostname.encode("idna").decode()
        return function(patched(loop), *args, **kwargs)

    return make


async def create_connection(
    loop: asyncio.AbstractEventLoop,
    use_aiofastnet: bool | None,
    factory: ProtocolFactory,
    host: str | None = None,
    port: int | None = None,
    *,
    path: str | None = None,
    ssl: ssl.SSLContext | None = None,
    **kwargs: Any,
) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
    """Connect as :meth:`asyncio.loop.create_connection` does, without Nagle's algorithm.

    :param use_aiofastnet: see :func:`uses_aiofastnet`.
    :param path: a Unix socket to connect to instead of *host* and *port*.
    """
    transport: asyncio.Transport
    if path is not None:
        make = maker(loop, use_aiofastnet, "create_unix_connection", ssl)
        transport, protocol = await make(factory, path, ssl=ssl, **kwargs)
    else:
        make = maker(loop, use_aiofastnet, "create_connection", ssl)
        transport, protocol = await make(factory, host, port, ssl=ssl, **kwargs)
    send_at_once(transport)
    return transport, protocol


async def create_server(
    loop: asyncio.AbstractEventLoop,
    use_aiofastnet: bool | None,
    factory: ProtocolFactory,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    path: str | None = None,
    ssl: ssl.SSLContext | None = None,
    tls_timeout: float | None = None,
    **kwargs: Any,
) -> asyncio.Server:
    """Listen as :meth:`asyncio.loop.create_server` does.

    :param use_aiofastnet: see :func:`uses_aiofastnet`.
    :param path: a Unix socket to listen on instead of *host* and *port*.
    :param tls_timeout: seconds that a client has for TLS's handshake, unless *kwargs* say it with
        ``ssl_handshake_timeout``; ``None`` for the loop's default, 60.
    """
    server: asyncio.Server
    if ssl is not None and tls_timeout is not None:
        kwargs.setdefault("ssl_handshake_timeout", tls_timeout)
    if path is not None:
        make = maker(loop, use_aiofastnet, "create_unix_server", ssl)
        server = await make(factory, path, ssl=ssl, **kwargs)
    else:
        make = maker(loop, use_aiofastnet, "create_server", ssl)
        address = () if kwargs.get("sock") is not None else (host, port)
        server = await make(factory, *address, ssl=ssl, **kwargs)
    return server


async def start_tls(
    loop: asyncio.AbstractEventLoop,
    use_aiofastnet: bool | None,
    transport: asyncio.Transport,
    protocol: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    **kwargs: Any,
) -> asyncio.Transport:
    """Begin TLS on *transport* as :meth:`asyncio.loop.start_tls` does.

    :raises ConnectionResetError: when the peer closes instead.
    """
    if not hasattr(transport, "_start_tls_compatible"):
        # Python 3.10 does TLS in TLS (to an https:// proxy) well, and refuses it all the same.
        try:
            transport._start_tls_compatible = True  # type: ignore[attr-defined]
        except AttributeError:  # of a compiled transport, which needs no such mark
            pass
    make = maker(loop, use_aiofastnet, "start_tls", context)
    made: asyncio.Transport | None = await make(transport, protocol, context, **kwargs)
    if made is None:
        raise ConnectionResetError("the connection was closed during the TLS handshake")
    return made


def has_ended(transport: asyncio.BaseTransport) -> bool:
    """Whether nothing can be sent through *transport* any more, and nobody but its end is to come.

    A TLS transport of Python 3.10 that lost its connection says so only when it has told its
    protocol, an iteration of the event loop later; until then its methods fail.
    """
    if transport.is_closing():
        return True
    tls = getattr(transport, "_ssl_protocol", None)
    return tls is not None and getattr(tls, "_transport", tls) is None


def note_loss(transport: asyncio.BaseTransport) -> None:
    """Call this in ``connection_lost()``, for a *transport* that may do TLS.

    Python 3.10 warns of one that its peer closed and we did not, as of a forgotten one. To close
    it twice is not harmless: asyncio's TLS then forgets what its other methods need.
    """
    if not transport.is_closing():
        transport.close()


def send_at_once(transport: asyncio.Transport) -> None:
    # asyncio does so itself; not every loop promises it.
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
