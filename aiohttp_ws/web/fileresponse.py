"""Files as responses: ranges, conditions, precompressed siblings, sendfile."""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import TYPE_CHECKING

from .. import hdrs
from ..argument_types import LooseHeaders, PathLike
from ..errors import ClientConnectionResetError
from .conditional import RangeNotSatisfiable, evaluate_preconditions, requested_range
from .file_types import accepted_encodings, guess_content_type
from .open_files import OpenFile, open_file
from .stream_response import StreamResponse

if TYPE_CHECKING:
    from ..http.interfaces import AbstractStreamWriter
    from .base_request import BaseRequest

__all__ = ("FileResponse",)


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
        self._path = os.fspath(path)
        self._chunk_size = chunk_size
        # The file, where the maker of the response has opened it already.
        self._opened: OpenFile | None = None

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Send the head and the file."""
        if self.prepared:
            return await super().prepare(request)
        opened, self._opened = self._opened, None
        if opened is None:
            loop = asyncio.get_running_loop()
            accepted: frozenset[str] | None = None
            if not self.compression and hdrs.CONTENT_ENCODING not in self.headers:
                accepted = accepted_encodings(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
            try:
                opened = await loop.run_in_executor(None, open_file, self._path, accepted)
            except (PermissionError, IsADirectoryError):
                return await self._answer_without_file(request, HTTPStatus.FORBIDDEN)
            except (OSError, ValueError):
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

    async def _answer(self, request: BaseRequest, opened: OpenFile) -> AbstractStreamWriter | None:
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
        self, request: BaseRequest, opened: OpenFile, part: range
    ) -> AbstractStreamWriter | None:
        if not self.compression:
            self.content_length = len(part)
        writer = await super().prepare(request)
        if writer is None or not part or request.method == hdrs.METH_HEAD:
            await self.write_eof()
        elif opened.content is not None:
            data = opened.content[part.start : part.stop]
            await self.write_eof(data)
            if len(data) < len(part):
                self._cut_short(request)
        else:
            if not await self._send_by_kernel(request, writer, opened, part):
                await self._send_by_chunks(request, opened, part)
            await self.write_eof()
        return writer

    async def _send_by_kernel(
        self, request: BaseRequest, writer: AbstractStreamWriter, opened: OpenFile, part: range
    ) -> bool:
        """Send *part* with ``sendfile``; false when transport or response cannot."""
        transport = request.transport
        if transport is None or self.compression or self.chunked:
            return False
        if transport.get_extra_info("sslcontext") is not None:
            return False
        if type(transport).__module__.startswith("aiofastnet."):
            return False  # loops refuse it with a RuntimeError
        loop = asyncio.get_running_loop()
        writer.send_headers()
        try:
            sent = await loop.sendfile(
                transport,
                opened,  # type: ignore[arg-type]  # the descriptor is all it needs
                part.start,
                len(part),
                fallback=False,
            )
        except (NotImplementedError, asyncio.SendfileNotAvailableError):
            return False  # uvloop, or a transport of another kind
        except (OSError, RuntimeError) as exc:
            # Loops say in several ways that the socket was closed meanwhile.
            if not isinstance(exc, ConnectionError) and not transport.is_closing():
                raise
            transport.abort()
            raise ClientConnectionResetError("the client closed the connection") from exc
        writer.output_size += sent
        if writer.length is not None:
            writer.length -= sent
        if sent < len(part):
            self._cut_short(request)
        return True

    async def _send_by_chunks(self, request: BaseRequest, opened: OpenFile, part: range) -> None:
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
