"""The sending half of the message level: messages to frames, and waiting for room."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE

from aiohttp_ws.wire.frames cimport FIN, OP_BINARY, OP_PONG, OP_TEXT, RSV1
from aiohttp_ws.net.awaitables cimport DONE, Failed, make_sendable

from aiohttp_ws.errors import ClientConnectionResetError
from aiohttp_ws.ws.engine.send_frames import check_control
from aiohttp_ws.ws.typed_messages import OutgoingMessage, data_of

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_Check(object o)


cdef class MessageSender(MessageAssembler):
    """Base of :class:`MessageConnection`: sends messages and control frames."""

    cpdef resume_writing(self):
        if self.pending_pong is not None:
            pong, self.pending_pong = self.pending_pong, None
            self.send_control(OP_PONG, pong)
        self.wake_senders()

    cdef object drained(self):
        """What a send returns: nothing to wait for, unless output piles up."""
        cdef Drain drain
        if not self.transport.writing_paused:
            return DONE
        drain = Drain.__new__(Drain)
        drain.connection = self
        return drain

    cdef object send_message(
        self, uint8_t opcode, const uint8_t *data, Py_ssize_t size, object owner, object compress
    ):
        cdef WSTransport transport = self.transport
        cdef bytes squeezed
        if self.state != OPEN:
            return Failed(closing_error())
        if self.deflater is not None and (
            size >= self.compress_from if compress is None else compress
        ):
            squeezed = self.deflater.compress_memory(data, size, True)
            transport.put(
                FIN | RSV1 | opcode,
                <const uint8_t *>PyBytes_AS_STRING(squeezed),
                PyBytes_GET_SIZE(squeezed),
                squeezed,
            )
        else:
            transport.put(FIN | opcode, data, size, owner)
        return self.drained()

    cdef object send_text(self, object text, object compress):
        cdef Py_ssize_t size
        cdef const char *data
        if not PyUnicode_Check(text):
            if isinstance(text, OutgoingMessage):
                return send_typed(self, OP_TEXT, text, compress)
            return Failed(TypeError(f"data argument must be str ({type(text)!r})"))
        try:
            data = PyUnicode_AsUTF8AndSize(text, &size)
        except UnicodeEncodeError as exc:
            return Failed(exc)
        return self.send_message(OP_TEXT, <const uint8_t *>data, size, text, compress)

    cdef object send_buffer(self, uint8_t opcode, object data, object compress):
        cdef Py_buffer view
        if PyBytes_Check(data):
            return self.send_message(
                opcode,
                <const uint8_t *>PyBytes_AS_STRING(data),
                PyBytes_GET_SIZE(data),
                data,
                compress,
            )
        if not isinstance(data, (bytearray, memoryview)):
            if isinstance(data, OutgoingMessage):
                return send_typed(self, opcode, data, compress)
            return Failed(TypeError(f"data argument must be byte-ish ({type(data)!r})"))
        if isinstance(data, memoryview) and not data.c_contiguous:
            data = bytes(data)
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return self.send_message(
                opcode, <const uint8_t *>view.buf, view.len, None, compress
            )
        finally:
            PyBuffer_Release(&view)

    cdef object send_control(self, uint8_t opcode, object payload):
        if self.state != OPEN and self.state != CLOSE_RECEIVED:
            return Failed(closing_error())
        try:
            payload = bytes(check_control(payload))
        except (TypeError, ValueError) as exc:
            return Failed(exc)
        self.transport.put(
            FIN | opcode,
            <const uint8_t *>PyBytes_AS_STRING(payload),
            PyBytes_GET_SIZE(payload),
            payload,
        )
        return self.drained()

    def wake_senders(self):
        """Senders that wait for room learn that nothing can be sent any more."""
        waiters, self.drain_waiters = self.drain_waiters, None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)


cdef object send_typed(MessageSender sender, uint8_t opcode, object message, object compress):
    """Send an OutgoingMessage, which is to be of type *opcode*."""
    if (opcode == OP_BINARY) != bool(message.is_binary):
        return Failed(TypeError(f"{message!r} is not what this method sends; use send_message()"))
    try:
        data = data_of(message)
    except UnicodeDecodeError as exc:
        return Failed(exc)
    if message.skip_compress:
        compress = False
    if opcode == OP_BINARY:
        return sender.send_buffer(opcode, data, compress)
    return sender.send_text(data, compress)


cdef object closing_error():
    return ClientConnectionResetError("Cannot write to closing transport")


cdef class Drain(Awaitable):
    """A send that waits until the output has drained below the high-water mark."""

    cdef object advance(self, bint *finished):
        cdef MessageSender connection = self.connection
        if self.future is not None:
            if not self.future.done():
                raise RuntimeError("a send was resumed before its output had drained")
            self.future = None
        if connection.state == CLOSED or connection.transport.is_disconnected:
            raise closing_error()
        if connection.state == OPEN and connection.transport.writing_paused:
            self.future = connection.loop.create_future()
            if connection.drain_waiters is None:
                connection.drain_waiters = []
            connection.drain_waiters.append(self.future)
            self.future._asyncio_future_blocking = True
            return self.future
        finished[0] = True
        return None


make_sendable(Drain)
