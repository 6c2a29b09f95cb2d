"""Frames on their way out: what is sent becomes a frame at once.

The last frame of ours is a close frame (RFC 6455 5.5.1): what is sent after it is ignored here, and
refused with an exception where an API says so.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcpy

from aiohttp_ws.net.output cimport DIRECT_FROM
from aiohttp_ws.wire.closing cimport CLOSED, NO_STATUS
from aiohttp_ws.wire.frames cimport (
    FIN,
    MAX_HEADER,
    OP_BINARY,
    OP_CLOSE,
    OP_CONTINUATION,
    OP_PONG,
    RSV1,
    RSV2,
    RSV3,
    mask_bytes,
    put_header,
)

from aiohttp_ws.ws.close_codes import check_close
from aiohttp_ws.ws.typed_messages import OutgoingMessage, Ping, data_of

cdef object MESSAGE = OutgoingMessage

cdef enum:
    JOIN_BELOW = 8192           # bytes of a prepared frame that is copied after others

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


cdef int wrong_thread() except -1:
    raise RuntimeError(
        "a WSTransport is for the thread of its event loop only;"
        " use loop.call_soon_threadsafe() from others"
    )


cdef class FrameSender(Output):
    """Base of :class:`Connection`: makes frames of what is sent."""

    @property
    def underlying_transport(self):
        """The transport below. What was sent before leaves before what is written to it."""
        if self.lower is not None and self.resources.in_thread():
            return self.show_transport()
        return self.lower

    @property
    def is_secure(self):
        """Whether the connection is encrypted."""
        return self.lower.get_extra_info("ssl_object") is not None

    @property
    def is_close_frame_sent(self):
        """Whether our close frame was sent: nothing follows it."""
        return self.closing.sent != 0

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
            return self.flush_with(payload, size, owner)
        else:
            out = self.reserve(MAX_HEADER + size)
            n = put_header(out, first, size, NULL)
            if size:
                memcpy(out + n, payload, size)
        self.out_used += n + size
        return self.leave()

    cdef int put_behind_room(self, uint8_t first, uint8_t *payload, Py_ssize_t size) except -1:
        """Write one frame whose header goes into the MAX_HEADER bytes before *payload*.

        A client's payload is masked where it lies.
        """
        cdef uint8_t header[MAX_HEADER]
        cdef uint8_t key[4]
        cdef Py_ssize_t n
        if self.is_client_side:
            self.resources.masking_key(key)
            n = put_header(header, first, size, key)
            mask_bytes(payload, payload, size, key, 0)
        else:
            n = put_header(header, first, size, NULL)
        payload -= n
        size += n
        memcpy(payload, header, n)
        if size < JOIN_BELOW and (self.in_batch or self.dirty):
            memcpy(self.reserve(size), payload, size)
            self.out_used += size
            return self.leave()
        return self.flush_with(payload, size, None)

    cdef int put_made(self, const uint8_t *frame, Py_ssize_t size) except -1:
        """Write a server's frame that is made already, for this connection and others."""
        if self.fd >= 0 and self.out_used == 0 and not self.backlogged and not self.in_batch:
            return self.flush_with(frame, size, None)
        return self.put_bytes(frame, size, None)

    cdef int put_close(self, int code, bytes reason) except -1:
        """Write a close frame; *code* NO_STATUS stands for none."""
        cdef uint8_t payload[125]
        cdef Py_ssize_t size = 0
        if self.closing.sent or self.is_disconnected:
            return 0
        self.closing.sent = code
        if code != NO_STATUS:
            payload[0] = <uint8_t>(code >> 8)
            payload[1] = <uint8_t>code
            size = min(PyBytes_GET_SIZE(reason), 123)
            # RFC 6455 5.5: at most 125 bytes; never cut inside a character.
            while 0 < size < PyBytes_GET_SIZE(reason) and (reason[size] & 0xC0) == 0x80:
                size -= 1
            memcpy(payload + 2, PyBytes_AS_STRING(reason), size)
            size += 2
            if size > 2:
                self.sent_reason = PyUnicode_DecodeUTF8(<char *>payload + 2, size - 2, "replace")
        if self.lower.is_closing():
            # Cut by its owner: the peer must not take that for an orderly end.
            return 0
        return self.put(FIN | OP_CLOSE, payload, size, None)

    cdef int say_close(self, int code, bytes reason) except -1:
        return self.put_close(code, reason)

    cdef int put_message(
        self, uint8_t first, const uint8_t *payload, Py_ssize_t size, object owner, bint compress
    ) except -1:
        """Write a data or control frame.

        :param compress: compress it where permessage-deflate was negotiated: for the first frame
            of a message, whose further fragments follow it.
        """
        cdef uint8_t opcode = first & 0x0F
        cdef bytes smaller
        if opcode > OP_BINARY:
            if size > 125 or not first & FIN:
                raise ValueError(
                    f"control frame of {size} bytes, fin={first & FIN != 0}: at most 125 bytes in"
                    " one frame (RFC 6455 5.5); send a data message instead"
                )
            return self.put(first, payload, size, owner)
        self.in_message = not first & FIN
        if self.deflater is not None:
            if opcode != OP_CONTINUATION:
                self.compressing = compress
            if self.compressing:
                smaller = self.deflater.compress_memory(payload, size, first & FIN != 0)
                if opcode != OP_CONTINUATION:
                    first |= RSV1
                return self.put(
                    first,
                    <const uint8_t *>PyBytes_AS_STRING(smaller),
                    PyBytes_GET_SIZE(smaller),
                    smaller,
                )
        return self.put(first, payload, size, owner)

    cpdef send(
        self,
        WSMsgType msg_type,
        message,
        bint fin=True,
        bint rsv1=False,
        bint rsv2=False,
        bint rsv3=False,
    ):
        """Send a frame.

        :param msg_type: its WSMsgType; close frames are better sent with :meth:`send_close`.
        :param message: the payload: bytes-like, ``str`` or ``None`` for empty. It is copied. Or
            an OutgoingMessage of this type.
        :param fin: whether this is the last frame of its message (RFC 6455 5.4).
        :param rsv1: the first reserved bit, and *rsv2*, *rsv3* the others: for extensions
            that both ends know of. With permessage-deflate negotiated, ``rsv1=True`` sends what
            is compressed already; all else is compressed here.
        :raises ValueError: *msg_type* is not an opcode, or a control frame has more than 125 bytes.
        :raises RuntimeError: the caller is in another thread.
        """
        cdef uint8_t first = first_byte(msg_type, fin, rsv1, rsv2, rsv3)
        cdef Py_buffer view
        cdef Py_ssize_t size
        cdef const char *text
        check_thread(self)
        if not is_open(self):
            return
        if msg_type == WSMsgType.CLOSE:
            send_raw_close(self, message)
        elif PyBytes_CheckExact(message):
            put_frame(
                self,
                first,
                <const uint8_t *>PyBytes_AS_STRING(message),
                PyBytes_GET_SIZE(message),
                message,
            )
        elif isinstance(message, str):
            text = PyUnicode_AsUTF8AndSize(message, &size)
            put_frame(self, first, <const uint8_t *>text, size, message)
        elif message is None:
            put_frame(self, first, <const uint8_t *>b"", 0, None)
        elif (
            # Two comparisons, so that the usual buffers pay nothing for the call after them.
            type(message) is not bytearray
            and type(message) is not memoryview
            and isinstance(message, MESSAGE)
        ):
            send_typed(self, msg_type, message, fin, rsv1, rsv2, rsv3)
        else:
            PyObject_GetBuffer(message, &view, PyBUF_SIMPLE)
            try:
                put_frame(self, first, <const uint8_t *>view.buf, view.len, None)
            finally:
                PyBuffer_Release(&view)

    def send_message(self, message):
        """Send an OutgoingMessage as it says, in one frame, or a Ping.

        :raises TypeError: *message* is neither.
        :raises UnicodeDecodeError: it is text, and its bytes are not UTF-8.
        :raises RuntimeError: the caller is in another thread.
        """
        if isinstance(message, OutgoingMessage):
            self.send(WSMsgType.BINARY if message.is_binary else WSMsgType.TEXT, message)
        elif isinstance(message, Ping):
            self.send_ping(message.payload)
        else:
            raise TypeError(f"message must be an OutgoingMessage or a Ping, not {type(message)!r}")

    cdef int send_reuse_external_buffer(
        self,
        WSMsgType msg_type,
        char *msg_ptr,
        Py_ssize_t msg_size,
        bint fin=True,
        bint rsv1=False,
        bint rsv2=False,
        bint rsv3=False,
    ) except -1:
        cdef uint8_t first = first_byte(msg_type, fin, rsv1, rsv2, rsv3)
        check_thread(self)
        if not is_open(self):
            return 0
        if msg_type == WSMsgType.CLOSE:
            raise ValueError("a close frame is sent with send_close()")
        if self.deflater is not None or msg_type > WSMsgType.BINARY:
            return put_frame(self, first, <const uint8_t *>msg_ptr, msg_size, None)
        self.in_message = not fin
        return self.put_behind_room(first, <uint8_t *>msg_ptr, msg_size)

    cpdef send_reuse_external_bytearray(
        self,
        WSMsgType msg_type,
        bytearray buffer,
        Py_ssize_t msg_offset,
        bint fin=True,
        bint rsv1=False,
        bint rsv2=False,
        bint rsv3=False,
    ):
        """Send what *buffer* holds from *msg_offset* on, without copying it.

        The header is written into the bytes before it, and a client masks the payload in
        place: the contents of *buffer* are of no use afterwards.

        :param msg_type: its WSMsgType, but not CLOSE.
        :param msg_offset: at least 14.
        :raises ValueError: *msg_offset* leaves no room for the header, or lies after the end.
        """
        cdef Py_ssize_t size = PyByteArray_GET_SIZE(buffer) - msg_offset
        if msg_offset < MAX_HEADER:
            raise ValueError(
                f"msg_offset={msg_offset} leaves less than the {MAX_HEADER} bytes that a frame"
                " header may need in front of the message"
            )
        if size < 0:
            raise ValueError(
                f"msg_offset={msg_offset} lies after the {PyByteArray_GET_SIZE(buffer)} bytes"
                " of buffer"
            )
        self.send_reuse_external_buffer(
            msg_type, PyByteArray_AS_STRING(buffer) + msg_offset, size, fin, rsv1, rsv2, rsv3
        )

    cpdef send_ping(self, message=None):
        """Send a ping; *message* is at most 125 bytes (RFC 6455 5.5.2)."""
        self.send(WSMsgType.PING, check_control(message))

    cpdef send_pong(self, message=None):
        """Send a pong; *message* is at most 125 bytes (RFC 6455 5.5.3)."""
        self.send(WSMsgType.PONG, check_control(message))

    cpdef send_close(self, close_code=0, close_message=None):
        """Send a close frame; what is sent after it is ignored (RFC 6455 5.5.1).

        The connection stays: call :meth:`disconnect`, or wait for the peer to.

        :param close_code: a WSCloseCode, 3000 to 4999, or ``WSCloseCode.NO_INFO`` for a close
            frame that says nothing.
        :param close_message: the reason: at most 123 bytes, bytes-like or ``str``.
        :raises ValueError: *close_code* or *close_message* cannot be sent.
        """
        check_thread(self)
        if close_code == 0:
            self.say_close(NO_STATUS, b"")
        else:
            code, reason = check_close(close_code, close_message)
            self.say_close(code, reason)

    cpdef disconnect(self, bint graceful=True):
        """Close the connection. No frame reaches the listener any more.

        :param graceful: send first what is buffered, which a peer that does not read can
            delay for long; otherwise drop it.
        """
        check_thread(self)
        if self.lower is not None and not self.is_disconnected:
            self.end_tcp(graceful)


