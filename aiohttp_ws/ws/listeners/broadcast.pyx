"""One message to many connections: made and compressed once, written to each."""

from typing import NamedTuple

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from aiohttp_ws.wire.contexts cimport MessageDeflater
from aiohttp_ws.wire.frames cimport FIN, MAX_HEADER, OP_BINARY, OP_TEXT, RSV1, put_header
from aiohttp_ws.wire.closing cimport OPEN
from aiohttp_ws.ws.engine.connection cimport Connection
from aiohttp_ws.ws.engine.send_frames cimport is_open
from aiohttp_ws.ws.listeners.assembly cimport MessageAssembler
from aiohttp_ws.ws.listeners.message_stream cimport MessageStream

from aiohttp_ws.errors.faults import Failure
from aiohttp_ws.wire.contexts import compress_alone
from aiohttp_ws.ws.typed_messages import OutgoingMessage, data_of

__all__ = ("BroadcastReport", "broadcast")


class BroadcastReport(NamedTuple):
    """What became of a broadcast.

    ``sent`` counts the connections that the message was written to, ``slow`` lists those that
    it was not written to because of their unsent output (or because they are in the middle of
    a fragmented message), ``closed`` those that are closing or closed.
    """

    sent: int
    slow: list
    closed: list


cdef class Payload:
    """A message in the forms that connections take it in; each is made when first needed."""
    cdef:
        uint8_t opcode
        object message              # holds `data`
        const uint8_t *data
        Py_ssize_t size
        bytes plain                 # a server's frame
        dict compressed             # payloads by window and level
        dict frames                 # a server's frames of them

    cdef bytes plain_frame(self):
        if self.plain is None:
            self.plain = make_frame(FIN | self.opcode, self.data, self.size)
        return self.plain

    cdef bytes compressed_payload(self, MessageDeflater deflater):
        key = (deflater.window_bits, deflater.level, deflater.mem_level)
        payload = self.compressed.get(key)
        if payload is None:
            payload = self.compressed[key] = compress_alone(
                self.message, deflater.window_bits, deflater.level, deflater.mem_level
            )
        return payload

    cdef bytes compressed_frame(self, MessageDeflater deflater):
        cdef bytes payload = self.compressed_payload(deflater)
        frame = self.frames.get(payload)
        if frame is None:
            frame = self.frames[payload] = make_frame(
                FIN | RSV1 | self.opcode,
                <const uint8_t *>PyBytes_AS_STRING(payload),
                PyBytes_GET_SIZE(payload),
            )
        return frame


cdef bytes make_frame(uint8_t first, const uint8_t *payload, Py_ssize_t size):
    cdef uint8_t header[MAX_HEADER]
    cdef Py_ssize_t n = put_header(header, first, size, NULL)
    cdef bytes frame = PyBytes_FromStringAndSize(NULL, n + size)
    memcpy(PyBytes_AS_STRING(frame), header, n)
    if size:
        memcpy(PyBytes_AS_STRING(frame) + n, payload, size)
    return frame


