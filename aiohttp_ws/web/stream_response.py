"""A response whose body the handler writes piece by piece; the base of all responses.

Until :meth:`~StreamResponse.prepare` it is data that handlers and middlewares may change. Then its
head is sent, and the request has its one response: to prepare another is an error.
"""

from __future__ import annotations

import asyncio
import datetime
import math
import warnings
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Final

from multidict import CIMultiDict

from .. import hdrs
from ..argument_types import Byteish, LooseHeaders
from ..http.codings import ContentCoding, choose_coding, coding_named
from ..http.cookies import remove_cookie, set_cookie
from ..http.dates import current_http_date, format_http_date, parse_http_date
from ..http.given_values import text_of
from ..http.headers import (
    ContentFields,
    ETag,
    HttpVersion10,
    etag_field,
    parse_etags,
    reason_of,
)
from ..http.software import SERVER_SOFTWARE
from ..http.writer import StreamWriter
from ..wire.serialise import serialise_response_head
from .app_keys import ResponseKey
from .values import ValueMapping

if TYPE_CHECKING:
    from ..http.interfaces import AbstractStreamWriter
    from .base_request import BaseRequest

__all__ = ("StreamResponse",)

DEFAULT_TYPE: Final = "application/octet-stream"
_NO_BODY = frozenset({204, 304})


def forbids_body(method: str, status: int) -> bool:
    """Whether a response ends with its head (RFC 9110 6.4.1, RFC 9112 6.3)."""
    return status < 200 or status in _NO_BODY or method == hdrs.METH_HEAD


def refuse_second(request: BaseRequest) -> None:
    """Raise RuntimeError where a response to *request* has begun: another would go into it."""
    writer = request._payload_writer
    # Handlers are tested with writers that are mocks, whose every attribute is true.
    if writer is not None and getattr(writer, "head_written", False) is True:
        raise RuntimeError(f"{request!r} was answered already; a request has one response")


