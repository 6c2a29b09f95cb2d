"""A request as a low-level server's handler sees it: no application, no route."""

from __future__ import annotations

import asyncio
import datetime
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy
from yarl import URL

from .. import hdrs
from ..argument_types import DEFAULT_JSON_DECODER, JSONDecoder, LooseHeaders, RawHeaders, StrOrURL
from ..http.charsets import known_charset
from ..http.cookies import parse_cookie_header
from ..http.dates import parse_http_date
from ..http.headers import (
    ContentFields,
    ETag,
    HttpVersion,
    HttpVersion10,
    HttpVersion11,
    parse_etags,
    parse_forwarded,
    parse_range,
)
from ..http.streams import EmptyStreamReader, StreamReader
from .app_keys import RequestKey
from .request_head import HEADS, PlainRequestHead, as_head, copy_head
from .values import ValueMapping, guarded

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..http.interfaces import AbstractStreamWriter
    from ..http.multipart_reader import MultipartReader
    from .connection import RequestHandler
    from .filefield import FileField
    from .request_head import AnyRequestHead, RawRequestMessage
    from .stream_response import StreamResponse

__all__ = ("BaseRequest",)

_UNSET: Final[Any] = object()
_CLIENT_MAX_SIZE: Final = 1024**2
_CLIENT_MAX_FIELDS: Final = 1000
_LARGE_BODY: Final = 64 * 1024


