"""A live WebSocket connection at the frame height: a transport and its listener.

A :class:`WSTransport` is the asyncio protocol of a connection after its opening handshake.
It parses each read in place and hands every frame to its listener by a virtual call; what
the listener writes meanwhile leaves in one system call when the read has been handled.

The message level is a listener of its own. To any other, :class:`WSListener` hands out
frames, and does what the frame height promises around them: pongs, the automatic ping,
inflating, exceptions of callbacks.
"""

import asyncio
import logging
from types import FunctionType

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from aiohttp_ws.wire.frames cimport (
    BROKEN,
    FIN,
    HAVE_FRAME,
    OP_BINARY,
    OP_CLOSE,
    OP_PONG,
    RSV1,
    whole_frame_at,
)
from aiohttp_ws.ws.engine.frame cimport make_frame
from aiohttp_ws.ws.close_codes cimport sendable_close_code
from aiohttp_ws.net.loop cimport RECEIVE_BUFFER, plain_socket, resources_of
from aiohttp_ws.ws.types cimport WSMsgType

from aiohttp_ws.errors import WebSocketError, WSProtocolError
from aiohttp_ws.wire.contexts import MessageDeflater, MessageInflater
from aiohttp_ws.ws.engine.keepalive import AutoPing
from aiohttp_ws.ws.close_codes import named_close_code
from aiohttp_ws.net.awaitables import raise_again
from aiohttp_ws.ws.engine.context_pool import live_contexts

__all__ = ("WSListener", "WSTransport")

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()
    Py_ssize_t Py_REFCNT(object o)

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()

cdef extern from "aiohttp_ws/net/awaitables.h":
    object aws_call_method(object self, object name, object a, object b)

# Seconds that a peer has to read why it is cut off, and to end its side.
cdef double LINGER = 10.0

cdef object logger = logging.getLogger("aiohttp_ws.ws")


cdef class WSListener:
    """Receives the frames of one connection. Derive and override.

    From Python, override the ``on_*`` methods. A ``cdef class`` may override them too and is
    called through the vtable. An exception in a callback ends the connection with 1011, or as
    a :class:`WSProtocolError` says; a client's ``wait_disconnected()`` raises it, a server
    logs it.
    """

    cpdef on_ws_connected(self, WSTransport transport):
        """The opening handshake is done: frames can be sent."""

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        """A frame has come; *frame* dies when this returns.

        Close frames come here too, and it is for the listener to answer them:
        ``transport.send_close(frame.get_close_code(), frame.get_close_message())``, then
        ``transport.disconnect()``. Pings come only with ``enable_auto_pong=False``.
        """

    cpdef on_ws_disconnected(self, WSTransport transport):
        """The connection is gone; called once."""

    cpdef send_user_specific_ping(self, WSTransport transport):
        """The automatic ping is due; by default a ping frame is sent."""
        transport.send_ping()

    cpdef is_user_specific_pong(self, WSFrame frame):
        """Say whether *frame*, which came after an automatic ping, answers it.

        A frame that does goes no further. By default a pong frame does.
        """
        return frame.msg_type == WSMsgType.PONG

    cpdef pause_writing(self):
        """The output buffer is above its high-water mark. What is sent is buffered still."""

    cpdef resume_writing(self):
        """The output buffer has drained below its low-water mark."""

    cdef int deliver(self, WSTransport transport, Frame *frame) except -1:
        cdef WSFrame view
        cdef FrameReader reader = transport.reader
        cdef object owner = None
        cdef bint closes = False
        if frame.opcode > OP_BINARY:
            if transport.take_control(frame):
                return 0
            closes = frame.opcode == OP_CLOSE
        elif frame.compressed:
            owner = transport.inflate(frame)
        view = make_frame(frame)
        view.tail_size = reader.end - reader.pos
        view.last_in_buffer = not whole_frame_at(reader.pos, view.tail_size)
        if owner is not None:
            view.owner = owner
        if transport.pong_expected and self.is_user_specific_pong(view):
            transport.notify_user_specific_pong_received()
            return 0
        if closes:
            # RFC 6455 5.5.1: nothing follows a close frame.
            transport.receiving = False
        try:
            if transport.listens_in_python:
                aws_call_method(self, "on_ws_frame", transport, view)
            else:
                self.on_ws_frame(transport, view)
        finally:
            if Py_REFCNT(view) > 1:
                # Kept by the listener: what it borrowed is about to be overwritten.
                view.payload_ptr = NULL
        if closes and transport.ends_at_close:
            transport.disconnect()
        return 0

    cdef int batch_end(self, WSTransport transport) except -1:
        return 0

    cdef int broken(self, WSTransport transport, int code, object reason) except -1:
        transport.logger.info("the peer broke the protocol (%d): %s", code, reason)
        if transport.is_client_side and transport.failure is None:
            transport.failure = WSProtocolError(named_close_code(code), reason)
        return transport.fail(code, reason)

    cdef int lost(self, WSTransport transport, object exc) except -1:
        transport._end_frames()
        return 0

    cdef int user_error(self, WSTransport transport, object exc) except -1:
        return transport.callback_failed("on_ws_frame", exc)