class StreamResponse(ValueMapping, ContentFields):
    """A response; also a mapping, in which middlewares and handlers keep what they share.

    :param status: the status code.
    :param reason: the reason phrase; the status's usual one by default.
    :param headers: headers to send; ``Date`` and ``Server``, and what frames the body, are
        added when they are not among them.
    """

    _key_type = ResponseKey
    # Most of these never change in a response: as attributes of the class they cost nothing.
    _status = 200
    _reason = "OK"
    _fields: CIMultiDict[str] | None = None
    _type_field: str | None = None  # Content-Type, while _fields was not asked for
    _cookies: SimpleCookie | None = None
    _state: dict[Any, Any] | None = None
    _req: BaseRequest | None = None
    _payload_writer: StreamWriter | None = None
    _keep_alive: bool | None = None
    _chunked = False
    _compression = False
    _compression_force: ContentCoding | None = None
    _compression_strategy: int | None = None
    _compressing = False  # as it is written
    _eof_sent = False
    _must_be_empty_body = False
    _body_length = 0
    _head_length = 0
    _sent_head = b""
    # Whether it may be sent in one go: nothing was asked for that takes more.
    _at_once = False
    #: Whether the head leaves at once, or with the first piece of body.
    _send_headers_immediately = True

    #: Names of the attributes that belong to the response itself.
    ATTRS = frozenset(name for name in locals() if name.startswith("_") and name[1] != "_")

    def __init__(
        self,
        *,
        status: int = 200,
        reason: str | None = None,
        headers: LooseHeaders | None = None,
    ) -> None:
        if headers is not None:
            self._fields = CIMultiDict(headers)
        if status != 200 or reason is not None:
            self._set_status(status, reason)

    # ------------------------------------------------------------------------- state

    @property
    def prepared(self) -> bool:
        """Whether the head has been written."""
        return self._eof_sent or self._payload_writer is not None

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task that runs the handler; ``None`` before :meth:`prepare` and after the end."""
        return self._req.task if self._req is not None else None

    @property
    def body_length(self) -> int:
        """Bytes of body sent, framing included; 0 before the end."""
        return self._body_length

    @property
    def output_length(self) -> int:
        """Deprecated: bytes sent so far, head included."""
        warnings.warn("output_length is deprecated", DeprecationWarning, stacklevel=2)
        return self._payload_writer.buffer_size if self._payload_writer is not None else 0

    @property
    def status(self) -> int:
        """The status code."""
        return self._status

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._reason

    def set_status(self, status: int, reason: str | None = None) -> None:
        """Set the status code and the reason phrase (the usual one by default).

        :raises RuntimeError: when the head has been written.
        :raises ValueError: when *reason* holds a line break.
        """
        if self.prepared:
            raise RuntimeError("the status cannot change after the headers were sent")
        self._set_status(status, reason)

    def _set_status(self, status: int, reason: str | None) -> None:
        self._status = int(status)
        if reason is None:
            reason = reason_of(self._status)
        elif "\r" in reason or "\n" in reason:
            raise ValueError(f"Reason cannot contain a line break: {reason!r}")
        self._reason = reason

    @property
    def keep_alive(self) -> bool | None:
        """Whether another request may follow; ``None`` before :meth:`prepare`."""
        return self._keep_alive

    def force_close(self) -> None:
        """Close the connection after this response."""
        self._keep_alive = False

    @property
    def chunked(self) -> bool:
        """Whether :meth:`enable_chunked_encoding` was called."""
        return self._chunked

    def enable_chunked_encoding(self, chunk_size: int | None = None) -> None:
        """Send the body in chunks, whatever its length (RFC 9112 7.1).

        :param chunk_size: deprecated and not used.
        """
        if chunk_size is not None:
            warnings.warn("chunk_size is deprecated", DeprecationWarning, stacklevel=2)
        if hdrs.CONTENT_LENGTH in self.headers:
            raise RuntimeError("chunked encoding cannot be enabled with a content length set")
        self._chunked = True
        self._at_once = False

    @property
    def compression(self) -> bool:
        """Whether :meth:`enable_compression` was called."""
        return self._compression

    def enable_compression(
        self, force: bool | ContentCoding | None = None, strategy: int | None = None
    ) -> None:
        """Compress the body, with a coding that the client accepts.

        A response that compresses secrets together with what a client sent tells it about
        them (BREACH): do not.

        :param force: a coding to use whatever the client accepts; ``identity`` for none.
        :param strategy: a ``zlib.Z_*`` strategy, for gzip and deflate.
        :raises ValueError: *force* needs a package that is not installed.
        """
        if isinstance(force, bool):
            warnings.warn("pass a ContentCoding, not a bool", DeprecationWarning, stacklevel=2)
            force = ContentCoding.deflate if force else ContentCoding.identity
        elif force is not None and not isinstance(force, ContentCoding):
            raise TypeError(f"force is {force!r}, pass a ContentCoding or None")
        if force not in (None, ContentCoding.identity):
            coding_named(force.value)
        self._compression = True
        self._at_once = False
        self._compression_force = force
        self._compression_strategy = strategy

    # ----------------------------------------------------------------------- headers

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers to send."""
        fields = self._fields
        if fields is None:
            fields = self._fields = CIMultiDict()
            if self._type_field is not None:
                fields[hdrs.CONTENT_TYPE] = self._type_field
        return fields

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies to set."""
        if self._cookies is None:
            self._cookies = SimpleCookie()
            self._at_once = False
        return self._cookies

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        expires: str | None = None,
        domain: str | None = None,
        max_age: int | str | None = None,
        path: str = "/",
        secure: bool | None = None,
        httponly: bool | None = None,
        version: str | None = None,
        samesite: str | None = None,
        partitioned: bool | None = None,
    ) -> None:
        """Set a cookie (RFC 6265 4.1).

        :param expires: an HTTP date; :param max_age: seconds.
        :param version: of RFC 2109, which no browser knows.
        :raises ValueError: when the name is not a token, or an attribute would end early.
        """
        set_cookie(
            self.cookies,
            name,
            value,
            expires=expires,
            domain=domain,
            max_age=max_age,
            path=path,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
            version=version,
        )

    def del_cookie(
        self,
        name: str,
        *,
        domain: str | None = None,
        path: str = "/",
        secure: bool | None = None,
        httponly: bool | None = None,
        samesite: str | None = None,
    ) -> None:
        """Tell the browser to forget a cookie; *domain* and *path* as it was set with."""
        remove_cookie(
            self.cookies,
            name,
            domain=domain,
            path=path,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
        )

    @property
    def content_length(self) -> int | None:
        """The length of the body, when known beforehand."""
        return None if self._chunked else super().content_length

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        if value is None:
            self.headers.pop(hdrs.CONTENT_LENGTH, None)
            return
        if self._chunked:
            raise RuntimeError("a content length cannot be set with chunked encoding enabled")
        self.headers[hdrs.CONTENT_LENGTH] = str(int(value))

    @property
    def content_type(self) -> str:
        """The media type without parameters."""
        return super().content_type

    @content_type.setter
    def content_type(self, value: str) -> None:
        self._set_content_type(text_of(value, "content_type"), self.charset)

    @property
    def charset(self) -> str | None:
        """The charset of the media type, or ``None``."""
        return super().charset

    @charset.setter
    def charset(self, value: str | None) -> None:
        content_type = self.content_type
        if content_type == DEFAULT_TYPE:
            raise RuntimeError(f"a charset makes no sense with {DEFAULT_TYPE}: set content_type")
        if value is not None:
            value = text_of(value, "charset").lower()
        self._set_content_type(content_type, value)

    def _set_content_type(self, content_type: str, charset: str | None) -> None:
        if charset is not None:
            content_type = f"{content_type}; charset={charset}"
        self.headers[hdrs.CONTENT_TYPE] = content_type

    @property
    def last_modified(self) -> datetime.datetime | None:
        """The date of ``Last-Modified``; set it to seconds, a datetime, an HTTP date or None."""
        return parse_http_date(self.headers.get(hdrs.LAST_MODIFIED))

    @last_modified.setter
    def last_modified(self, value: float | datetime.datetime | str | None) -> None:
        if value is None:
            self.headers.pop(hdrs.LAST_MODIFIED, None)
            return
        if isinstance(value, datetime.datetime):
            value = value.timestamp()
        if isinstance(value, (int, float)):
            value = format_http_date(math.ceil(value))
        elif not isinstance(value, str):
            raise TypeError(f"last_modified is {value!r}: pass seconds, datetime, str or None")
        self.headers[hdrs.LAST_MODIFIED] = value

    @property
    def etag(self) -> ETag | None:
        """The entity tag (RFC 9110 8.8.3); set it to an :class:`ETag`, its value or None."""
        tags = parse_etags(self.headers.get(hdrs.ETAG))
        return tags[0] if tags else None

    @etag.setter
    def etag(self, value: ETag | str | None) -> None:
        if value is None:
            self.headers.pop(hdrs.ETAG, None)
            return
        self.headers[hdrs.ETAG] = etag_field(value)

    # ----------------------------------------------------------------------- sending

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write the head; what is set on the response afterwards has no effect.

        Further calls do nothing. A response with an interim status (RFC 9110 15.2), such as 103,
        leaves the request to be answered by another.

        :returns: what the body is written to; ``None`` after the end.
        :raises RuntimeError: another response to *request* has begun.
        """
        if self._eof_sent:
            return None
        if self._payload_writer is None:
            await self._prepare_head(request)
            if isinstance(self._payload_writer, StreamWriter):
                self._write_head()
            else:
                await self._write_head_to_another()
        return self._payload_writer

    async def _prepare_head(self, request: BaseRequest) -> None:
        """Complete the headers and let ``on_response_prepare`` see them."""
        refuse_second(request)
        if self._at_once:
            self._at_once = False
        try:
            await self._complete_head(request)
        except BaseException:
            self._back_out()
            raise

    async def _complete_head(self, request: BaseRequest) -> None:
        self._req = request
        self._payload_writer = request.writer  # type: ignore[assignment]
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive and request.protocol.allows_keep_alive
        if forbids_body(request.method, self._status) != self._must_be_empty_body:
            self._must_be_empty_body = not self._must_be_empty_body
        if self._compression:
            await self._start_compression(request)
        self._prepare_headers()
        await request._prepare_hook(self)

    def _back_out(self) -> None:
        """Leave the request to another response: what this one set on the writer goes with it."""
        if self._req is not None:
            self._req._payload_writer = None
        self._req = self._payload_writer = None

    async def _start_compression(self, request: BaseRequest) -> None:
        coding = self._compression_force
        if coding is None:
            coding = choose_coding(",".join(request.headers.getall(hdrs.ACCEPT_ENCODING, ())))
            # RFC 9110 12.5.5: caches must keep the variants apart.
            if "accept-encoding" not in self.headers.get(hdrs.VARY, "").lower():
                self.headers.add(hdrs.VARY, hdrs.ACCEPT_ENCODING)
        if coding is not ContentCoding.identity:
            await self._compress_with(coding)

    async def _compress_with(self, coding: ContentCoding) -> None:
        assert self._payload_writer is not None
        self.headers[hdrs.CONTENT_ENCODING] = coding.value
        # The length that was set is that of the body before.
        self.headers.pop(hdrs.CONTENT_LENGTH, None)
        if not self._must_be_empty_body:
            self._compressing = True
            self._payload_writer.enable_compression(coding.value, self._compression_strategy)

    def _prepare_headers(self) -> None:
        """Add what frames the body (RFC 9112 6), and the headers every response has."""
        request, writer, headers = self._req, self._payload_writer, self.headers
        assert request is not None
        assert writer is not None
        version = request.version
        if self._status < 200 or self._status == 204:
            # RFC 9112 6.1 and RFC 9110 8.6: neither has a place here.
            headers.pop(hdrs.CONTENT_LENGTH, None)
            headers.pop(hdrs.TRANSFER_ENCODING, None)
        elif self._chunked:
            if version == HttpVersion10:
                raise RuntimeError("chunked encoding needs HTTP/1.1, the request has HTTP/1.0")
            headers[hdrs.TRANSFER_ENCODING] = "chunked"
        elif self._status == 304:
            # RFC 9110 8.6: a length here is that of the 200 it stands for, which only the
            # handler knows; it may have set the header.
            pass
        elif (length := self.content_length) is not None:
            headers.setdefault(hdrs.CONTENT_LENGTH, str(length))
            if not self._must_be_empty_body:
                writer.length = length
        elif version == HttpVersion10:
            self._keep_alive = False  # the end of the connection ends the body
        else:
            headers[hdrs.TRANSFER_ENCODING] = "chunked"
        if hdrs.TRANSFER_ENCODING in headers and not self._must_be_empty_body:
            writer.enable_chunking()
        if not self._must_be_empty_body and headers.get(hdrs.CONTENT_LENGTH) != "0":
            headers.setdefault(hdrs.CONTENT_TYPE, DEFAULT_TYPE)
        headers.setdefault(hdrs.DATE, current_http_date())
        headers.setdefault(hdrs.SERVER, SERVER_SOFTWARE)
        if hdrs.CONNECTION in headers:
            if "close" in headers[hdrs.CONNECTION].lower():
                self._keep_alive = False
        elif not self._keep_alive:
            if version != HttpVersion10:
                headers[hdrs.CONNECTION] = "close"
        elif version == HttpVersion10:
            headers[hdrs.CONNECTION] = "keep-alive"

    def _write_head(self) -> None:
        """Serialise the head and send it, or keep it for the first piece of body."""
        writer = self._payload_writer
        assert writer is not None
        writer.hold_head(self._render_head())
        if self._send_headers_immediately:
            writer.send_headers()
        if self._status < 200 and self._status != 101:
            writer.expect_another_head()

    async def _write_head_to_another(self) -> None:
        """Write the head to a writer that is not ours, such as one of a test."""
        writer, request = self._payload_writer, self._req
        assert writer is not None and request is not None  # noqa: PT018
        self._add_cookies()
        version = "HTTP/{}.{}".format(*request.version)
        await writer.write_headers(f"{version} {self._status} {self._reason}", self.headers)
        if self._send_headers_immediately:
            writer.send_headers()

    def _add_cookies(self) -> None:
        if self._cookies:
            for cookie in self._cookies.values():
                self.headers.add(hdrs.SET_COOKIE, cookie.OutputString())

    def _render_head(self) -> bytes:
        """Return the head as it is sent.

        :raises ValueError: for a header that HTTP cannot carry.
        """
        request, headers = self._req, self.headers
        assert request is not None
        self._add_cookies()
        version = (1, request.version[1])
        try:
            head = serialise_response_head(self._status, self._reason, version, headers)
        except ValueError:
            self._back_out()
            raise
        self._head_length = len(head)
        if self._status != 101:  # which may be kept for as long as a WebSocket lives
            self._sent_head = head
        return head

    async def write(self, data: Byteish) -> None:
        """Send a piece of body; waits while the client is slow to take it.

        :raises TypeError: when *data* is not bytes-like.
        :raises RuntimeError: before :meth:`prepare`, or after :meth:`write_eof`; for more bytes
            than ``Content-Length`` has promised.
        :raises ConnectionResetError: when the connection is lost or closing.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data is {type(data).__name__}, pass bytes, bytearray or memoryview")
        if self._eof_sent:
            raise RuntimeError("write() called after write_eof()")
        if self._payload_writer is None:
            raise RuntimeError("write() called before prepare()")
        if not self._must_be_empty_body:
            await self._payload_writer.write(data)

    async def drain(self) -> None:
        """Deprecated: :meth:`write` waits by itself."""
        warnings.warn("drain() is deprecated, await write()", DeprecationWarning, stacklevel=2)
        if self._eof_sent:
            raise RuntimeError("drain() called after write_eof()")
        if self._payload_writer is None:
            raise RuntimeError("drain() called before prepare()")
        await self._payload_writer.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the last piece of body and end the response; further calls do nothing.

        A body shorter than its ``Content-Length`` ends the connection: what follows there would
        be taken for the rest of it.

        :raises RuntimeError: before :meth:`prepare`; for more bytes than ``Content-Length`` has
            promised.
        """
        if self._eof_sent:
            return
        writer = self._payload_writer
        if writer is None:
            raise RuntimeError("write_eof() called before prepare()")
        if self._must_be_empty_body:
            writer.set_eof()
        else:
            await writer.write_eof(data)
        self._eof_sent = True
        self._req = None
        if isinstance(writer, StreamWriter):
            self._body_length = writer.output_size - self._head_length
        self._payload_writer = None

    def _render(self, request: BaseRequest) -> tuple[bytes, bytes | None] | None:
        """Return head and body where the whole response needs no waiting, else ``None``."""
        return None

    def _never_left(self) -> None:
        """Note that what :meth:`_render` returned was not sent: the connection is lost."""
        self._head_length = self._body_length = 0
        self._sent_head = b""

    def _sent_field(self, name: str) -> str | None:
        """The value of a header field as it was sent, which may not be among the headers."""
        head = self._sent_head
        if not head:
            return self.headers.get(name)
        start = head.lower().find(b"\r\n" + name.lower().encode() + b": ")
        if start < 0:
            return None
        start += len(name) + 4
        return head[start : head.index(b"\r\n", start)].decode("utf-8", "surrogateescape")

    def __repr__(self) -> str:
        if self._eof_sent:
            info = "eof"
        elif self._req is not None:
            info = f"{self._req.method} {self._req.path} "
        else:
            info = "not prepared"
        return f"<{type(self).__name__} {self._reason} {info}>"
