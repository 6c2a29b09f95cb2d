"""A live WebSocket connection: what RFC 6455 asks of it between its opening and its end.

A :class:`Connection` is the asyncio protocol of a connection after its opening handshake. It parses
each read in place, answers control frames, and hands every data frame to its listener by a
virtual call; what the listener writes meanwhile leaves in one system call when the read has been
handled. How it ends is decided by the table of :mod:`aiohttp_ws.wire.closing`: :meth:`advance` takes
a step and does what the table says. The three APIs differ in their listeners, and in the policies
that these set: when the peer's close frame is answered, whether pings are, how long the closing
handshake may take.
"""

import asyncio
import logging

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdlib cimport free, malloc
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from aiohttp_ws.net.loop cimport RECEIVE_BUFFER, plain_socket, resources_of
from aiohttp_ws.wire.closing cimport (
    ANSWER, AWAIT_CLOSE, CLOSE_RECEIVED, CLOSE_SENT, CONNECTING, END_TCP, FAILING, FAULT,
    LEAVE_OPEN, LINGER, NO_STATUS, OPENED, RECEIVE_CLOSE, REPORT_END, SEND_CLOSE, STOP_INPUT,
    TCP_ENDED, take_step,
)
from aiohttp_ws.wire.frames cimport (
    BROKEN, FIN, HAVE_FRAME, NEED_DATA, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG,
)

from aiohttp_ws.errors.faults import Failure, FaultKind, ProtocolFault
from aiohttp_ws.net.awaitables import raise_again
from aiohttp_ws.net.transports import has_ended, note_loss
from aiohttp_ws.net.unread import unread
from aiohttp_ws.wire.contexts import MessageDeflater, MessageInflater
from aiohttp_ws.ws.engine.context_pool import live_contexts

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()

# Seconds that a peer has to read why it is cut off, and to end its side, where no API sets a limit.
LINGERING = 10.0
# Seconds in which messages before a close frame or a fault can be answered.
cdef double ANSWERS_WITHIN = 1.0

cdef object logger = logging.getLogger("aiohttp_ws.ws")


cdef class Listener:
    """What a connection tells of what comes in; each API has its own."""

    cdef int deliver(self, Connection connection, Frame *frame) except -1:
        """Take a data frame, or a control frame that the policies leave to the listener."""
        return 0

    cdef int batch_end(self, Connection connection) except -1:
        """All frames of a read were delivered."""
        return 0

    cdef int left_open(self, Connection connection) except -1:
        """The state is OPEN no longer: nothing can be sent any more."""
        return 0

    cdef int ended(self, Connection connection) except -1:
        """The closing handshake is over, or TCP ended first: nothing more can come."""
        return 0

    cdef int lost(self, Connection connection, object exc) except -1:
        """TCP has ended. Called once, after :meth:`ended`."""
        return 0

    cdef int faulted(self, Connection connection, object fault) except -1:
        """The peer broke the protocol or a limit, as *fault* says."""
        return 0

    cdef int code_failed(self, Connection connection, object exc) except -1:
        """Code that the connection calls has raised *exc*."""
        logger.error("error in a WebSocket connection", exc_info=exc)
        return connection.fail(ProtocolFault(FaultKind.INTERNAL))

    cdef bint has_unread(self):
        """Whether messages wait for the application, which may still want to answer them."""
        return False

    cdef object closed_error(self):
        """Return what an operation raises that the connection is too late for."""
        return ConnectionResetError("the connection is closed")

    cdef bint ping_due(self, Connection connection, bint again) except -1:
        """The keepalive's ping is due; return whether an answer can be expected.

        :param again: the last one is not answered, and may have been lost with the peer.
        """
        return False

    cdef int unanswered(self, Connection connection, double seconds) except -1:
        """No sign of life came within *seconds* of the ping."""
        return 0

    cpdef pause_writing(self):
        """The output buffer is above its high-water mark. What is sent is buffered still."""

    cpdef resume_writing(self):
        """The output buffer has drained below its low-water mark."""


