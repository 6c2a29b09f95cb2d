"""Connections over TCP, with or without TLS."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from ..errors import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ConnectionTimeoutError,
    InvalidURL,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
    WSInvalidURL,
)
from ..net.dial import AddrInfoType, SocketFactoryType, connect_socket, open_transport
from ..net.dial_error import DialError, DialFault
from ..wire.url import WSParsedURL, authority
from .connection_key import ConnectionKey
from .connector import BaseConnector, Closing
from .cookie_rules import is_ip_address
from .dns_cache import DNSCache
from .fingerprint import Fingerprint, SSLSetting, context_for, merge_ssl_arguments
from .interfaces import AbstractResolver, ResolveResult
from .protocol import ClientProtocol
from .request_info import RequestInfo
from .resolver import DefaultResolver
from .timeouts import ClientTimeout, deadline_after, has_expired, timeout_at
from .unset import UNSET, Unset

if TYPE_CHECKING:
    from .request import ClientRequest
    from .tracing import Trace

__all__ = ("AddrInfoType", "SocketFactoryType", "TCPConnector")


class TCPConnector(BaseConnector):
    """Connects over TCP, to all addresses of a host in the manner of RFC 8305.

    :param ssl: for requests that do not say: ``True`` to verify certificates, ``False`` not
        to, an :class:`ssl.SSLContext`, or a :class:`~aiohttp_ws.Fingerprint`.
    :param use_dns_cache: remember addresses.
    :param ttl_dns_cache: seconds they are good for; 10 by default, ``None`` for no expiry.
    :param dns_cache_max_size: names remembered.
    :param family: ``AF_INET``, ``AF_INET6``, or both for ``AF_UNSPEC``.
    :param local_addr: ``(host, port)`` to connect from.
    :param resolver: an :class:`~aiohttp_ws.abc.AbstractResolver`; closed with the connector
        only when the connector made it.
    :param happy_eyeballs_delay: seconds before the next address is tried beside the one
        under way; ``None`` tries them one after the other.
    :param interleave: how many addresses of the first family to try before the other one.
    :param socket_factory: makes the sockets.
    :param ssl_shutdown_timeout: seconds for TLS's close_notify (Python 3.11 and later).
    :param use_aiofastnet: transports of the ``aiofastnet`` package: ``True`` requires it, ``False``
        does without it; ``None`` uses it for TLS where it is installed and supports what the
        :class:`ssl.SSLContext` asks for.
    :param verify_ssl: deprecated, as are *fingerprint* and *ssl_context*: use *ssl*.

    The other parameters are those of :class:`~aiohttp_ws.BaseConnector`.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"tcp"}

    def __init__(
        self,
        *,
        verify_ssl: bool = True,
        fingerprint: bytes | None = None,
        use_dns_cache: bool = True,
        ttl_dns_cache: float | None = 10,
        dns_cache_max_size: int = 1000,
        family: socket.AddressFamily = socket.AddressFamily.AF_UNSPEC,
        ssl_context: ssl.SSLContext | None = None,
        ssl: SSLSetting | None = True,
        local_addr: tuple[str, int] | None = None,
        resolver: AbstractResolver | None = None,
        keepalive_timeout: float | Unset | None = UNSET,
        force_close: bool = False,
        limit: int = 100,
        limit_per_host: int = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
        happy_eyeballs_delay: float | None = 0.25,
        interleave: int | None = None,
        socket_factory: SocketFactoryType | None = None,
        ssl_shutdown_timeout: float | Unset | None = UNSET,
        use_aiofastnet: bool | None = None,
    ) -> None:
        setting = merge_ssl_arguments(ssl, None if verify_ssl else False, ssl_context, fingerprint)
        # Not by its class: a resolver of real aiohttp answers the same questions.
        if resolver is not None and not hasattr(resolver, "resolve"):
            raise TypeError(f"resolver={resolver!r} has no resolve()")
        if dns_cache_max_size < 1:
            raise ValueError(f"dns_cache_max_size={dns_cache_max_size} is below 1")
        super().__init__(
            keepalive_timeout=keepalive_timeout,
            force_close=force_close,
            limit=limit,
            limit_per_host=limit_per_host,
            enable_cleanup_closed=enable_cleanup_closed,
            loop=loop,
            timeout_ceil_threshold=timeout_ceil_threshold,
        )
        self._ssl = setting
        self._use_dns_cache = use_dns_cache
        self._dns = DNSCache(ttl_dns_cache if use_dns_cache else 0, dns_cache_max_size)
        self._family = family
        self._resolver_owner = resolver is None
        self._resolver: AbstractResolver = resolver or DefaultResolver(self._loop)
        self._local: list[AddrInfoType] | None = None
        self._local_addr = local_addr
        self._happy_eyeballs_delay = happy_eyeballs_delay
        self._interleave = interleave
        self._socket_factory = socket_factory
        self._ssl_shutdown_timeout = ssl_shutdown_timeout
        self._use_aiofastnet = use_aiofastnet

    @property
    def family(self) -> socket.AddressFamily:
        """The address family of connections."""
        return self._family

    @property
    def use_dns_cache(self) -> bool:
        """Whether addresses are remembered."""
        return self._use_dns_cache

    def clear_dns_cache(self, host: str | None = None, port: int | None = None) -> None:
        """Forget the addresses of *host* and *port*, or all addresses.

        :raises ValueError: when only one of them is given.
        """
        if host is not None and port is not None:
            self._dns.forget((host, port))
        elif host is None and port is None:
            self._dns.forget()
        else:
            raise ValueError(f"host={host!r} and port={port!r}: pass both or neither")

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Close all connections and the resolver, and wait until they are closed.

        :param abort_ssl: cut TLS connections without a close_notify.
        """
        if self._closed:
            return
        closing = self._close(abort_ssl=abort_ssl)
        if self._resolver_owner:
            await self._resolver.close()
        await closing

    def _close(self, *, abort_ssl: bool = False) -> Closing:
        self._dns.cancel()
        return super()._close(abort_ssl=abort_ssl or self._ssl_shutdown_timeout == 0)

    # ---------------------------------------------------------------------------- connecting

    async def _create_connection(
        self, req: ClientRequest, traces: Any, timeout: ClientTimeout
    ) -> ClientProtocol:
        there = endpoint_of(req)
        try:
            addresses = await self._resolve_host(there.host.rstrip("."), there.port or 0, traces)
        except OSError as exc:
            if exc.errno is None and isinstance(exc, asyncio.TimeoutError):
                raise
            raise ClientConnectorDNSError(there, exc) from exc
        if not addresses:
            raise ClientConnectorDNSError(there, OSError(None, f"{there.host} has no address"))
        now = self._loop.time()
        deadline = deadline_after(now, timeout.sock_connect, timeout.ceil_threshold)
        limit = timeout_at(None if deadline == math.inf else deadline)
        try:
            async with limit:
                protocol = await self._connect(req, there, addresses)
        except asyncio.TimeoutError as exc:
            if not has_expired(limit):
                raise
            raise ConnectionTimeoutError(
                f"Connection timeout to host {req.url}: sock_connect={timeout.sock_connect}"
                " seconds are over"
            ) from exc
        return protocol

    async def _resolve_host(
        self, host: str, port: int, traces: Sequence[Trace] | None = None
    ) -> list[ResolveResult]:
        if is_ip_address(host):
            return [
                ResolveResult(
                    hostname=host,
                    host=host,
                    port=port,
                    family=socket.AF_INET6 if ":" in host else socket.AF_INET,
                    proto=0,
                    flags=0,
                )
            ]

        async def ask() -> list[ResolveResult]:
            for trace in traces or ():
                if self._use_dns_cache:
                    await trace.send_dns_cache_miss(host)
            for trace in traces or ():
                await trace.send_dns_resolvehost_start(host)
            addresses = list(await self._resolver.resolve(host, port, family=self._family))
            for trace in traces or ():
                await trace.send_dns_resolvehost_end(host)
            return addresses

        name = (host, port)
        if traces and self._use_dns_cache and self._dns.knows(name):
            for trace in traces:
                await trace.send_dns_cache_hit(host)
        return await self._dns.resolve(name, ask)

    async def _connect(
        self, req: ClientRequest, there: ConnectionKey, addresses: list[ResolveResult]
    ) -> ClientProtocol:
        """A connection for *req*.

        :param there: what *addresses* are of: the server, or the proxy.
        """
        key = req.connection_key
        proxy = key.way

        async def connected(_: WSParsedURL) -> socket.socket:
            try:
                return await connect_socket(
                    [_addr_info(address) for address in addresses],
                    self._loop,
                    local_addresses=await self._local_addresses(),
                    happy_eyeballs_delay=self._happy_eyeballs_delay,
                    interleave=self._interleave,
                    socket_factory=self._socket_factory,
                )
            except OSError as exc:
                kind = ClientConnectorError if proxy is None else ClientProxyConnectionError
                raise kind(there, exc) from exc

        # Where TLS ends: at the server, or at a proxy that is sent the request.
        end = key if proxy is None or proxy.tunnels else there
        context = context_for(key.ssl, self._ssl) if end.is_ssl else None
        arguments: dict[str, Any] = {}
        if context is not None:
            arguments["server_hostname"] = end.server_hostname or end.host.rstrip(".")
            if sys.version_info >= (3, 11) and self._ssl_shutdown_timeout is not UNSET:
                # 0 means "abort", which close() does; the loop wants a positive number.
                arguments["ssl_shutdown_timeout"] = self._ssl_shutdown_timeout or None
        if proxy is not None and proxy.tunnels:
            arguments["proxy"] = proxy.url
            arguments["proxy_headers"] = proxy.headers
            if proxy.url.is_secure:
                arguments["proxy_ssl_context"] = context_for(key.ssl, self._ssl)
        try:
            transport, protocol = await open_transport(
                lambda: ClientProtocol(self._loop),
                url_of(end),
                ssl_context=context,
                socket_factory=connected,
                use_aiofastnet=self._use_aiofastnet,
                loop=self._loop,
                **arguments,
            )
        except DialError as exc:
            raise _not_dialled(req, there, exc) from exc
        except WSInvalidURL as exc:  # SOCKS cannot carry the login
            raise InvalidURL(f"{there.host}:{there.port}", str(exc.args[1])) from None
        except BaseException as exc:
            raise _explained(key, exc) from exc
        for setting in (key.ssl, self._ssl):
            if context is not None and isinstance(setting, Fingerprint):
                try:
                    setting.check(transport)
                except ServerFingerprintMismatch:
                    transport.abort()
                    raise
                break
        return cast(ClientProtocol, protocol)

    async def _local_addresses(self) -> list[AddrInfoType] | None:
        if self._local_addr is not None and self._local is None:
            host, port = self._local_addr
            self._local = cast(
                "list[AddrInfoType]",
                await self._loop.getaddrinfo(
                    host, port, family=self._family, type=socket.SOCK_STREAM
                ),
            )
        return self._local


def _addr_info(address: ResolveResult) -> AddrInfoType:
    # A resolver may leave the family open; its address cannot.
    host, port = address["host"], address["port"]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if family == socket.AF_INET6:
        host, _, scope = host.partition("%")
        scope_id = 0
        if scope:
            # RFC 6874 2: "%25" precedes a zone in a URL; many write "%" alone.
            scope = scope.removeprefix("25") or scope
            digits = scope.isascii() and scope.isdigit() and len(scope) < 10
            scope_id = int(scope) if digits else socket.if_nametoindex(scope)
        return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, scope_id))
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))


def endpoint_of(req: ClientRequest) -> ConnectionKey:
    """What to connect to for *req*, and what errors about it name: the server, or the proxy."""
    key = req.connection_key
    if key.way is None:
        return key
    url = key.way.url
    return ConnectionKey(url.host, url.port, url.is_secure, key.ssl, None, None, None)


def url_of(key: ConnectionKey) -> WSParsedURL:
    scheme, port = ("wss", 443) if key.is_ssl else ("ws", 80)
    netloc = authority(key.host, key.port or port)
    url = f"{scheme}://{netloc}/"
    return WSParsedURL(url, scheme, key.is_ssl, netloc, key.host, key.port or port, "/", "")


def _not_dialled(req: ClientRequest, there: ConnectionKey, exc: DialError) -> ClientError:
    """The client's error for what the dialler reports."""
    head = exc.head
    if exc.fault is DialFault.SPOKE_FIRST:
        return ServerDisconnectedError(exc.message)
    if exc.fault is DialFault.PROXY_REFUSED and head is not None:
        info = req.request_info
        return ClientHttpProxyError(
            RequestInfo(info.url, "CONNECT", info.headers, info.real_url),
            (),
            status=head.status,
            message=head.reason,
            headers=head.headers,
        )
    return ClientProxyConnectionError(there, OSError(None, exc.message))


def _explained(key: Any, exc: BaseException) -> BaseException:
    """The client's error for an error of the event loop's ``create_connection()``."""
    if isinstance(exc, ClientError):
        return exc
    if isinstance(exc, ssl.CertificateError):
        return ClientConnectorCertificateError(key, exc)
    if isinstance(exc, ssl.SSLError):
        return ClientConnectorSSLError(key, exc)
    if isinstance(exc, OSError) and not (
        exc.errno is None and isinstance(exc, asyncio.TimeoutError)
    ):
        return ClientConnectorError(key, exc)
    return exc