cdef class WSTransport(FrameControl):
    """One end of a live WebSocket connection.

    Sending never blocks: what the kernel does not take is buffered, and the listener's
    ``pause_writing`` says when there is too much of it. After a close frame nothing more
    is sent: sending does nothing then. All methods are for the thread of the event loop,
    and raise RuntimeError in another.
    """

    def __cinit__(self):
        self.is_disconnected = True  # until it is attached to a transport

    def __init__(self, WSListener listener, FrameReader reader):
        self.listener = listener
        self.reader = reader
        self.is_client_side = not reader.server
        self.receiving = True

    cdef int attach(self, object transport, LoopResources resources) except -1:
        """Take over *transport*, whose bytes are WebSocket frames from here on."""
        self.underlying_transport = transport
        self.is_disconnected = False
        self.write = transport.write
        self.resources = resources
        self.reader.spare = resources.spare
        self.copies = type(transport).__module__.startswith("aiofastnet.")
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
        self.receiving = False
        self.fd = -1
        self.out_used = 0
        # Python 3.10 takes a TLS transport for forgotten that its peer closed and we did not.
        self.underlying_transport.close()
        callback, self.lost_callback = self.lost_callback, None
        try:
            self.listener.lost(self, exc)
        finally:
            # A listener keeps its transport: two that keep each other wait for the collector.
            self.listener = NOBODY
            if callback is not None:
                callback(exc)

    def pause_writing(self):
        self.writing_paused = True
        self.listener.pause_writing()

    def resume_writing(self):
        self.writing_paused = False
        if self.pending_pong is not None:
            pong, self.pending_pong = self.pending_pong, None
            self.send_pong(pong)
        self.listener.resume_writing()

    # ---------------------------------------------------------------- receiving

    cdef int feed(self, bytes data) except -1:
        """Handle bytes that came before: with the opening handshake, or while reading paused.

        Not through the shared receive buffer: another connection may be in the middle of
        handling what it read there, and have woken the task that calls this.
        """
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef uint8_t *copy = <uint8_t *>malloc(size)
        if copy == NULL:
            raise MemoryError(f"no memory for {size} bytes of input")
        memcpy(copy, PyBytes_AS_STRING(data), size)
        try:
            # No incomplete frame precedes: the tail is kept aside, or the reader is new.
            self.reader.received(copy, size)
            self.handle()
        finally:
            free(copy)
        return 0

    cdef int handle(self) except -1:
        """Deliver the frames at hand, then send what was written meanwhile."""
        cdef Frame frame
        cdef FrameReader reader = self.reader
        cdef WSListener listener = self.listener
        cdef int outcome = 0
        if self.auto_ping is not None:
            self.last_heard = aws_monotonic()
        self.in_batch = True
        try:
            while True:
                try:
                    while self.receiving:
                        outcome = reader.next(&frame)
                        if outcome != HAVE_FRAME:
                            break
                        listener.deliver(self, &frame)
                        if self.reading_paused:
                            self.hold_rest()
                            break
                    break
                except Exception as exc:
                    listener.user_error(self, exc)
            if not self.receiving:
                reader._release()
            elif outcome == BROKEN:
                self.stop_receiving()
                listener.broken(self, reader.error_code, reader.error)
            else:
                reader.keep_rest()
            listener.batch_end(self)
        except Exception as exc:
            self.stop_receiving()
            listener.user_error(self, exc)
        except BaseException as exc:
            self.stop_receiving()
            self.callback_aborted(exc)
        finally:
            self.in_batch = False
        if self.out_used:
            self.flush()
        elif self.out != NULL:
            self.give_back()
        return 0

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

    cdef int stop_receiving(self) except -1:
        """Ignore whatever else comes (RFC 6455 5.5.1, 7.1.7)."""
        self.receiving = False
        self.held = None
        self.reader._release()
        return 0

    cdef int pause_reading(self) except -1:
        if not self.reading_paused and not self.is_disconnected:
            self.reading_paused = True
            if self.underlying_transport.is_reading():
                self.underlying_transport.pause_reading()
        return 0

    cdef int resume_reading(self) except -1:
        if self.reading_paused and not self.is_disconnected:
            self.reading_paused = False
            held, self.held = self.held, None
            if held is not None and self.receiving:
                self.feed(held)
            if not self.reading_paused:
                self.underlying_transport.resume_reading()
        return 0

    cdef int linger(self) except -1:
        """Close towards a peer that may still be sending.

        A socket closed with unread input resets the connection, and the close frame may be
        lost with it: so end our side only, and drop what comes until the peer ends its own.
        :return: 1 when that is now for the peer to do.
        """
        if self.is_disconnected:
            return 0
        self.flush()
        if not self.underlying_transport.can_write_eof():
            self.disconnect()
            return 0
        try:
            self.underlying_transport.write_eof()
        except OSError:
            # The peer has reset the connection, which we have not read yet.
            self.disconnect(False)
            return 0
        self.resume_reading()
        return 1

    # ------------------------------------------------- the frame height around frames

    def _begin(
        self,
        transport,
        settings,
        *,
        request,
        response,
        deflate,
        bytes preamble,
        bytes rest,
        when_lost,
    ):
        """Begin a connection at the frame height.

        :param settings: FrameSettings.
        :param deflate: the DeflateParams agreed on, or ``None``.
        :param preamble: to be sent before any frame: the answer to the opening handshake.
        :param rest: what came behind the opening handshake.
        :param when_lost: called with connection_lost's argument, behind on_ws_disconnected.
        """
        loop = asyncio.get_running_loop()
        self.is_framed = True
        self.prompt = True
        self.lost_callback = when_lost
        self.thread_id = PyThread_get_thread_ident()
        self.request = request
        self.response = response
        self.logger = settings.logger
        self.listens_in_python = isinstance(
            getattr(type(self.listener), "on_ws_frame"), FunctionType
        )
        self.disconnect_on_exception = settings.disconnect_on_exception
        self.auto_pong = settings.enable_auto_pong
        if deflate is not None:
            options = settings.compression
            self.compress_from = options.threshold
            contexts = live_contexts(loop)
            self.deflater = MessageDeflater(
                deflate, not self.is_client_side, options.level, options.mem_level, contexts
            )
            self.inflater = MessageInflater(deflate, not self.is_client_side, contexts)
        self.attach(transport, resources_of(loop))
        self.in_batch = True
        try:
            if preamble:
                memcpy(
                    self.reserve(PyBytes_GET_SIZE(preamble)),
                    PyBytes_AS_STRING(preamble),
                    PyBytes_GET_SIZE(preamble),
                )
                self.out_used += PyBytes_GET_SIZE(preamble)
            if settings.enable_auto_ping:
                self.last_heard = aws_monotonic()
                self.auto_ping = AutoPing(self, settings)
                self.auto_ping.start()
            try:
                self.listener.on_ws_connected(self)
            except Exception as exc:
                self.callback_failed("on_ws_connected", exc)
            except BaseException as exc:
                self.callback_aborted(exc)
        finally:
            self.in_batch = False
        self.flush()
        if rest and self.receiving:
            self.feed(rest)

    cdef object inflate(self, Frame *frame):
        """Let *frame* carry what it inflates to; return the bytes that hold it."""
        cdef bytes piece
        try:
            piece = self.inflater.inflate_memory(
                frame.payload, frame.size, frame.flags & FIN != 0, self.reader.max_frame_size
            )
        except WebSocketError as exc:
            message = str(exc).replace("max_msg_size", "max_frame_size")
            raise WSProtocolError(named_close_code(exc.code), message) from None
        frame.payload = <uint8_t *>PyBytes_AS_STRING(piece)
        frame.size = PyBytes_GET_SIZE(piece)
        frame.flags &= ~RSV1
        return piece

    cdef int fail(self, int code, object reason) except -1:
        """End the connection with a close frame, for a fault of either end."""
        self.receiving = False
        self.held = None
        self.put_close(code, reason.encode("utf-8", "replace"))
        if self.linger() and self.abort_timer is None:
            self.abort_timer = self.resources.loop.call_later(LINGER, self._abort)
        return 0

    cdef int callback_failed(self, str callback, object exc) except -1:
        """A callback of the listener's has raised *exc*."""
        reason = ""
        code = 1011
        if isinstance(exc, WSProtocolError):
            if isinstance(exc.code, int) and sendable_close_code(min(max(exc.code, 0), 65535)):
                code, reason = exc.code, exc.message
        elif callback == "on_ws_frame" and not self.disconnect_on_exception:
            self.logger.error("unhandled exception in WSListener.%s", callback, exc_info=exc)
            return 0
        elif isinstance(exc, UnicodeDecodeError):
            code, reason = 1007, "text that is not UTF-8"
        if code != 1011:
            self.logger.info("WSListener.%s ends the connection: %s", callback, exc)
        elif self.is_client_side and self.failure is None:
            self.logger.warning(
                "exception in WSListener.%s ends the connection: %r", callback, exc
            )
        else:
            self.logger.error(
                "exception in WSListener.%s ends the connection", callback, exc_info=exc
            )
        if self.is_client_side and self.failure is None:
            self.failure = exc
        if not self.is_disconnected:
            self.fail(code, reason if isinstance(reason, str) else str(reason))
        return 0

    cdef int callback_aborted(self, object exc) except -1:
        """A callback has raised what is no Exception: it is the event loop's to report.

        A KeyboardInterrupt ends the loop. Transports differ in what they make of one.
        """
        self.fail(1011, "")
        self.resources.loop.call_soon(raise_again, exc)
        return 0

    def _abort(self):
        self.disconnect(False)

    def _go_away(self, int code, bytes reason):
        """Begin the closing handshake; the peer's close frame ends the connection.

        Whatever the listener makes of that frame, which it is given still.
        """
        self.ends_at_close = True
        self.put_close(code, reason)
        if self.close_handshake is not None and self.close_handshake.recv is not None:
            self.disconnect()

    def _end_frames(self):
        """The connection is gone: tell the listener, then whoever waits."""
        if self.auto_ping is not None:
            self.auto_ping.stop()
            self.auto_ping = None
        if self.abort_timer is not None:
            self.abort_timer.cancel()
            self.abort_timer = None
        if self.inflater is not None:
            self.deflater.release()
            self.inflater.release()
            self.deflater = self.inflater = None
        if self.pong_future is not None and not self.pong_future.done():
            self.pong_future.set_exception(
                ConnectionResetError("the connection was lost before the pong came")
            )
        try:
            self.listener.on_ws_disconnected(self)
        except Exception as exc:
            self.callback_failed("on_ws_disconnected", exc)
        finally:
            if self.ended_future is None:
                self.ended_future = True
            elif not self.ended_future.done():
                self.ended_future.set_result(None)

    def _ping(self):
        """Send the automatic ping; return whether an answer can be expected."""
        if self.is_disconnected:
            return False
        self.pong_expected = True
        if self.is_close_frame_sent:
            # No ping may follow it; a peer that does not close either is as dead as another.
            return True
        try:
            self.listener.send_user_specific_ping(self)
        except Exception as exc:
            self.callback_failed("send_user_specific_ping", exc)
            return False
        except BaseException as exc:
            self.callback_aborted(exc)
            return False
        return True

    def _give_up(self, code, reason):
        """The peer does not answer."""
        self.logger.info("connection dropped: %s", reason)
        self.put_close(code, reason.encode())
        self.flush()
        self.receiving = False
        # What such a peer has not read, it will not read: do not wait for it to.
        self.disconnect(self.underlying_transport.get_write_buffer_size() == 0)

    # -------------------------------------------------------------------- public

    async def wait_disconnected(self):
        """Wait until the connection is gone and ``on_ws_disconnected`` has returned.

        Cancelling it cancels nothing else.

        :raises Exception: at a client, what a callback of the listener has raised; and
            :class:`WSProtocolError` when the peer broke the protocol. That the peer closed
            is no exception: see :attr:`close_handshake`.
        """
        self.check_thread()
        if self.resources is None:
            raise RuntimeError("this WSTransport was never connected; ws_connect() makes those")
        if self.ended_future is None:
            self.ended_future = self.resources.loop.create_future()
        if self.ended_future is not True:
            await asyncio.shield(self.ended_future)
        if self.failure is not None:
            raise self.failure

    def __repr__(self):
        return (
            f"<WSTransport {'client' if self.is_client_side else 'server'}"
            f"{' disconnected' if self.is_disconnected else ''}>"
        )


# The listener of a transport whose connection is lost.
cdef WSListener NOBODY = WSListener()


class WSProtocol(WSTransport, asyncio.BufferedProtocol):
    """A WSTransport as asyncio recognises it."""

    __slots__ = ()
