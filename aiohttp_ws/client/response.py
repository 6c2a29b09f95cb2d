"""A response: its head at once, its body as it is read."""

from __future__ import annotations

import asyncio
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from http.cookies import SimpleCookie
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy
from propcache.api import cached_property
from yarl import URL

from .. import hdrs
from ..argument_types import DEFAULT_JSON_DECODER, JSONDecoder, RawHeaders
from ..errors import (
    BadHttpMessage,
    ClientConnectionError,
    ClientResponseError,
    ContentTypeError,
)
from ..http.charsets import known_charset
from ..http.cookies import parse_set_cookie_headers
from ..http.disposition import content_disposition_filename, parse_content_disposition
from ..http.headers import HttpVersion, HttpVersion10, HttpVersion11, parse_content_type
from ..http.links import parse_links
from ..http.streams import NO_FLOW, StreamReader
from ..wire.http1 import ResponseHead
from .done import DONE, Done
from .hooks import OF_RESPONSES, refuse_hooks
from .plan import DEFAULT_PLAN
from .prepared import Asked
from .request_info import Requested, RequestInfo
from .timeouts import NO_TIMER
from .unclosed import tell_unclosed
from .upload import Upload, completion

if TYPE_CHECKING:
    from typing_extensions import Self

    from .connection import Connection
    from .request import ClientRequest
    from .session import ClientSession
    from .tracing import Trace

__all__ = ("ClientResponse",)

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+?\+)?json", re.IGNORECASE)


class ContentDisposition(NamedTuple):
    """A parsed ``Content-Disposition``: its type, its parameters, and the file's name."""

    type: str | None
    parameters: Mapping[str, str]
    filename: str | None


