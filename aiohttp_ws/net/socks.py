"""Sockets that a SOCKS proxy connects, by the package python-socks."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ..errors import WSInvalidURL
from ..wire.url import WSParsedURL, authority
from .dial_error import DialError, DialFault

if TYPE_CHECKING:
    from python_socks.async_.asyncio import Proxy

__all__ = ("SOCKS_PORTS", "connect_through_socks")

SOCKS_PORTS = {"socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}

# python-socks does not take None for "no limit"; the time is for the caller to limit.
A_DAY = 86400.0


async def connect_through_socks(
    proxy: WSParsedURL, url: WSParsedURL, sock: socket.socket
) -> socket.socket:
    """Have *proxy*, which *sock* leads to, connect to *url*; *sock* is closed if that fails.

    ``socks4`` resolves the host's name here; the others leave that to the proxy.

    :raises ImportError: python-socks is not installed.
    :raises WSInvalidURL: SOCKS cannot carry the login in the URL of the proxy.
    :raises DialError: the proxy refuses, or does not answer with valid SOCKS.
    """
    failed = f"proxy {proxy.scheme}://{authority(proxy.host, proxy.port)} did not connect to"
    failed += f" {authority(url.host, url.port)}"
    try:
        if proxy.scheme.startswith("socks4") and ":" in url.host:
            raise DialError(
                DialFault.SOCKS_FAILED, f"{failed}: SOCKS4 has no IPv6 addresses; use socks5://"
            )
        for text in (proxy.username or "", proxy.password or ""):
            if not text.isascii() or len(text) > 255:
                # RFC 1929 has a byte for the length, and python-socks no other encoding.
                raise WSInvalidURL(proxy.url, "SOCKS has logins of 0 to 255 ASCII characters")
        dialog = socks_dialog(proxy, sock)
        from python_socks import ProxyError

        try:
            host = url.host.partition("%")[0]
            return await dialog.connect(host, url.port, timeout=A_DAY)
        except ProxyError as exc:
            raise DialError(DialFault.SOCKS_FAILED, f"{failed}: {exc}") from exc
    except BaseException:
        sock.close()
        raise


def socks_dialog(proxy: WSParsedURL, sock: socket.socket) -> Proxy:
    try:
        from python_socks import ProxyType
        from python_socks.async_.asyncio import Proxy
    except ImportError as exc:
        raise ImportError(
            f"a {proxy.scheme}:// proxy needs the package python-socks:"
            " pip install aiohttp_ws[proxy]"
        ) from exc
    return Proxy(
        ProxyType.SOCKS4 if proxy.scheme.startswith("socks4") else ProxyType.SOCKS5,
        proxy.host,
        proxy.port,
        proxy.username,
        proxy.password if proxy.username is None else proxy.password or "",
        rdns=proxy.scheme != "socks4",
        forward=Connected(sock),  # type: ignore[arg-type]
    )


class Connected:
    """A way to the proxy that is there already, as python-socks takes one."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    async def connect(self, *_args: Any, **_kwargs: Any) -> socket.socket:
        return self.sock
