"""The client's side of one connection: bytes in, responses out, one at a time.

A connection is in one of five states::

    IDLE -> HEAD -> BODY -> IDLE        a request and its response
             |                          101, or an answer to CONNECT
             +---> UPGRADED             the transport waits for its new owner
    any  -> LOST                        the transport is closed

Timers are lazy: there is at most one per connection, and it outlives requests. When it expires it
looks whether the current request is really late, so that a request on a kept connection
costs no timer of its own.
"""

from __future__ import annotations

import asyncio
import enum
import math
from typing import cast

from .. import hdrs
from ..errors import (
    BadHttpMessage,
    BadStatusLine,
    ClientConnectionResetError,
    ClientOSError,
    ClientPayloadError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from ..http.codings import is_supported
from ..http.compression import Decompressor
from ..http.streams import StreamReader
from ..net.loop import resources_of
from ..net.transports import note_loss
from ..net.unread import unread
from ..wire.http1 import END, ResponseHead, ResponseParser
from ..ws.opening.client import MOST_REST, tell_of_loss
from .exchange import DEFAULT_LIMITS, Exchange

__all__ = ("ClientProtocol",)

# The most that one step of inflating adds to a body's buffer.
INFLATE_STEP = 256 * 1024


class State(enum.Enum):
    """Where a connection is in the exchange of messages."""

    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    UPGRADED = enum.auto()
    LOST = enum.auto()


_IDLE, _HEAD, _BODY, _UPGRADED, _LOST = State
_EXPECTING = (_HEAD, _BODY, _UPGRADED)


class ClientProtocol(asyncio.BufferedProtocol):
    """Reads the responses of one connection and keeps its timers.

    What is read is parsed where it lies, in the receive buffer of the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._receive_buffer = resources_of(loop).receive_buffer
        self.transport: asyncio.Transport | None = None
        self._state = _IDLE
        self._parser: ResponseParser | None = None
        self._limits = DEFAULT_LIMITS
        self._exchange: Exchange | None = None
        self._waiter: asyncio.Future[tuple[ResponseHead, StreamReader]] | None = None
        self._content: StreamReader | None = None
        self._inflater: Decompressor | None = None
        self._upload: asyncio.Task[None] | None = None
        self._chunked = False
        self._chunk_ended = False
        self._must_close = False
        self._finished = False
        self._paused = False
        self._backlog: list[bytes] = []
        self._backlogged = 0
        # The transport of an upgrade that was lost before its new owner took it over.
        self._upgraded: asyncio.Transport | None = None
        self._lost_error: BaseException | None = None
        self._last_read = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_when = math.inf
        self._write_paused = False
        self._drain_waiters: list[asyncio.Future[None]] = []
        self._closed_waiters: list[asyncio.Future[None]] | None = None

    # ------------------------------------------------------------------- the pool's view

    @property
    def should_close(self) -> bool:
        """Whether the connection cannot serve another request."""
        return self._must_close or self._state is not _IDLE or self._upload is not None

    def is_connected(self) -> bool:
        """Whether the transport can be written to."""
        transport = self.transport
        return transport is not None and not transport.is_closing()

    def close(self) -> None:
        """Close the connection; what waits for it fails."""
        self._must_close = True
        transport = self.transport
        if transport is not None and not self._detached():
            if transport.get_write_buffer_size():
                # What the server does not take would keep the socket open without end.
                transport.abort()
            else:
                transport.close()

    def abort(self) -> None:
        """Close the connection at once, without TLS's close_notify."""
        self._must_close = True
        if self.transport is not None and not self._detached():
            self.transport.abort()

    def _detached(self) -> bool:
        return self._state is _UPGRADED and self._exchange is None

    async def wait_closed(self) -> None:
        """Wait until the transport is closed."""
        if self.transport is None or self._detached():
            return
        if self._closed_waiters is None:
            self._closed_waiters = []
        waiter: asyncio.Future[None] = self.loop.create_future()
        self._closed_waiters.append(waiter)
        await waiter

    # ------------------------------------------------------------------------- an exchange

    def begin(self, exchange: Exchange) -> asyncio.Future[tuple[ResponseHead, StreamReader]]:
        """Expect the response of *exchange*; the future gives its head and its body.

        The body may have ended, and the connection be released, before the future's waiter
        runs.
        """
        waiter = self.loop.create_future()
        if self._state is not _IDLE or self.transport is None or self.transport.is_closing():
            waiter.set_exception(ServerDisconnectedError())
            return waiter
        parser = self._parser
        limits = exchange.plan.limits
        if parser is None or limits != self._limits:
            line, field, count = self._limits = limits
            parser = self._parser = ResponseParser(
                lenient=True, max_line_size=line, max_field_size=field, max_headers=count
            )
        parser.expect(exchange.method)
        self._exchange = exchange
        self._waiter = waiter
        self._content = None
        self._finished = False
        self._state = _HEAD
        if exchange.sock_read:
            self._last_read = self.loop.time()
            self._ensure_timer(exchange)
        elif exchange.deadline < self._timer_when:
            self._ensure_timer(exchange)
        return waiter

    def watch_upload(self, task: asyncio.Task[None]) -> None:
        """Keep the connection until *task*, which writes the request's body, is done."""
        self._upload = task
        task.add_done_callback(self._upload_done)

    def abandon_upload(self) -> None:
        """Send no more of the request's body; the connection serves no other request."""
        self._must_close = True
        if self._upload is not None:
            self._upload.cancel()

    def _upload_done(self, task: asyncio.Task[None]) -> None:
        self._upload = None
        error = None if task.cancelled() else task.exception()
        if task.cancelled() and self._content is not None and not self._finished:
            # Abandoned for an answer, of which the rest is still to be read.
            self._must_close = True
        elif task.cancelled() or error is not None:
            # The rest of the body will not come: nothing else can be sent here.
            self._must_close = True
            # A write that found the connection closing tells less than its loss will.
            lost = isinstance(error, ClientConnectionResetError)
            if error is not None and self._waiter is not None and not lost:
                self._fail(error)
            elif self._state is not _LOST:
                self.close()
        exchange = self._exchange
        if exchange is not None:
            self._last_read = self.loop.time()
            if self._finished:
                self._release(exchange)
            elif exchange.sock_read:
                self._ensure_timer(exchange)

    @property
    def is_upgraded(self) -> bool:
        """Whether there is a transport to :meth:`detach`, which may be closing, or lost."""
        return self._state is _UPGRADED and self._exchange is not None

    def detach(self) -> tuple[asyncio.Transport, bytes]:
        """Hand over the transport and the bytes that followed the upgrade's head.

        The new owner calls :meth:`detached` when the transport has its protocol.
        """
        transport, parser = self.transport or self._upgraded, self._parser
        if self._state is not _UPGRADED or transport is None or parser is None:
            raise RuntimeError(
                f"connection is {self._state.name}; only an upgraded one is detached"
            )
        self._exchange = None
        self._cancel_timer()
        rest = parser.take_rest() + b"".join(self._backlog)
        self._backlog.clear()
        if self._backlogged > MOST_REST and not transport.is_closing():
            transport.resume_reading()
        return transport, rest

    def detached(self) -> None:
        """Tell the transport's new protocol of its loss, if it came first."""
        if self._upgraded is not None:
            tell_of_loss(self._upgraded, self._lost_error)

    def _release(self, exchange: Exchange) -> None:
        self._exchange = None
        exchange.connection.release()

    def _fail(self, error: BaseException) -> None:
        """End the exchange with *error* and close."""
        self._must_close = True
        waiter, content = self._waiter, self._content
        self._waiter = None
        if self._upload is not None:
            self._upload.cancel()
        if waiter is not None:
            if not waiter.done():
                waiter.set_exception(error)
        elif content is not None and not content.is_eof():
            if isinstance(error, BadHttpMessage):
                failure = ClientPayloadError(f"response's body is malformed: {error}")
                failure.__cause__ = error
                error = failure
            content.set_exception(error)
        if self._state is not _LOST:
            self.abort()

    # ----------------------------------------------------------------------------- reading

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return what the transport reads into."""
        return self._receive_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what the transport read."""
        state = self._state
        if state is _HEAD or state is _BODY:
            exchange = self._exchange
            if exchange is not None and exchange.sock_read:
                self._last_read = self.loop.time()
            if self._backlog or (self._paused and self._inflater is not None):
                # A TLS transport may have more to give after pause_reading().
                self._backlog.append(bytes(self._receive_buffer[:nbytes]))
                return
            parser = cast("ResponseParser", self._parser)
            parser.feed_from(self._receive_buffer, nbytes)
            self._advance()
            if parser.pending:
                parser.keep_rest()
        elif state is _UPGRADED:
            # All of it: a TLS transport may have more to give after pause_reading().
            self._backlog.append(bytes(self._receive_buffer[:nbytes]))
            kept, self._backlogged = self._backlogged, self._backlogged + nbytes
            if kept <= MOST_REST < self._backlogged and self.transport is not None:
                self.transport.pause_reading()
        else:
            # Bytes that no request asked for: whatever they are, they answer nothing.
            self.close()

    def _keep(self, rest: bytes) -> None:
        """Take what the transport had received, and not handed on, when it was lost."""
        if not rest or self._detached():
            return
        if self._state is _UPGRADED or self._paused or self._backlog:
            self._backlog.append(rest)
        else:
            cast("ResponseParser", self._parser).feed(rest)
            self._advance()

    def _advance(self) -> None:
        parser = cast("ResponseParser", self._parser)
        try:
            while True:
                event = parser.next_event()
                if event is None:
                    if not self._backlog:
                        return
                    parser.feed(self._backlog.pop(0))
                elif type(event) is bytes:
                    ends = parser.chunk_ends if self._chunked else None
                    if self._inflater is None:
                        cast("StreamReader", self._content).feed_raw(event, ends)
                        continue
                    # Where the others end in the inflated body is not known.
                    self._chunk_ended = ends is not None and ends[-1] == len(event)
                    self._inflate(event)
                    if self._paused:
                        return
                elif event is END:
                    self._on_end()
                    return
                elif self._on_head(cast("ResponseHead", event)):
                    return
        except BadHttpMessage as exc:
            self._fail(exc)

    def _on_head(self, head: ResponseHead) -> bool:
        """Deal with a head; true when nothing of this response follows it."""
        exchange = cast("Exchange", self._exchange)
        status = head.status
        if 100 <= status < 200 and status != 101:
            # RFC 9110 15.2: interim responses, of which only 100 means something to us.
            if status == 100 and exchange.upload is not None:
                exchange.upload.on_continue()
            return False
        if status == 101 and (exchange.headers is None or hdrs.UPGRADE not in exchange.headers):
            # RFC 9110 7.8: a server switches only to a protocol that the client has named.
            raise BadStatusLine("status 101 answers a request that asks for no upgrade")
        if not head.keep_alive:
            self._must_close = True
        upload = exchange.upload
        if upload is not None and upload.waits_for_continue and self._upload is not None:
            # RFC 9110 10.1.1: a final answer in the place of 100 asks for no body.
            self.abandon_upload()
        content = self._content = StreamReader(self, exchange.plan.read_bufsize, loop=self.loop)
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result((head, content))
        if head.upgrade:
            content.feed_eof()
            self._state = _UPGRADED
            self._cancel_timer()
            return True
        if not head.has_body or (head.until_close and not exchange.plan.read_until_eof):
            if head.has_body:
                self._must_close = True
            self._on_end()
            return True
        self._state = _BODY
        self._chunked = head.chunked
        self._chunk_ended = False
        self._inflater = None
        if exchange.plan.auto_decompress:
            encoding = head.content_encoding
            if encoding is not None and is_supported(encoding):
                self._inflater = Decompressor(encoding)
        return False

    def _inflate(self, piece: bytes) -> None:
        content = cast("StreamReader", self._content)
        inflater = cast("Decompressor", self._inflater)
        content.total_raw_bytes += len(piece)
        # A few bytes may inflate to gigabytes: one step at a time, and only while the
        # reader keeps up.
        inflated = inflater.decompress(piece, INFLATE_STEP)
        while True:
            if inflated:
                content.feed_data(inflated)
            if not inflater.unconsumed and self._chunk_ended:
                self._chunk_ended = False
                content.begin_http_chunk_receiving()
                content.end_http_chunk_receiving()
            if self._paused or not inflater.unconsumed:
                return
            inflated = inflater.decompress(b"", INFLATE_STEP)

    def _on_end(self) -> None:
        content = cast("StreamReader", self._content)
        inflater, self._inflater = self._inflater, None
        if inflater is not None and not inflater.complete:
            self._fail(ClientPayloadError("response's compressed body ends too early"))
            return
        self._state = _IDLE
        self._finished = True
        if cast("ResponseParser", self._parser).pending or self._backlog:
            # More came than was asked for: it must not answer the next request.
            self._must_close = True
        content.feed_eof()
        exchange = self._exchange
        if exchange is not None:
            if exchange.sends_body and not exchange.all_sent(self.transport):
                # RFC 9112 9.5: the server has answered and waits for no more of the body.
                self.abandon_upload()
                self._release(exchange)
            elif self._upload is None:
                self._release(exchange)

    def pause_reading(self) -> None:
        """Stop reading the socket: the body's reader has enough."""
        if not self._paused:
            self._paused = True
            if self.transport is not None:
                self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read the socket again."""
        if self._paused:
            self._paused = False
            # Not from here: the caller is a reader in the middle of taking data.
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Take up parsing where :meth:`pause_reading` stopped it."""
        if self._paused:
            return
        if self._state is _BODY and self._content is not None:
            inflater = self._inflater
            if inflater is not None and inflater.unconsumed:
                try:
                    self._inflate(b"")
                except BadHttpMessage as exc:
                    self._fail(exc)
                    return
            if self._paused:
                return
            self._advance()
            if self._paused:
                return
        if self.transport is None:
            if self._lost_error is not None or self._state is _BODY:
                self._end_by_loss(self._lost_error)
            return
        if not self.transport.is_closing():
            self._last_read = self.loop.time()
            self.transport.resume_reading()

    # ----------------------------------------------------------------------------- writing

    def pause_writing(self) -> None:
        """The transport's buffer is above its high-water mark."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The transport's buffer is below its low-water mark."""
        self._write_paused = False
        self._wake_writers(None)

    async def _drain(self) -> None:
        if self.transport is None or self.transport.is_closing():
            raise ClientConnectionResetError("cannot write to a closing connection")
        if self._write_paused:
            waiter: asyncio.Future[None] = self.loop.create_future()
            self._drain_waiters.append(waiter)
            await waiter

    def _wake_writers(self, error: BaseException | None) -> None:
        waiters, self._drain_waiters = self._drain_waiters, []
        for waiter in waiters:
            if not waiter.done():
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)

    # -------------------------------------------------------------------- coming and going

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the event loop: end what is going on."""
        transport = self.transport
        if transport is not None:
            if self._detached() and transport.get_protocol() is not self:
                # The event loop had this call under way when the protocol was replaced.
                tell_of_loss(transport, exc)
                return
            note_loss(transport)
        self.transport = None
        self._must_close = True
        if transport is not None and self._state in _EXPECTING:
            self._keep(unread(transport))
        self._cancel_timer()
        self._wake_writers(ClientConnectionResetError("connection lost"))
        for waiter in self._closed_waiters or ():
            if not waiter.done():
                waiter.set_result(None)
        if self._paused and self._state is _BODY:
            # What was received before is still to be read.
            self._lost_error = exc
            return
        if self.is_upgraded:
            # Likewise: the connection's new owner reads it.
            self._upgraded, self._lost_error = transport, exc
            return
        self._end_by_loss(exc)

    def _end_by_loss(self, exc: BaseException | None) -> None:
        state, self._state = self._state, _LOST
        if state is _HEAD:
            self._fail_lost(exc)
        elif state is _BODY:
            self._end_body_by_loss(exc)
        elif self._upload is not None:
            self._upload.cancel()
        exchange = self._exchange
        if exchange is not None:
            self._release(exchange)

    def _fail_lost(self, exc: BaseException | None) -> None:
        parser = cast("ResponseParser", self._parser)
        if exc is None:
            try:
                parser.feed_eof()
            except BadHttpMessage as error:
                lost = ServerDisconnectedError(f"Server disconnected: {error}")
                lost.__cause__ = error
                self._fail(lost)
                return
            self._fail(ServerDisconnectedError())
        elif isinstance(exc, OSError):
            error_ = ClientOSError(*exc.args)
            error_.__cause__ = exc
            self._fail(error_)
        else:
            self._fail(exc)

    def _end_body_by_loss(self, exc: BaseException | None) -> None:
        parser = cast("ResponseParser", self._parser)
        cause = exc
        if exc is None:
            try:
                if parser.feed_eof() is END:
                    self._on_end()
                    self._state = _LOST
                    return
            except BadHttpMessage as error:
                cause = error
        failure = ClientPayloadError(f"Response payload is not completed: {cause!r}")
        failure.__cause__ = cause
        self._fail(failure)

    # ------------------------------------------------------------------------------ timers

    def _ensure_timer(self, exchange: Exchange) -> None:
        when = exchange.deadline
        if exchange.sock_read:
            when = min(when, self._last_read + exchange.sock_read)
        if self._timer_when <= when:
            return  # it expires early enough, and will look again
        if self._timer is not None:
            self._timer.cancel()
        self._timer_when = when
        self._timer = self.loop.call_at(when, self._on_timer)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_when = math.inf

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_when = math.inf
        exchange = self._exchange
        if exchange is None or self._state is _LOST:
            return
        now = self.loop.time()
        if now >= exchange.deadline:
            self._fail(
                asyncio.TimeoutError(
                    f"request took longer than total={exchange.plan.timeout.total} seconds"
                )
            )
            return
        if exchange.sock_read:
            waiting = not self._paused and self._upload is None and not self._finished
            if waiting and now >= self._last_read + exchange.sock_read:
                self._fail(
                    SocketTimeoutError(
                        f"Timeout on reading data from socket: nothing for sock_read="
                        f"{exchange.sock_read} seconds"
                    )
                )
                return
            if not waiting:
                self._last_read = now
        if exchange.deadline != math.inf or exchange.sock_read:
            self._ensure_timer(exchange)