class ClientResponse:
    """The response to a request; ``async with`` gives its connection back at the end.

    Its head is there when the request's call returns. Its body is read by :meth:`read`,
    :meth:`text` or :meth:`json`, or piece by piece from :attr:`content`.
    """

    # What a session's caller finds set on a response; aiohttp names the same.
    ATTRS = frozenset({"method", "url", "status", "reason", "version", "history", "content"})

    #: The request's method.
    method: str
    #: The version of HTTP, the status and the reason phrase.
    version: HttpVersion | None = None
    status: int = None  # type: ignore[assignment]  # until the head is there
    reason: str | None = None
    _waiter: asyncio.Future[tuple[ResponseHead, StreamReader]] | None = None
    _sent = 0
    _head: ResponseHead | None = None
    # Of a call that went straight: the request, and a body that came in one piece.
    _asked: Asked | None = None
    _whole: bytes | None = None
    _body: bytes | None = None
    _cookies: SimpleCookie | None = None
    _history: tuple[ClientResponse, ...] = ()
    _connection: Connection | None = None
    _closed = False
    _released = False
    _in_context = False
    _traces: Sequence[Trace] = ()
    _upload: Upload | None = None
    _upload_complete: asyncio.Future[None] | None = None
    _upload_task: asyncio.Task[None] | None = None

    # Whether a session makes responses of this class without calling the constructor.
    _by_constructor = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_hooks(cls, ClientResponse, OF_RESPONSES)
        cls._by_constructor = cls.__init__ is not ClientResponse.__init__

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        writer: asyncio.Task[None] | None,
        continue100: asyncio.Future[bool] | None,
        timer: Any,
        request_info: RequestInfo,
        traces: Sequence[Trace],
        loop: asyncio.AbstractEventLoop,
        session: ClientSession,
        stream_writer: Any = None,
    ) -> None:
        self.method = method
        self._request = Requested(url.with_fragment(None), url, request_info, session)
        self._loop = loop
        if traces:
            self._traces = traces

    @classmethod
    def answering(
        cls,
        request: ClientRequest,
        waiter: asyncio.Future[tuple[ResponseHead, StreamReader]],
        connection: Connection,
        sent: int,
    ) -> Self:
        """Make the response to a request whose head was written.

        :param waiter: gives the head and the body.
        :param sent: bytes written.
        """
        if cls._by_constructor:
            response = cls(
                request.method,
                request.original_url,
                writer=None,
                continue100=None,
                timer=NO_TIMER,
                request_info=request.request_info,
                traces=list(request._traces),
                loop=waiter.get_loop(),
                session=request.session,
                stream_writer=None,
            )
        else:
            response = cls.__new__(cls)
            response.method = request.method
            if request._traces:
                response._traces = request._traces
        response._request = request
        response._waiter = waiter
        response._connection = connection
        response._sent = sent
        return response

    @cached_property
    def content(self) -> StreamReader:
        """The body; ``None`` until the head is there."""
        whole, self._whole = self._whole, None
        if (whole is None and self._body is None) or self._asked is None:
            return None  # type: ignore[return-value]
        # The body has come in one piece, and was not asked for before by this name.
        plan = self._session._usual_plan if self._session is not None else DEFAULT_PLAN
        content = StreamReader(NO_FLOW, plan.read_bufsize, loop=self._loop)
        content.feed_raw(self._body or b"" if whole is None else whole, None)
        content.feed_eof()
        if whole is None:
            content.read_nowait()
        return content

    @cached_property
    def _request(self) -> Requested | ClientRequest:
        if self._asked is None:
            raise AttributeError("_request")
        return self._asked.as_request()

    # What aiohttp keeps under these names: made when it is asked for, and replaced by those who
    # make responses by hand.

    @cached_property
    def _headers(self) -> CIMultiDictProxy[str]:
        return CIMultiDictProxy(CIMultiDict()) if self._head is None else self._head.headers

    @cached_property
    def _raw_headers(self) -> RawHeaders:
        return () if self._head is None else self._head.raw_headers

    @cached_property
    def _raw_cookie_headers(self) -> tuple[str, ...] | None:
        # None for one that is made by hand: who makes it says which cookies it has.
        if self._head is None:
            return None
        return tuple(self.headers.getall(hdrs.SET_COOKIE, ())) or None

    @cached_property
    def _url(self) -> URL:
        return self._request.url

    @cached_property
    def _real_url(self) -> URL:
        return self._request.original_url

    @cached_property
    def _request_info(self) -> RequestInfo:
        return self._request.request_info

    @cached_property
    def _session(self) -> ClientSession | None:
        return self._request.session

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop() if self._waiter is None else self._waiter.get_loop()

    @cached_property
    def _cache(self) -> dict[str, Any]:
        return {}

    def _resolve_charset(self, response: ClientResponse, body: bytes) -> str:
        session = self._session
        return "utf-8" if session is None else session._resolve_charset(response, body)

    def _uploading(self, upload: Upload, task: asyncio.Task[None]) -> None:
        self._upload = upload
        self._upload_task = task

    async def start(self, connection: Connection) -> ClientResponse:
        """Wait for the head.

        :raises ClientResponseError: when what came is not HTTP.
        :raises ServerDisconnectedError: when nothing came.
        """
        if self._waiter is None:
            raise RuntimeError("a response that was not made by a request has nothing to wait for")
        try:
            head, self.content = await self._waiter
        except BadHttpMessage as exc:
            connection.close()
            self._connection = None
            # Of no server: another status would look like an answer.
            raise ClientResponseError(
                self.request_info, self._history, status=400, message=exc.message
            ) from exc
        except BaseException:
            connection.close()
            self._connection = None
            self._closed = True
            raise
        self._head = head
        self.status = head.status
        self.reason = head.reason
        self.version = HttpVersion11 if head.version == (1, 1) else HttpVersion10
        if connection.protocol is None:
            self._connection = None
            self._closed = True
        else:
            self._connection = connection
        return self

    # ------------------------------------------------------------------------------ head

    @property
    def request_info(self) -> RequestInfo:
        """The request as it was sent."""
        return self._request_info

    @property
    def url(self) -> URL:
        """The URL of the request, without its fragment."""
        return self._url

    @property
    def url_obj(self) -> URL:
        """A deprecated name of :attr:`url`."""
        warnings.warn("url_obj is deprecated, use url", DeprecationWarning, stacklevel=2)
        return self.url

    @property
    def real_url(self) -> URL:
        """The URL of the request, with its fragment."""
        return self._real_url

    @property
    def host(self) -> str:
        """The host of the URL."""
        return self.url.host or ""

    @property
    def history(self) -> tuple[ClientResponse, ...]:
        """The redirects that led here, oldest first."""
        return self._history

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The header fields."""
        return self._headers

    @property
    def raw_headers(self) -> RawHeaders:
        """The header fields as they came, names and values in bytes."""
        return self._raw_headers

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies that the response sets; who makes one by hand puts them here."""
        if self._cookies is None:
            self._cookies = SimpleCookie()
            lines = self._raw_cookie_headers or ()
            dict.update(self._cookies, parse_set_cookie_headers(lines))
        return self._cookies

    @cookies.setter
    def cookies(self, value: SimpleCookie) -> None:
        self._cookies = value

    @property
    def content_type(self) -> str:
        """The media type without parameters; ``application/octet-stream`` when not given."""
        return parse_content_type(self.headers.get(hdrs.CONTENT_TYPE, ""))[0]

    @property
    def charset(self) -> str | None:
        """The ``charset`` parameter of ``Content-Type``, or ``None``."""
        return parse_content_type(self.headers.get(hdrs.CONTENT_TYPE, ""))[1].get("charset")

    @property
    def content_length(self) -> int | None:
        """The value of ``Content-Length``, or ``None``."""
        value = self.headers.get(hdrs.CONTENT_LENGTH)
        return None if value is None else int(value)

    @property
    def content_disposition(self) -> ContentDisposition | None:
        """The parsed ``Content-Disposition``, or ``None`` without one."""
        raw = self.headers.get(hdrs.CONTENT_DISPOSITION)
        if raw is None:
            return None
        kind, parameters = parse_content_disposition(raw)
        return ContentDisposition(
            kind, MappingProxyType(parameters), content_disposition_filename(parameters)
        )

    @property
    def links(self) -> MultiDictProxy[MultiDictProxy[str | URL]]:
        """The ``Link`` headers (RFC 8288) by ``rel``, their URLs resolved."""
        links: MultiDict[MultiDictProxy[str | URL]] = MultiDict()
        for target, parameters in parse_links(self.headers.getall(hdrs.LINK, ())):
            try:
                url = self.url.join(URL(target))
            except ValueError:
                continue
            link: MultiDict[str | URL] = MultiDict(parameters)
            key = str(link.get("rel", target))
            link.add("url", url)
            links.add(key, MultiDictProxy(link))
        return MultiDictProxy(links)

    def raise_for_status(self) -> None:
        """Raise :exc:`ClientResponseError` when the status is 400 or above."""
        if self.ok:
            return
        if not self._in_context:
            self.release()
        raise ClientResponseError(
            self.request_info,
            self._history,
            status=self.status,
            message=self.reason or "",
            headers=self.headers,
        )

    # ------------------------------------------------------------------------------ body

    async def read(self) -> bytes:
        """Read the whole body; further calls return it again.

        :raises ClientPayloadError: when it ended too early or cannot be decoded.
        """
        if self._whole is not None and not self._released:
            self._body, self._whole = self._whole, None
        elif self._body is None:
            content = self.content
            if content is None or self._released:
                raise ClientConnectionError("Connection closed")
            try:
                # Most bodies have come in full by now: nothing to wait for.
                self._body = (
                    content.read_nowait()
                    if type(content) is StreamReader and content.is_eof()
                    else await content.read()
                )
                for trace in self._traces:
                    await trace.send_response_chunk_received(self.method, self.url, self._body)
            except BaseException:
                self.close()
                raise
        elif self._released:
            return self._body
        if self._upload_task is not None and not self._in_context:
            await self.wait_for_close()
        return self._body

    def get_encoding(self) -> str:
        """The encoding of the body as text.

        The charset of ``Content-Type`` when it is one of the web's that Python knows; UTF-8 for
        JSON; else what the session's ``fallback_charset_resolver`` says.

        :raises RuntimeError: when the body has to be known for that and was not read.
        """
        media_type, parameters = parse_content_type(self.headers.get(hdrs.CONTENT_TYPE, ""))
        charset = parameters.get("charset")
        if charset:
            codec = known_charset(charset)
            if codec is not None:
                return codec
        if media_type == "application/json" or media_type == "application/rdap+json":
            return "utf-8"  # RFC 8259 8.1, RFC 7483 8.1
        if self._body is None:
            raise RuntimeError("the encoding depends on the body; await read() first")
        return self._resolve_charset(self, self._body)

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        """Read the body as text.

        :param encoding: what to decode with; :meth:`get_encoding` when left out.
        :param errors: as of :meth:`bytes.decode`.
        :raises UnicodeDecodeError: when the body is not in that encoding, which it names.
        """
        body = await self.read()
        return self._decoded(body, encoding, errors)

    def _decoded(self, body: bytes, encoding: str | None, errors: str = "strict") -> str:
        try:
            return body.decode(encoding or self.get_encoding(), errors)
        except UnicodeDecodeError as exc:
            named = None if encoding else self.charset
            if named and known_charset(named) is None:
                exc.reason += f"; the response has the charset {named!r:.60}, which is unknown"
            raise

    async def json(
        self,
        *,
        encoding: str | None = None,
        loads: JSONDecoder = DEFAULT_JSON_DECODER,
        content_type: str | None = "application/json",
    ) -> Any:
        """Read the body as JSON; ``None`` for an empty one.

        :param content_type: what ``Content-Type`` has to say; ``None`` accepts anything.
        :raises ContentTypeError: when it says something else.
        :raises ValueError: when the body is not JSON (:exc:`json.JSONDecodeError`), or not in its
            encoding (:exc:`UnicodeDecodeError`).
        """
        body = await self.read()
        if content_type and not self._is_type(content_type):
            raise ContentTypeError(
                self.request_info,
                self._history,
                status=self.status,
                message=(
                    "Attempt to decode JSON with unexpected mimetype:"
                    f" {self.headers.get(hdrs.CONTENT_TYPE, '').lower()}"
                ),
                headers=self.headers,
            )
        stripped = body.strip()
        if not stripped:
            return None
        return loads(self._decoded(stripped, encoding))

    def _is_type(self, expected: str) -> bool:
        raw = self.headers.get(hdrs.CONTENT_TYPE, "").lower()
        if expected == "application/json":
            return _JSON_TYPE.match(raw) is not None
        return expected in raw

    # --------------------------------------------------------------------------- the end

    @property
    def connection(self) -> Connection | None:
        """The connection, until the body has come in full."""
        connection = self._connection
        return None if connection is None or connection.protocol is None else connection

    @property
    def closed(self) -> bool:
        """Whether the response holds no connection any more."""
        return self._closed or self.connection is None

    @property
    def output_size(self) -> int:
        """Bytes sent for the request so far; deprecated, use ``UploadTracker``."""
        _is_deprecated("output_size")
        return self._sent + (0 if self._upload is None else self._upload.output_size)

    @property
    def upload_complete(self) -> asyncio.Future[None]:
        """Done when the request's body was sent; deprecated, use ``UploadTracker``."""
        _is_deprecated("upload_complete")
        if self._upload_complete is None:
            self._upload_complete = completion(self._upload_task, self._loop)
        return self._upload_complete

    def release(self) -> Done:
        """Give the connection back; one whose body was not read in full is closed.

        :returns: what may be awaited and need not be: all is done when this returns.
        """
        self._released = True
        self._closed = True
        connection, self._connection = self._connection, None
        if connection is not None and connection.protocol is not None:
            if self._upload_task is not None and not self._upload_task.done():
                if self.content.is_eof():
                    return DONE  # all is sent: released when the body's source has ended
                connection.protocol.abandon_upload()
            connection.release()
        self._forbid_reading()
        return DONE

    def _forbid_reading(self) -> None:
        # Even when the whole body has come: whether it had is a matter of timing.
        content = self.content
        if self._body is None and content is not None and content.exception() is None:
            content.set_exception(ClientConnectionError("Connection closed"))

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        self._released = True
        self._closed = True
        connection, self._connection = self._connection, None
        if self._upload_task is not None:
            self._upload_task.cancel()
        if connection is not None and connection.protocol is not None:
            connection.close()
        self._forbid_reading()

    async def wait_for_close(self) -> None:
        """Give the connection back, and wait until nothing reads the request's body any more.

        A body that the server did not read before it answered is abandoned.
        """
        self.release()
        task = self._upload_task
        if task is not None and not task.done():
            await asyncio.wait([task])

    async def __aenter__(self) -> ClientResponse:
        self._in_context = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._in_context = False
        self._released = self._closed = True
        if self._connection is not None:
            self.release()
        elif self._body is None:
            self._forbid_reading()
        if self._upload_task is not None:
            await self.wait_for_close()

    def __repr__(self) -> str:
        reason = str(self.reason).encode("ascii", "backslashreplace").decode()
        return f"<{type(self).__name__}({self.url}) [{self.status} {reason}]>\n{self.headers}\n"

    def __del__(self, _tell: Callable[..., None] = tell_unclosed) -> None:
        connection = self._connection
        if connection is None or connection.protocol is None or self._closed:
            return
        loop = connection.protocol.loop
        if not loop.is_closed():
            connection.close()
        _tell("response", self, "client_response", loop, in_debug_mode=True)


def _is_deprecated(name: str) -> None:
    warnings.warn(
        f"ClientResponse.{name} is deprecated, pass an UploadTracker to the request",
        DeprecationWarning,
        stacklevel=3,
    )
