"""A live WebSocket connection at the frame height: transport, listener, frame.

A :class:`WSTransport` is the asyncio protocol of a connection after its opening handshake.
It parses each read in place and hands every frame to its listener by a virtual call; what
the listener writes meanwhile leaves in one system call when the read has been handled.
"""

import asyncio
import logging

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from aiohttp_ws.wire.frames cimport (
    FIN,
    HAVE_FRAME,
    BROKEN,
    MAX_HEADER,
    OP_CLOSE,
    OP_PING,
    OP_PONG,
    RSV1,
    RSV2,
    RSV3,
    mask_bytes,
    put_header,
)
from aiohttp_ws.ws.loop cimport RECEIVE_BUFFER, plain_socket, resources_of
from aiohttp_ws.ws.types import WSMsgType

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef extern from "socket_write.h" nogil:
    long aws_send(int fd, const uint8_t *a, size_t na, const uint8_t *b, size_t nb)

cdef enum:
    FIRST_OUT = 1024            # bytes; most batches of answers fit
    KEEP_OUT = 4096             # a larger output buffer is given back after the flush
    FLUSH_AT = 65536            # output that does not wait for the end of the batch
    DIRECT_FROM = 16384         # payloads from here on leave without a copy

cdef object logger = logging.getLogger("aiohttp_ws.ws")
cdef list MSG_TYPES = [None] * 16
for _type in WSMsgType:
    if _type < 16:
        MSG_TYPES[_type] = _type


cdef class WSFrame:
    """A frame as it was received.

    It borrows the receive buffer: the payload dies when ``on_ws_frame`` returns. Copy what
    you keep.
    """

    @property
    def fin(self):
        """Whether this is the last frame of its message (RFC 6455 5.4)."""
        return bool(self.flags & FIN)

    @property
    def rsv1(self):
        """The first reserved bit; permessage-deflate's mark when that was agreed."""
        return bool(self.flags & RSV1)

    @property
    def rsv2(self):
        return bool(self.flags & RSV2)

    @property
    def rsv3(self):
        return bool(self.flags & RSV3)

    def get_payload_as_bytes(self):
        """Return a copy of the payload."""
        return PyBytes_FromStringAndSize(<char *>self.payload_ptr, self.payload_size)

    def get_payload_as_utf8_text(self):
        """Return the payload as text; UnicodeDecodeError when it is not UTF-8."""
        return PyUnicode_DecodeUTF8(<char *>self.payload_ptr, self.payload_size, "strict")

    def get_payload_as_memoryview(self):
        """Return the payload without a copy; it dies when ``on_ws_frame`` returns."""
        return PyMemoryView_FromMemory(<char *>self.payload_ptr, self.payload_size, 0x100)

    def get_close_code(self):
        """Return the code of a close frame, ``None`` where it has none."""
        if self.payload_size < 2:
            return None
        return self.payload_ptr[0] << 8 | self.payload_ptr[1]

    def get_close_message(self):
        """Return the reason of a close frame, ``None`` where it has none."""
        if self.payload_size <= 2:
            return None
        return PyUnicode_DecodeUTF8(
            <char *>self.payload_ptr + 2, self.payload_size - 2, "replace"
        )

    def __repr__(self):
        return f"WSFrame({self.msg_type!r}, fin={self.fin}, size={self.payload_size})"


cdef class WSListener:
    """Receives the frames of one connection. Derive and override.

    From Python, override the ``on_*`` methods. A ``cdef class`` may override them too and is
    called through the vtable.
    """

    cpdef on_ws_connected(self, WSTransport transport):
        """The opening handshake is done."""

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        """A frame has come; *frame* dies when this returns."""

    cpdef on_ws_disconnected(self, WSTransport transport):
        """The connection is gone; called once."""

    cpdef pause_writing(self):
        """The output buffer is above its high-water mark; stop sending."""

    cpdef resume_writing(self):
        """The output buffer has drained; go on sending."""

    cdef int deliver(self, WSTransport transport, Frame *frame) except -1:
        cdef WSFrame view = WSFrame.__new__(WSFrame)
        view.payload_ptr = frame.payload
        view.payload_size = frame.size
        view.msg_type = MSG_TYPES[frame.opcode]
        view.flags = frame.flags
        self.on_ws_frame(transport, view)
        return 0

    cdef int batch_end(self, WSTransport transport) except -1:
        return 0

    cdef int broken(self, WSTransport transport, int code, object reason) except -1:
        transport.put_close(code, reason.encode())
        transport.disconnect()
        return 0

    cdef int lost(self, WSTransport transport, object exc) except -1:
        self.on_ws_disconnected(transport)
        return 0

    cdef int user_error(self, WSTransport transport, object exc) except -1:
        logger.error("unhandled exception in a WSListener", exc_info=exc)
        transport.disconnect(False)
        return 0


