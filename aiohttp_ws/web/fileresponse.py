"""Files as responses: ranges, conditions, precompressed siblings, sendfile."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from .. import hdrs
from ..typedefs import LooseHeaders, PathLike
from .conditional import RangeNotSatisfiable, evaluate_preconditions, requested_range
from .file_types import PRECOMPRESSED, accepted_encodings, guess_content_type
from .stream_response import StreamResponse

if TYPE_CHECKING:
    from ..abc import AbstractStreamWriter
    from .request import BaseRequest

__all__ = ("FileResponse",)


# A part of up to so many bytes is read at once and leaves with the head, in one system call.
# The kernel would wait for the disk just the same in sendfile().
SMALL = 32 * 1024


@dataclass(slots=True)
class _Opened:
    """A regular file opened for one response."""

    file: FileIO
    info: os.stat_result
    #: The content coding of the file, when a precompressed sibling was taken.
    encoding: str | None
    #: Whether another request for the same path could get another coding.
    varies: bool
    #: The read that a thread is busy with.
    reading: asyncio.Future[bytes] | None = None

    async def read(self, start: int, size: int) -> bytes:
        """Read in another thread."""
        loop = asyncio.get_running_loop()
        self.reading = loop.run_in_executor(None, _read_at, self.file, start, size)
        # A thread cannot be cancelled: it goes on, and close() waits for it.
        return await asyncio.shield(self.reading)

    def close(self) -> None:
        """Close the file, after the read that may still go on in a thread."""
        if self.reading is not None and not self.reading.done():
            self.reading.add_done_callback(lambda _: self.file.close())
        else:
            self.file.close()


class FileResponse(StreamResponse):
    """Sends a file, from the kernel where it can; it is never read into memory as a whole.

    :param path: the file. One that does not exist is answered with 404, one that is no
        regular file or cannot be read with 403.
    :param chunk_size: bytes read at a time where the kernel cannot send the file itself.
    :param status: the status of the response when the whole file is sent.
    :param reason: the reason phrase; the status's usual one by default.
    :param headers: headers of the response; ``Content-Type`` is guessed from the name when
        it is not among them.

    ``file.br`` and ``file.gz`` beside the file are sent in its place to clients that
    accept them. Ranges (one at a time) and conditional requests are answered by RFC 9110.
    """

    _send_headers_immediately = False

    def __init__(
        self,
        path: PathLike,
        chunk_size: int = 256 * 1024,
        status: int = 200,
        reason: str | None = None,
        headers: LooseHeaders | None = None,
    ) -> None:
        super().__init__(status=status, reason=reason, headers=headers)
        if chunk_size < 1:
            raise ValueError(f"chunk_size={chunk_size} must be at least 1")
        self._path = Path(path)
        self._chunk_size = chunk_size

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Send the head and the file."""
        if self.prepared:
            return await super().prepare(request)
        loop = asyncio.get_running_loop()
        accepted: frozenset[str] | None = None
        if not self.compression and hdrs.CONTENT_ENCODING not in self.headers:
            accepted = accepted_encodings(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
        opening = loop.run_in_executor(None, _open, self._path, accepted)
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unused)
            raise
        except PermissionError:
            return await self._answer_without_file(request, HTTPStatus.FORBIDDEN)
        except OSError:
            return await self._answer_without_file(request, HTTPStatus.NOT_FOUND)
        try:
            return await self._answer(request, opened)
        finally:
            opened.close()

    async def _answer_without_file(
        self, request: BaseRequest, status: HTTPStatus
    ) -> AbstractStreamWriter | None:
        self.set_status(status)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.content_length = 0
        writer = await super().prepare(request)
        await self.write_eof()
        return writer

    async def _answer(self, request: BaseRequest, opened: _Opened) -> AbstractStreamWriter | None:
        info = opened.info
        # Size and time change when the content does; a coding has a file, so a tag, of its own.
        etag = f"{info.st_mtime_ns:x}-{info.st_size:x}"
        modified = int(info.st_mtime)
        if opened.varies:
            self.headers.add(hdrs.VARY, "Accept-Encoding")
        part: range | None = None
        if self.status == HTTPStatus.OK:
            # RFC 9110 13.2.1: only what would be a success has conditions.
            verdict = evaluate_preconditions(request.method, request.headers, etag, modified)
            if verdict is HTTPStatus.PRECONDITION_FAILED:
                return await self._answer_without_file(request, verdict)
            self.etag = etag
            self.last_modified = modified
            if verdict is HTTPStatus.NOT_MODIFIED:
                return await self._answer_without_file(request, verdict)
            if not self.compression:
                self.headers[hdrs.ACCEPT_RANGES] = "bytes"
                try:
                    part = requested_range(
                        request.method, request.headers, info.st_size, etag, modified
                    )
                except RangeNotSatisfiable:
                    self.headers[hdrs.CONTENT_RANGE] = f"bytes */{info.st_size}"
                    return await self._answer_without_file(
                        request, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                    )
        if hdrs.CONTENT_TYPE not in self.headers:
            self.content_type = guess_content_type(self._path)
        if opened.encoding is not None:
            self.headers[hdrs.CONTENT_ENCODING] = opened.encoding
        if part is not None:
            self.set_status(HTTPStatus.PARTIAL_CONTENT)
            self.headers[hdrs.CONTENT_RANGE] = f"bytes {part[0]}-{part[-1]}/{info.st_size}"
        else:
            part = range(info.st_size)
        return await self._send(request, opened, part)

    async def _send(
        self, request: BaseRequest, opened: _Opened, part: range
    ) -> AbstractStreamWriter | None:
        if not self.compression:
            self.content_length = len(part)
        writer = await super().prepare(request)
        if writer is None or not part or request.method == hdrs.METH_HEAD:
            await self.write_eof()
        elif len(part) <= SMALL:
            data = _read_at(opened.file, part.start, len(part))
            await self.write_eof(data)
            if len(data) < len(part):
                self._cut_short(request)
        else:
            if not await self._send_by_kernel(request, writer, opened.file, part):
                await self._send_by_chunks(request, opened, part)
            await self.write_eof()
        return writer

    async def _send_by_kernel(
        self, request: BaseRequest, writer: AbstractStreamWriter, file: FileIO, part: range
    ) -> bool:
        """Send *part* with ``sendfile``; false when transport or response cannot."""
        transport = request.transport
        if transport is None or self.compression or self.chunked:
            return False
        if transport.get_extra_info("sslcontext") is not None:
            return False
        loop = asyncio.get_running_loop()
        writer.send_headers()
        try:
            sent = await loop.sendfile(transport, file, part.start, len(part), fallback=False)
        except (NotImplementedError, asyncio.SendfileNotAvailableError):
            return False  # uvloop, or a transport of another kind
        writer.output_size += sent
        if writer.length is not None:
            writer.length -= sent
        if sent < len(part):
            self._cut_short(request)
        return True

    async def _send_by_chunks(self, request: BaseRequest, opened: _Opened, part: range) -> None:
        for start in range(part.start, part.stop, self._chunk_size):
            size = min(self._chunk_size, part.stop - start)
            chunk = await opened.read(start, size)
            await self.write(chunk)
            if len(chunk) < size:
                self._cut_short(request)
                return

    def _cut_short(self, request: BaseRequest) -> None:
        # The file shrank while it was sent. The peer was promised more bytes, and only
        # the end of the connection can tell it that they will not come (RFC 9112 8).
        self.force_close()
        if request.transport is not None:
            request.transport.abort()


