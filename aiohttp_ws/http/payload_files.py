"""Open files as bodies, read in a thread."""

from __future__ import annotations

import asyncio
import io
import os
from typing import IO, Any, Final

from .. import hdrs
from .interfaces import AbstractStreamWriter
from .payload_base import Payload, text_type

__all__ = ("BufferedReaderPayload", "BytesIOPayload", "IOBasePayload", "TextIOPayload")

# Files are read this much at a time: large enough to spare trips to the thread pool.
CHUNK_SIZE: Final = 256 * 1024

#: Files that are being closed.
CLOSING: Final[set[asyncio.Future[None]]] = set()


class IOBasePayload(Payload):
    """An open file, read in a thread from its current position to its end.

    The file is closed by :meth:`close`, which the client calls after the request.

    :param disposition: the type of the ``Content-Disposition`` that a named file gets;
        ``None`` for no such header.
    """

    _value: IO[Any]
    _start: int | None = None
    _closed = False

    def __init__(
        self, value: IO[Any], disposition: str | None = "attachment", *args: Any, **kwargs: Any
    ) -> None:
        kwargs.setdefault("filename", named(value))
        super().__init__(value, *args, **kwargs)
        if (
            self._filename is not None
            and disposition is not None
            and hdrs.CONTENT_DISPOSITION not in self._headers
        ):
            self.set_content_disposition(disposition, filename=self._filename)

    def _rewind(self) -> None:
        # A redirect sends the body again from the position at which the caller's file was.
        try:
            if self._start is None:
                self._start = self._value.tell()
            else:
                self._value.seek(self._start)
        except (OSError, AttributeError):  # io.UnsupportedOperation is an OSError
            self._consumed = True

    def _read(self, length: int | None) -> bytes:
        chunk: bytes = self._value.read(CHUNK_SIZE if length is None else min(CHUNK_SIZE, length))
        return chunk

    def _begin(self, length: int | None) -> bytes:
        self._rewind()
        return self._read(length)

    @property
    def size(self) -> int | None:
        try:
            if self._start is None:
                self._start = self._value.tell()
            return os.fstat(self._value.fileno()).st_size - self._start
        except (OSError, AttributeError):
            return None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._read_all().decode(encoding, errors)

    def _read_all(self) -> bytes:
        self._rewind()
        whole: bytes = self._value.read()
        return whole

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return await asyncio.get_running_loop().run_in_executor(None, self._read_all)

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        loop = asyncio.get_running_loop()
        left = content_length
        chunk = await loop.run_in_executor(None, self._begin, left)
        while chunk and (left is None or left > 0):
            if left is not None:
                chunk = chunk[:left]
                left -= len(chunk)
            await writer.write(chunk)
            chunk = await loop.run_in_executor(None, self._read, left)

    async def close(self) -> None:
        # Closing may flush to a slow disk: in a thread, and not waited for.
        if not getattr(self._value, "closed", self._closed):
            closing = asyncio.get_running_loop().run_in_executor(None, self._value.close)
            CLOSING.add(closing)
            closing.add_done_callback(CLOSING.discard)
        self._closed = self._consumed = True


def named(value: Any, default: str | None = None) -> str | None:
    """The name of an open file, without its directory; *default* for one without a name."""
    name = getattr(value, "name", None)
    if isinstance(name, str) and name and not (name[0] == "<" and name[-1] == ">"):
        return os.path.basename(name)
    return default


class BufferedReaderPayload(IOBasePayload):
    """A file opened for reading bytes."""


class BytesIOPayload(IOBasePayload):
    """Bytes in an :class:`io.BytesIO`, which stays open."""

    _value: io.BytesIO
    _autoclose = True

    @property
    def size(self) -> int:
        if self._start is None:
            self._start = self._value.tell()
        return self._value.getbuffer().nbytes - self._start

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self._read_all()

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        left = content_length
        self._rewind()
        while (left is None or left > 0) and (chunk := self._read(left)):
            if left is not None:
                left -= len(chunk)
            await writer.write(chunk)

    async def close(self) -> None:
        """Nothing to do: the caller's object costs no descriptor and may be sent again."""


class TextIOPayload(IOBasePayload):
    """A file opened for reading text, encoded piece by piece.

    Its size is not known beforehand: line ends and encodings change it.
    """

    _value: IO[str]

    def __init__(
        self,
        value: IO[str],
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = text_type(encoding, content_type)
        super().__init__(value, *args, content_type=content_type, encoding=encoding, **kwargs)

    @property
    def size(self) -> int | None:
        return None

    def _encode(self, text: str) -> bytes:
        return text.encode(self._encoding or "utf-8")

    def _read(self, length: int | None) -> bytes:
        return self._encode(self._value.read(CHUNK_SIZE))

    def _read_all(self) -> bytes:
        self._rewind()
        return self._encode(self._value.read())
