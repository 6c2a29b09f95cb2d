"""Connections over TCP, with or without TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import aiohappyeyeballs
from yarl import URL

from ..errors import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientProxyConnectionError,
    ConnectionTimeoutError,
    InvalidURL,
    ServerFingerprintMismatch,
    WSInvalidURL,
)
from ..net.dial import AddrInfoType, SocketFactoryType, connect_socket, open_transport
from ..net.dial_error import DialError
from ..wire.url import WSParsedURL
from .connection_key import ConnectionKey
from .connector import BaseConnector, Closing
from .cookie_rules import is_ip_address
from .dialling import endpoint_of, explained, not_dialled, url_of
from .dns_cache import DNSCache
from .fingerprint import Fingerprint, SSLSetting, context_for, merge_ssl_arguments
from .hooks import refuse_hooks
from .interfaces import AbstractResolver, ResolveResult
from .protocol import ClientProtocol
from .request import ClientRequest
from .resolver import DefaultResolver
from .timeouts import ClientTimeout, has_expired, timeout_of
from .unset import UNSET, Unset

if TYPE_CHECKING:
    from .tracing import Trace

__all__ = ("AddrInfoType", "SocketFactoryType", "TCPConnector")

UNCALLED = {
    "_start_tls_connection": "override _create_connection()",
    "_wrap_existing_connection": "override _create_connection()",
    "_resolve_host_with_throttle": "override _resolve_host(), or pass a resolver",
}


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

    # Whether a subclass decides how the proxy is spoken to.
    _builds_proxy_request = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_hooks(cls, TCPConnector, UNCALLED)
        cls._builds_proxy_request = (
            cls._update_proxy_auth_header_and_build_proxy_req
            is not TCPConnector._update_proxy_auth_header_and_build_proxy_req
        )

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
        if ssl_shutdown_timeout is not UNSET:
            warnings.warn(
                "ssl_shutdown_timeout is deprecated: connections end without waiting for TLS's"
                " close_notify",
                DeprecationWarning,
                stacklevel=2,
            )
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
        if req.connection_key.way is None:
            _, protocol = await self._create_direct_connection(req, traces, timeout)
        else:
            _, protocol = await self._create_proxy_connection(req, traces, timeout)
        return protocol

    async def _create_direct_connection(
        self,
        req: ClientRequest,
        traces: Any,
        timeout: ClientTimeout,
        *,
        client_error: type[Exception] = ClientConnectorError,
    ) -> tuple[asyncio.Transport, ClientProtocol]:
        """Connect to the server of *req*; subclasses may override it."""
        return await self._connect_to(req, req.connection_key, traces, timeout, client_error)

    async def _create_proxy_connection(
        self, req: ClientRequest, traces: Any, timeout: ClientTimeout
    ) -> tuple[asyncio.Transport, ClientProtocol]:
        """Connect to the server of *req*, or to the proxy that is sent the request."""
        there = endpoint_of(req)
        if self._builds_proxy_request:
            asked = self._update_proxy_auth_header_and_build_proxy_req(req)
            made = TCPConnector._update_proxy_auth_header_and_build_proxy_req(self, req)
            if asked.headers != made.headers or asked.url != made.url:
                raise TypeError(
                    f"{type(self).__name__}._update_proxy_auth_header_and_build_proxy_req() changes"
                    " more than ssl, which aiohttp_ws does not send: pass proxy= and proxy_headers="
                )
            req._proxy_ssl = asked.ssl
        return await self._connect_to(req, there, traces, timeout, ClientProxyConnectionError)

    async def _connect_to(
        self,
        req: ClientRequest,
        there: ConnectionKey,
        traces: Any,
        timeout: ClientTimeout,
        client_error: type[Exception],
    ) -> tuple[asyncio.Transport, ClientProtocol]:
        """Try the addresses of *there*, the server or the proxy, until one serves *req*."""
        key = req.connection_key
        try:
            found = await self._resolve_host(there.host.rstrip("."), there.port or 0, traces)
        except OSError as exc:
            if exc.errno is None and isinstance(exc, asyncio.TimeoutError):
                raise
            raise ClientConnectorDNSError(there, exc) from exc
        addresses = self._convert_hosts_to_addr_infos(found)
        if not addresses:
            raise ClientConnectorDNSError(there, OSError(None, f"{there.host} has no address"))
        # Where TLS ends: at the server, or at a proxy that is sent the request.
        end = key if key.way is None or key.way.tunnels else there
        context = self._get_ssl_context(req) if end is key else self._context_to(there, req)
        pinned = self._get_fingerprint(req) if context is not None else None
        while True:
            try:
                transport, protocol = await self._wrap_create_connection(
                    self._factory,
                    timeout=timeout,
                    ssl=context,
                    addr_infos=addresses,
                    server_hostname=(
                        None if context is None else (end.server_hostname or end.host).rstrip(".")
                    ),
                    req=req,
                    client_error=client_error,
                )
                if pinned is not None:
                    check_pin(pinned, transport)
            except (
                ClientConnectorCertificateError,
                ClientConnectorSSLError,
                ServerFingerprintMismatch,
            ):
                # TLS has failed with one; a connect that fails has tried all.
                aiohappyeyeballs.pop_addr_infos_interleave(addresses, self._interleave)
                if not addresses:
                    raise
                continue
            return transport, protocol

    def _convert_hosts_to_addr_infos(self, hosts: list[ResolveResult]) -> list[AddrInfoType]:
        """What to connect to; subclasses may choose among it."""
        found = [_addr_info(address) for address in hosts]
        return [each for each in found if not self._family or each[0] == self._family]

    def _get_ssl_context(self, req: ClientRequest) -> ssl.SSLContext | None:
        """The context of TLS to the server; subclasses may make another."""
        return context_for(req.ssl, self._ssl) if req.is_ssl() else None

    def _get_fingerprint(self, req: ClientRequest) -> Fingerprint | None:
        """The pin of the server's certificate."""
        for setting in (req.ssl, self._ssl):
            if isinstance(setting, Fingerprint):
                return setting
        return None

    def _update_proxy_auth_header_and_build_proxy_req(self, req: ClientRequest) -> ClientRequest:
        """A request that stands for the proxy of *req*; subclasses may set its ``_ssl``.

        It is not sent: all that is taken of it is TLS to the proxy.
        """
        there = endpoint_of(req)
        return ClientRequest(
            "GET",
            URL.build(scheme="https" if there.is_ssl else "http", host=there.host, port=there.port),
            headers=req.proxy_headers,
            loop=self._loop,
            ssl=req.ssl,
        )

    def _context_to(self, proxy: ConnectionKey, req: ClientRequest) -> ssl.SSLContext | None:
        if not proxy.is_ssl:
            return None
        given = proxy.ssl if req._proxy_ssl is None else req._proxy_ssl
        return context_for(given, self._ssl)

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

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: list[AddrInfoType],
        req: ClientRequest,
        timeout: ClientTimeout,
        client_error: type[Exception] = ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ClientProtocol]:
        """Connect to one of *addr_infos*, with TLS and through a tunnel.

        Subclasses may override it.

        :param args: what makes the protocol.
        :param client_error: raised where no address answers.
        :param kwargs: ``ssl``, a context or ``None``, and ``server_hostname``.
        """
        key = req.connection_key
        way = key.way
        there = endpoint_of(req)

        async def connected(_: WSParsedURL) -> socket.socket:
            try:
                return await connect_socket(
                    addr_infos,
                    self._loop,
                    local_addresses=await self._local_addresses(),
                    happy_eyeballs_delay=self._happy_eyeballs_delay,
                    interleave=self._interleave,
                    socket_factory=self._socket_factory,
                )
            except OSError as exc:
                raise client_error(there, exc) from exc

        context = kwargs.get("ssl")
        arguments: dict[str, Any] = {}
        if context is not None:
            arguments["server_hostname"] = kwargs.get("server_hostname")
            if sys.version_info >= (3, 11) and self._ssl_shutdown_timeout is not UNSET:
                # 0 means "abort", which close() does; the loop wants a positive number.
                arguments["ssl_shutdown_timeout"] = self._ssl_shutdown_timeout or None
        if way is not None and way.tunnels:
            arguments["proxy"] = way.url
            arguments["proxy_headers"] = way.headers
            arguments["proxy_ssl_context"] = self._context_to(there, req)
        limit = timeout_of(self._loop, timeout)
        try:
            async with limit:
                transport, protocol = await open_transport(
                    args[0],
                    url_of(key if way is None or way.tunnels else there),
                    ssl_context=context,
                    socket_factory=connected,
                    use_aiofastnet=self._use_aiofastnet,
                    loop=self._loop,
                    **arguments,
                )
        except DialError as exc:
            raise not_dialled(req, there, exc) from exc
        except WSInvalidURL as exc:  # SOCKS cannot carry the login
            raise InvalidURL(f"{there.host}:{there.port}", str(exc.args[1])) from None
        except asyncio.TimeoutError as exc:
            if not has_expired(limit):
                raise
            raise ConnectionTimeoutError(
                f"Connection timeout to host {req.url}: sock_connect={timeout.sock_connect}"
                " seconds are over"
            ) from exc
        except BaseException as exc:
            raise explained(key, exc) from exc
        return transport, cast(ClientProtocol, protocol)

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


def check_pin(pinned: Fingerprint, transport: asyncio.Transport) -> None:
    try:
        pinned.check(transport)
    except ServerFingerprintMismatch:
        transport.abort()
        raise
