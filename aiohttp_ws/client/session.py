"""Sessions: the calls that send requests and open WebSockets."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..argument_types import LooseCookies, LooseHeaders, Query, StrOrURL
from ..http.auth import BasicAuth
from ..wire.deflate import DeflateOptions
from ..ws.opening.decisions import OnConnected
from .call import Call
from .connector import BaseConnector
from .fingerprint import merge_ssl_arguments
from .hooks import refuse_hooks
from .prepared import remember
from .request import ClientRequest
from .request_context import RequestContext
from .response import ClientResponse
from .response_context import ResponseContext, call, of_session
from .sending import ClientHandlerType, ClientMiddlewareType
from .session_settings import RaiseForStatus, SessionSettings
from .timeouts import ClientTimeout, deadline_after
from .unclosed import tell_unclosed
from .unset import UNSET, Unset
from .upload import UploadTracker
from .websocket import ClientWebSocketResponse, connect_websocket

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("ClientHandlerType", "ClientMiddlewareType", "ClientSession")


UNCALLED = {"_get_netrc_auth": "pass auth="}


class ClientSession(SessionSettings):
    """Sends requests over kept connections, with headers and cookies in common.

    Make one for an application, not for each request, and close it at the end::

        async with ClientSession() as session:
            async with session.get("http://example.com") as response:
                print(await response.text())

    :param base_url: the URL that relative ones are joined to; ends with ``/``.
    :param connector: makes the connections; a :class:`~aiohttp_ws.TCPConnector` by default.
    :param cookies: cookies to begin with, for every server.
    :param headers: headers of every request.
    :param skip_auto_headers: names of headers not to add: ``Accept``, ``Accept-Encoding``,
        ``User-Agent``, ``Content-Type``.
    :param auth: credentials of every request; with *base_url*, of those to its origin.
    :param proxy, proxy_auth: of every request without a proxy of its own.
    :param trust_env: take proxies from ``http_proxy``, ``https_proxy``, ``ws_proxy`` and
        ``wss_proxy``, each for its scheme and without the hosts of ``no_proxy``, and logins from
        the file that ``NETRC`` names, or ``~/.netrc``.
    :param json_serialize: makes JSON text of ``json=``; :func:`json.dumps` by default.
    :param json_serialize_bytes: the same, making bytes; takes precedence.
    :param request_class, response_class, ws_response_class: what to make.
    :param version: HTTP version of requests.
    :param cookie_jar: keeps the cookies; a :class:`~aiohttp_ws.CookieJar` by default.
    :param connector_owner: whether closing the session closes the connector.
    :param raise_for_status: raise for a status of 400 and above; or a coroutine function
        that is called with each response.
    :param timeout: a :class:`~aiohttp_ws.ClientTimeout`; 5 minutes in all and 30 seconds to
        connect by default.
    :param auto_decompress: decode bodies with ``Content-Encoding`` gzip or deflate.
    :param requote_redirect_url: percent-encode ``Location`` where it needs it.
    :param read_bufsize: bytes of body to hold before waiting for the reader; 256 KiB.
    :param max_line_size: bytes the status line may have; 8190.
    :param max_field_size: bytes a header field may have; 8190.
    :param max_headers: header fields a response may have; 128.
    :param fallback_charset_resolver: called with a response and its body when no charset is
        given; UTF-8 by default.
    :param middlewares: coroutine functions ``(request, handler)``, the first outermost.
    :param trace_configs: :class:`~aiohttp_ws.TraceConfig` objects, told of every request.
    :param ssl_shutdown_timeout: seconds for the TLS shutdown, of the session's own connector.
    :param read_timeout, conn_timeout: deprecated, use *timeout*.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_hooks(cls, ClientSession, UNCALLED)
        cls._has_prepare = cls._prepare_headers is not ClientSession._prepare_headers
        warnings.warn(
            f"{cls.__name__} inherits from ClientSession, which may gain any name; keep a"
            " session as an attribute instead",
            DeprecationWarning,
            stacklevel=2,
        )

    def __del__(self, _tell: Callable[..., None] = tell_unclosed) -> None:
        connector = self._connector
        if connector is not None and not connector.closed and self._connector_owner:
            connector._close()
            _tell("client session", self, "client_session", self._loop)

    # -------------------------------------------------------------------------- requests

    def request(self, method: str, url: StrOrURL, **kwargs: Any) -> ResponseContext:
        """Send a request; ``await`` it, or ``async with`` it.

        :param params: query parameters to add to the URL: a mapping, pairs, or a string.
        :param data: the body: bytes, text, an open file, an asynchronous generator, a
            :class:`~aiohttp_ws.FormData`, or the fields of a form.
        :param json: a value to send as JSON instead.
        :param cookies: cookies of this request and its redirects within the origin.
        :param headers: headers of this request, over those of the session.
        :param skip_auto_headers: names of headers not to add.
        :param auth: a :class:`~aiohttp_ws.BasicAuth`.
        :param allow_redirects: follow redirects; true but for HEAD.
        :param max_redirects: the most to follow; 10.
        :param compress: compress the body: ``"gzip"``, ``"deflate"`` or true for that.
        :param chunked: send the body in chunks.
        :param expect100: ask the server before sending the body.
        :param raise_for_status: as of the session.
        :param read_until_eof: read a body without a length until the connection closes.
        :param timeout: a :class:`~aiohttp_ws.ClientTimeout` instead of the session's.
        :param ssl: as of :class:`~aiohttp_ws.TCPConnector`.
        :param server_hostname: the name to expect in the server's certificate.
        :param proxy: the URL of a proxy: ``http``, ``https``, or with ``aiohttp_ws[proxy]``
            ``socks4``, ``socks4a``, ``socks5`` or ``socks5h``; its user and password may be in it.
            TLS to it is as *ssl* says. Requests of ``http`` URLs are sent to an HTTP proxy; all
            others go through a tunnel.
        :param proxy_auth: a :class:`~aiohttp_ws.BasicAuth` for the proxy.
        :param proxy_headers: headers for an HTTP proxy alone, where there is a tunnel.
        :param read_bufsize, auto_decompress, max_line_size, max_field_size, max_headers: as
            of the session.
        :param middlewares: instead of the session's.
        :param trace_request_ctx: what the contexts of the session's trace configs are made with.
        :param upload_tracker: an :class:`~aiohttp_ws.UploadTracker` that shows the progress.
        :raises ClientProxyConnectionError: there is no connection to the proxy, or it does not
            connect to the server.
        :raises ClientHttpProxyError: an HTTP proxy refused to connect to the server.
        :raises ClientError: or another subclass, when the request fails.
        :raises TimeoutError: when it takes too long.
        :raises ValueError: for arguments that no request can have.
        """
        return call(self, method, url, **kwargs)

    def get(self, url: StrOrURL, *, allow_redirects: bool = True, **kwargs: Any) -> ResponseContext:
        """Send a GET; the arguments are those of :meth:`request`."""
        return call(self, "GET", url, allow_redirects=allow_redirects, **kwargs)

    def options(
        self, url: StrOrURL, *, allow_redirects: bool = True, **kwargs: Any
    ) -> ResponseContext:
        """Send an OPTIONS; the arguments are those of :meth:`request`."""
        return call(self, "OPTIONS", url, allow_redirects=allow_redirects, **kwargs)

    def head(
        self, url: StrOrURL, *, allow_redirects: bool = False, **kwargs: Any
    ) -> ResponseContext:
        """Send a HEAD, not following redirects; the arguments are those of :meth:`request`."""
        return call(self, "HEAD", url, allow_redirects=allow_redirects, **kwargs)

    def post(self, url: StrOrURL, *, data: Any = None, **kwargs: Any) -> ResponseContext:
        """Send a POST; the arguments are those of :meth:`request`."""
        return call(self, "POST", url, data=data, **kwargs)

    def put(self, url: StrOrURL, *, data: Any = None, **kwargs: Any) -> ResponseContext:
        """Send a PUT; the arguments are those of :meth:`request`."""
        return call(self, "PUT", url, data=data, **kwargs)

    def patch(self, url: StrOrURL, *, data: Any = None, **kwargs: Any) -> ResponseContext:
        """Send a PATCH; the arguments are those of :meth:`request`."""
        return call(self, "PATCH", url, data=data, **kwargs)

    def delete(self, url: StrOrURL, **kwargs: Any) -> ResponseContext:
        """Send a DELETE; the arguments are those of :meth:`request`."""
        return call(self, "DELETE", url, **kwargs)

    async def _request(
        self,
        method: str,
        str_or_url: StrOrURL,
        *,
        params: Query = None,
        data: Any = None,
        json: Any = None,
        cookies: LooseCookies | None = None,
        headers: LooseHeaders | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        auth: BasicAuth | None = None,
        allow_redirects: bool = True,
        max_redirects: int = 10,
        compress: str | bool | None = None,
        chunked: bool | None = None,
        expect100: bool = False,
        raise_for_status: RaiseForStatus | None = None,
        read_until_eof: bool = True,
        proxy: StrOrURL | None = None,
        proxy_auth: BasicAuth | None = None,
        timeout: ClientTimeout | float | Unset | None = UNSET,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: Any = None,
        ssl: Any = True,
        server_hostname: str | None = None,
        proxy_headers: LooseHeaders | None = None,
        trace_request_ctx: object = None,
        read_bufsize: int | None = None,
        auto_decompress: bool | None = None,
        max_line_size: int | None = None,
        max_field_size: int | None = None,
        max_headers: int | None = None,
        middlewares: Sequence[ClientMiddlewareType] | None = None,
        upload_tracker: UploadTracker | None = None,
    ) -> ClientResponse:
        if upload_tracker is not None:
            upload_tracker._claim()
        try:
            connector = self._connector
            if connector is None or connector.closed:
                raise RuntimeError("Session is closed")
            if ssl is not True or verify_ssl is not None or ssl_context or fingerprint:
                ssl = merge_ssl_arguments(ssl, verify_ssl, ssl_context, fingerprint)
            if chunked is not None and not isinstance(chunked, bool):
                warnings.warn(
                    f"chunked={chunked!r}: a size of chunks is deprecated, pass True",
                    DeprecationWarning,
                    stacklevel=2,
                )
            if json is not None:
                data = self._json_body(data, json)
            limits = (max_line_size, max_field_size, max_headers)
            plan = self._usual_plan
            if (
                timeout is not UNSET
                or read_bufsize is not None
                or auto_decompress is not None
                or not read_until_eof
                or limits != (None, None, None)
            ):
                plan = self._plan(timeout, read_bufsize, auto_decompress, read_until_eof, limits)
            deadline = math.inf
            total = plan.timeout.total
            if total:
                deadline = deadline_after(self._loop.time(), total, plan.timeout.ceil_threshold)
            skip = self._skip_lower
            if skip_auto_headers:
                skip = skip.union(name.lower() for name in skip_auto_headers)
            call = Call(
                self,
                method,
                self._asked_url(str_or_url, params, connector),
                data,
                # Which nobody changes: a request makes its own of them.
                self._prepare_headers(headers)
                if headers or self._has_prepare
                else self._default_headers,
                cookies,
                auth,
                skip,
                compress,
                chunked,
                expect100,
                ssl,
                server_hostname,
                upload_tracker,
                self._way(proxy, proxy_auth, proxy_headers),
            )
            run = call.run(
                connector,
                plan,
                deadline,
                self._middlewares if middlewares is None else middlewares,
                max_redirects if allow_redirects else None,
                self._raise_for_status if raise_for_status is None else raise_for_status,
            )
            if self._trace_configs:
                return await call.traced(run, self._trace_configs, trace_request_ctx)
            return await run
        finally:
            if upload_tracker is not None:
                upload_tracker._finalize()

    # ------------------------------------------------------------------------ WebSockets

    def ws_connect(
        self,
        url: StrOrURL,
        *,
        method: str = "GET",
        protocols: Iterable[str] = (),
        timeout: Any = UNSET,
        receive_timeout: float | None = None,
        autoclose: bool = True,
        autoping: bool = True,
        heartbeat: float | None = None,
        auth: BasicAuth | None = None,
        origin: str | None = None,
        params: Query = None,
        headers: LooseHeaders | None = None,
        proxy: StrOrURL | None = None,
        proxy_auth: BasicAuth | None = None,
        ssl: Any = True,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: Any = None,
        server_hostname: str | None = None,
        proxy_headers: LooseHeaders | None = None,
        compress: int | DeflateOptions = 0,
        max_msg_size: int = 4 * 1024 * 1024,
        decode_text: bool = True,
        max_queue: int = 256 * 1024,
        on_connect: OnConnected | None = None,
    ) -> RequestContext[ClientWebSocketResponse]:
        """Open a WebSocket; ``await`` it, or ``async with`` it.

        :param protocols: subprotocols to offer, the preferred one first.
        :param timeout: a :class:`~aiohttp_ws.ClientWSTimeout`; 10 seconds for the closing
            handshake by default.
        :param receive_timeout: deprecated, use ``timeout=ClientWSTimeout(ws_receive=...)``.
        :param autoclose: answer the peer's close frame.
        :param autoping: answer pings.
        :param heartbeat: seconds of silence after which a ping is sent; a server that sends
            nothing within half of that again, and takes nothing of what was sent before, is
            dropped with the close code 1006.
        :param origin: the ``Origin`` header.
        :param compress: offer permessage-deflate with windows of at most so many bits, 8 to
            15, at both ends; 0 for no offer. Or the :class:`~aiohttp_ws.DeflateOptions` to offer.
        :param max_msg_size: bytes a message may have; 4 MiB, 0 for no limit.
        :param decode_text: give text messages as ``str``, not ``bytes``.
        :param max_queue: bytes of messages, read and not received, at which the socket is
            read no further.
        :param on_connect: a function or coroutine function that is given a
            :class:`~aiohttp_ws.ConnectionResponse` when the server has accepted. What it raises
            ends the connection, and is raised here.
        :raises WSServerHandshakeError: when the server refuses.

        The other parameters are those of :meth:`request`.
        """
        return RequestContext(
            self._ws_connect(
                url,
                method=method,
                protocols=protocols,
                timeout=timeout,
                receive_timeout=receive_timeout,
                autoclose=autoclose,
                autoping=autoping,
                heartbeat=heartbeat,
                auth=auth,
                origin=origin,
                params=params,
                headers=headers,
                proxy=proxy,
                proxy_auth=proxy_auth,
                ssl=ssl,
                verify_ssl=verify_ssl,
                fingerprint=fingerprint,
                ssl_context=ssl_context,
                server_hostname=server_hostname,
                proxy_headers=proxy_headers,
                compress=compress,
                max_msg_size=max_msg_size,
                decode_text=decode_text,
                max_queue=max_queue,
                on_connect=on_connect,
            )
        )

    def _ws_connect(
        self, url: StrOrURL, *, timeout: Any = UNSET, **kwargs: Any
    ) -> Coroutine[Any, Any, ClientWebSocketResponse]:
        if timeout is not UNSET:
            kwargs["timeout"] = timeout
        return connect_websocket(self, url, **kwargs)

    # ---------------------------------------------------------------------------- the end

    async def close(self) -> None:
        """Close the session, and its connector when the session owns it.

        WebSockets that are still open are dropped with the connector, without a close frame.
        """
        connector, self._connector = self._connector, None
        if connector is not None and self._connector_owner:
            for websocket in tuple(self._websockets):
                websocket.abort()
            await connector.close()

    def detach(self) -> None:
        """Let go of the connector without closing it."""
        self._connector = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def __enter__(self) -> None:
        raise TypeError("Use async with instead")

    def __exit__(self, *args: object) -> None:
        """Never called, because ``__enter__`` raises."""


remember(ClientSession, ClientRequest, ClientResponse, BaseConnector)
of_session(ClientSession)
