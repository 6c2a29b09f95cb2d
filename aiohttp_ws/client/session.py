"""Sessions: what requests share, and a request's way through redirects and retries."""

from __future__ import annotations

import asyncio
import math
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from http.cookies import SimpleCookie
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from multidict import CIMultiDict, istr
from yarl import URL

from .. import hdrs
from ..abc import AbstractCookieJar
from ..errors import (
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ConnectionTimeoutError,
    InvalidURL,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    NonHttpUrlClientError,
    ServerDisconnectedError,
    ServerTimeoutError,
    TooManyRedirects,
)
from ..http.auth import BasicAuth
from ..http.headers import HttpVersion, HttpVersion11
from ..http.payload import JsonBytesPayload, JsonPayload
from ..typedefs import (
    DEFAULT_JSON_ENCODER,
    JSONEncoder,
    LooseCookies,
    LooseHeaders,
    Query,
    StrOrURL,
)
from .connector import BaseConnector
from .cookiejar import CookieJar
from .fingerprint import merge_ssl_arguments
from .protocol import Limits
from .redirects import BODY_HEADERS, ORIGIN_HEADERS, REDIRECT_STATUSES, becomes_get, next_url
from .request import ClientRequest
from .request_context import RequestContext
from .response import ClientResponse
from .tcp_connector import TCPConnector
from .timeouts import DEFAULT_TIMEOUT, ClientTimeout, deadline_after, has_expired, timeout_at
from .unset import UNSET, Unset
from .upload import UploadTracker
from .websocket import ClientWebSocketResponse, connect_websocket

if TYPE_CHECKING:
    from typing_extensions import Self

    from .connection import Connection

__all__ = ("ClientHandlerType", "ClientMiddlewareType", "ClientSession")

ClientHandlerType: TypeAlias = "Callable[[ClientRequest], Awaitable[ClientResponse]]"
ClientMiddlewareType: TypeAlias = (
    "Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]"
)
RaiseForStatus: TypeAlias = "bool | Callable[[ClientResponse], Awaitable[None]]"

# RFC 9110 9.2.2: what may be sent again when nobody knows whether it arrived.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})


class _Plan(NamedTuple):
    """How the exchanges of one call are made."""

    timeout: ClientTimeout
    deadline: float
    read_bufsize: int
    auto_decompress: bool
    read_until_eof: bool
    limits: Limits


