"""Files as responses: ranges, conditions, precompressed siblings, sendfile."""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from .. import hdrs
from ..argument_types import LooseHeaders, PathLike
from ..errors import ClientConnectionResetError
from ..http.dates import current_http_date, format_http_date
from ..http.software import SERVER_SOFTWARE
from ..wire.serialise import serialise_response_head
from .conditional import RangeNotSatisfiable, evaluate_preconditions, requested_range
from .file_types import accepted_encodings, guess_content_type
from .open_files import OpenFile, open_file, open_file_cached
from .page_cache import AVAILABLE
from .response import sends_by_itself
from .stream_response import StreamResponse

if TYPE_CHECKING:
    from ..http.interfaces import AbstractStreamWriter
    from .base_request import BaseRequest

__all__ = ("FileResponse",)

# What the kernel is asked to send at a time, in bytes.
_WINDOW: Final = 1024 * 1024
# Fields that follow from the file: where one was set, it takes more to complete the head.
_OWN_FIELDS: Final = (
    hdrs.ETAG,
    hdrs.LAST_MODIFIED,
    hdrs.ACCEPT_RANGES,
    hdrs.VARY,
    hdrs.CONTENT_ENCODING,
    hdrs.CONTENT_LENGTH,
    hdrs.TRANSFER_ENCODING,
    hdrs.CONNECTION,
)
_heads: dict[tuple[Any, ...], bytes] = {}
_MOST_HEADS: Final = 256


def validators(info: os.stat_result) -> tuple[str, int]:
    """The value of a file's entity tag, and when it changed last in whole seconds."""
    # Size and time change when the content does; a coding has a file, so a tag, of its own.
    return f"{info.st_mtime_ns:x}-{info.st_size:x}", int(info.st_mtime)


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
    _at_once = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if sends_by_itself(cls, FileResponse):
            cls._at_once = False

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

    def _render(self, request: BaseRequest) -> tuple[bytes, bytes | None] | None:
        """Return the response where a small file is in memory and all of it is asked for."""
        if not self._at_once or self._status != HTTPStatus.OK or request._hooks_response():
            return None
        message = request._message
        asked, fields = message.headers, self._fields
        if message.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            return None
        if (  # less than the file, or under a condition; any() would cost as much as the rest
            hdrs.IF_NONE_MATCH in asked
            or hdrs.IF_MODIFIED_SINCE in asked
            or hdrs.RANGE in asked
            or hdrs.IF_MATCH in asked
            or hdrs.IF_UNMODIFIED_SINCE in asked
        ):
            return None
        if fields is not None and any(name in fields for name in _OWN_FIELDS):
            return None
        opened = self._opened
        if opened is None:
            accepted = accepted_encodings(asked.get(hdrs.ACCEPT_ENCODING, ""))
            opened = self._opened = open_file_cached(self._path, accepted, follow_links=True)
            if opened is None:
                return None
        content = opened.content
        if content is None or len(content) != opened.info.st_size:
            return None
        keep_alive = self._keep_alive
        if keep_alive is None:
            keep_alive = message.keep_alive and request._protocol.allows_keep_alive
        head = self._small_head(opened, message.version, keep_alive)
        self._opened = None
        self._keep_alive = keep_alive
        self._eof_sent = True
        self._at_once = False
        self._head_length = len(head)
        self._sent_head = head
        if message.method == hdrs.METH_HEAD:
            return head, None
        self._body_length = len(content)
        return head, content

    def _small_head(self, opened: OpenFile, version: tuple[int, int], keep_alive: bool) -> bytes:
        info, date, fields = opened.info, current_http_date(), self._fields
        file = (self._path, info.st_mtime_ns, info.st_size, opened.encoding, opened.varies)
        key = (*file, date, self._reason, version, keep_alive)
        if fields is None:
            # Alike for all who ask for the file within a second.
            known = _heads.get(key)
            if known is not None:
                return known
        etag, modified = validators(info)
        pairs = [] if fields is None else list(fields.items())
        if fields is None or hdrs.CONTENT_TYPE not in fields:
            pairs.append(("Content-Type", guess_content_type(self._path)))
        pairs.append((hdrs.ETAG, f'"{etag}"'))
        pairs.append(("Last-Modified", format_http_date(modified)))
        pairs.append(("Accept-Ranges", "bytes"))
        if opened.varies:
            pairs.append(("Vary", "Accept-Encoding"))
        if opened.encoding is not None:
            pairs.append(("Content-Encoding", opened.encoding))
        pairs.append(("Content-Length", str(info.st_size)))
        if fields is None or hdrs.DATE not in fields:
            pairs.append(("Date", date))
        if fields is None or hdrs.SERVER not in fields:
            pairs.append(("Server", SERVER_SOFTWARE))
        if keep_alive != version[1]:
            pairs.append(("Connection", "keep-alive" if keep_alive else "close"))
        head = serialise_response_head(self._status, self._reason, version, pairs)
        if fields is None:
            if len(_heads) >= _MOST_HEADS:
                _heads.clear()
            _heads[key] = head
        return head

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Send the head and the file."""
        if self.prepared:
            return await super().prepare(request)
        opened, self._opened = self._opened, None
        if opened is None:
            accepted: frozenset[str] | None = None
            if hdrs.CONTENT_ENCODING not in self.headers:
                accepted = accepted_encodings(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
            opened = open_file_cached(self._path, accepted, follow_links=True)
        if opened is None:
            loop = asyncio.get_running_loop()
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
        etag, modified = validators(info)
        if opened.varies:
            self.headers.add(hdrs.VARY, "Accept-Encoding")
        if opened.encoding is not None:
            self._compression = False  # it is compressed already
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
            if AVAILABLE or not await self._send_by_kernel(request, writer, opened, part):
                await self._send_by_parts(request, writer, opened, part)
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

    async def _send_by_parts(
        self, request: BaseRequest, writer: AbstractStreamWriter, opened: OpenFile, part: range
    ) -> None:
        """Send *part*: from memory by the kernel, without waiting, where it can; else by chunks."""
        send = None if self.compression or self.chunked else request.protocol.send_file
        start = part.start
        while start < part.stop:
            size = min(part.stop - start, _WINDOW)
            if AVAILABLE and send is not None and opened.holds_cached(start, size):
                writer.send_headers()
                sent = send(opened.fileno(), start, size)
                if sent > 0:
                    writer.output_size += sent
                    if writer.length is not None:
                        writer.length -= sent
                    start += sent
                    if sent == _WINDOW:
                        await asyncio.sleep(0)  # others get their turn
                    continue
            # Disk, client or transport make us wait.
            size = min(size, self._chunk_size)
            chunk = await opened.read(start, size)
            await self.write(chunk)
            start += len(chunk)
            if len(chunk) < size:
                self._cut_short(request)
                return

    def _cut_short(self, request: BaseRequest) -> None:
        # The file shrank while it was sent. The peer was promised more bytes, and only
        # the end of the connection can tell it that they will not come (RFC 9112 8).
        self.force_close()
        if request.transport is not None:
            request.transport.abort()
