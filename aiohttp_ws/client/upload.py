"""Sending the body of a request while waiting for its response.

A server may answer before it has read the body, so a body that cannot be written at once is sent
by a task of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
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

# Pieces that a tracker remembers while nobody asks it.
MOST_MARKS = 256
# RFC 9110 10.1.1: a client need not wait for 100 without end; some servers never send it.
CONTINUE_TIMEOUT = 1.0

OnChunk: TypeAlias = "Callable[[Byteish], Awaitable[None]]"


class UploadTracker:
    """Shows how far the upload of one request has got.

    Pass a new one as a request's ``upload_tracker`` and read it while the request runs. It is made
    in a running event loop.

    :raises RuntimeError: when it is passed to a second request.
    """

    def __init__(self) -> None:
        #: How many times sending began: redirects, retries and middlewares repeat it.
        self.attempts = 0
        #: Done when the last attempt sent the body in full. Else it has the exception of what makes
        #: the body, or :exc:`UploadAbortedError`, once the request has returned or raised.
        self.upload_complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # An exception that was not retrieved is not an error: waiting for it is optional.
        self.upload_complete.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._used = False
        self._is_last = False
        self._attempt: Attempt | None = None

    @property
    def bytes_written(self) -> int:
        """Bytes of body that the operating system has, of the attempt under way or of the last.

        They are counted before compression; within a compressed piece it is an estimate.
        """
        return 0 if self._attempt is None else self._attempt.bytes_written

    def _claim(self) -> None:
        if self._used:
            raise RuntimeError(
                "UploadTracker is already bound to a request: each serves one request"
            )
        self._used = True

    def _begin(self) -> Attempt:
        self.attempts += 1
        self._attempt = Attempt(self)
        return self._attempt

    def _finalize(self) -> None:
        """No attempt will follow."""
        self._is_last = True
        self._settle()

    def _settle(self) -> None:
        attempt = self._attempt
        if not self._is_last or self.upload_complete.done():
            return
        if attempt is None or (attempt.writer is None and not attempt.is_sent):
            error = None if attempt is None else attempt.error
            self.upload_complete.set_exception(
                error or UploadAbortedError("the request's body was not sent in full")
            )
        elif attempt.is_sent:
            self.upload_complete.set_result(None)


class Attempt:
    """One sending of a request, as its :class:`UploadTracker` sees it."""

    __slots__ = ("_accepted", "_head", "_marks", "_sent", "_tracker", "error", "is_sent", "writer")

    def __init__(self, tracker: UploadTracker) -> None:
        self._tracker = tracker
        self._accepted = self._sent = self._head = 0
        # Bytes of body, and what they were as sent: what has left, then what may not have.
        self._marks: deque[tuple[int, int]] = deque([(0, 0)])
        self.writer: StreamWriter | None = None
        self.is_sent = False
        self.error: BaseException | None = None

    def write_through(self, writer: StreamWriter, head: int) -> None:
        """The body is written by *writer* now, after *head* bytes."""
        self._head = head
        self.writer = writer
        writer.on_body_write = self._on_write

    def _on_write(self, size: int, as_sent: int) -> None:
        self._accepted += size
        if as_sent:
            self._marks.append((self._accepted, self._marks[-1][1] + as_sent))
            if len(self._marks) > MOST_MARKS:
                self._look()

    @property
    def bytes_written(self) -> int:
        self._look()
        return self._sent

    def _look(self) -> None:
        """See how much of what was written has left the transport."""
        writer = self.writer
        transport = None if writer is None else writer.transport
        if writer is None or transport is None or transport.is_closing():
            return  # What the buffer held is lost: the last figure stands.
        left = writer.output_size - transport.get_write_buffer_size() - self._head
        marks = self._marks
        while len(marks) > 1 and marks[1][1] <= left:
            marks.popleft()
        self._sent, before = marks[0]
        if len(marks) > 1 and left > before:
            size, after = marks[1]
            self._sent += (size - self._sent) * (left - before) // (after - before)

    def sent(self, size: int) -> None:
        """The whole body was sent: *size* bytes, besides those that a writer counted."""
        self._sent = self._accepted + size
        self.is_sent = True
        self._end(None)

    def stopped(self, error: BaseException | None) -> None:
        """The body was not sent in full, for *error* or because nobody wants it."""
        self._look()
        self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self.writer = None
        self.error = error
        if self._tracker._attempt is self:
            self._tracker._settle()


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
        "_attempt",
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
        attempt: Attempt | None = None,
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
        self._attempt = attempt
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
        attempt = self._attempt
        try:
            await self._write()
        except BaseException as exc:
            if attempt is not None:
                attempt.stopped(None if isinstance(exc, asyncio.CancelledError) else exc)
            raise
        if attempt is not None:
            attempt.sent(0)

    async def _write(self) -> None:
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
        if self._attempt is not None:
            self._attempt.write_through(writer, len(self._head))
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


def completion(
    task: asyncio.Task[None] | None, loop: asyncio.AbstractEventLoop
) -> asyncio.Future[None]:
    """A future that is done when *task*, which writes a body, is; at once where there is none."""
    complete: asyncio.Future[None] = loop.create_future()

    def mirror(done: asyncio.Task[None]) -> None:
        if complete.done():
            return
        if done.cancelled() or done.exception() is not None:
            complete.set_exception(UploadAbortedError("request's body was not sent"))
            complete.exception()
        else:
            complete.set_result(None)

    if task is None:
        complete.set_result(None)
    elif task.done():
        mirror(task)
    else:
        task.add_done_callback(mirror)
    return complete