cdef int send_to(Payload payload, Connection transport, MessageDeflater deflater) except -1:
    cdef bytes data
    if deflater is not None:
        # The peer will have seen what the compressor has not: it must refer to nothing before.
        deflater.release()
        if transport.is_client_side:
            data = payload.compressed_payload(deflater)
            return transport.put(
                FIN | RSV1 | payload.opcode,
                <const uint8_t *>PyBytes_AS_STRING(data),
                PyBytes_GET_SIZE(data),
                data,
            )
        data = payload.compressed_frame(deflater)
    elif transport.is_client_side:
        return transport.put(FIN | payload.opcode, payload.data, payload.size, payload.message)
    else:
        data = payload.plain_frame()
    return transport.put_made(<const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef Connection connection_of(object item):
    """Return the engine's connection of *item*; ``None`` for one that is not open yet."""
    cdef MessageAssembler listener
    if isinstance(item, Connection):
        return <Connection>item
    if isinstance(item, MessageStream):
        listener = (<MessageStream>item)._connection
        return None if listener is None else listener.transport
    if isinstance(item, MessageAssembler):
        return (<MessageAssembler>item).transport
    raise TypeError(
        f"{type(item).__name__} is not a WebSocket connection: pass WebSocketResponse,"
        " ClientWebSocketResponse, ServerConnection, ClientConnection or WSTransport objects"
    )


def broadcast(connections, message, *, high_water=1048576, slow="skip", compress=None):
    """Send one message to many connections, without waiting for any.

    The frame is built once, and compressed once for each set of permessage-deflate parameters; a
    connection whose peer reads takes one system call.

    :param connections: an iterable of connections of any API: ``WebSocketResponse``,
        ``ClientWebSocketResponse``, ``ServerConnection``, ``ClientConnection``,
        ``WSTransport``.
    :param message: ``str`` for a text message, bytes-like for a binary one, or an
        :class:`OutgoingMessage`.
    :param high_water: bytes of unsent output above which a connection counts as slow: 1 MiB.
        ``None`` for no mark, whatever memory that takes.
    :param slow: ``"skip"`` leaves this message out for slow connections; ``"close"`` closes
        them with 1013, and cuts those that do not read that either.
    :param compress: ``False`` sends it as it is. By default the threshold of each connection's
        :class:`DeflateOptions` decides.
    :return: a :class:`BroadcastReport`; connections that are closing are passed over.
    :raises TypeError: for another type of message or connection.
    """
    cdef Payload payload
    cdef Py_buffer view
    cdef Connection transport
    cdef MessageDeflater deflater
    cdef Py_ssize_t limit = -1, sent = 0
    cdef bint compresses, close = False
    if isinstance(message, OutgoingMessage):
        if message.skip_compress:
            compress = False
        message = data_of(message)
    compresses = compress is None or compress
    if slow == "close":
        close = True
    elif slow != "skip":
        raise ValueError(f"slow={slow!r} must be 'skip' or 'close'")
    if high_water is not None:
        limit = high_water
        if limit < 0:
            raise ValueError(f"high_water={high_water} is negative; None stands for no mark")
    payload = Payload.__new__(Payload)
    payload.opcode = OP_BINARY
    if isinstance(message, str):
        payload.opcode = OP_TEXT
        message = message.encode()
    elif not isinstance(message, (bytes, bytearray, memoryview)):
        raise TypeError(f"message must be str or bytes-like, not {type(message).__name__}")
    elif isinstance(message, memoryview) and not message.c_contiguous:
        message = bytes(message)
    payload.message = message
    payload.compressed = {}
    payload.frames = {}
    report = BroadcastReport(0, [], [])
    PyObject_GetBuffer(message, &view, PyBUF_SIMPLE)
    try:
        payload.data = <const uint8_t *>view.buf
        payload.size = view.len
        for item in connections:
            transport = connection_of(item)
            if (
                transport is None
                or transport.closing.state != OPEN
                or not is_open(transport)
            ):
                report.closed.append(item)
                continue
            if not transport.resources.in_thread():
                raise RuntimeError(
                    "broadcast() is for the thread of the connections' event loop only;"
                    " use loop.call_soon_threadsafe() from others"
                )
            deflater = transport.deflater
            if deflater is not None and (
                not compresses or (compress is None and payload.size < transport.compress_from)
            ):
                deflater = None
            if limit >= 0 and transport.unsent() > limit:
                report.slow.append(item)
                if close:
                    transport.fail(
                        Failure(1013, f"more than {limit} bytes of output are unread")
                    )
                continue
            if transport.in_message:
                report.slow.append(item)
                continue
            send_to(payload, transport, deflater)
            sent += 1
    finally:
        PyBuffer_Release(&view)
    return report._replace(sent=sent)
