"""The writing side of a body: framing and compression on the way to the transport."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

from multidict import CIMultiDict

from ..argument_types import Byteish
from ..errors import ClientConnectionResetError
from ..wire.serialise import LAST_CHUNK, encode_chunk
from .coding import DEFAULT_LEVEL
from .compression import Compressor
from .interfaces import AbstractStreamWriter

__all__ = ("OutgoingConnection", "StreamWriter")

# A piece up to this size is joined to a head that waits for it: one system call, one packet.
COALESCE = 64 * 1024
# After so many bytes a writer waits for the transport even below its high-water mark.
DRAIN_AT = 64 * 1024


class OutgoingConnection(Protocol):
    """What a writer needs of its connection."""

    @property
    def transport(self) -> Any: ...
    async def _drain(self) -> None: ...


class StreamWriter(AbstractStreamWriter):
    """Writes the body of one message, request or response.

    :param connection: has ``transport`` (``None`` once lost) and ``_drain()``, which returns
        when the transport is below its high-water mark.
    :param on_body_write: called with the bytes of each piece and of each piece as sent.
    """

    __slots__ = (
        "_chunked",
        "_compressor",
        "_connection",
        "_eof",
        "_head",
        "_head_written",
        "buffer_size",
        "length",
        "on_body_write",
        "output_size",
    )

    def __init__(
        self,
        connection: OutgoingConnection,
        on_body_write: Callable[[int, int], None] | None = None,
    ) -> None:
        self._connection = connection
        self._head: bytes | None = None
        self._head_written = False
        self._chunked = False
        self._compressor: Compressor | None = None
        self._eof = False
        self.buffer_size = 0
        self.output_size = 0
        self.length = None
        self.on_body_write = on_body_write

    @property
    def transport(self) -> Any:
        return self._connection.transport

    @property
    def eof_written(self) -> bool:
        """Whether the message is complete."""
        return self._eof

    @property
    def head_written(self) -> bool:
        """Whether the message has begun."""
        return self._head_written

    @property
    def compresses(self) -> bool:
        """Whether :meth:`enable_compression` was called."""
        return self._compressor is not None

    def enable_chunking(self) -> None:
        self._chunked = True

    def enable_compression(
        self,
        encoding: str = "deflate",
        strategy: int | None = zlib.Z_DEFAULT_STRATEGY,
        level: int = DEFAULT_LEVEL,
    ) -> None:
        if strategy is None:
            strategy = zlib.Z_DEFAULT_STRATEGY
        self._compressor = Compressor(encoding, level, strategy)

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """Hold back a head, to leave with the first piece of body or :meth:`send_headers`.

        :raises ValueError: for a name or value with CR, LF or NUL.
        """
        for name, value in headers.items():
            if any(c in name or c in value for c in "\r\n\0"):
                raise ValueError(f"header {name!r}: {value!r} holds a line break or NUL")
        lines = [status_line, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.hold_head("\r\n".join(lines).encode("utf-8", "surrogateescape"))

    def hold_head(self, head: bytes) -> None:
        """Hold back a serialised head, to leave with the first piece of body."""
        self._head = head
        self._head_written = True

    def send_headers(self) -> None:
        if self._head is not None:
            self._send(b"")

    def expect_another_head(self) -> None:
        """Take the head that was held back or sent for an interim one (RFC 9110 15.2)."""
        self.send_headers()
        self._head_written = False

    def _send(self, data: Byteish) -> None:
        transport = self._connection.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("Cannot write to closing transport")
        head, self._head = self._head, None
        if head is not None:
            self.output_size += len(head)
            if not data:
                data = head
            elif len(data) <= COALESCE:
                data = b"".join((head, data))
            else:
                transport.write(head)
        if data:
            transport.write(data)

    def _put(self, data: Byteish) -> None:
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        framed: Byteish = data
        if self._compressor is not None:
            framed = self._compressor.compress(data)
        self._put_framed(size, framed)

    def _put_framed(self, size: int, data: Byteish) -> None:
        """Send what became of *size* bytes of body, as it is or as a chunk."""
        self._spend(data)
        if self._chunked:
            data = encode_chunk(data)
        if self.on_body_write is not None:
            self.on_body_write(size, len(data))
        if data:
            self.output_size += len(data)
            self.buffer_size += len(data)
            self._send(data)

    def _spend(self, data: Byteish) -> None:
        """Take *data* off what ``Content-Length`` has promised."""
        if self.length is not None and self._head_written:
            # Content-Length is a promise: more would be taken for the next message.
            sent = data.nbytes if isinstance(data, memoryview) else len(data)
            if sent > self.length:
                raise RuntimeError(
                    f"a piece of {sent} bytes exceeds what Content-Length leaves, {self.length}"
                    " bytes; write no more than was promised"
                )
            self.length -= sent

    async def write(self, chunk: Byteish, *, drain: bool = True, LIMIT: int = DRAIN_AT) -> None:
        """Write a piece of body; waits while the transport is above its high-water mark.

        :raises ClientConnectionResetError: when the connection is lost or closing.
        :raises RuntimeError: for more bytes than ``Content-Length`` has promised.
        """
        self._put(chunk)
        if drain and self.buffer_size > LIMIT:
            self.buffer_size = 0
            await self.drain()

    async def write_eof(self, chunk: bytes = b"") -> None:
        """Write the last piece and what ends the body; further calls do nothing."""
        if self._eof:
            return
        self._eof = True
        data: Byteish = chunk
        if self._compressor is not None:
            data = self._compressor.compress(chunk) + self._compressor.flush()
        if not self._chunked:
            if data:
                self._put_framed(len(chunk), data)
            else:
                self.send_headers()
        else:
            self._send_last(len(chunk), data)
        await self.drain()

    def _send_last(self, size: int, data: Byteish) -> None:
        """Send what became of the last *size* bytes of a body in chunks, and its end."""
        last = encode_chunk(data) + LAST_CHUNK
        if self.on_body_write is not None and size:
            self.on_body_write(size, len(last))
        self.output_size += len(last)
        self._send(last)

    def set_eof(self) -> None:
        """Mark the message complete without writing more, as for HEAD."""
        if not self._eof:
            self._eof = True
            self.send_headers()

    async def drain(self) -> None:
        """Wait until the transport is below its high-water mark."""
        if self._connection.transport is not None:
            await self._connection._drain()