cdef class Connection(FrameControl):
    """One end of a live WebSocket connection."""

    def __cinit__(self):
        self.closing.state = CONNECTING

    def __init__(self, Listener listener, FrameReader reader):
        self.listener = listener
        self.reader = reader
        self.is_client_side = not reader.server
        self.auto_pong = True

    cdef int use_deflate(self, object params, object options) except -1:
        """Compress and inflate as was negotiated.

        :param params: the DeflateParams of the opening handshake, or ``None``.
        :param options: the DeflateOptions of this end.
        """
        if params is not None:
            self.compress_from = options.threshold
            contexts = live_contexts(self.resources.loop)
            self.deflater = MessageDeflater(
                params, not self.is_client_side, options.level, options.mem_level, contexts
            )
            self.inflater = MessageInflater(params, not self.is_client_side, contexts)
        return 0

    cdef int attach(self, object transport, LoopResources resources) except -1:
        """Take over *transport*, whose bytes are WebSocket frames from here on."""
        self.write_to(transport)
        self.advance(OPENED)
        self.resources = resources
        self.reader.spare = resources.spare
        if has_ended(transport):
            # It ended while the opening handshake was under way: only its last bytes are to come.
            transport.set_protocol(self)
            return 0
        sock = plain_socket(transport)
        self.fd = -1 if sock is None else sock.fileno()
        self.backlogged = transport.get_write_buffer_size() > 0
        transport.set_protocol(self)
        if self.backlogged:
            # It may have told the last protocol to pause, and would not tell again. Now it has
            # paused in any case, and will say when to resume.
            low, high = transport.get_write_buffer_limits()
            transport.set_write_buffer_limits(high=0)
            self.writing_paused = True
            transport.set_write_buffer_limits(high, low)
        return 0

    # ------------------------------------------------- called by the event loop

    def connection_made(self, transport):
        self.attach(transport, resources_of(asyncio.get_running_loop()))

    def get_buffer(self, sizehint):
        cdef Py_ssize_t size
        cdef FrameReader reader = self.reader
        cdef uint8_t *place
        if reader.own_used == 0:
            return self.resources.receive_buffer
        place = reader.room(self.resources.receive_ptr, RECEIVE_BUFFER, &size)
        return PyMemoryView_FromMemory(<char *>place, size, 0x200)

    def buffer_updated(self, Py_ssize_t size):
        if self.held is not None:
            # A transport that was told to pause may still hand on what it has decrypted.
            self.held += PyBytes_FromStringAndSize(<char *>self.resources.receive_ptr, size)
            return
        self.reader.received(self.resources.receive_ptr, size)
        self.handle()

    def eof_received(self):
        self.flush()
        self.fd = -1
        return False

    def connection_lost(self, exc):
        if self.is_disconnected:
            return
        self.is_disconnected = True
        self.fd = -1
        if self.closing.state <= CLOSE_SENT:
            self.take_leftovers()
        self.out_used = 0
        note_loss(self.lower)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
        callback, self.lost_callback = self.lost_callback, None
        if exc is not None and self.end_exc is None:
            self.end_exc = exc
        try:
            self.advance(TCP_ENDED)
            self.wake_senders()
            wake(self.lost_waiters)
            self.lost_waiters = None
            if self.keepalive is not None:
                self.keepalive.stop()
                self.keepalive = None
            self.listener.lost(self, exc)
        finally:
            if not self.leftovers:
                self.forget_listener()
            if callback is not None:
                callback(exc)

    cdef int take_leftovers(self) except -1:
        """See to what had come before the connection was lost, and was not looked at.

        While reading is paused the application decides when it is: only whether a close frame is
        among it is found out now, since the connection ends with its code.
        """
        cdef bytes rest = unread(self.lower)
        cdef bytes held, payload
        cdef Frame frame
        if not self.reading_paused:
            self.feed(rest)  # as far as the listener takes it
            rest = b""
        held = rest if self.held is None else self.held + rest
        if not held or self.closing.state > CLOSE_SENT:
            return 0
        self.leftovers = True
        payload = self.reader.close_in(held)
        if payload is not None:
            frame.payload = <uint8_t *>PyBytes_AS_STRING(payload)
            frame.size = PyBytes_GET_SIZE(payload)
            if self.read_close(&frame) is None:
                self.advance(RECEIVE_CLOSE)
        self.held = held
        return 0

    cdef int forget_listener(self) except -1:
        # A listener keeps its connection: two that keep each other wait for the collector.
        self.listener = NOBODY
        self.leftovers = False
        self.held = None
        if not self.in_batch:  # handle() does so at its end: a frame may still be in use
            self.reader._release()
        if self.inflater is not None:
            self.inflater.release()
            self.inflater = None
        return 0

    def pause_writing(self):
        self.writing_paused = True
        self.listener.pause_writing()

    def resume_writing(self):
        self.writing_paused = False
        if self.pending_pong is not None:
            pong, self.pending_pong = self.pending_pong, None
            if not self.closing.sent:
                self.put(
                    FIN | OP_PONG,
                    <const uint8_t *>PyBytes_AS_STRING(pong),
                    PyBytes_GET_SIZE(pong),
                    pong,
                )
        self.wake_senders()
        self.listener.resume_writing()

    # ---------------------------------------------------------------- receiving

    cdef int feed(self, bytes data) except -1:
        """Handle bytes that came before: with the opening handshake, or while reading paused.

        Not through the shared receive buffer: another connection may be in the middle of
        handling what it read there, and have woken the task that calls this.
        """
        cdef FrameReader reader = self.reader
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t done = 0
        cdef Py_ssize_t n
        cdef uint8_t *place
        # The tail of an incomplete frame goes before it.
        cdef uint8_t *copy = <uint8_t *>malloc(size + reader.own_used)
        if copy == NULL:
            raise MemoryError(f"no memory for {size} bytes of input")
        try:
            while done < size and (self.closing.state <= CLOSE_SENT or self.leftovers):
                place = reader.room(copy, size - done + reader.own_used, &n)
                n = min(n, size - done)
                memcpy(place, PyBytes_AS_STRING(data) + done, n)
                done += n
                reader.received(copy, n)
                self.handle()
                if self.reading_paused and done < size:
                    rest = data[done:]
                    self.held = rest if self.held is None else self.held + rest
                    break
        finally:
            free(copy)
        return 0

    cdef int handle(self) except -1:
        """Deliver the frames that have come, then send what was written meanwhile."""
        cdef Frame frame
        cdef FrameReader reader = self.reader
        cdef Listener listener = self.listener
        cdef int outcome = NEED_DATA
        if self.keepalive is not None:
            self.last_heard = aws_monotonic()
        self.in_batch = True
        try:
            while True:
                try:
                    while self.closing.state <= CLOSE_SENT or self.leftovers:
                        outcome = reader.next(&frame)
                        if outcome != HAVE_FRAME:
                            break
                        if frame.opcode > OP_BINARY and self.take_control(&frame):
                            continue
                        listener.deliver(self, &frame)
                        if self.reading_paused:
                            self.hold_rest()
                            break
                    break
                except Exception as exc:
                    listener.code_failed(self, exc)
            if outcome == BROKEN and self.closing.state <= CLOSE_SENT:
                self.fail(reader.error)
            if self.closing.state <= CLOSE_SENT or self.leftovers:
                reader.keep_rest()
            else:
                reader._release()
            listener.batch_end(self)
        except Exception as exc:
            listener.code_failed(self, exc)
        except BaseException as exc:
            self.abandon(exc)
        finally:
            self.in_batch = False
        return self.end_batch()

    def abandon(self, exc):
        """Something was raised that is not an Exception: it is the event loop's to report.

        A KeyboardInterrupt ends the loop. Transports differ in what they make of one.
        """
        self.fail(Failure(1011, ""))
        self.resources.loop.call_soon(raise_again, exc)

    cdef bint take_control(self, Frame *frame) except -1:
        """Do what a control frame asks for; return whether that was all."""
        if self.leftovers:
            # It is known how the connection ended, and nothing can be answered.
            if frame.opcode == OP_CLOSE:
                self.leftovers = False
            return True
        if frame.opcode == OP_PING:
            if self.auto_pong:
                self.take_ping(frame)
            return self.auto_pong
        if frame.opcode == OP_PONG:
            return self.take_pong(frame)
        fault = self.read_close(frame)
        if fault is not None:
            self.fail(fault)
            return True
        self.advance(RECEIVE_CLOSE)
        return not self.shows_close

    cdef int hold_rest(self) except -1:
        """Set aside what the listener cannot take now.

        One read can hold a hundred thousand small messages: pausing the socket alone would
        not keep them off its queue.
        """
        cdef FrameReader reader = self.reader
        if reader.end != reader.pos:
            self.held = PyBytes_FromStringAndSize(<char *>reader.pos, reader.end - reader.pos)
            reader.pos = reader.end
        return 0

    cdef int stop_input(self) except -1:
        """Ignore whatever else comes (RFC 6455 5.5.1, 7.1.7)."""
        if self.leftovers:
            return 0  # the peer had sent them before it was lost
        self.held = None
        if not self.in_batch:  # handle() does so at its end: a frame may still be in use
            self.reader._release()
        return 0

    cdef int pause_reading(self) except -1:
        if not self.reading_paused and not self.is_disconnected:
            self.reading_paused = True
            if self.lower.is_reading():
                self.lower.pause_reading()
        return 0

    cdef int resume_reading(self) except -1:
        if not self.reading_paused:
            return 0
        self.reading_paused = False
        self.resumed = True
        held, self.held = self.held, None
        if held is not None and (self.closing.state <= CLOSE_SENT or self.leftovers):
            self.feed(held)
        if self.reading_paused:
            return 0
        if not self.is_disconnected:
            self.lower.resume_reading()
        elif self.leftovers or self.listener is not NOBODY:
            self.forget_listener()
        return 0

    # ------------------------------------------------------------------- ending

    cdef int advance(self, Event event) except -1:
        """Take a step of the closing handshake, and do what the table says."""
        cdef int actions = take_step(&self.closing, event)
        if actions & STOP_INPUT:
            self.stop_input()
        if actions & LEAVE_OPEN:
            self.wake_senders()
            self.listener.left_open(self)
        if actions & AWAIT_CLOSE:
            self.cut_later(self.close_timeout)
            # The peer's close frame comes after what the listener had no room for.
            self.resume_reading()
        if actions & ANSWER:
            self.answer()
        if actions & REPORT_END:
            self.finish()
        if actions & END_TCP:
            self.close_tcp()
        if actions & LINGER:
            self.linger()
        return 0

    cdef int say_close(self, int code, bytes reason) except -1:
        """Send our close frame, unless it was sent: it begins the closing handshake or answers."""
        if self.closing.sent == 0:
            self.put_close(code, reason)
            self.advance(SEND_CLOSE)
        return 0

    cdef int fail(self, object fault) except -1:
        """Fail the connection (RFC 6455 7.1.7).

        :param fault: a ProtocolFault, or what else has a ``code`` and a ``reason``.
        """
        if self.fault is None and self.closing.state <= CLOSE_RECEIVED:
            if isinstance(fault, ProtocolFault):  # frames of Python 3.10 lead back to us
                fault.__traceback__ = fault.__context__ = None
            self.fault = fault
            self.listener.faulted(self, fault)
            self.advance(FAULT)
        return 0

    cdef int answer(self) except -1:
        """Our close frame is due: send it when the policy says."""
        if self.closing.state == CLOSE_RECEIVED and self.answers == BY_LISTENER:
            return 0
        if self.answers != AT_ONCE and not self.is_disconnected and self.listener.has_unread():
            if self.answer_timer is None:
                self.answer_timer = self.resources.loop.call_later(
                    min(self.close_timeout or ANSWERS_WITHIN, ANSWERS_WITHIN), self.answer_now
                )
            return 0
        self.answer_now()
        return 0

    def answer_now(self):
        """Send the close frame that is due: it tells of the fault, or repeats the peer's."""
        if self.closing.state == FAILING:
            self.say_close(self.fault.code, self.fault.reason.encode("utf-8", "replace"))
        elif self.closing.state == CLOSE_RECEIVED:
            self.say_close(self.closing.received, (self.received_reason or "").encode())

    cdef int finish(self) except -1:
        """The closing handshake is over: release what it held, tell who waits for it."""
        if self.answer_timer is not None:
            self.answer_timer.cancel()
            self.answer_timer = None
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
        if self.keepalive is not None and not self.leaves_tcp:
            self.keepalive.stop()
            self.keepalive = None
        if self.deflater is not None:
            self.deflater.release()
            self.deflater = None
        if self.inflater is not None and not self.leftovers and not self.shows_close:
            self.inflater.release()
            self.inflater = None
        self.listener.ended(self)
        waiters, self.end_waiters = self.end_waiters, None
        wake(waiters)
        return 0

    cdef int close_tcp(self) except -1:
        """RFC 6455 7.1.1: the server closes TCP first; a client gives it time to."""
        if self.is_disconnected or self.leaves_tcp:
            return 0
        if self.is_client_side:
            self.resume_reading()
            return self.cut_later(self.close_timeout)
        self.end_tcp(True)
        if self.lower.get_write_buffer_size():
            # A peer that does not read would keep the connection.
            self.cut_later(self.close_timeout)
        return 0

    cdef int linger(self) except -1:
        """Close towards a peer that may still be sending.

        A socket closed with unread input resets the connection, and the close frame may be
        lost with it: so end our side only, and drop what comes until the peer ends its own.
        """
        if self.is_disconnected:
            return 0
        self.flush()
        if not self.lower.can_write_eof():
            self.end_tcp(True)
            return self.cut_later(self.close_timeout or LINGERING)
        try:
            self.lower.write_eof()
        except OSError:
            # The peer has reset the connection, which we have not read yet.
            return self.end_tcp(False)
        self.resume_reading()
        return self.cut_later(self.close_timeout or LINGERING)

    cdef int cut_later(self, double seconds) except -1:
        """Drop the connection if it has not ended within *seconds*, 0 for never."""
        if self.close_timer is None and seconds > 0 and not self.is_disconnected:
            self.close_timer = self.resources.loop.call_later(seconds, self.out_of_time)
        return 0

    def out_of_time(self):
        """The peer has not done its part of the closing handshake."""
        self.close_timer = None
        if self.closing.state == CLOSE_SENT and self.end_exc is None:
            self.end_exc = asyncio.TimeoutError(
                f"no close frame came within {self.close_timeout:g} s of ours"
            )
        self.cut()

    def cut(self):
        """Drop the connection at once."""
        if not self.is_disconnected:
            self.advance(TCP_ENDED)
            self.end_tcp(False)

    cdef int wake_senders(self) except -1:
        """Senders that wait for room look again."""
        waiters, self.drain_waiters = self.drain_waiters, None
        return wake(waiters)

    # ------------------------------------------------------------ for the keepalive

    def _ping(self, bint again):
        return self.listener.ping_due(self, again)

    def _unanswered(self, double seconds):
        self.listener.unanswered(self, seconds)

    def _take_resumed(self):
        """Whether reading has resumed since this was last called."""
        resumed, self.resumed = self.resumed, False
        return bool(resumed)

    def _unsent(self):
        """Bytes that the kernel has not taken."""
        return self.unsent()


cdef int wake(list waiters) except -1:
    if waiters is not None:
        for future in waiters:
            if not future.done():
                future.set_result(None)
    return 0


# The listener of a connection that is lost.
cdef Listener NOBODY = Listener()


class FrameProtocol(Connection, asyncio.BufferedProtocol):
    """A Connection as asyncio recognises it."""

    __slots__ = ()
