"""From a URL to a connected socket: directly, by a Unix socket, or through a proxy."""

from __future__ import annotations

import os
import socket
import ssl as ssl_module
from collections.abc import Mapping
from typing import Any

from ...errors import BadHttpMessage, WSInvalidURL
from ...net.dial import is_socks, parse_proxy, tls_name
from ...wire.http1 import HTTP_11, ResponseHead, ResponseParser, serialise_request_head
from ...wire.url import WSParsedURL, authority, basic_authorization
from ..datastructures import Headers
from ..exceptions import InvalidProxy, InvalidProxyMessage, InvalidProxyStatus, ProxyError
from ..http11 import Response
from .tls import TLSSocket
from .utils import Deadline

__all__ = ("Wire", "connected_socket", "proxy_of", "secured")

#: A socket, or one with TLS.
Wire = socket.socket | TLSSocket


def proxy_of(url: str) -> WSParsedURL:
    """Take the URL of a proxy apart.

    :raises InvalidProxy: it is not one.
    """
    try:
        return parse_proxy(url)
    except WSInvalidURL as exc:
        raise InvalidProxy(url, str(exc.args[1])) from None


def connected_socket(
    url: WSParsedURL,
    deadline: Deadline,
    *,
    path: str | os.PathLike[str] | None,
    proxy: WSParsedURL | None,
    proxy_ssl: ssl_module.SSLContext | None,
    proxy_server_hostname: str | None,
    user_agent: str | None,
    arguments: Mapping[str, Any],
) -> Wire:
    """Connect to *url*, without its TLS.

    :param path: of a Unix socket, instead of host and port.
    :param proxy: asks this proxy to connect.
    :param proxy_ssl: the context for an ``https`` proxy; one that verifies by default.
    :param arguments: for :func:`socket.create_connection`.
    :raises OSError: it cannot be reached.
    :raises TimeoutError: not in time.
    :raises ProxyError: the proxy does not connect.
    """
    if path is not None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.timeout())
            sock.connect(os.fspath(path))
        except BaseException:
            sock.close()
            raise
        return sock
    if proxy is None:
        return tcp_socket(url, deadline, arguments)
    if is_socks(proxy):
        return through_socks(proxy, url, deadline, arguments)
    wire: Wire = tcp_socket(proxy, deadline, arguments)
    try:
        if proxy.is_secure or proxy.scheme == "https":
            name = proxy_server_hostname or tls_name(proxy)
            wire = secured(wire, proxy_ssl or ssl_module.create_default_context(), name, deadline)
        tunnel(wire, proxy, url, deadline, user_agent)
    except BaseException:
        wire.close()
        raise
    return wire


def tcp_socket(url: WSParsedURL, deadline: Deadline, arguments: Mapping[str, Any]) -> socket.socket:
    given = dict(arguments)
    address = given.pop("address", (url.host, url.port))
    sock = socket.create_connection(address, timeout=deadline.timeout(), **given)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def secured(
    wire: Wire, context: ssl_module.SSLContext, name: str | None, deadline: Deadline
) -> TLSSocket:
    """Do TLS on *wire*, which stays open when that fails."""
    secure = TLSSocket(wire, context, server_hostname=name)
    secure.do_handshake(deadline)
    return secure


def tunnel(
    wire: Wire, proxy: WSParsedURL, url: WSParsedURL, deadline: Deadline, user_agent: str | None
) -> None:
    """Have an HTTP proxy connect to *url* (RFC 9110 9.3.6)."""
    target = authority(url.host, url.port)
    headers = [("Host", target)]
    if user_agent is not None:
        headers.append(("User-Agent", user_agent))
    if proxy.username is not None:
        login = basic_authorization(proxy.username, proxy.password or "")
        headers.append(("Proxy-Authorization", login))
    parser = ResponseParser()
    parser.expect("CONNECT")
    wire.settimeout(deadline.timeout())
    wire.sendall(serialise_request_head("CONNECT", target, HTTP_11, headers))
    failed = f"proxy {proxy.scheme}://{authority(proxy.host, proxy.port)} did not connect"
    while True:
        wire.settimeout(deadline.timeout())
        data = wire.recv(4096)
        try:
            if not data:
                raise EOFError("it closed the connection")
            parser.feed(data)
            head = parser.next_event()
        except (BadHttpMessage, EOFError) as exc:
            raise InvalidProxyMessage(f"{failed} to {target}: {exc}") from exc
        if isinstance(head, ResponseHead):
            break
    if not 200 <= head.status <= 299:
        headers_of = Headers.from_raw(head.raw_headers)
        raise InvalidProxyStatus(Response(head.status, head.reason, headers_of))
    if parser.take_rest():
        raise InvalidProxyMessage(f"{failed} to {target}: it sent more than an answer")


def through_socks(
    proxy: WSParsedURL, url: WSParsedURL, deadline: Deadline, arguments: Mapping[str, Any]
) -> socket.socket:
    """Have a SOCKS proxy connect to *url*, by the package python-socks."""
    try:
        from python_socks import ProxyError as Refused
        from python_socks import ProxyTimeoutError, ProxyType
        from python_socks.sync import Proxy
    except ImportError as exc:
        raise ImportError(
            f"{proxy.scheme}:// needs python-socks: pip install aiohttp_ws[proxy]"
        ) from exc
    kind = ProxyType.SOCKS4 if proxy.scheme.startswith("socks4") else ProxyType.SOCKS5
    # socks4a and socks5h, and plain socks5 too, leave names to the proxy.
    dialog = Proxy(
        kind,
        proxy.host,
        proxy.port,
        proxy.username,
        proxy.password,
        rdns=proxy.scheme != "socks4",
    )
    failed = f"proxy {proxy.scheme}://{authority(proxy.host, proxy.port)} did not connect to"
    try:
        sock = dialog.connect(url.host, url.port, timeout=deadline.timeout(), **arguments)
    except ProxyTimeoutError as exc:
        raise TimeoutError("timed out") from exc
    except Refused as exc:
        raise ProxyError(f"{failed} {authority(url.host, url.port)}: {exc}") from exc
    assert isinstance(sock, socket.socket)
    return sock