def _open(path: Path, accepted: frozenset[str] | None) -> _Opened:
    """Open *path* or a compressed sibling that is *accepted*; blocks.

    :raises PermissionError: it is no regular file, or may not be read.
    """
    varies = False
    for encoding, suffix in PRECOMPRESSED if accepted is not None else ():
        sibling = path.with_name(path.name + suffix)
        try:
            if not stat.S_ISREG(os.stat(sibling).st_mode):
                continue
            varies = True
            if accepted is not None and encoding in accepted:
                file, info = _open_regular(sibling)
                return _Opened(file, info, encoding, varies)
        except (OSError, ValueError):
            continue  # the file itself may do
    file, info = _open_regular(path)
    return _Opened(file, info, None, varies)


def _open_regular(path: Path) -> tuple[FileIO, os.stat_result]:
    # Looked at before it is opened, as opening a device can have effects; without blocking,
    # as a pipe may have taken its place; and again after, as the answer describes this file.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise PermissionError(f"{path} is no regular file")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    file = FileIO(os.open(path, flags | getattr(os, "O_BINARY", 0)))
    info = os.fstat(file.fileno())
    if not stat.S_ISREG(info.st_mode):
        file.close()
        raise PermissionError(f"{path} is no regular file")
    return file, info


def _read_at(file: FileIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)


def _close_unused(opening: asyncio.Future[_Opened]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().file.close()