cdef inline int put_frame(
    FrameSender sender, uint8_t first, const uint8_t *payload, Py_ssize_t size, object owner
) except -1:
    """Write a frame of the frame API's; with RSV1 it comes compressed, and its fragments too."""
    return sender.put_message(
        first, payload, size, owner, not first & RSV1 and size >= sender.compress_from
    )


cdef uint8_t first_byte(
    int msg_type, bint fin, bint rsv1, bint rsv2, bint rsv3
) except? 0:
    """Return the first byte of a frame (RFC 6455 5.2)."""
    if not (0 <= msg_type <= OP_BINARY or OP_CLOSE <= msg_type <= OP_PONG):
        raise ValueError(f"msg_type={msg_type} is not an opcode of RFC 6455 5.2; pass a WSMsgType")
    return (
        (FIN if fin else 0)
        | (RSV1 if rsv1 else 0)
        | (RSV2 if rsv2 else 0)
        | (RSV3 if rsv3 else 0)
        | <uint8_t>msg_type
    )


cdef int send_typed(
    FrameSender transport,
    WSMsgType msg_type,
    object message,
    bint fin,
    bint rsv1,
    bint rsv2,
    bint rsv3,
) except -1:
    """Send an OutgoingMessage, or a fragment of one."""
    cdef Py_ssize_t compress_from = transport.compress_from
    if msg_type != WSMsgType.CONTINUATION and (
        msg_type > WSMsgType.BINARY or (msg_type == WSMsgType.BINARY) != bool(message.is_binary)
    ):
        raise TypeError(f"{message!r} is not a payload of msg_type={msg_type}; use send_message()")
    # A fragment may end within a character.
    data = data_of(message) if fin and msg_type == WSMsgType.TEXT else message.payload
    if isinstance(data, OutgoingMessage):
        raise TypeError("the payload of a message is not a message")
    if message.skip_compress:
        transport.compress_from = PY_SSIZE_T_MAX
    try:
        transport.send(msg_type, data, fin, rsv1, rsv2, rsv3)
    finally:
        transport.compress_from = compress_from
    return 0


cdef int send_raw_close(FrameSender transport, object payload) except -1:
    """Send a close frame whose payload is given as it stands on the wire."""
    payload = check_control(payload)
    if len(payload) == 1:
        raise ValueError("a close frame carries no payload, or a close code of two bytes first")
    payload = bytes(payload)
    transport.send_close(int.from_bytes(payload[:2], "big"), payload[2:])
    return 0


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