class ClientSession:
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
    :param ssl_shutdown_timeout: seconds for TLS's farewell, of the session's own connector.
    :param read_timeout, conn_timeout: deprecated, use *timeout*.
    """

    ATTRS = frozenset(
        {
            "_auto_decompress",
            "_base_url",
            "_connector",
            "_connector_owner",
            "_cookie_jar",
            "_default_auth",
            "_default_headers",
            "_loop",
            "_timeout",
            "_version",
        }
    )
    _connector: BaseConnector | None = None  # for __del__, when the constructor fails

    def __init__(
        self,
        base_url: StrOrURL | None = None,
        *,
        connector: BaseConnector | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        cookies: LooseCookies | None = None,
        headers: LooseHeaders | None = None,
        proxy: StrOrURL | None = None,
        proxy_auth: BasicAuth | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        auth: BasicAuth | None = None,
        json_serialize: JSONEncoder = DEFAULT_JSON_ENCODER,
        json_serialize_bytes: Callable[[Any], bytes] | None = None,
        request_class: type[ClientRequest] = ClientRequest,
        response_class: type[ClientResponse] = ClientResponse,
        ws_response_class: type[ClientWebSocketResponse] = ClientWebSocketResponse,
        version: HttpVersion = HttpVersion11,
        cookie_jar: AbstractCookieJar | None = None,
        connector_owner: bool = True,
        raise_for_status: RaiseForStatus = False,
        read_timeout: float | Unset | None = UNSET,
        conn_timeout: float | None = None,
        timeout: ClientTimeout | Unset | None = UNSET,
        auto_decompress: bool = True,
        trust_env: bool = False,
        requote_redirect_url: bool = True,
        trace_configs: list[Any] | None = None,
        read_bufsize: int = 2**18,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
        fallback_charset_resolver: Callable[[ClientResponse, bytes], str] = (
            lambda response, body: "utf-8"
        ),
        middlewares: Sequence[ClientMiddlewareType] = (),
        ssl_shutdown_timeout: float | Unset | None = UNSET,
    ) -> None:
        _refuse_proxy(proxy, proxy_auth)
        if trust_env:
            raise ValueError("trust_env=True: proxies and netrc are not supported in this release")
        if trace_configs:
            raise ValueError("trace_configs: tracing is not supported in this release")
        if loop is None:
            loop = asyncio.get_running_loop() if connector is None else connector._loop
        self._base_url = _checked_base(base_url)
        self._base_origin = None if self._base_url is None else self._base_url.origin()
        self._timeout = _session_timeout(timeout, read_timeout, conn_timeout)
        if connector is None:
            connector = TCPConnector(loop=loop, ssl_shutdown_timeout=ssl_shutdown_timeout)
        elif connector._loop is not loop:
            raise RuntimeError("Session and connector has to use same event loop")
        self._loop = loop
        self._cookie_jar = CookieJar() if cookie_jar is None else cookie_jar
        if cookies:
            self._cookie_jar.update_cookies(cookies)
        self._connector = connector
        self._connector_owner = connector_owner
        self._default_auth = auth
        self._version = version
        self._json_serialize = json_serialize
        self._json_serialize_bytes = json_serialize_bytes
        self._raise_for_status = raise_for_status
        self._auto_decompress = auto_decompress
        self._requote_redirect_url = requote_redirect_url
        self._read_bufsize = read_bufsize
        self._limits: Limits = (max_line_size, max_field_size, max_headers)
        self._default_headers: CIMultiDict[str] = CIMultiDict(headers or ())
        self._skip_auto_headers = frozenset(istr(name) for name in skip_auto_headers or ())
        self._skip_lower = frozenset(name.lower() for name in self._skip_auto_headers)
        self._request_class = request_class
        self._response_class = response_class
        self._ws_response_class = ws_response_class
        self._resolve_charset = fallback_charset_resolver
        self._middlewares = tuple(middlewares)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        warnings.warn(
            f"{cls.__name__} inherits from ClientSession, which may gain any name; keep a"
            " session as an attribute instead",
            DeprecationWarning,
            stacklevel=2,
        )

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        connector = self._connector
        if connector is not None and not connector.closed and self._connector_owner:
            _warn(f"Unclosed client session {self!r}", ResourceWarning, source=self)
            connector.close()

    # -------------------------------------------------------------------------- requests

    def request(self, method: str, url: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
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
        :param read_bufsize, auto_decompress, max_line_size, max_field_size, max_headers: as
            of the session.
        :param middlewares: instead of the session's.
        :param upload_tracker: an :class:`~aiohttp_ws.UploadTracker` that shows the progress.
        :raises ClientError: or a subclass, when the request fails.
        :raises TimeoutError: when it takes too long.
        :raises ValueError: for arguments that no request can have.
        """
        return RequestContext(self._request(method, url, **kwargs))

    def get(
        self, url: StrOrURL, *, allow_redirects: bool = True, **kwargs: Any
    ) -> RequestContext[ClientResponse]:
        """Send a GET; the arguments are those of :meth:`request`."""
        return RequestContext(self._request("GET", url, allow_redirects=allow_redirects, **kwargs))

    def options(
        self, url: StrOrURL, *, allow_redirects: bool = True, **kwargs: Any
    ) -> RequestContext[ClientResponse]:
        """Send an OPTIONS; the arguments are those of :meth:`request`."""
        return RequestContext(
            self._request("OPTIONS", url, allow_redirects=allow_redirects, **kwargs)
        )

    def head(
        self, url: StrOrURL, *, allow_redirects: bool = False, **kwargs: Any
    ) -> RequestContext[ClientResponse]:
        """Send a HEAD, not following redirects; the arguments are those of :meth:`request`."""
        return RequestContext(self._request("HEAD", url, allow_redirects=allow_redirects, **kwargs))

    def post(
        self, url: StrOrURL, *, data: Any = None, **kwargs: Any
    ) -> RequestContext[ClientResponse]:
        """Send a POST; the arguments are those of :meth:`request`."""
        return RequestContext(self._request("POST", url, data=data, **kwargs))

    def put(
        self, url: StrOrURL, *, data: Any = None, **kwargs: Any
    ) -> RequestContext[ClientResponse]:
        """Send a PUT; the arguments are those of :meth:`request`."""
        return RequestContext(self._request("PUT", url, data=data, **kwargs))

    def patch(
        self, url: StrOrURL, *, data: Any = None, **kwargs: Any
    ) -> RequestContext[ClientResponse]:
        """Send a PATCH; the arguments are those of :meth:`request`."""
        return RequestContext(self._request("PATCH", url, data=data, **kwargs))

    def delete(self, url: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send a DELETE; the arguments are those of :meth:`request`."""
        return RequestContext(self._request("DELETE", url, **kwargs))

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
        _upgrade: bool = False,
    ) -> ClientResponse:
        connector = self._connector
        if connector is None or connector.closed:
            raise RuntimeError("Session is closed")
        _refuse_proxy(proxy, proxy_auth, proxy_headers)
        if ssl is not True or verify_ssl is not None or ssl_context or fingerprint:
            ssl = merge_ssl_arguments(ssl, verify_ssl, ssl_context, fingerprint)
        if json is not None:
            data = self._json_body(data, json)
        url = self._build_url(str_or_url, params, connector)
        plan = self._plan(
            timeout,
            read_bufsize,
            auto_decompress,
            read_until_eof,
            (max_line_size, max_field_size, max_headers),
        )
        if upload_tracker is not None:
            upload_tracker._claim()
        sent_headers = self._merged_headers(headers)
        skip = self._skip_auto_headers
        if skip_auto_headers:
            skip = skip | {istr(name) for name in skip_auto_headers}
        if chunked is not None and data is None and not chunked:
            chunked = None
        send = self._handler(plan, self._middlewares if middlewares is None else middlewares)
        history: list[ClientResponse] = []
        request: ClientRequest | None = None
        try:
            while True:
                try:
                    request = self._request_class(
                        method,
                        url,
                        session=self,
                        headers=sent_headers,
                        skip_auto_headers=skip,
                        data=data,
                        cookies=self._cookies_for(url, cookies),
                        auth=auth or self._auth_for(url, sent_headers),
                        version=self._version,
                        compress=compress,
                        chunked=chunked,
                        expect100=expect100,
                        response_class=self._response_class,
                        ssl=ssl,
                        server_hostname=server_hostname,
                        upload_tracker=upload_tracker,
                    )
                except InvalidURL as exc:
                    raise InvalidUrlClientError(exc.url, exc.description) from exc
                response = await send(request)
                self._keep_cookies(response)
                if not allow_redirects or response.status not in REDIRECT_STATUSES:
                    break
                target = self._redirect_target(response, url, history, max_redirects)
                if target is None:
                    break
                history.append(response)
                if becomes_get(response.status, request.method):
                    method, data, compress, chunked, expect100 = "GET", None, None, None, False
                    await request.close()
                    sent_headers = _without(sent_headers, BODY_HEADERS)
                elif request.body is not None:
                    data = _repeatable(request)
                if target.origin() != url.origin():
                    # What was meant for one origin is not told to another.
                    auth = cookies = None
                    sent_headers = _without(sent_headers, ORIGIN_HEADERS)
                response.release()
                url = target
        except BaseException as exc:
            await self._given_up(request, upload_tracker)
            if isinstance(exc, OSError) and not isinstance(
                exc, (ClientError, asyncio.TimeoutError)
            ):
                raise ClientOSError(*exc.args) from exc
            raise
        if history:
            response._history = tuple(history)
        if request.body is not None and not request.body.autoclose:
            await _close_body(request, response)
        check = self._raise_for_status if raise_for_status is None else raise_for_status
        if check:
            await _check_status(response, check)
        return response

    async def _given_up(self, request: ClientRequest | None, tracker: UploadTracker | None) -> None:
        if request is not None:
            await request.close()
        if tracker is not None:
            tracker._ended(False)

    # -------------------------------------------------------------- the parts of a request

    def _json_body(self, data: Any, json: Any) -> Any:
        if data is not None:
            raise ValueError("data and json parameters can not be used at the same time")
        if self._json_serialize_bytes is not None:
            return JsonBytesPayload(json, dumps=self._json_serialize_bytes)
        return JsonPayload(json, dumps=self._json_serialize)

    def _plan(
        self,
        timeout: ClientTimeout | float | Unset | None,
        read_bufsize: int | None,
        auto_decompress: bool | None,
        read_until_eof: bool,
        limits: tuple[int | None, int | None, int | None],
    ) -> _Plan:
        if timeout is UNSET:
            timeout = self._timeout
        elif not isinstance(timeout, ClientTimeout):
            timeout = ClientTimeout(total=timeout)
        deadline = math.inf
        if timeout.total:
            deadline = deadline_after(self._loop.time(), timeout.total, timeout.ceil_threshold)
        chosen = self._limits
        if limits != (None, None, None):
            line, field, count = (
                default if given is None else given
                for given, default in zip(limits, chosen, strict=True)
            )
            chosen = (line, field, count)
        return _Plan(
            timeout,
            deadline,
            self._read_bufsize if read_bufsize is None else read_bufsize,
            self._auto_decompress if auto_decompress is None else auto_decompress,
            read_until_eof,
            chosen,
        )

    def _build_url(
        self, str_or_url: StrOrURL, params: Query = None, connector: BaseConnector | None = None
    ) -> URL:
        try:
            url = URL(str_or_url)
        except ValueError as exc:
            raise InvalidUrlClientError(str_or_url, str(exc)) from exc
        if self._base_url is not None and not url.absolute:
            url = self._base_url.join(url)
        if params:
            url = url.extend_query(params)
        if connector is not None:
            if url.scheme not in connector.allowed_protocol_schema_set:
                raise NonHttpUrlClientError(url)
            if not url.raw_host:
                raise InvalidUrlClientError(url, "it has no host")
        return url

    def _merged_headers(self, headers: LooseHeaders | None) -> CIMultiDict[str] | None:
        if not headers:
            return self._default_headers or None
        given = headers if isinstance(headers, CIMultiDict) else CIMultiDict(headers)
        if not self._default_headers:
            return given
        merged = self._default_headers.copy()
        for name in set(given):
            merged.popall(name, None)
        merged.extend(given)
        return merged

    def _cookies_for(self, url: URL, cookies: LooseCookies | None) -> Mapping[str, Any] | None:
        jar = self._cookie_jar
        kept = jar.filter_cookies(url) if len(jar) else None
        if not cookies:
            return kept
        own = CookieJar(unsafe=True, quote_cookie=jar.quote_cookie)
        own.update_cookies(cookies)
        chosen: SimpleCookie = SimpleCookie()
        chosen.update(kept or {})
        chosen.update(own.filter_cookies(url))
        return chosen

    def _auth_for(self, url: URL, headers: CIMultiDict[str] | None) -> BasicAuth | None:
        auth = self._default_auth
        if auth is None or (headers is not None and hdrs.AUTHORIZATION in headers):
            return None
        if url.raw_user is not None:
            return None  # the URL's own credentials are closer
        if self._base_origin is not None and self._base_origin != url.origin():
            return None
        return auth

    def _keep_cookies(self, response: ClientResponse) -> None:
        head = response._head
        if head is not None and head.first("Set-Cookie") is not None:
            self._cookie_jar.update_cookies_from_headers(
                response.headers.getall(hdrs.SET_COOKIE), response.url
            )

    def _redirect_target(
        self,
        response: ClientResponse,
        url: URL,
        history: list[ClientResponse],
        max_redirects: int,
    ) -> URL | None:
        try:
            target = next_url(response, url, self._requote_redirect_url)
            if target is None:
                return None
            if len(history) + 1 >= max_redirects > 0:
                first = history[0] if history else response
                raise TooManyRedirects(
                    first.request_info,
                    (*history, response),
                    status=response.status,
                    message=f"max_redirects={max_redirects} redirects were followed",
                    headers=response.headers,
                )
            if not target.raw_host:
                raise InvalidUrlRedirectClientError(target, "it has no host")
        except BaseException:
            response.close()
            raise
        return target

    # ----------------------------------------------------------------------- an exchange

    def _handler(
        self, plan: _Plan, middlewares: Sequence[ClientMiddlewareType]
    ) -> Callable[[ClientRequest], Awaitable[ClientResponse]]:
        async def send(request: ClientRequest) -> ClientResponse:
            return await self._exchange(request, plan)

        handler: Callable[[ClientRequest], Awaitable[ClientResponse]] = send
        for middleware in reversed(middlewares):
            handler = _wrapped(middleware, handler)
        return handler

    async def _exchange(self, request: ClientRequest, plan: _Plan) -> ClientResponse:
        """Send *request* and wait for the head of its response.

        A kept connection may be closed by its server just when we use it; what may be sent
        twice is then sent again, on a new connection.
        """
        connector = self._connector
        if connector is None:
            raise RuntimeError("Session is closed")
        connection = connector.acquire_idle(request.connection_key)
        if connection is None:
            connection = await self._connect(connector, request, plan)
        try:
            return await self._exchange_on(connection, request, plan)
        except (ServerDisconnectedError, ClientOSError) as exc:
            if (
                not connection.reused
                or request.method not in IDEMPOTENT
                or isinstance(exc, ServerTimeoutError)
                or (request.body is not None and request.body.consumed)
            ):
                raise
        connection = await self._connect(connector, request, plan, fresh=True)
        return await self._exchange_on(connection, request, plan)

    async def _exchange_on(
        self, connection: Connection, request: ClientRequest, plan: _Plan
    ) -> ClientResponse:
        timeout = plan.timeout
        try:
            response = await request.send(
                connection,
                read_bufsize=plan.read_bufsize,
                deadline=plan.deadline,
                total=timeout.total,
                sock_read=timeout.sock_read,
                limits=plan.limits,
                auto_decompress=plan.auto_decompress,
                read_until_eof=plan.read_until_eof,
            )
            return await response.start(connection)
        except BaseException:
            connection.release()
            raise

    async def _connect(
        self,
        connector: BaseConnector,
        request: ClientRequest,
        plan: _Plan,
        *,
        fresh: bool = False,
    ) -> Connection:
        timeout = plan.timeout
        connect_deadline = deadline_after(
            self._loop.time(), timeout.connect, timeout.ceil_threshold
        )
        deadline = min(connect_deadline, plan.deadline)
        limit = timeout_at(None if deadline == math.inf else deadline)
        try:
            async with limit:
                if fresh:
                    return await connector.connect(request, [], timeout, fresh=True)
                return await connector.connect(request, [], timeout)
        except asyncio.TimeoutError as exc:
            if not has_expired(limit):
                raise
            if connect_deadline <= plan.deadline:
                raise ConnectionTimeoutError(
                    f"Connection timeout to host {request.url}: connect={timeout.connect}"
                    " seconds are over"
                ) from exc
            raise asyncio.TimeoutError(
                f"request took longer than total={timeout.total} seconds"
            ) from exc

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
        compress: int = 0,
        max_msg_size: int = 4 * 1024 * 1024,
        decode_text: bool = True,
    ) -> RequestContext[ClientWebSocketResponse]:
        """Open a WebSocket; ``await`` it, or ``async with`` it.

        :param protocols: subprotocols to offer, the preferred one first.
        :param timeout: a :class:`~aiohttp_ws.ClientWSTimeout`; 10 seconds for the closing
            handshake by default.
        :param receive_timeout: deprecated, use ``timeout=ClientWSTimeout(ws_receive=...)``.
        :param autoclose: answer the peer's close frame.
        :param autoping: answer pings.
        :param heartbeat: seconds between pings; a peer that does not answer within half of
            that is gone.
        :param origin: the ``Origin`` header.
        :param compress: window bits of permessage-deflate (9 to 15), 0 for none.
        :param max_msg_size: bytes a message may have; 4 MiB, 0 for no limit.
        :param decode_text: give text messages as ``str``, not ``bytes``.
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
            )
        )

    def _ws_connect(
        self, url: StrOrURL, *, timeout: Any = UNSET, **kwargs: Any
    ) -> Coroutine[Any, Any, ClientWebSocketResponse]:
        if timeout is not UNSET:
            kwargs["timeout"] = timeout
        return connect_websocket(self, url, **kwargs)

    # ----------------------------------------------------------------------- its settings

    @property
    def closed(self) -> bool:
        """Whether the session, or its connector, is closed."""
        return self._connector is None or self._connector.closed

    @property
    def connector(self) -> BaseConnector | None:
        """What makes the connections; ``None`` after :meth:`close` or :meth:`detach`."""
        return self._connector

    @property
    def connector_owner(self) -> bool:
        """Whether :meth:`close` closes the connector."""
        return self._connector_owner

    @property
    def cookie_jar(self) -> AbstractCookieJar:
        """The cookies."""
        return self._cookie_jar

    @property
    def version(self) -> HttpVersion:
        """The HTTP version of requests."""
        return self._version

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop; deprecated, use :func:`asyncio.get_running_loop`."""
        warnings.warn(
            "client.loop property is deprecated, use asyncio.get_running_loop()",
            DeprecationWarning,
            stacklevel=2,
        )
        return self._loop

    @property
    def timeout(self) -> ClientTimeout:
        """The limits of requests that bring none."""
        return self._timeout

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers of every request."""
        return self._default_headers

    @property
    def skip_auto_headers(self) -> frozenset[istr]:
        """Names of the headers that are not added."""
        return self._skip_auto_headers

    @property
    def auth(self) -> BasicAuth | None:
        """The credentials of every request."""
        return self._default_auth

    @property
    def json_serialize(self) -> JSONEncoder:
        """What makes JSON text of ``json=``."""
        return self._json_serialize

    @property
    def raise_for_status(self) -> RaiseForStatus:
        """What happens to responses of 400 and above."""
        return self._raise_for_status

    @property
    def auto_decompress(self) -> bool:
        """Whether compressed bodies are decoded."""
        return self._auto_decompress

    @property
    def trust_env(self) -> bool:
        """Whether proxies are taken from the environment: not in this release."""
        return False

    @property
    def trace_configs(self) -> list[Any]:
        """What traces requests: nothing in this release."""
        return []

    @property
    def requote_redirect_url(self) -> bool:
        """Whether ``Location`` is percent-encoded where it needs it."""
        return self._requote_redirect_url

    # ---------------------------------------------------------------------------- the end

    async def close(self) -> None:
        """Close the session, and its connector when the session owns it."""
        connector, self._connector = self._connector, None
        if connector is not None and self._connector_owner:
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