@guarded
class BaseRequest(ValueMapping, ContentFields):
    """A request; also a mapping, in which middlewares and handlers keep what they share.

    Made by the server. Everything but the head is parsed when it is first asked for.

    :param message: the head.
    :param payload: the body.
    :param protocol: the connection.
    :param payload_writer: what responses write to; made by the connection when ``None``.
    :param task: the task that runs the handler.
    :param loop: its event loop.
    :param client_max_size: bytes that :meth:`read` and its relatives accept; 0 for no limit.
    :param client_max_fields: fields that :meth:`post` accepts; 0 for no limit.
    :param state: the contents of the mapping.
    :param scheme: overrides :attr:`scheme`; likewise *host* and *remote*.
    """

    __slots__ = (
        "__dict__",  # made when a program sets an attribute of its own
        "__weakref__",
        "_client_max_fields",
        "_client_max_size",
        "_cookies",
        "_host",
        "_loop",
        "_message",
        "_payload",
        "_payload_writer",
        "_post",
        "_protocol",
        "_read_bytes",
        "_rel_url",
        "_remote",
        "_scheme",
        "_state",
        "_task",
        "_url",
    )

    _key_type = RequestKey
    #: The methods whose body :meth:`post` parses.
    POST_METHODS = frozenset(
        {hdrs.METH_PATCH, hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_TRACE, hdrs.METH_DELETE}
    )
    #: Names of the attributes that belong to the request itself.
    ATTRS = frozenset(__slots__)

    def __init__(
        self,
        message: AnyRequestHead | RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        payload_writer: AbstractStreamWriter | None,
        task: asyncio.Task[None],
        loop: asyncio.AbstractEventLoop,
        *,
        client_max_size: int = _CLIENT_MAX_SIZE,
        client_max_fields: int = _CLIENT_MAX_FIELDS,
        state: dict[Any, Any] | None = None,
        scheme: str | None = None,
        host: str | None = None,
        remote: str | None = None,
    ) -> None:
        self._message = message if isinstance(message, HEADS) else as_head(message)
        self._payload = payload
        self._protocol = protocol
        self._payload_writer = payload_writer
        self._task = task
        self._loop = loop
        self._client_max_size = client_max_size
        self._client_max_fields = client_max_fields
        self._state = state
        self._scheme = scheme
        self._host = host
        self._remote = remote
        self._rel_url: URL | None = None
        self._url: URL | None = None
        self._cookies: Mapping[str, str] | None = None
        self._read_bytes: bytes | None = None
        self._post: MultiDictProxy[Any] | None = None

    def clone(
        self,
        *,
        method: str = _UNSET,
        rel_url: StrOrURL = _UNSET,
        headers: LooseHeaders = _UNSET,
        scheme: str = _UNSET,
        host: str = _UNSET,
        remote: str = _UNSET,
        client_max_size: int = _UNSET,
        client_max_fields: int = _UNSET,
    ) -> Self:
        """Return a copy with some attributes replaced; the mapping is copied, the body shared.

        :raises RuntimeError: when the body was read already.
        """
        if self._read_bytes is not None:
            raise RuntimeError("a request whose body was read cannot be cloned")
        message: AnyRequestHead = self._message
        if any(given is not _UNSET for given in (method, rel_url, headers)):
            message = self._changed_head(method, rel_url, headers)
        copy = type(self)(
            message,
            self._payload,
            self._protocol,
            self._payload_writer,
            self._task,
            self._loop,
            client_max_size=(
                self._client_max_size if client_max_size is _UNSET else client_max_size
            ),
            client_max_fields=(
                self._client_max_fields if client_max_fields is _UNSET else client_max_fields
            ),
            state=None if self._state is None else self._state.copy(),
            scheme=self._scheme if scheme is _UNSET else scheme,
            host=self._host if host is _UNSET else host,
            remote=self._remote if remote is _UNSET else remote,
        )
        return self._copied(copy)

    def _copied(self, copy: Self) -> Self:
        """Give *copy*, a clone, what a subclass has besides."""
        return copy

    def _changed_head(
        self, method: str, rel_url: StrOrURL, headers: LooseHeaders
    ) -> PlainRequestHead:
        head = copy_head(self._message)
        if method is not _UNSET:
            head.method = method
        if rel_url is not _UNSET:
            url = URL(rel_url)
            head.path, head.query_string = url.raw_path, url.raw_query_string
        if headers is not _UNSET:
            head.headers = CIMultiDictProxy(CIMultiDict(headers))
            head.raw_headers = tuple(
                (name.encode("utf-8"), value.encode("utf-8", "surrogateescape"))
                for name, value in head.headers.items()
            )
        return head

    # ------------------------------------------------------------------- connection

    @property
    def message(self) -> AnyRequestHead:
        """Deprecated: the head as the parser made it."""
        warnings.warn("Request.message is deprecated", DeprecationWarning, stacklevel=2)
        return self._message

    @property
    def protocol(self) -> RequestHandler:
        """The connection."""
        return self._protocol

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, or ``None`` when the connection is lost."""
        protocol = self._protocol
        return None if protocol is None else protocol.transport

    @property
    def writer(self) -> AbstractStreamWriter:
        """What the response is written to."""
        writer = self._payload_writer
        if writer is None:
            writer = self._payload_writer = self._protocol.make_writer()
        return writer

    @property
    def task(self) -> asyncio.Task[None]:
        """The task that runs the handler."""
        return self._task

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Deprecated; use :func:`asyncio.get_running_loop`."""
        warnings.warn("Request.loop is deprecated", DeprecationWarning, stacklevel=2)
        return self._loop

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows under *name*, or *default*."""
        transport = self.transport
        return default if transport is None else transport.get_extra_info(name, default)

    @property
    def client_max_size(self) -> int:
        """Bytes that :meth:`read` and its relatives accept; 0 for no limit."""
        return self._client_max_size

    @property
    def client_max_fields(self) -> int:
        """Fields that :meth:`post` accepts; 0 for no limit."""
        return self._client_max_fields

    @property
    def keep_alive(self) -> bool:
        """Whether the client lets another request follow."""
        return self._message.keep_alive

    # -------------------------------------------------------------------- start line

    @property
    def method(self) -> str:
        """The method, such as ``"GET"``."""
        return self._message.method

    @property
    def version(self) -> HttpVersion:
        """The version of HTTP."""
        return HttpVersion11 if self._message.version[1] else HttpVersion10

    @property
    def scheme(self) -> str:
        """``"http"`` or ``"https"``, by whether the connection is encrypted; see :meth:`clone`."""
        if self._scheme is None:
            transport = self.transport
            secure = transport is not None and transport.get_extra_info("sslcontext") is not None
            self._scheme = "https" if secure else "http"
        return self._scheme

    @property
    def secure(self) -> bool:
        """Whether :attr:`scheme` is ``https``."""
        return self.scheme == "https"

    @property
    def host(self) -> str:
        """The ``Host`` header; without one, the address the client connected to, or ``""``."""
        host = self._host
        if host is None:
            host = self._message.host
            if not host:
                transport = self.transport
                address = None if transport is None else transport.get_extra_info("sockname")
                host = str(address[0] if isinstance(address, tuple) else address or "")
                if ":" in host and isinstance(address, tuple):
                    host = f"[{host}]"
            self._host = host
        return host

    @property
    def remote(self) -> str | None:
        """The client's address, ``None`` when it has none; see :meth:`clone`."""
        if self._remote is None:
            address = self._protocol.peername
            if isinstance(address, tuple):
                self._remote = str(address[0])
            elif address is not None:
                self._remote = str(address)
        return self._remote

    @property
    def url(self) -> URL:
        """The whole URL; of ``localhost`` where the client named no host and no port of TCP."""
        if self._url is None:
            message = self._message
            host = self.host
            if not host or host.startswith("/"):
                host = "localhost"
            self._url = URL.build(
                scheme=self.scheme,
                authority=host,
                path=message.path if message.path.startswith("/") else "/",
                query_string=message.query_string,
                encoded=True,
            )
        return self._url

    @property
    def rel_url(self) -> URL:
        """The URL without scheme and host."""
        if self._rel_url is None:
            message = self._message
            self._rel_url = URL.build(
                path=message.path, query_string=message.query_string, encoded=True
            )
        return self._rel_url

    @property
    def path(self) -> str:
        """The path, decoded: ``/my path``."""
        path = self._message.path
        return path if "%" not in path else self.rel_url.path

    @property
    def raw_path(self) -> str:
        """Path and query as they came: ``/my%20path?a=1``."""
        return self._message.target

    @property
    def path_qs(self) -> str:
        """Path and query, encoded."""
        return str(self.rel_url)

    @property
    def query(self) -> MultiDictProxy[str]:
        """The parameters of the query, decoded."""
        return self.rel_url.query

    @property
    def query_string(self) -> str:
        """The query, decoded: ``a=1&b=c d``."""
        return self.rel_url.query_string

    # ----------------------------------------------------------------------- headers

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The header fields, names without case."""
        return self._message.headers

    @property
    def raw_headers(self) -> RawHeaders:
        """The header fields as bytes, in order."""
        return self._message.raw_headers

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name, read only."""
        if self._cookies is None:
            header = "; ".join(self.headers.getall(hdrs.COOKIE, ()))
            pairs = parse_cookie_header(header) if header else ()
            self._cookies = MappingProxyType({name: morsel.value for name, morsel in pairs})
        return self._cookies

    @property
    def forwarded(self) -> tuple[Mapping[str, str], ...]:
        """The ``Forwarded`` fields, one mapping for each proxy (RFC 7239).

        Clients can send what they like here: trust only what your own proxies added.
        """
        return parse_forwarded(self.headers.getall(hdrs.FORWARDED, ()))

    @property
    def http_range(self) -> slice:
        """The ``Range`` header as a slice of the content.

        :raises ValueError: when it is not one range of bytes.
        """
        return parse_range(self.headers.get(hdrs.RANGE))

    @property
    def if_modified_since(self) -> datetime.datetime | None:
        """The date of ``If-Modified-Since``; ``None`` when absent or invalid."""
        return parse_http_date(self.headers.get(hdrs.IF_MODIFIED_SINCE))

    @property
    def if_unmodified_since(self) -> datetime.datetime | None:
        """The date of ``If-Unmodified-Since``; ``None`` when absent or invalid."""
        return parse_http_date(self.headers.get(hdrs.IF_UNMODIFIED_SINCE))

    @property
    def if_range(self) -> datetime.datetime | None:
        """The date of ``If-Range``; ``None`` when absent, invalid or an entity tag."""
        return parse_http_date(self.headers.get(hdrs.IF_RANGE))

    @property
    def if_match(self) -> tuple[ETag, ...] | None:
        """The tags of ``If-Match``; ``None`` when absent."""
        return parse_etags(self.headers.get(hdrs.IF_MATCH))

    @property
    def if_none_match(self) -> tuple[ETag, ...] | None:
        """The tags of ``If-None-Match``; ``None`` when absent."""
        return parse_etags(self.headers.get(hdrs.IF_NONE_MATCH))

    # -------------------------------------------------------------------------- body

    @property
    def content(self) -> StreamReader:
        """The body, to be read as it arrives."""
        return self._payload

    @property
    def body_exists(self) -> bool:
        """Whether the request has a body, read or not."""
        return type(self._payload) is not EmptyStreamReader

    @property
    def can_read_body(self) -> bool:
        """Whether some of the body is left to read."""
        return not self._payload.at_eof()

    @property
    def has_body(self) -> bool:
        """Deprecated: use :attr:`can_read_body`, or :attr:`body_exists`."""
        warnings.warn("Request.has_body is deprecated", DeprecationWarning, stacklevel=2)
        return not self._payload.at_eof()

    async def release(self) -> None:
        """Read what is left of the body and drop it."""
        while not self._payload.at_eof():
            await self._payload.readany()

    async def read(self) -> bytes:
        """Return the body; a second call returns the same bytes.

        :raises HTTPRequestEntityTooLarge: beyond :attr:`client_max_size` bytes.
        """
        if self._read_bytes is None:
            limit = self._client_max_size
            announced = self._message.content_length
            if limit and announced > limit:
                raise self._too_large(announced)
            body = self._payload.take_complete()
            if body is None and announced > _LARGE_BODY:
                await self._payload.receive_whole()
                body = self._payload.take_complete()
            if body is not None:
                if limit and len(body) > limit:
                    raise self._too_large(len(body))
                self._read_bytes = body
                return body
            pieces = []
            size = 0
            while piece := await self._payload.readany():
                size += len(piece)
                if limit and size > limit:
                    raise self._too_large(size)
                pieces.append(piece)
            self._read_bytes = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return self._read_bytes

    def _too_large(self, size: int) -> Exception:
        from .exceptions import HTTPRequestEntityTooLarge

        return HTTPRequestEntityTooLarge(max_size=self._client_max_size, actual_size=size)

    async def text(self) -> str:
        """Return the body as text, decoded with the charset of ``Content-Type`` or UTF-8.

        :raises HTTPUnsupportedMediaType: when the charset is not one of the web's that Python
            knows.
        :raises HTTPBadRequest: when the body is not in the charset.
        """
        body = await self.read()
        return self._decoded(body, self._known_charset())

    def _known_charset(self) -> str:
        charset = self.charset
        if not charset:
            return "utf-8"
        codec = known_charset(charset)
        if codec is None:
            from .exceptions import HTTPUnsupportedMediaType

            raise HTTPUnsupportedMediaType(text=f"charset {charset!a:.60} is not supported")
        return codec

    def _decoded(self, body: bytes, charset: str) -> str:
        try:
            return body.decode(charset)
        except UnicodeDecodeError as exc:
            from .exceptions import HTTPBadRequest

            raise HTTPBadRequest(
                text=f"body is not in charset {charset}: {exc.reason} at byte {exc.start}"
            ) from exc

    async def json(self, *, loads: JSONDecoder = DEFAULT_JSON_DECODER) -> Any:
        """Return the body as JSON.

        :param loads: decodes the text; :func:`json.loads` by default.
        """
        return loads(await self.text())

    async def multipart(self, *, max_parts: int = 0) -> MultipartReader:
        """Return a reader of the parts of a multipart body, to be read as it arrives.

        It reads at most :attr:`client_max_size` bytes of a part at once; parts that are read by
        chunks may have any size.

        :param max_parts: parts that the body may have, with those of nested ones; 0 for no limit.
        :raises RequestMultipartError: when ``Content-Type`` is not multipart, or has no boundary;
            the reader raises it for a malformed body. Unhandled, it is answered with 400.
        """
        from .uploads import reader_of

        return reader_of(self, max_parts)

    async def post(self) -> MultiDictProxy[str | bytes | bytearray | FileField]:
        """Return the fields of a form; empty for another method or media type.

        In a form that is ``multipart/form-data`` a field with a file name is a
        :class:`FileField`. Other fields are text, or bytes where their type is another. Files
        are closed when the request has been answered.

        :raises HTTPRequestEntityTooLarge: beyond :attr:`client_max_size` bytes of body, or
            :attr:`client_max_fields` fields.
        :raises HTTPUnsupportedMediaType: for a charset that is unknown.
        :raises HTTPBadRequest: when the body is malformed, or not in the charset.
        """
        if self._post is None:
            form: MultiDict[Any] = MultiDict()
            if self._message.method in self.POST_METHODS:
                content_type = self.content_type
                if content_type == "multipart/form-data":
                    from .uploads import read_form

                    form = await read_form(self)
                elif (
                    content_type == "application/x-www-form-urlencoded"
                    or hdrs.CONTENT_TYPE not in self.headers
                ):
                    form.extend(self._form_fields(await self.read()))
            self._post = MultiDictProxy(form)
        return self._post

    def _close_files(self) -> None:
        """Close the files of the form; the connection calls it when a form was read."""
        if self._post is not None and self.content_type == "multipart/form-data":
            from .uploads import close_files

            close_files(self._post)

    def _form_fields(self, body: bytes) -> list[tuple[str, str]]:
        from .exceptions import HTTPRequestEntityTooLarge

        charset = self._known_charset()
        limit = self._client_max_fields
        if limit > 0 and body.count(b"&") >= limit:
            raise HTTPRequestEntityTooLarge(
                max_size=self._client_max_size,
                text=f"form has too many fields: client_max_fields={limit} exceeded",
            )
        text = self._decoded(body.rstrip(), charset)
        return parse_qsl(text, keep_blank_values=True, encoding=charset)

    def __repr__(self) -> str:
        path = self._message.target.encode("ascii", "backslashreplace").decode("ascii")
        return f"<{type(self).__name__} {self._message.method} {path} >"

    # ------------------------------------------------------- between server and response

    def _keep_address(self) -> None:
        """Remember what only a live connection tells; called when it is lost."""
        self._scheme, self._host, self._remote = self.scheme, self.host, self.remote

    def _hooks_response(self) -> bool:
        """Whether :meth:`_prepare_hook` has anything to do."""
        return False

    async def _prepare_hook(self, response: StreamResponse) -> None:
        """Let others see *response* before its head leaves."""
