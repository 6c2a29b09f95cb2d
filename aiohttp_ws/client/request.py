"""One request: its headers and body, and how it is put on a connection."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from .. import hdrs
from ..argument_types import Byteish, LooseCookies, LooseHeaders, StrOrURL
from ..errors import ClientConnectionError, InvalidURL
from ..http.auth import BasicAuth
from ..http.codings import is_supported, supported_codings
from ..http.cookies import cookie_header, make_cookie, parse_cookie_header
from ..http.forms import FormData
from ..http.headers import HttpVersion, HttpVersion11
from ..http.payload import PAYLOAD_REGISTRY, BytesPayload, Payload
from ..http.payload_base import LookupError
from ..http.software import SERVER_SOFTWARE
from ..wire.http1 import HTTP_10, HTTP_11, serialise_request_head
from .connection_key import ConnectionKey
from .exchange import DEFAULT_PLAN, Exchange, Plan
from .fingerprint import SSLSetting
from .hosts import host_fault, without_zone
from .proxy import Proxy, proxy_of
from .request_info import RequestInfo
from .response import ClientResponse
from .upload import Upload, UploadTracker

if TYPE_CHECKING:
    from .connection import Connection
    from .session import ClientSession
    from .tracing import Trace

__all__ = ("ClientRequest",)

# Headers that decide where a message ends, or what goes before its body.
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "expect"})
_METHODS_WITHOUT_CONTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})
_TLS_SCHEMES: Final = frozenset({"https", "wss"})
# A body up to this size leaves in one write with the head.
SMALL_BODY: Final = 64 * 1024


class ClientRequest:
    """A request on its way; middlewares may change it before it is sent.

    The parameters are those of :meth:`aiohttp_ws.ClientSession.request`; the names in
    *skip_auto_headers* are in lower case.
    """

    GET_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
    POST_METHODS = frozenset({"PATCH", "POST", "PUT"})
    ALL_METHODS = GET_METHODS | POST_METHODS | {"DELETE"}
    DEFAULT_HEADERS: Final = {
        hdrs.ACCEPT: "*/*",
        hdrs.ACCEPT_ENCODING: ", ".join(supported_codings()),
        hdrs.USER_AGENT: SERVER_SOFTWARE,
    }

    body: Payload | None = None
    #: The content coding of the body, whether it goes in chunks, and after a 100.
    compress: str | None = None
    chunked = False
    expect100 = False
    #: The proxy, the login for it, and what else it is told; set by :meth:`update_proxy`.
    proxy: URL | None = None
    proxy_auth: BasicAuth | None = None
    proxy_headers: CIMultiDict[str] | None = None
    _proxy: Proxy | None = None
    _traces: Sequence[Trace] = ()
    _info: RequestInfo | None = None

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        session: ClientSession,
        headers: CIMultiDict[str] | None = None,
        skip_auto_headers: frozenset[str] = frozenset(),
        data: Any = None,
        cookies: LooseCookies | None = None,
        auth: BasicAuth | None = None,
        version: HttpVersion = HttpVersion11,
        compress: str | bool | None = None,
        chunked: bool | None = None,
        expect100: bool = False,
        response_class: type[ClientResponse] = ClientResponse,
        ssl: SSLSetting = True,
        server_hostname: str | None = None,
        upload_tracker: UploadTracker | None = None,
        proxy: StrOrURL | None = None,
        proxy_auth: BasicAuth | None = None,
        proxy_headers: LooseHeaders | None = None,
        traces: Sequence[Trace] | None = None,
    ) -> None:
        host = url.raw_host
        if not host:
            raise InvalidURL(url, "it has no host")
        fault = host_fault(host)
        if fault is not None:
            raise InvalidURL(url, fault)
        self.method = method.upper()
        self.original_url = url
        self.url = url.with_fragment(None) if url.raw_fragment else url
        self.session = session
        self.version = version
        self.response_class = response_class
        self.ssl = ssl
        self.server_hostname = server_hostname
        self.skip_auto_headers = skip_auto_headers
        self.upload_tracker = upload_tracker
        if traces:
            self._traces = traces
        self._build_headers(headers)
        if cookies:
            self.update_cookies(cookies)
        if auth is not None or url.raw_user is not None or url.raw_password is not None:
            self.update_auth(auth)
        if proxy is not None:
            self.update_proxy(proxy, proxy_auth, proxy_headers)
        if data is not None or chunked or expect100 or compress or self.method != "GET":
            self._update_message(data, compress, chunked, expect100)
        elif headers and not _FRAMING.isdisjoint(map(str.lower, headers)):
            self._update_message(None, None, None, False)

    # -------------------------------------------------------------------------- endpoint

    @property
    def host(self) -> str:
        """The host to connect to, without the brackets of an IPv6 address."""
        return self.url.raw_host or ""

    @property
    def port(self) -> int | None:
        """The port to connect to."""
        return self.url.port

    def is_ssl(self) -> bool:
        """Whether the connection is secured by TLS."""
        return self.url.scheme in _TLS_SCHEMES

    @property
    def connection_key(self) -> ConnectionKey:
        """The key of the connections that can serve this request."""
        url = self.url
        return ConnectionKey(
            url.raw_host or "",
            url.port,
            url.scheme in _TLS_SCHEMES,
            self.ssl,
            self.server_hostname,
            self._proxy,
        )

    @property
    def request_info(self) -> RequestInfo:
        """What responses and errors remember of this request."""
        info = self._info
        if info is None:
            info = self._info = RequestInfo(
                self.url, self.method, CIMultiDictProxy(self.headers.copy()), self.original_url
            )
        return info

    # --------------------------------------------------------------------------- headers

    def _build_headers(self, given: CIMultiDict[str] | None) -> None:
        host = self.url.host_port_subcomponent or ""
        if "%" in host:
            host = without_zone(host)
        if host.endswith("."):
            host = host.rstrip(".")
        skip = self.skip_auto_headers
        headers: CIMultiDict[str] = CIMultiDict()
        if not given:
            headers[hdrs.HOST] = host
            for auto, value in self.DEFAULT_HEADERS.items():
                if not skip or auto.lower() not in skip:
                    headers.add(auto, value)
        else:
            headers[hdrs.HOST] = given.get(hdrs.HOST, host)
            for name, value in given.items():
                if name.lower() != "host":
                    headers.add(name, value)
            for auto, value in self.DEFAULT_HEADERS.items():
                if auto not in headers and auto.lower() not in skip:
                    headers.add(auto, value)
        self.headers = headers

    def update_cookies(self, cookies: LooseCookies) -> None:
        """Add *cookies* to the ``Cookie`` header, replacing those of the same name.

        :raises ValueError: for a name or a value that no cookie can have.
        """
        chosen: dict[str, Any] = {}
        if hdrs.COOKIE in self.headers:
            for header in self.headers.popall(hdrs.COOKIE):
                chosen.update(parse_cookie_header(header))
        pairs: Iterable[tuple[str, Any]]
        pairs = cookies.items() if hasattr(cookies, "items") else cookies
        for name, value in pairs:
            chosen[name] = value if hasattr(value, "coded_value") else make_cookie(name, value)
        if chosen:
            self.headers[hdrs.COOKIE] = cookie_header(chosen.values())

    def update_auth(self, auth: BasicAuth | None, trust_env: bool = False) -> None:
        """Set the ``Authorization`` header from *auth*, or else from the URL.

        :raises TypeError: when *auth* is no :class:`~aiohttp_ws.BasicAuth`.
        :raises ValueError: when the header is there already.
        """
        auth = auth or BasicAuth.from_url(self.original_url)
        if auth is None:
            return
        if not isinstance(auth, BasicAuth):
            raise TypeError(f"auth is {type(auth).__name__}, pass a BasicAuth")
        if hdrs.AUTHORIZATION in self.headers:
            raise ValueError(
                "Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded"
                " in URL"
            )
        self.headers[hdrs.AUTHORIZATION] = auth.encode()
        if self.original_url.raw_user is not None or self.original_url.raw_password is not None:
            self.original_url = self.original_url.with_user(None)
            self.url = self.url.with_user(None)

    def update_proxy(
        self,
        proxy: StrOrURL | None,
        proxy_auth: BasicAuth | None = None,
        proxy_headers: LooseHeaders | None = None,
    ) -> None:
        """Send the request through *proxy*, or directly for ``None``.

        :raises InvalidURL: *proxy* is not the URL of a proxy.
        :raises ValueError: *proxy_auth* is not a :class:`~aiohttp_ws.BasicAuth`.
        """
        if proxy is None:
            self.proxy = self.proxy_auth = self.proxy_headers = self._proxy = None
            return
        # RFC 6455 4.1: WebSockets go through a tunnel, with TLS or without.
        tunnels = self.url.scheme != "http" or hdrs.UPGRADE in self.headers
        self._proxy = proxy_of(proxy, proxy_auth, proxy_headers, tunnels=tunnels)
        self.proxy, self.proxy_auth = URL(proxy), proxy_auth
        self.proxy_headers = None if proxy_headers is None else CIMultiDict(proxy_headers)

    # ------------------------------------------------------------------------------ body

    def _update_message(
        self, data: Any, compress: str | bool | None, chunked: bool | None, expect100: bool
    ) -> None:
        headers = self.headers
        self.chunked = bool(chunked)
        if data is not None:
            self._set_body(data)
        self._update_compression(compress)
        codings = headers.getall(hdrs.TRANSFER_ENCODING, ())
        if codings:
            if [coding.lower() for coding in codings] != ["chunked"]:
                raise ValueError(
                    f"Transfer-Encoding {', '.join(codings)!r} is not chunked, the only coding"
                    " of a request (RFC 9112 6.1)"
                )
            if chunked:
                raise ValueError("chunked=True and a Transfer-Encoding header: pass one of them")
            self.chunked = True
        if self.chunked and hdrs.CONTENT_LENGTH in headers:
            # RFC 9112 6.2: two lengths are two messages to somebody.
            raise ValueError("Content-Length header and a chunked body exclude each other")
        self._update_framing()
        if expect100:
            headers[hdrs.EXPECT] = "100-continue"
        self.expect100 = headers.get(hdrs.EXPECT, "").lower() == "100-continue"

    def _set_body(self, data: Any) -> None:
        if isinstance(data, FormData):
            data = data()
        try:
            # A body's own header fields: a file's name belongs into parts of forms only.
            body = PAYLOAD_REGISTRY.get(data, disposition=None)
        except LookupError:
            body = FormData(data)()
        self.body = body
        for name, value in body.headers.items():
            # BytesPayload of json= and forms say what they are, unless the caller does.
            if name not in self.headers and name.lower() not in self.skip_auto_headers:
                self.headers[name] = value

    def _update_compression(self, compress: str | bool | None) -> None:
        if not compress or self.body is None or self.body.size == 0:
            return
        if hdrs.CONTENT_ENCODING in self.headers:
            raise ValueError("compress= and a Content-Encoding header: pass one of them")
        self.compress = "deflate" if compress is True else compress
        if not is_supported(self.compress):
            known = " or ".join(supported_codings())
            raise ValueError(f"compress={compress!r} is not {known}")
        self.headers[hdrs.CONTENT_ENCODING] = self.compress
        self.chunked = True  # its length is known only afterwards

    def _update_framing(self) -> None:
        """Decide between ``Content-Length`` and chunks (RFC 9112 6)."""
        headers, body = self.headers, self.body
        if body is not None and not self.chunked and hdrs.CONTENT_LENGTH not in headers:
            size = body.size
            if size is None:
                self.chunked = True
            else:
                headers[hdrs.CONTENT_LENGTH] = str(size)
        if self.chunked:
            if self.version < HttpVersion11:
                raise ValueError("a body of unknown length needs HTTP/1.1, the request is 1.0")
            headers.setdefault(hdrs.TRANSFER_ENCODING, "chunked")
        elif body is None and self.method not in _METHODS_WITHOUT_CONTENT:
            # RFC 9110 8.6: the method could have content, and this request has none.
            headers.setdefault(hdrs.CONTENT_LENGTH, "0")

    async def update_body(self, body: Any) -> None:
        """Replace the body; for middlewares.

        :param body: as ``data=`` of a request; ``None`` for no body.
        """
        if self.body is not None and body is not self.body:
            await self.body.close()
        for name in (hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING):
            self.headers.popall(name, None)
        if body is not self.body and body is not None:
            self.headers.popall(hdrs.CONTENT_TYPE, None)
        self.body, self.chunked = None, self.compress is not None
        if body is not None:
            self._set_body(body)
        self._update_framing()
        self._info = None

    @property
    def length(self) -> int | None:
        """The bytes announced as ``Content-Length``, or ``None``.

        :raises ValueError: when the header is not a number.
        """
        values = self.headers.getall(hdrs.CONTENT_LENGTH, ())
        if not values:
            return None
        value = values[0]
        if len(values) > 1 or not (value.isascii() and value.isdigit()):
            raise ValueError(f"Content-Length {', '.join(values)!r} is not a number")
        return int(value)

    # --------------------------------------------------------------------------- sending

    async def send(self, conn: Connection) -> ClientResponse:
        """Write the request to *conn*; the response is still to be started."""
        return self.start(conn)

    def start(
        self, conn: Connection, plan: Plan = DEFAULT_PLAN, deadline: float = math.inf
    ) -> ClientResponse:
        """Write the request to *conn*; the response is still to be started.

        :raises ValueError: for a method, target or header that HTTP cannot carry.
        """
        protocol = conn.protocol
        if protocol is None:
            raise ClientConnectionError("connection was given back")
        headers = self.headers
        if self.method == "CONNECT":
            target = f"{self.host}:{self.port}"
        else:
            target = self.url.raw_path_qs
            if self._proxy is not None and not self._proxy.tunnels:
                authority = without_zone(self.url.host_port_subcomponent or "")
                target = f"{self.url.scheme}://{authority}{target}"
                headers = self._told_to_proxy(self._proxy)
        version = HTTP_11
        if conn.force_close:
            headers.setdefault(hdrs.CONNECTION, "close")
        if self.version < HttpVersion11:
            version = HTTP_10
            headers.setdefault(hdrs.CONNECTION, "keep-alive")
        head = serialise_request_head(self.method, target, version, headers)
        body = self.body
        upload: Upload | None = None
        at_once: Any = None
        if body is not None or self.chunked or self.expect100:
            if (
                isinstance(body, BytesPayload)
                and not (self.chunked or self.expect100 or self._traces)
                and body.size is not None
                and body.size <= SMALL_BODY
                and type(body).write_with_length is BytesPayload.write_with_length
            ):
                at_once = self._checked(body)
            else:
                self._check_length()
                upload = Upload(
                    head,
                    body,
                    protocol,
                    length=self.length,
                    chunked=self.chunked,
                    compress=self.compress,
                    expect_continue=self.expect100,
                    on_chunk=self._tell_of_chunk if self._traces else None,
                )
        elif hdrs.CONTENT_LENGTH in self.headers and self.length:
            raise ValueError(
                f"Content-Length header is {self.length} and there is no body; leave it out"
            )
        exchange = Exchange(
            self.method, conn, plan, deadline, self.headers, upload, body is not None
        )
        waiter = protocol.begin(exchange)
        response = self.response_class(self, waiter, conn, len(head))
        if self._traces:
            response._traces = self._traces
        transport = protocol.transport
        if transport is not None:
            if upload is not None:
                response._sent = 0  # the upload counts the head too
                task = asyncio.ensure_future(upload.run())
                protocol.watch_upload(task)
                response._uploading(upload, task)
            elif at_once is not None:
                transport.write(head + at_once)
                response._sent += len(at_once)
            else:
                transport.write(head)
        tracker = self.upload_tracker
        if tracker is not None:
            self._track(tracker, upload, response, len(at_once or b""))
        return response

    async def tell_of_head(self) -> None:
        """Tell the traces that the head is about to be written."""
        for trace in self._traces:
            await trace.send_request_headers(self.method, self.url, self.headers)

    async def _tell_of_chunk(self, chunk: Byteish) -> None:
        chunk = bytes(chunk)  # A view is of no use to those who keep it.
        for trace in self._traces:
            await trace.send_request_chunk_sent(self.method, self.url, chunk)

    def _told_to_proxy(self, proxy: Proxy) -> CIMultiDict[str]:
        """The headers, and those for a proxy that the request is sent to."""
        told = [(name, value) for name, value in proxy.headers if name.lower() != "host"]
        headers = self.headers.copy()
        for name, _ in told:
            headers.popall(name, None)
        headers.extend(told)
        return headers

    def _check_length(self) -> None:
        length, body = self.length, self.body
        size = 0 if body is None else body.size
        if length is not None and size is not None and length > size:
            raise ValueError(
                f"Content-Length header is {length} and the body has {size} bytes;"
                " leave the header out"
            )

    def _checked(self, body: BytesPayload) -> bytes:
        value = body._value
        data = value if isinstance(value, bytes) else bytes(value)
        length = self.length
        if length is not None and length != len(data):
            raise ValueError(
                f"Content-Length header is {length} and the body has {len(data)} bytes;"
                " leave the header out"
            )
        return data

    def _track(
        self,
        tracker: UploadTracker,
        upload: Upload | None,
        response: ClientResponse,
        size: int,
    ) -> None:
        if upload is None:
            tracker._sent(size)
            tracker._ended(True)
            return
        tracker._began(upload)
        task = response._upload_task
        if task is not None:
            task.add_done_callback(
                lambda done: (
                    None
                    if done.cancelled() or done.exception() is not None
                    else tracker._ended(True)
                )
            )

    async def close(self) -> None:
        """Give back what the body holds."""
        if self.body is not None:
            await self.body.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method} {self.url}>"
