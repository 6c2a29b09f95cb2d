"""Responses whose body is known when they are made.

Most are sent in one write, head and body together, without a task's suspension: what takes more,
such as compression or a subclass that sends by itself, falls back on the way of
:class:`StreamResponse`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from .. import hdrs
from ..argument_types import DEFAULT_JSON_ENCODER, JSONEncoder, LooseHeaders
from ..http.codings import ContentCoding
from ..http.compression import Compressor
from ..http.dates import current_http_date
from ..http.payload import Payload, get_payload
from ..http.payload_base import LookupError as PayloadLookupError
from ..http.payload_files import IOBasePayload
from ..http.software import SERVER_SOFTWARE
from ..wire.serialise import serialise_response_head
from .stream_response import DEFAULT_TYPE, StreamResponse

if TYPE_CHECKING:
    from ..http.interfaces import AbstractStreamWriter
    from .base_request import BaseRequest

__all__ = ("Response", "json_bytes_response", "json_response")

_UNSET: Final[Any] = object()
_TEXT: Final = "text/plain; charset=utf-8"
# What a subclass may override to take part in the sending, and so needs called.
_SENDING = ("prepare", "write", "write_eof", "_prepare_head", "_prepare_headers", "_write_head")
# Serialised heads of responses without headers of their own. Date is in the key: what was
# sent a second ago is not used any more, and is dropped when there are too many.
_heads: dict[tuple[Any, ...], bytes] = {}
_MOST_HEADS: Final = 256

# Headers that decide where the body ends, and whether the connection does.
_FRAMING = (hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING, hdrs.CONNECTION)


@lru_cache(maxsize=64)
def _text_type(content_type: str) -> str:
    return f"{content_type}; charset=utf-8"


def sends_by_itself(cls: type[StreamResponse], base: type[StreamResponse]) -> bool:
    """Whether *cls* overrides how a *base* is sent, so that it is not sent in one go."""
    return any(getattr(cls, name) is not getattr(base, name) for name in _SENDING)


class Response(StreamResponse):
    """A response with its whole body.

    :param body: bytes, or anything that has a :class:`~aiohttp_ws.Payload`: str, an open
        file, an asynchronous generator.
    :param text: text, encoded with *charset* (UTF-8 by default); excludes *body*.
    :param content_type: the media type without parameters; ``text/plain`` for *text*.
    :param charset: the charset of *content_type*.
    :param zlib_executor_size: a body of more bytes is compressed in a thread; ``None`` for
        every body.
    :param zlib_executor: the executor for that; the loop's default one if ``None``.
    :raises ValueError: when *body* and *text*, or a ``Content-Type`` header and
        *content_type* or *charset*, are given together.
    """

    _body: bytes | bytearray | Payload | None = None
    _compressed_body: bytes | None = None
    _zlib_executor_size: int | None = 4096
    _zlib_executor: Executor | None = None
    _send_headers_immediately = False
    _at_once = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if sends_by_itself(cls, Response):
            cls._at_once = False

    def __init__(
        self,
        *,
        body: Any = None,
        status: int = 200,
        reason: str | None = None,
        text: str | None = None,
        headers: LooseHeaders | None = None,
        content_type: str | None = None,
        charset: str | None = None,
        zlib_executor_size: int | None = 4096,
        zlib_executor: Executor | None = None,
    ) -> None:
        super().__init__(status=status, reason=reason, headers=headers)
        if zlib_executor_size != 4096:
            self._zlib_executor_size = zlib_executor_size
        if zlib_executor is not None:
            self._zlib_executor = zlib_executor
        if content_type is not None or charset is not None:
            self._check_type(content_type)
        if text is not None:
            if body is not None:
                raise ValueError("body and text are given together: pass one")
            if not isinstance(text, str):
                raise TypeError(f"text is {type(text).__name__}, pass str")
            if self._fields is None:
                if charset is not None:
                    self._type_field = f"{content_type or 'text/plain'}; charset={charset}"
                    self._body = text.encode(charset)
                else:
                    self._type_field = _TEXT if content_type is None else _text_type(content_type)
                    self._body = text.encode()
            else:
                self._init_text(text, content_type, charset)
        else:
            if content_type is not None:
                if self._fields is None and charset is None:
                    self._type_field = content_type
                else:
                    self._set_content_type(content_type, charset)
            if type(body) is bytes:
                self._body = body
            elif body is not None:
                self.body = body

    def _check_type(self, content_type: str | None) -> None:
        if content_type is not None and "charset" in content_type:
            raise ValueError(f"content_type {content_type!r} holds a charset: pass charset=")
        if self._fields is not None and hdrs.CONTENT_TYPE in self._fields:
            raise ValueError(
                "a Content-Type header is given together with content_type or charset: pass one"
            )

    def _init_text(self, text: str, content_type: str | None, charset: str | None) -> None:
        if hdrs.CONTENT_TYPE in self.headers:
            self.text = text
            return
        charset = charset or "utf-8"
        self._set_content_type(content_type or "text/plain", charset)
        self._body = text.encode(charset)

    @property
    def body(self) -> bytes | bytearray | Payload | None:
        """The body; a :class:`~aiohttp_ws.Payload` where it was given as anything but bytes."""
        return self._body

    @body.setter
    def body(self, body: Any) -> None:
        self._compressed_body = None
        if body is None or isinstance(body, (bytes, bytearray)):
            self._body = body
            return
        try:
            payload = get_payload(body)
        except PayloadLookupError:
            raise ValueError(
                f"body is {type(body).__name__}, for which there is no Payload"
            ) from None
        self._body = payload
        headers = self.headers
        headers.setdefault(hdrs.CONTENT_TYPE, payload.content_type)
        for name, value in payload.headers.items():
            headers.setdefault(name, value)

    @property
    def text(self) -> str | None:
        """The body as text; setting it encodes with :attr:`charset`."""
        body = self._body
        if body is None:
            return None
        if isinstance(body, Payload):
            return body.decode(self.charset or "utf-8")
        return body.decode(self.charset or "utf-8")

    @text.setter
    def text(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"text is {type(text).__name__}, pass str")
        if hdrs.CONTENT_TYPE not in self.headers:
            self._set_content_type("text/plain", None)
        charset = self.charset
        if charset is None:
            self._set_content_type(self.headers[hdrs.CONTENT_TYPE], charset := "utf-8")
        self._body = text.encode(charset)
        self._compressed_body = None

    @property
    def content_length(self) -> int | None:
        """The length of the body; ``None`` when it is not known beforehand."""
        if self._chunked or self._compressing:
            return None
        if self._fields is not None and hdrs.CONTENT_LENGTH in self._fields:
            return int(self._fields[hdrs.CONTENT_LENGTH])
        if self._compressed_body is not None:
            return len(self._compressed_body)
        if isinstance(self._body, Payload):
            return self._body.size if self._payload_writer is not None else None
        return 0 if self._body is None else len(self._body)

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        raise RuntimeError("the content length of a Response follows from its body")

    # ----------------------------------------------------------------------- sending

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write the head, to leave together with the body."""
        return await super().prepare(request)

    def _prepare_headers(self) -> None:
        if self._compressing and isinstance(self._body, Payload):
            # The compressed length of a stream is known at its end only.
            self._chunked = self._chunked or bool(self._req and self._req.version[1])
        super()._prepare_headers()
        self._check_length()

    def _check_length(self) -> None:
        """Refuse a body that is longer than the ``Content-Length`` that was set."""
        writer, body = self._payload_writer, self._body
        promised = None if writer is None else writer.length
        if not isinstance(promised, int) or body is None:
            return
        if self._compressed_body is not None:
            size: int | None = len(self._compressed_body)
        else:
            size = body.size if isinstance(body, Payload) else len(body)
        if size is not None and size > promised:
            raise RuntimeError(
                f"the body has {size} bytes and the Content-Length header says {promised};"
                " leave the header out"
            )

    async def _compress_with(self, coding: ContentCoding) -> None:
        body = self._body
        if self._chunked or isinstance(body, Payload):
            await super()._compress_with(coding)
            return
        if not body or (self._must_be_empty_body and self._status != 200):
            return
        limit = self._zlib_executor_size
        if limit is not None and len(body) <= limit:
            self._compressed_body = self._compress(bytes(body), coding)
        else:
            loop = asyncio.get_running_loop()
            self._compressed_body = await loop.run_in_executor(
                self._zlib_executor, self._compress, bytes(body), coding
            )
        self.headers[hdrs.CONTENT_ENCODING] = coding.value
        self.headers[hdrs.CONTENT_LENGTH] = str(len(self._compressed_body))

    def _compress(self, body: bytes, coding: ContentCoding) -> bytes:
        strategy = self._compression_strategy
        if strategy is None:
            compressor = Compressor(coding.value)
        else:
            compressor = Compressor(coding.value, strategy=strategy)
        return compressor.compress(body) + compressor.flush()

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the body and end the response.

        :param data: sent after the body.
        """
        if self._eof_sent:
            return
        body = self._body if self._compressed_body is None else self._compressed_body
        if isinstance(body, Payload):
            try:
                writer = self._payload_writer
                if not self._must_be_empty_body and writer is not None:
                    if type(body).write is IOBasePayload.write:
                        # A file may have grown since its length was promised.
                        await body.write_with_length(writer, writer.length)
                    else:
                        await body.write(writer)
            finally:
                await body.close()
            await super().write_eof(data)
        else:
            await super().write_eof(bytes(body or b"") + data)

    def _render(self, request: BaseRequest) -> tuple[bytes, bytes | None] | None:
        body = self._body
        status = self._status
        if (
            not self._at_once
            or status < 200
            or status == 204
            or status == 304
            or (body is not None and type(body) is not bytes)
            or request._hooks_response()
        ):
            return None
        message = request._message
        keep_alive = self._keep_alive
        if keep_alive is None:
            keep_alive = message.keep_alive and request._protocol.allows_keep_alive
        fields = self._fields
        if fields is not None and any(name in fields for name in _FRAMING):
            return None
        data = self._serialise(message.version, keep_alive, message.method == "HEAD")
        self._keep_alive = keep_alive
        self._eof_sent = True
        self._at_once = False
        return data

    def _serialise(
        self, version: tuple[int, int], keep_alive: bool, head_only: bool = False
    ) -> tuple[bytes, bytes | None]:
        """Return head and body as they are sent, for a body of bytes or none."""
        body = self._body
        assert body is None or type(body) is bytes
        length = 0 if body is None else len(body)
        date = current_http_date()
        if self._fields is None:
            # Alike but for the body, as answers to one kind of request are within a second.
            key = (self._type_field, length, date, self._status, self._reason, version, keep_alive)
            head = _heads.get(key)
            if head is None:
                if len(_heads) >= _MOST_HEADS:
                    _heads.clear()
                head = _heads[key] = self._serialise_head(version, keep_alive, length, date)
        else:
            head = self._serialise_head(version, keep_alive, length, date)
        self._head_length = len(head)
        self._sent_head = head
        if head_only or body is None:
            return head, None
        self._body_length = length
        return head, body

    def _serialise_head(
        self, version: tuple[int, int], keep_alive: bool, length: int, date: str
    ) -> bytes:
        fields: Mapping[str, str] = self._fields or {}
        pairs = list(fields.items())
        if self._fields is None and self._type_field is not None:
            pairs.append(("Content-Type", self._type_field))
        elif length and hdrs.CONTENT_TYPE not in fields:
            pairs.append(("Content-Type", DEFAULT_TYPE))
        pairs.append(("Content-Length", str(length)))
        if hdrs.DATE not in fields:
            pairs.append(("Date", date))
        if hdrs.SERVER not in fields:
            pairs.append(("Server", SERVER_SOFTWARE))
        if keep_alive != version[1]:
            pairs.append(("Connection", "keep-alive" if keep_alive else "close"))
        return serialise_response_head(self._status, self._reason, version, pairs)


def json_response(
    data: Any = _UNSET,
    *,
    text: str | None = None,
    body: bytes | None = None,
    status: int = 200,
    reason: str | None = None,
    headers: LooseHeaders | None = None,
    content_type: str = "application/json",
    dumps: JSONEncoder = DEFAULT_JSON_ENCODER,
) -> Response:
    """Return a :class:`Response` with *data* as JSON.

    :param dumps: makes the text; :func:`json.dumps` by default.
    :raises ValueError: when *text* or *body* is given together with *data*.
    """
    if data is not _UNSET:
        if text or body:
            raise ValueError("data, text and body are given together: pass one")
        text = dumps(data)
    return Response(
        text=text,
        body=body,
        status=status,
        reason=reason,
        headers=headers,
        content_type=content_type,
    )


def json_bytes_response(
    data: Any = _UNSET,
    *,
    dumps: Callable[[Any], bytes],
    body: bytes | None = None,
    status: int = 200,
    reason: str | None = None,
    headers: LooseHeaders | None = None,
    content_type: str = "application/json",
) -> Response:
    """Return a :class:`Response` with *data* as JSON, from an encoder that returns bytes.

    :param dumps: makes the bytes, such as ``orjson.dumps``.
    :raises ValueError: when *data* and *body* are given together.
    """
    if data is not _UNSET:
        if body:
            raise ValueError("data and body are given together: pass one")
        body = dumps(data)
    return Response(
        body=body, status=status, reason=reason, headers=headers, content_type=content_type
    )
