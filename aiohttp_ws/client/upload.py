"""Sending the body of a request while waiting for its response.

A server may answer before it has read the body, so a body that cannot be written at once is sent
by a task of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from ..argument_types import Byteish
from ..errors import (
    ClientConnectionError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    UploadAbortedError,
)
from ..http.writer import DRAIN_AT, StreamWriter

if TYPE_CHECKING:
    from ..http.payload import Payload
    from .protocol import ClientProtocol

__all__ = ("UploadTracker",)

# RFC 9110 10.1.1: a client need not wait for 100 without end; some servers never send it.
CONTINUE_TIMEOUT = 1.0

OnChunk: TypeAlias = "Callable[[Byteish], Awaitable[None]]"


class UploadTracker:
    """Shows how far the upload of one request has got.

    Pass a new one as a request's ``upload_tracker`` and read it while the request runs.

    :raises RuntimeError: when it is passed to a second request.
    """

    def __init__(self) -> None:
        self._uploads: list[Upload] = []
        self._sent_at_once = 0
        self._attempts = 0
        self._used = False
        self._complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # An exception that was not retrieved is not an error: waiting for it is optional.
        self._complete.add_done_callback(lambda done: done.cancelled() or done.exception())

    @property
    def bytes_written(self) -> int:
        """Bytes of body handed to the transport, of all attempts."""
        return self._sent_at_once + sum(upload.output_size for upload in self._uploads)

    @property
    def attempts(self) -> int:
        """How many times sending began: redirects and retries repeat it."""
        return self._attempts

    @property
    def upload_complete(self) -> asyncio.Future[None]:
        """Done when a body was sent in full; :exc:`UploadAbortedError` when it never was."""
        return self._complete

    def _claim(self) -> None:
        if self._used:
            raise RuntimeError("UploadTracker serves one request; pass a new one")
        self._used = True

    def _sent(self, size: int) -> None:
        self._attempts += 1
        self._sent_at_once += size

    def _began(self, upload: Upload) -> None:
        self._attempts += 1
        self._uploads.append(upload)

    def _ended(self, complete: bool) -> None:
        if not self._complete.done():
            if complete:
                self._complete.set_result(None)
            else:
                self._complete.set_exception(UploadAbortedError("request's body was not sent"))


class TellingWriter(StreamWriter):
    """A writer that tells of each piece before it writes it."""

    __slots__ = ("_on_chunk",)

    def __init__(self, protocol: ClientProtocol, on_chunk: OnChunk) -> None:
        super().__init__(protocol)
        self._on_chunk = on_chunk

    async def write(self, chunk: Byteish, *, drain: bool = True, LIMIT: int = DRAIN_AT) -> None:
        await self._on_chunk(chunk)
        await super().write(chunk, drain=drain, LIMIT=LIMIT)

    async def write_eof(self, chunk: bytes = b"") -> None:
        if chunk:
            await self._on_chunk(chunk)
        await super().write_eof(chunk)


class Upload:
    """The body of one request on its way.

    :param head: the request's head, which leaves with the first piece.
    :param length: the bytes announced as ``Content-Length``, or ``None``.
    :param compress: a content coding, or ``None``.
    :param on_chunk: a coroutine function that is given each piece of the body.
    """

    __slots__ = (
        "_body",
        "_chunked",
        "_compress",
        "_continue",
        "_head",
        "_length",
        "_on_chunk",
        "_protocol",
        "_writer",
    )

    def __init__(
        self,
        head: bytes,
        body: Payload | None,
        protocol: ClientProtocol,
        *,
        length: int | None,
        chunked: bool,
        compress: str | None,
        expect_continue: bool,
        on_chunk: OnChunk | None = None,
    ) -> None:
        self._head = head
        self._body = body
        self._protocol = protocol
        self._length = length
        self._chunked = chunked
        self._compress = compress
        self._continue: asyncio.Future[None] | None = (
            protocol.loop.create_future() if expect_continue else None
        )
        self._on_chunk = on_chunk
        self._writer: StreamWriter | None = None

    @property
    def output_size(self) -> int:
        """Bytes handed to the transport."""
        return 0 if self._writer is None else self._writer.output_size

    @property
    def is_sent(self) -> bool:
        """Whether the transport has all of the message, though the body's source may not end."""
        writer = self._writer
        return writer is not None and (writer.eof_written or writer.length == 0)

    @property
    def waits_for_continue(self) -> bool:
        """Whether the server was asked for its consent, and the body is held back."""
        return self._continue is not None and not self._continue.done()

    def on_continue(self) -> None:
        """The server wants the body (``100 Continue``)."""
        if self._continue is not None and not self._continue.done():
            self._continue.set_result(None)

    async def run(self) -> None:
        """Write the body."""
        writer = self._writer = (
            StreamWriter(self._protocol)
            if self._on_chunk is None
            else TellingWriter(self._protocol, self._on_chunk)
        )
        writer.hold_head(self._head)
        if self._continue is not None:
            writer.send_headers()
            await asyncio.wait([self._continue], timeout=CONTINUE_TIMEOUT)
            self.on_continue()
        if self._chunked:
            writer.enable_chunking()
        elif self._length is not None:
            writer.length = self._length
        if self._compress is not None:
            writer.enable_compression(self._compress)
        if self._body is not None:
            await self._write_body(self._body, writer)
        await writer.write_eof()
        if writer.length:
            # What follows on the connection would be taken for the rest.
            raise ClientPayloadError(
                f"request's body ended {writer.length} bytes before its Content-Length of"
                f" {self._length}"
            )

    async def _write_body(self, body: Payload, writer: StreamWriter) -> None:
        try:
            await body.write_with_length(writer, self._length)
        except (ClientError, asyncio.TimeoutError):
            raise
        except OSError as exc:
            raise ClientOSError(exc.errno, f"Can not write request's body: {exc}") from exc
        except Exception as exc:
            # Raised by what makes the body, such as a generator: the request was not sent.
            raise ClientConnectionError(
                f"request's body raised {type(exc).__name__}, the rest was not sent: {exc}"
            ) from exc