# ------------------------------------------------------------------------ a request's steps


def _wrapped(
    middleware: ClientMiddlewareType,
    handler: Callable[[ClientRequest], Awaitable[ClientResponse]],
) -> Callable[[ClientRequest], Awaitable[ClientResponse]]:
    async def call(request: ClientRequest) -> ClientResponse:
        return await middleware(request, handler)

    return call


def _refuse_proxy(*arguments: object) -> None:
    if any(argument is not None for argument in arguments):
        raise ValueError(
            "proxy, proxy_auth, proxy_headers: proxies are not supported in this release"
        )


def _checked_base(base_url: StrOrURL | None) -> URL | None:
    if base_url is None:
        return None
    base = URL(base_url)
    if not base.absolute:
        raise ValueError(f"base_url {str(base)!r} has no host: pass an absolute URL")
    if not base.raw_path.endswith("/"):
        raise ValueError(f"base_url {str(base)!r} must have a trailing '/'")
    return base


def _session_timeout(
    timeout: Any, read_timeout: float | Unset | None, conn_timeout: float | None
) -> ClientTimeout:
    if timeout is UNSET or timeout is None:
        chosen = DEFAULT_TIMEOUT
        if read_timeout is not UNSET:
            warnings.warn(
                "read_timeout is deprecated, use timeout=ClientTimeout(total=...)",
                DeprecationWarning,
                stacklevel=3,
            )
            chosen = ClientTimeout(total=read_timeout, connect=conn_timeout)
        elif conn_timeout is not None:
            warnings.warn(
                "conn_timeout is deprecated, use timeout=ClientTimeout(connect=...)",
                DeprecationWarning,
                stacklevel=3,
            )
            chosen = ClientTimeout(total=DEFAULT_TIMEOUT.total, connect=conn_timeout)
        return chosen
    if not isinstance(timeout, ClientTimeout):
        raise ValueError(
            f"timeout is {type(timeout).__name__}, please use timeout=ClientTimeout(...)"
        )
    if read_timeout is not UNSET or conn_timeout is not None:
        raise ValueError("timeout excludes read_timeout and conn_timeout; pass timeout only")
    return timeout


def _without(headers: CIMultiDict[str] | None, names: Iterable[str]) -> CIMultiDict[str] | None:
    if not headers:
        return headers
    kept = headers.copy()
    for name in names:
        kept.popall(name, None)
    return kept


def _repeatable(request: ClientRequest) -> Any:
    body = request.body
    if body is not None and body.consumed:
        raise ClientPayloadError(
            "cannot follow a redirect that repeats the body: it was read and cannot be rewound;"
            " pass bytes or a seekable file, or allow_redirects=False"
        )
    return body


async def _close_body(request: ClientRequest, response: ClientResponse) -> None:
    task = response._upload_task
    if task is None or task.done():
        await request.close()
    else:
        task.add_done_callback(lambda done: asyncio.ensure_future(request.close()))


async def _check_status(response: ClientResponse, check: RaiseForStatus) -> None:
    try:
        if callable(check):
            await check(response)
        else:
            response.raise_for_status()
    except BaseException:
        response.release()
        raise