cdef class WSTransport(Flushable):
    """One end of a live WebSocket connection.

    Sending never blocks: what the kernel does not take is buffered, and the listener's
    ``pause_writing`` says when there is too much of it. After a close frame nothing more
    is sent.
    """

    def __cinit__(self):
        self.fd = -1

    def __init__(self, WSListener listener, FrameReader reader):
        self.listener = listener
        self.reader = reader
        self.is_client_side = not reader.server
        self.receiving = True

    def __dealloc__(self):
        free(self.out)

    cdef int attach(self, object transport, LoopResources resources) except -1:
        """Take over *transport*, whose bytes are WebSocket frames from here on."""
        self.underlying_transport = transport
        self.write = transport.write
        self.resources = resources
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

    @property
    def is_secure(self):
        """Whether the connection is encrypted."""
        return self.underlying_transport.get_extra_info("sslcontext") is not None

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
            if callback is not None:
                callback(exc)

    def pause_writing(self):
        self.writing_paused = True
        self.listener.pause_writing()

    def resume_writing(self):
        self.writing_paused = False
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
        self.in_batch = True
        try:
            while self.receiving:
                outcome = reader.next(&frame)
                if outcome != HAVE_FRAME:
                    break
                listener.deliver(self, &frame)
                if self.reading_paused:
                    self.hold_rest()
                    break
            if self.receiving:
                if outcome == BROKEN:
                    self.stop_receiving()
                    listener.broken(self, reader.error_code, reader.error)
                else:
                    reader.keep_rest()
            listener.batch_end(self)
        except Exception as exc:
            self.stop_receiving()
            listener.user_error(self, exc)
        finally:
            self.in_batch = False
        if self.out_used:
            self.flush()
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

    # ------------------------------------------------------------------ sending

    cdef uint8_t *reserve(self, Py_ssize_t size) except NULL:
        """Return where the next *size* bytes of output go."""
        cdef Py_ssize_t capacity = self.out_capacity
        cdef uint8_t *larger
        if self.out_used + size > capacity:
            capacity = max(capacity * 2, self.out_used + size, FIRST_OUT)
            larger = <uint8_t *>realloc(self.out, capacity)
            if larger == NULL:
                raise MemoryError(f"no memory for {size} bytes of output")
            self.out = larger
            self.out_capacity = capacity
        return self.out + self.out_used

    cdef int put(self, uint8_t first, const uint8_t *payload, Py_ssize_t size, object owner) except -1:
        """Write one frame; *owner* keeps *payload* alive (``None``: it is only borrowed)."""
        cdef uint8_t *out
        cdef uint8_t key[4]
        cdef Py_ssize_t n
        if self.is_client_side:
            out = self.reserve(MAX_HEADER + size)
            self.resources.masking_key(key)
            n = put_header(out, first, size, key)
            mask_bytes(out + n, payload, size, key, 0)
        elif size >= DIRECT_FROM:
            out = self.reserve(MAX_HEADER)
            self.out_used += put_header(out, first, size, NULL)
            self.flush_with(payload, size, owner)
            return 0
        else:
            out = self.reserve(MAX_HEADER + size)
            n = put_header(out, first, size, NULL)
            if size:  # An empty payload may be NULL, which memcpy must not be given.
                memcpy(out + n, payload, size)
        self.out_used += n + size
        if self.out_used >= FLUSH_AT:
            self.flush()
        elif not self.in_batch and not self.dirty:
            self.resources.flush_later(self)
        return 0

    cdef int flush(self) except -1:
        if self.out_used:
            self.flush_with(NULL, 0, None)
        return 0

    cdef int flush_with(self, const uint8_t *payload, Py_ssize_t size, object owner) except -1:
        """Send the output and *payload* behind it in one system call."""
        cdef Py_ssize_t used = self.out_used
        cdef Py_ssize_t sent = 0
        self.dirty = False
        self.out_used = 0
        if self.backlogged and self.underlying_transport.get_write_buffer_size() == 0:
            self.backlogged = False
        if self.fd >= 0 and not self.backlogged:
            sent = aws_send(self.fd, self.out, used, payload, size)
            if sent < 0:
                sent = 0
        if sent < used + size and not self.is_disconnected:
            # asyncio takes the rest, and meets the socket's error if there is one.
            self.backlogged = True
            if sent < used:
                self.write(PyBytes_FromStringAndSize(<char *>self.out + sent, used - sent))
                sent = 0
            else:
                sent -= used
            if sent < size:
                self.write(PyBytes_FromStringAndSize(<char *>payload + sent, size - sent))
        if self.out_capacity > KEEP_OUT or not self.in_batch:
            # An idle connection owns no buffer.
            free(self.out)
            self.out = NULL
            self.out_capacity = 0
        return 0

    cdef int put_close(self, int code, bytes reason) except -1:
        """Write a close frame, the last of ours; *code* 0 stands for none."""
        cdef uint8_t payload[125]
        cdef Py_ssize_t size = 0
        if self.is_close_frame_sent or self.is_disconnected:
            return 0
        self.is_close_frame_sent = True
        if self.underlying_transport.is_closing():
            # Cut by whoever holds it: the peer must not take that for an orderly end.
            return 0
        if code:
            payload[0] = <uint8_t>(code >> 8)
            payload[1] = <uint8_t>code
            size = min(PyBytes_GET_SIZE(reason), 123)
            # RFC 6455 5.5: at most 125 bytes; never cut inside a character.
            while 0 < size < PyBytes_GET_SIZE(reason) and (reason[size] & 0xC0) == 0x80:
                size -= 1
            memcpy(payload + 2, PyBytes_AS_STRING(reason), size)
            size += 2
        return self.put(FIN | OP_CLOSE, payload, size, None)

    def send(self, msg_type, message, bint fin=True, bint rsv1=False, bint rsv2=False, bint rsv3=False):
        """Send a frame.

        :param msg_type: its opcode.
        :param message: the payload: ``str``, bytes-like or ``None`` for empty.
        """
        cdef uint8_t first = (
            (FIN if fin else 0)
            | (RSV1 if rsv1 else 0)
            | (RSV2 if rsv2 else 0)
            | (RSV3 if rsv3 else 0)
            | <uint8_t>(<int>msg_type)
        )
        cdef Py_buffer view
        cdef Py_ssize_t size
        cdef const char *text
        if self.is_close_frame_sent or self.is_disconnected:
            return
        if isinstance(message, str):
            text = PyUnicode_AsUTF8AndSize(message, &size)
            self.put(first, <const uint8_t *>text, size, message)
        elif message is None:
            self.put(first, NULL, 0, None)
        else:
            PyObject_GetBuffer(message, &view, PyBUF_SIMPLE)
            try:
                self.put(first, <const uint8_t *>view.buf, view.len, message)
            finally:
                PyBuffer_Release(&view)

    def send_ping(self, message=b""):
        """Send a ping; *message* is at most 125 bytes."""
        self.send(WSMsgType.PING, check_control(message))

    def send_pong(self, message=b""):
        """Send a pong; *message* is at most 125 bytes."""
        self.send(WSMsgType.PONG, check_control(message))

    def send_close(self, code=None, message=None):
        """Send a close frame; what is sent after it is ignored."""
        if isinstance(message, str):
            message = message.encode()
        self.put_close(code or 0, message or b"")

    def disconnect(self, bint graceful=True):
        """Close the connection: after what was written has left, or at once."""
        if self.underlying_transport is None or self.is_disconnected:
            return
        self.close_requested = True
        if graceful:
            self.flush()
        # A transport that closes may give its descriptor back before it says so.
        self.fd = -1
        if graceful:
            self.underlying_transport.close()
        else:
            self.underlying_transport.abort()


def check_control(message):
    """Return *message* if a control frame can carry it (RFC 6455 5.5)."""
    if message is None:
        return b""
    if isinstance(message, str):
        message = message.encode()
    elif not isinstance(message, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"payload of a control frame must be bytes-like or str, not {type(message).__name__}"
        )
    if len(message) > 125:
        raise ValueError(
            f"control frame payload of {len(message)} bytes exceeds 125 (RFC 6455 5.5);"
            " send a data message instead"
        )
    return message


class WSProtocol(WSTransport, asyncio.BufferedProtocol):
    """A WSTransport as asyncio recognises it."""

    __slots__ = ()
