"""One part of a multipart message that is not multipart itself."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from .. import hdrs
from ..argument_types import Byteish
from ..errors import ContentEncodingError, MultipartError
from .charsets import known_charset
from .codings import is_supported
from .compression import Decompressor
from .disposition import content_disposition_filename, parse_content_disposition
from .headers import parse_content_type
from .interfaces import AbstractStreamWriter
from .part_codings import TRANSFER_DECODERS, whole_quanta
from .part_source import READ_SIZE, PartSource
from .payload import payload_type
from .payload_base import Order, Payload

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("BodyPartReader", "BodyPartReaderPayload")

# Compressed bytes that are inflated without a thread: more would hold up the event loop.
INFLATE_AT_ONCE: Final = 16 * 1024
LONGEST_LINE: Final = 512 * 1024


class BodyPartReader:
    """Reads one part; made by :meth:`MultipartReader.next`.

    :param boundary: the boundary with the two hyphens before it.
    :param headers: the headers of the part.
    :param content: where it is read from: a :class:`StreamReader`.
    :param subtype: that of the message; in ``form-data`` parts have neither a ``Content-Length``
        nor a ``Content-Encoding`` (:rfc:`7578#section-4.8`).
    :param default_charset: of text, where the part does not name one.
    :param max_decompress_size: bytes that :meth:`decode_iter` yields at a time.
    :param client_max_size: bytes that :meth:`read` and its relatives accept, before and after
        decoding.
    :param max_size_error_cls: what they raise beyond that; called with *client_max_size*.
    :raises ValueError: for a ``Content-Length`` that is not a number.
    """

    #: Bytes that :meth:`read_chunk` returns at most by default.
    chunk_size = 8192

    # Whether read_chunk() is ours, so that read() need not go through it.
    _reads_directly = True

    def __init__(
        self,
        boundary: bytes | str,
        headers: Mapping[str, str],
        content: Any,
        *,
        subtype: str = "mixed",
        default_charset: str | None = None,
        max_decompress_size: int = READ_SIZE,
        client_max_size: int = sys.maxsize,
        max_size_error_cls: type[Exception] = ValueError,
    ) -> None:
        #: The headers of the part.
        self.headers = headers
        if isinstance(boundary, str):
            boundary = boundary.encode("utf-8", "surrogateescape")
        self._boundary = boundary
        self._delimiter = b"\r\n" + boundary
        self._source = PartSource(content)
        self._alone = True  # what follows the part goes back to *content*
        self._default_charset = default_charset
        self._in_form = subtype == "form-data"
        self._max_decompress_size = max_decompress_size
        self._client_max_size = client_max_size
        self._max_size_error_cls = max_size_error_cls
        self._begun = False
        self._at_eof = False
        # Whether the boundary follows the headers at once, without a line end of its own.
        self._is_bare = False
        self._left = None if self._in_form else self._announced_length()
        self._transfer_encoding = headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._reads_directly = cls.read_chunk is BodyPartReader.read_chunk

    def _announced_length(self) -> int | None:
        length = self.headers.get(hdrs.CONTENT_LENGTH)
        if length is None:
            return None
        if not (length.isascii() and length.isdigit()):
            raise self._source.fault(f"Content-Length {length!r:.60} of a part is not a number")
        return int(length)

    def _share(self, source: PartSource, delimiter: bytes) -> None:
        """Read from *source*, from which the reader of the whole message reads too."""
        self._source = source
        self._delimiter = delimiter
        self._alone = False

    # ----------------------------------------------------------------------- reading

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    async def next(self) -> bytes | None:
        """Return what is left of the part; ``None`` when nothing is."""
        return await self.read() or None

    def at_eof(self) -> bool:
        """Whether the part has been read to its end."""
        return self._at_eof

    def _finish(self) -> None:
        self._at_eof = True
        if self._alone:
            # A length-delimited part, and one that is not empty, ends before a line end.
            self._source.give_back(0 if self._is_bare else 2)

    async def _begin(self) -> None:
        self._begun = True
        if self._left is None and await self._source.begins_with(self._boundary):
            self._is_bare = True
            self._finish()
        elif self._left == 0:
            await self._end_of_length()

    async def _take(self, size: int = -1) -> bytes:
        """Return what has arrived, up to *size* bytes; ``b""`` at the end of the part."""
        if not self._begun:
            await self._begin()
        if self._at_eof:
            return b""
        source = self._source
        if self._left is None:
            piece = await source.take(self._delimiter, size)
            if source.has_reached(self._delimiter):
                self._finish()
            return piece
        piece = await source.take_bytes(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        if not piece:
            raise self._ends_early()
        if not self._left:
            await self._end_of_length()
        return piece

    async def _end_of_length(self) -> None:
        if not await self._source.begins_with(b"\r\n"):
            raise self._source.fault(
                "part is malformed: its Content-Length is not where a line ends"
            )
        self._finish()

    async def read(self, *, decode: bool = False) -> bytes:
        """Return what is left of the part.

        :param decode: decode it as :meth:`decode` does.
        :raises MultipartError: when the message ends before the part, or cannot be decoded; it
            is a :exc:`ValueError` and a :exc:`RuntimeError`.
        """
        if self._at_eof:
            return b""
        data = bytearray()
        limit = self._client_max_size
        while not self._at_eof:
            if self._reads_directly:
                data += await self._take()
            else:
                data += await self.read_chunk(self.chunk_size)
            if len(data) > limit:
                raise self._max_size_error_cls(limit)
        if not decode or not self._is_encoded():
            return data
        decoded = bytearray()
        async for piece in self.decode_iter(data):
            decoded += piece
            if len(decoded) > limit:
                raise self._max_size_error_cls(limit)
        return decoded

    async def read_chunk(self, size: int = chunk_size) -> bytes:
        """Return up to *size* bytes, as soon as there are some; ``b""`` at the end.

        Of an encoded part it is what can be decoded without the rest, where *size* allows.
        """
        if self._transfer_encoding in ("base64", "quoted-printable"):
            return await self._take_quanta(size)
        chunk = await self._take(size)
        # As in aiohttp, pieces that are smaller than a boundary are joined.
        while 0 < len(chunk) < min(size, len(self._delimiter)) and not self._at_eof:
            try:
                chunk += await self._take(size - len(chunk))
            except MultipartError:
                break  # the next call raises it
        return chunk

    async def _take_quanta(self, size: int) -> bytes:
        chunk = await self._take(size)
        while chunk and not self._at_eof:
            cut = whole_quanta(self._transfer_encoding, chunk)
            if cut:
                self._source.untake(chunk[cut:])
                if self._left is not None:
                    self._left += len(chunk) - cut
                return chunk[:cut]
            if len(chunk) >= size:
                break
            chunk += await self._take(size - len(chunk))
        return chunk

    async def readline(self) -> bytes:
        """Return a line with its line end, without it the last one; ``b""`` at the end.

        :raises MultipartError: for a line of more than 512 KiB.
        """
        if not self._begun:
            await self._begin()
        if self._at_eof:
            return b""
        if self._left is not None:
            return await self._line_within_length()
        line = await self._source.take_line(self._delimiter, LONGEST_LINE)
        if self._source.has_reached(self._delimiter):
            self._finish()
        return line

    async def _line_within_length(self) -> bytes:
        assert self._left is not None
        line = await self._source.line(LONGEST_LINE)
        if not line:
            raise self._ends_early()
        beyond = line[self._left :]
        self._source.untake(beyond)
        self._left -= len(line) - len(beyond)
        if not self._left:
            await self._end_of_length()
        return line[: len(line) - len(beyond)]

    def _ends_early(self) -> MultipartError:
        return self._source.fault(
            f"multipart body ends {self._left} bytes before the end of a part"
        )

    async def release(self) -> None:
        """Read what is left of the part and drop it."""
        while not self._at_eof:
            if self._reads_directly:
                await self._take()
            else:
                await self.read_chunk(self.chunk_size)

    async def text(self, *, encoding: str | None = None) -> str:
        """Return the part as text.

        :param encoding: the charset; that of ``Content-Type`` by default, or else that of the
            form, or UTF-8.
        :raises UnicodeDecodeError: the part of a response is not in that charset; that of a
            request raises what is answered with 400.
        """
        charset = encoding or self._known_charset()
        return self._as_text(await self.read(decode=True), charset)

    async def json(self, *, encoding: str | None = None) -> Any:
        """Return the part as JSON; ``None`` for an empty one.

        :param encoding: as for :meth:`text`.
        """
        text = await self.text(encoding=encoding)
        return json.loads(text) if text else None

    async def form(self, *, encoding: str | None = None) -> list[tuple[str, str]]:
        """Return the fields of a part that is a URL-encoded form.

        :param encoding: as for :meth:`text`.
        :raises ValueError: when the part is not in that charset.
        """
        charset = encoding or self._known_charset()
        data = await self.read(decode=True)
        try:
            text = data.rstrip().decode(charset)
        except UnicodeDecodeError as exc:
            raise self._undecodable(charset, exc) from exc
        return parse_qsl(text, keep_blank_values=True, encoding=charset)

    def _as_text(self, data: Byteish, charset: str) -> str:
        try:
            return bytes(data).decode(charset)
        except UnicodeDecodeError as exc:
            if self._source.fault is MultipartError:
                # aiohttp's, for who has no status to answer with.
                raise
            raise self._undecodable(charset, exc) from exc

    def _undecodable(self, charset: str, exc: UnicodeDecodeError) -> MultipartError:
        return self._source.fault(
            f"data cannot be decoded with {charset} encoding: {exc.reason} at byte {exc.start}"
        )

    # ---------------------------------------------------------------------- decoding

    def _content_encoding(self) -> str:
        # RFC 7578 4.8: in forms the field means nothing.
        return "" if self._in_form else self.headers.get(hdrs.CONTENT_ENCODING, "").lower()

    def _is_encoded(self) -> bool:
        return bool(self._transfer_encoding or self._content_encoding())

    def _transfer_decoded(self, data: Byteish) -> Byteish:
        encoding = self._transfer_encoding
        if not encoding:
            return data
        decoder = TRANSFER_DECODERS.get(encoding)
        if decoder is None:
            raise self._source.fault(f"unknown content transfer encoding: {encoding!a:.60}")
        try:
            decoded: Byteish = decoder(data)
            return decoded
        except ValueError as exc:
            raise self._source.fault(f"part is not {encoding}: {exc}") from exc

    def _decompressor(self) -> Decompressor | None:
        encoding = self._content_encoding()
        if encoding in ("", "identity"):
            return None
        if not is_supported(encoding):
            raise self._source.fault(f"unknown content encoding: {encoding!a:.60}")
        return Decompressor(encoding)

    def decode(self, data: Byteish) -> Byteish:
        """Decode *data* as ``Content-Transfer-Encoding`` and ``Content-Encoding`` say.

        :param data: what :meth:`read_chunk` has returned, or of a compressed part all of it.
        :raises MultipartError: when it is not in the coding, or that is unknown.
        """
        data = self._transfer_decoded(data)
        decompressor = self._decompressor()
        if decompressor is None:
            return data
        step = min(self._max_decompress_size, self._client_max_size)
        decoded = bytearray(self._inflated(decompressor, data, step))
        while decompressor.unconsumed:
            decoded += self._inflated(decompressor, b"", step)
            if len(decoded) > self._client_max_size:
                raise self._max_size_error_cls(self._client_max_size)
        return bytes(decoded)

    async def decode_iter(self, data: Byteish) -> AsyncIterator[Byteish]:
        """Decode *data* as :meth:`decode` does, piece by piece; a large one in a thread."""
        async for piece in self._decode_with(self._decompressor(), data):
            yield piece

    async def _decode_with(
        self, decompressor: Decompressor | None, data: Byteish
    ) -> AsyncIterator[Byteish]:
        data = self._transfer_decoded(data)
        if decompressor is None:
            yield data
            return
        step = self._max_decompress_size
        in_thread = len(data) > INFLATE_AT_ONCE
        loop = asyncio.get_running_loop()
        while True:
            if in_thread:
                yield await loop.run_in_executor(None, self._inflated, decompressor, data, step)
            else:
                yield self._inflated(decompressor, data, step)
            if not decompressor.unconsumed:
                return
            data = b""

    def _inflated(self, decompressor: Decompressor, data: Byteish, step: int) -> bytes:
        try:
            return decompressor.decompress(data, step)
        except ContentEncodingError as exc:
            raise self._source.fault(f"part cannot be decoded: {exc}") from exc

    # ----------------------------------------------------------------------- headers

    def get_charset(self, default: str) -> str:
        """Return the charset of ``Content-Type``, else that of the form, else *default*."""
        parameters = parse_content_type(self.headers.get(hdrs.CONTENT_TYPE, ""))[1]
        return parameters.get("charset", self._default_charset or default)

    def _known_charset(self) -> str:
        named = self.get_charset(default="utf-8")
        charset = known_charset(named)
        if charset is None:
            raise self._source.fault(f"charset {named!a:.60} of a part is not known")
        return charset

    @cached_property
    def _disposition(self) -> Mapping[str, str]:
        return parse_content_disposition(self.headers.get(hdrs.CONTENT_DISPOSITION))[1]

    @cached_property
    def name(self) -> str | None:
        """The name of the field that the part is; ``None`` without one."""
        return content_disposition_filename(self._disposition, "name")

    @cached_property
    def filename(self) -> str | None:
        """The name of the file that the part is, without any directory; ``None`` without one."""
        return content_disposition_filename(self._disposition, "filename")


@payload_type(BodyPartReader, order=Order.try_first)
class BodyPartReaderPayload(Payload):
    """A part as a body to send on: decoded, and read as it is sent, once."""

    _value: BodyPartReader

    def __init__(self, value: BodyPartReader, *args: Any, **kwargs: Any) -> None:
        super().__init__(value, *args, **kwargs)
        params = {"name": value.name, "filename": value.filename}
        given = {key: text for key, text in params.items() if text is not None}
        if given:
            self.set_content_disposition("attachment", True, **given)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Not possible: the part may be too large for the memory.

        :raises TypeError: always.
        """
        raise TypeError("Unable to decode a part, which is not held in memory; write() sends it")

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Not possible: the part may be too large for the memory.

        :raises TypeError: always.
        """
        raise TypeError(
            "Unable to read body part as bytes: it is not held in memory; write() sends it"
        )

    async def write(self, writer: AbstractStreamWriter) -> None:
        # Also after a write that broke off nothing can be read again.
        self._consumed = True
        part = self._value
        # One for all chunks, unlike decode_iter(): a compressed part is one stream.
        decompressor = part._decompressor()
        while chunk := await part.read_chunk(READ_SIZE):
            async for decoded in part._decode_with(decompressor, chunk):
                await writer.write(decoded)
