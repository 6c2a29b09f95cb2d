"""The client's side of one connection: bytes in, responses out, one at a time.

A connection is in one of five states::

    IDLE -> EXPECTING_HEAD -> EXPECTING_BODY -> IDLE    a request and its response
             |                                          101, or an answer to CONNECT
             +---> UPGRADED                             the transport waits for its new owner
    any  -> LOST                                        the transport is closed

Timers are lazy: there is at most one per connection, and it outlives requests. When it expires it
looks whether the current request is really late, so that a request on a kept connection
costs no timer of its own.
"""

import asyncio

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.math cimport INFINITY
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from aiohttp_ws.client.exchange cimport Exchange
from aiohttp_ws.net.link cimport Link
from aiohttp_ws.net.loop cimport plain_socket, resources_of
from aiohttp_ws.wire.http1 cimport END, LENGTH_BODY, ResponseParser
from aiohttp_ws.wire.http1_head cimport ResponseHead

from aiohttp_ws import hdrs
from aiohttp_ws.client.plan import DEFAULT_LIMITS
from aiohttp_ws.errors import (
    BadHttpMessage,
    BadStatusLine,
    ClientConnectionResetError,
    ClientOSError,
    ClientPayloadError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from aiohttp_ws.http.codings import is_supported
from aiohttp_ws.http.compression import Decompressor
from aiohttp_ws.http.streams import StreamReader
from aiohttp_ws.net.transports import note_loss
from aiohttp_ws.net.unread import unread
from aiohttp_ws.ws.opening.client import MOST_REST, tell_of_loss

__all__ = ("ClientProtocol",)

cdef enum:
    # The most that one step of inflating adds to a body's buffer.
    INFLATE_STEP = 262144

cdef tuple STATES = ("idle", "expecting a head", "expecting a body", "upgraded", "lost")


cdef class ClientLink(Link):
    """See :class:`ClientProtocol`."""

    def __init__(self, loop):
        self.loop = loop
        self.resources = resources_of(loop)
        self.state = IDLE
        self.limits = DEFAULT_LIMITS
        self._backlog = []
        self.timer_when = INFINITY

    # ------------------------------------------------------------------- the pool's view

    @property
    def should_close(self):
        return not self.usable()

    cdef bint usable(self) except -1:
        """Whether another request may follow, as far as the messages go."""
        return not self.must_close and self.state == IDLE and self.upload is None

    def is_connected(self):
        return self.connected_now()

    cdef bint connected_now(self) except -1:
        return self.lower is not None and not self.lower.is_closing()

    def close(self):
        self.must_close = True
        if self.lower is not None and not self.is_detached():
            # What the server does not take would keep the socket open without end.
            self.end_tcp(not self.lower.get_write_buffer_size())

    def abort(self):
        self.must_close = True
        if self.lower is not None and not self.is_detached():
            self.end_tcp(False)

    cdef bint is_detached(self) noexcept:
        return self.state == UPGRADED and self.exchange is None

    async def wait_closed(self):
        if self.lower is None or self.is_detached():
            return
        if self.closed_waiters is None:
            self.closed_waiters = []
        waiter = self.loop.create_future()
        self.closed_waiters.append(waiter)
        await waiter

    # ------------------------------------------------------------------------- an exchange

    def begin(self, Exchange exchange not None):
        exchange.future = self.loop.create_future()
        if not self.expect(exchange):
            exchange.future.set_exception(ServerDisconnectedError())
        return exchange.future

    cdef bint expect(self, Exchange exchange) except -1:
        """Expect the response of *exchange*; false when the connection is of no use any more."""
        if self.state != IDLE or not self.connected_now():
            return False
        limits = exchange.plan.limits
        if self.parser is None or limits is not self.limits and limits != self.limits:
            self.limits = limits
            line, field, count = limits
            self.parser = ResponseParser(
                lenient=True, max_line_size=line, max_field_size=field, max_headers=count
            )
        self.parser._method = exchange.method
        self.exchange = exchange
        self.content = None
        self.finished = False
        self.state = EXPECTING_HEAD
        if exchange.sock_read:
            self.last_read = self.loop.time()
            self.ensure_timer(exchange)
        elif exchange.deadline < self.timer_when:
            self.ensure_timer(exchange)
        return True

    def watch_upload(self, task):
        self.upload = task
        task.add_done_callback(self.upload_done)

    def abandon_upload(self):
        self.must_close = True
        if self.upload is not None:
            self.upload.cancel()

    def upload_done(self, task):
        cdef Exchange exchange = self.exchange
        self.upload = None
        error = None if task.cancelled() else task.exception()
        if task.cancelled() and self.content is not None and not self.finished:
            # Abandoned for an answer, of which the rest is still to be read.
            self.must_close = True
        elif task.cancelled() or error is not None:
            # The rest of the body will not come: nothing else can be sent here.
            self.must_close = True
            # A write that found the connection closing tells less than its loss will.
            lost = isinstance(error, ClientConnectionResetError)
            if error is not None and exchange is not None and not exchange.answered and not lost:
                self.fault(error)
            elif self.state != LOST:
                self.close()
        exchange = self.exchange
        if exchange is not None:
            self.last_read = self.loop.time()
            if self.finished:
                self.let_exchange_go(exchange)
            elif exchange.sock_read:
                self.ensure_timer(exchange)

    @property
    def is_upgraded(self):
        return self.state == UPGRADED and self.exchange is not None

    def detach(self):
        transport = self.lower if self.lower is not None else self.upgraded
        if self.state != UPGRADED or transport is None or self.parser is None:
            raise RuntimeError(
                f"connection is {STATES[<int>self.state]}; only an upgraded one is detached"
            )
        self.exchange = None
        self.fd = -1
        self.cancel_timer()
        rest = self.parser.take_rest() + b"".join(self._backlog)
        self._backlog.clear()
        if self.backlogged_size > <Py_ssize_t>MOST_REST and not transport.is_closing():
            transport.resume_reading()
        return transport, rest

    def detached(self):
        if self.upgraded is not None:
            tell_of_loss(self.upgraded, self.lost_error)

    cdef int let_exchange_go(self, Exchange exchange) except -1:
        self.exchange = None
        return exchange.release()

    cdef int fault(self, object error) except -1:
        """Break off what is going on, and the connection with it."""
        cdef Exchange exchange = self.exchange
        content = self.content
        self.must_close = True
        if self.upload is not None:
            self.upload.cancel()
        if exchange is not None and not exchange.answered:
            exchange.fail(error)
        elif content is not None and not content.is_eof() and content.exception() is None:
            # The first error counts: what comes of a time-out is the end of the connection.
            if isinstance(error, BadHttpMessage):
                failure = ClientPayloadError(f"response's body is malformed: {error}")
                failure.__cause__ = error
                error = failure
            content.set_exception(error)
        if self.state != LOST:
            self.abort()
        return 0

    # ----------------------------------------------------------------------------- reading

    def get_buffer(self, sizehint):
        return self.resources.receive_buffer

    def buffer_updated(self, Py_ssize_t nbytes):
        cdef State state = self.state
        cdef Exchange exchange = self.exchange
        cdef const char *data = <const char *>self.resources.receive_ptr
        if state == EXPECTING_HEAD or state == EXPECTING_BODY:
            if exchange is not None and exchange.sock_read:
                self.last_read = self.loop.time()
            if self._backlog or (self.paused and self.inflater is not None):
                # A TLS transport may have more to give after pause_reading().
                self._backlog.append(PyBytes_FromStringAndSize(data, nbytes))
                return
            self.parser.feed_ptr(data, nbytes)
            self.advance()
            if self.parser._at < self.parser._end:
                self.parser.keep_rest()
            if exchange is not None:
                exchange.settle()
        elif state == UPGRADED:
            # All of it: a TLS transport may have more to give after pause_reading().
            self._backlog.append(PyBytes_FromStringAndSize(data, nbytes))
            kept = self.backlogged_size
            self.backlogged_size += nbytes
            if kept <= MOST_REST < self.backlogged_size and self.lower is not None:
                self.lower.pause_reading()
        else:
            # Bytes that no request asked for: whatever they are, they answer nothing.
            self.close()

    cdef int keep(self, bytes rest) except -1:
        """Take what the transport had received, and not handed on, when it was lost."""
        if not rest or self.is_detached():
            return 0
        if self.state == UPGRADED or self.paused or self._backlog:
            self._backlog.append(rest)
        else:
            self.parser.feed(rest)
            self.advance()
        return 0

    cdef int advance(self) except -1:
        cdef ResponseParser parser = self.parser
        try:
            while True:
                event = parser.next_event()
                if event is None:
                    if not self._backlog:
                        return 0
                    parser.feed(self._backlog.pop(0))
                elif type(event) is bytes:
                    ends = parser._chunk_ends if self.chunked else None
                    if self.inflater is None:
                        self.content.feed_raw(event, ends)
                        continue
                    # Where the others end in the inflated body is not known.
                    self.chunk_ended = (
                        ends is not None
                        and ends[len(<list>ends) - 1] == PyBytes_GET_SIZE(<bytes>event)
                    )
                    self.inflate(<bytes>event)
                    if self.paused:
                        return 0
                elif event is END:
                    return self.end_body()
                elif self.on_head(<ResponseHead>event):
                    return 0
        except BadHttpMessage as exc:
            return self.fault(exc)

    cdef bint on_head(self, ResponseHead head) except -1:
        """Deal with a head; true when nothing of this response follows it."""
        cdef Exchange exchange = self.exchange
        cdef int status = head.status
        cdef bytes body = None
        if 100 <= status < 200 and status != 101:
            # RFC 9110 15.2: interim responses, of which only 100 means something to us.
            if status == 100 and exchange.upload is not None:
                exchange.upload.on_continue()
            return False
        if status == 101 and (exchange.headers is None or hdrs.UPGRADE not in exchange.headers):
            # RFC 9110 7.8: a server switches only to a protocol that the client has named.
            raise BadStatusLine("status 101 answers a request that asks for no upgrade")
        if not head.keep_alive:
            self.must_close = True
        upload = exchange.upload
        if upload is not None and upload.waits_for_continue and self.upload is not None:
            # RFC 9110 10.1.1: a final answer in the place of 100 asks for no body.
            self.abandon_upload()
        if head.upgrade:
            self.begin_body(head)
            self.content.feed_eof()
            self.state = UPGRADED
            self.cancel_timer()
            return True
        if not head.has_body or (head.until_close and not exchange.plan.read_until_eof):
            if head.has_body:
                self.must_close = True
            exchange.answer_whole(head, b"", self)
            self.on_end()
            return True
        self.chunked = head.chunked
        self.chunk_ended = False
        self.inflater = None
        if head._encoding_index != -1 and exchange.plan.auto_decompress:
            encoding = head.content_encoding
            if is_supported(encoding):
                self.inflater = Decompressor(encoding)
        if (
            self.inflater is None
            and self.parser._state == LENGTH_BODY
            and self.parser._remaining <= self.parser._end - self.parser._at
        ):
            body = self.parser.next_event()
            self.parser.next_event()  # END
            exchange.answer_whole(head, body, self)
            self.on_end()
            return True
        self.begin_body(head)
        return False

    cdef int begin_body(self, ResponseHead head) except -1:
        """The body comes piece by piece."""
        cdef Exchange exchange = self.exchange
        self.state = EXPECTING_BODY
        self.content = StreamReader(self, exchange.plan.read_bufsize, loop=self.loop)
        return exchange.answer(head, self.content)

    cdef int inflate(self, bytes piece) except -1:
        content = self.content
        inflater = self.inflater
        content.total_raw_bytes += PyBytes_GET_SIZE(piece)
        # A few bytes may inflate to gigabytes: one step at a time, and only while the
        # reader keeps up.
        inflated = inflater.decompress(piece, INFLATE_STEP)
        while True:
            if inflated:
                content.feed_data(inflated)
            if not inflater.unconsumed and self.chunk_ended:
                self.chunk_ended = False
                content.begin_http_chunk_receiving()
                content.end_http_chunk_receiving()
            if self.paused or not inflater.unconsumed:
                return 0
            inflated = inflater.decompress(b"", INFLATE_STEP)

    cdef int end_body(self) except -1:
        """The last piece has come of a body that came piece by piece."""
        inflater, self.inflater = self.inflater, None
        if inflater is not None and not inflater.complete:
            return self.fault(ClientPayloadError("response's compressed body ends too early"))
        self.state = IDLE
        self.finished = True
        self.content.feed_eof()
        return self.on_end()

    cdef int on_end(self) except -1:
        """All of the response has come."""
        cdef Exchange exchange = self.exchange
        self.state = IDLE
        self.finished = True
        if self.parser._at < self.parser._end or self._backlog:
            # More came than was asked for: it must not answer the next request.
            self.must_close = True
        if exchange is not None:
            if exchange.sends_body and not exchange.all_sent(self.lower):
                # RFC 9112 9.5: the server has answered and waits for no more of the body.
                self.abandon_upload()
                self.let_exchange_go(exchange)
            elif self.upload is None:
                self.let_exchange_go(exchange)
        return 0

    def pause_reading(self):
        if not self.paused:
            self.paused = True
            if self.lower is not None:
                self.lower.pause_reading()

    def resume_reading(self):
        if self.paused:
            self.paused = False
            # Not from here: the caller is a reader in the middle of taking data.
            self.loop.call_soon(self.go_on)

    def go_on(self):
        """Take up parsing where :meth:`pause_reading` stopped it."""
        if self.paused:
            return
        if self.state == EXPECTING_BODY and self.content is not None:
            inflater = self.inflater
            if inflater is not None and inflater.unconsumed:
                try:
                    self.inflate(b"")
                except BadHttpMessage as exc:
                    self.fault(exc)
                    return
            if self.paused:
                return
            self.advance()
            if self.paused:
                return
        if self.lower is None:
            if self.lost_error is not None or self.state == EXPECTING_BODY:
                self.end_by_loss(self.lost_error)
            return
        if not self.lower.is_closing():
            self.last_read = self.loop.time()
            self.lower.resume_reading()

    # ----------------------------------------------------------------------------- writing

    def write_request(self, bytes data not None):
        self.write_now(data)

    cdef int write_now(self, bytes data) except -1:
        # At once: nothing follows before the response.
        return self.flush_with(
            <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), data
        )

    cdef int write_both(self, bytes head, bytes body) except -1:
        """Write *head* and a large *body* in one system call, without a copy of it."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(head)
        memcpy(self.reserve(size), PyBytes_AS_STRING(head), size)
        self.out_used += size
        return self.write_now(body)

    async def _drain(self):
        if self.lower is None or self.lower.is_closing():
            raise ClientConnectionResetError("cannot write to a closing connection")
        if self.writing_paused:
            await Link._drain(self)

    # -------------------------------------------------------------------- coming and going

    def connection_made(self, transport):
        self.write_to(transport)
        sock = plain_socket(transport)
        self.fd = -1 if sock is None else sock.fileno()

    def connection_lost(self, exc):
        cdef Exchange exchange = self.exchange
        transport = self.lower
        if transport is not None:
            if self.is_detached() and transport.get_protocol() is not self:
                # The event loop had this call under way when the protocol was replaced.
                tell_of_loss(transport, exc)
                return
            note_loss(transport)
        self.lower = None
        self.let_go()
        self.must_close = True
        if transport is not None and EXPECTING_HEAD <= self.state <= UPGRADED:
            self.keep(unread(transport))
        self.cancel_timer()
        for waiter in self.closed_waiters or ():
            if not waiter.done():
                waiter.set_result(None)
        if self.paused and self.state == EXPECTING_BODY:
            # What was received before is still to be read.
            self.lost_error = exc
            return
        if self.state == UPGRADED and self.exchange is not None:
            # Likewise: the connection's new owner reads it.
            self.upgraded, self.lost_error = transport, exc
            return
        self.end_by_loss(exc)
        if exchange is not None:
            exchange.settle()

    cdef int end_by_loss(self, object exc) except -1:
        cdef State state = self.state
        cdef Exchange exchange
        self.state = LOST
        if state == EXPECTING_HEAD:
            self.fail_lost(exc)
        elif state == EXPECTING_BODY:
            self.end_body_by_loss(exc)
        elif self.upload is not None:
            self.upload.cancel()
        exchange = self.exchange
        if exchange is not None:
            self.let_exchange_go(exchange)
        return 0

    cdef int fail_lost(self, object exc) except -1:
        if exc is None:
            try:
                self.parser.feed_eof()
            except BadHttpMessage as error:
                lost = ServerDisconnectedError(f"Server disconnected: {error}")
                lost.__cause__ = error
                return self.fault(lost)
            return self.fault(ServerDisconnectedError())
        if isinstance(exc, OSError):
            error_ = ClientOSError(*exc.args)
            error_.__cause__ = exc
            return self.fault(error_)
        return self.fault(exc)

    cdef int end_body_by_loss(self, object exc) except -1:
        cause = exc
        if exc is None:
            try:
                if self.parser.feed_eof() is END:
                    self.end_body()
                    self.state = LOST
                    return 0
            except BadHttpMessage as error:
                cause = error
        failure = ClientPayloadError(f"Response payload is not completed: {cause!r}")
        failure.__cause__ = cause
        return self.fault(failure)

    # ------------------------------------------------------------------------------ timers

    cdef int ensure_timer(self, Exchange exchange) except -1:
        cdef double when = exchange.deadline
        if exchange.sock_read:
            when = min(when, self.last_read + <double>exchange.sock_read)
        if self.timer_when <= when:
            return 0  # it expires early enough, and will look again
        if self._timer is not None:
            self._timer.cancel()
        self.timer_when = when
        self._timer = self.loop.call_at(when, self.on_timer)
        return 0

    cdef int cancel_timer(self) except -1:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.timer_when = INFINITY
        return 0

    def on_timer(self):
        cdef Exchange exchange = self.exchange
        cdef double now
        self._timer = None
        self.timer_when = INFINITY
        if exchange is None or self.state == LOST:
            return
        now = self.loop.time()
        if now >= exchange.deadline:
            self.fault(
                asyncio.TimeoutError(
                    f"request took longer than total={exchange.plan.timeout.total} seconds"
                )
            )
            exchange.settle()
            return
        if exchange.sock_read:
            waiting = not self.paused and self.upload is None and not self.finished
            if waiting and now >= self.last_read + <double>exchange.sock_read:
                self.fault(
                    SocketTimeoutError(
                        f"Timeout on reading data from socket: nothing for sock_read="
                        f"{exchange.sock_read} seconds"
                    )
                )
                exchange.settle()
                return
            if not waiting:
                self.last_read = now
        if exchange.deadline != INFINITY or exchange.sock_read:
            self.ensure_timer(exchange)


class ClientProtocol(ClientLink, asyncio.BufferedProtocol):
    """Reads the responses of one connection and keeps its timers.

    What is read is parsed where it lies, in the receive buffer of the event loop.
    """

    __slots__ = ("__weakref__",)
