"""One request: its headers and body, and how it is put on a connection."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from .. import hdrs
from ..argument_types import Byteish, LooseCookies, LooseHeaders, Query, StrOrURL
from ..errors import ClientConnectionError
from ..http.auth import BasicAuth
from ..http.field_values import is_token
from ..http.headers import HttpVersion, HttpVersion11
from ..http.payload import BytesPayload, Payload
from ..wire.http1 import HTTP_10, HTTP_11, serialise_request_head
from ..wire.serialise import is_request_target
from .connection_key import ConnectionKey
from .exchange import Exchange
from .fingerprint import SSLSetting
from .hooks import refuse_hooks
from .hosts import without_zone
from .plan import DEFAULT_PLAN, Plan
from .proxy import Proxy
from .request_info import RequestInfo
from .request_steps import RequestSteps
from .response import ClientResponse
from .upload import Attempt, Upload, UploadTracker

if TYPE_CHECKING:
    from .connection import Connection
    from .session import ClientSession
    from .tracing import Trace

__all__ = ("ClientRequest",)

# Headers that decide where a message ends, or what goes before its body.
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "expect"})
# What URL(..., encoded=True) lets pass, and a request line does not (RFC 9112 3.2).
_INVISIBLE: Final = re.compile(r"[^\x21-\x7e]+")
_TLS_SCHEMES: Final = frozenset({"https", "wss"})
# A class that overrides one of these takes all of them.
STEPS: Final = (
    "update_version",
    "update_host",
    "update_headers",
    "update_auto_headers",
    "update_cookies",
    "update_content_encoding",
    "update_auth",
    "update_proxy",
    "update_body_from_data",
    "update_transfer_encoding",
    "update_expect_continue",
)
UNCALLED: Final = {
    "write_bytes": "a Payload subclass decides how a body is written",
    "_on_chunk_request_sent": "a TraceConfig is told of it",
    "_on_headers_request_sent": "a TraceConfig is told of it",
}
# A body up to this size leaves in one write with the head.
SMALL_BODY: Final = 64 * 1024


class ClientRequest(RequestSteps):
    """A request on its way; middlewares may change it before it is sent.

    The parameters are those of :meth:`aiohttp_ws.ClientSession.request`. Sessions make the
    requests. A subclass, which a session takes as ``request_class=``, may override the ``update_*``
    methods, which the constructor calls, and :meth:`send`.
    """

    GET_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
    POST_METHODS = frozenset({"PATCH", "POST", "PUT"})
    ALL_METHODS = GET_METHODS | POST_METHODS | {"DELETE"}
    upload_tracker: UploadTracker | None = None
    # TLS to the proxy, where a connector decides it for this request alone.
    _proxy_ssl: SSLSetting | None = None
    _traces: Sequence[Trace] = ()
    # What the upload tracker knows of the sending under way.
    _attempt: Attempt | None = None
    # What send() sends by, where a subclass has a send() of its own.
    _plan = DEFAULT_PLAN
    _deadline = math.inf
    # Whether a class has steps of its own, all of which are then taken; and its own send().
    _has_steps = False
    _has_send = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_hooks(cls, ClientRequest, UNCALLED)
        cls._has_steps = any(
            getattr(cls, name) is not getattr(ClientRequest, name) for name in STEPS
        )
        cls._has_send = cls.send is not ClientRequest.send

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        params: Query = None,
        headers: LooseHeaders | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        data: Any = None,
        cookies: LooseCookies | None = None,
        auth: BasicAuth | None = None,
        version: HttpVersion | str = HttpVersion11,
        compress: str | bool | None = None,
        chunked: bool | None = None,
        expect100: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        response_class: type[ClientResponse] | None = None,
        proxy: StrOrURL | None = None,
        proxy_auth: BasicAuth | None = None,
        timer: Any = None,
        session: ClientSession | None = None,
        ssl: SSLSetting = True,
        proxy_headers: LooseHeaders | None = None,
        traces: Sequence[Trace] | None = None,
        trust_env: bool = False,
        server_hostname: str | None = None,
        upload_tracker: UploadTracker | None = None,
    ) -> None:
        if method not in self.ALL_METHODS and not is_token(method):
            raise ValueError(
                f"method {method!r} is not a token (RFC 9110 9.1): it holds a character other than"
                " letters, digits and some signs"
            )
        if params:
            url = url.extend_query(params)
        self.method = method.upper()
        self.original_url = url
        self.url = url.with_fragment(None) if url.raw_fragment else url
        # Only in tests of users there is none.
        self.session: ClientSession = session  # type: ignore[assignment]
        self._loop = loop
        self.response_class = response_class or ClientResponse
        self.ssl = ssl
        self.server_hostname = server_hostname
        if compress:
            self.compress = compress
        if chunked:
            self.chunked = True
        if upload_tracker is not None:
            self.upload_tracker = upload_tracker
        if traces:
            self._traces = traces
        steps = self._has_steps
        self.update_version(version)
        self.update_host(url)
        self.update_headers(headers)
        self.update_auto_headers(skip_auto_headers)
        if cookies or steps:
            self.update_cookies(cookies)
        full = steps or data is not None or chunked or expect100 or compress
        if full:
            self.update_content_encoding(data)
        if auth is not None or self.auth is not None or steps:
            if hdrs.AUTHORIZATION in self.headers and (auth or self.auth) is not None:
                raise ValueError(
                    "Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded"
                    " in URL"
                )
            self.update_auth(auth, trust_env)
        if proxy is not None or steps:
            self.update_proxy(proxy, proxy_auth, proxy_headers)
        if (
            full
            or self.method != "GET"
            or (headers and not _FRAMING.isdisjoint(map(str.lower, self.headers)))
        ):
            self.update_body_from_data(data)
            if steps or self.chunked or hdrs.TRANSFER_ENCODING in self.headers:
                self.update_transfer_encoding()
            self.update_expect_continue(expect100)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the request."""
        return self._loop or asyncio.get_running_loop()

    @property
    def skip_auto_headers(self) -> CIMultiDict[None]:
        """Names of the headers that are not added."""
        return CIMultiDict((name, None) for name in sorted(self._skip))

    @property
    def body(self) -> Payload | bytes:
        """The body; ``b""`` for none. :meth:`update_body` replaces it."""
        return b"" if self._body is None else self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._replace_body(value)

    # -------------------------------------------------------------------------- endpoint

    @property
    def host(self) -> str:
        """The host to connect to, without the brackets of an IPv6 address."""
        return self.url.raw_host or ""

    @property
    def port(self) -> int | None:
        """The port to connect to."""
        return self.url.port

    # aiohttp keeps the TLS settings under this name, which those who change them set.
    @property
    def _ssl(self) -> SSLSetting:
        return self.ssl

    @_ssl.setter
    def _ssl(self, setting: SSLSetting) -> None:
        self.ssl = setting

    def is_ssl(self) -> bool:
        """Whether the connection is secured by TLS."""
        return self.url.scheme in _TLS_SCHEMES

    @property
    def connection_key(self) -> ConnectionKey:
        """The key of the connections that can serve this request."""
        url, told = self.url, self.proxy_headers
        return ConnectionKey(
            url.raw_host or "",
            url.port,
            self.is_ssl(),
            self.ssl,
            self.proxy,
            self.proxy_auth,
            hash(tuple(told.items())) if told else None,
            self.server_hostname,
            self._proxy,
        )

    @property
    def request_info(self) -> RequestInfo:
        """What responses and errors remember of this request."""
        return RequestInfo(self.url, self.method, CIMultiDictProxy(self.headers), self.original_url)

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
        return self.start(conn, self._plan, self._deadline)

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
        if not is_request_target(target):
            target = _INVISIBLE.sub(_percent_encoded, target)
        version = HTTP_11
        if self.version < HttpVersion11:
            version = HTTP_10
            if not conn.force_close:
                headers.setdefault(hdrs.CONNECTION, "keep-alive")
        elif conn.force_close:
            headers.setdefault(hdrs.CONNECTION, "close")
        head = serialise_request_head(self.method, target, version, headers)
        body = self._body
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
                    chunked=bool(self.chunked),
                    compress=cast("str | None", self.compress),
                    expect_continue=self.expect100,
                    on_chunk=self._tell_of_chunk if self._traces else None,
                    attempt=self._attempt,
                )
        elif hdrs.CONTENT_LENGTH in self.headers and self.length:
            raise ValueError(
                f"Content-Length header is {self.length} and there is no body; leave it out"
            )
        exchange = Exchange(
            self.method, conn, plan, deadline, self.headers, upload, body is not None
        )
        waiter = protocol.begin(exchange)
        response = self.response_class.answering(self, waiter, conn, len(head))
        if protocol.connected:
            if upload is not None:
                response._sent = 0  # the upload counts the head too
                task = asyncio.ensure_future(upload.run())
                protocol.watch_upload(task)
                response._uploading(upload, task)
            elif at_once is not None:
                protocol.write_request(head + at_once)
                response._sent += len(at_once)
            else:
                protocol.write_request(head)
        if self._attempt is not None and upload is None:
            self._attempt.sent(len(at_once or b""))
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
        length, body = self.length, self._body
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
        if length is not None and length < len(data):
            return data[:length]
        if length is not None and length != len(data):
            raise ValueError(
                f"Content-Length header is {length} and the body has {len(data)} bytes;"
                " leave the header out"
            )
        return data

    async def close(self) -> None:
        """Give back what the body holds."""
        if self._body is not None:
            await self._body.close()

    def terminate(self) -> None:
        """Nothing to stop: the connection stops what writes the body."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method} {self.url}>"


def _percent_encoded(found: re.Match[str]) -> str:
    return quote(found[0].encode("utf-8", "surrogateescape"), safe="")
