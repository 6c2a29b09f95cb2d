"""From frames to messages: fragments joined, inflated, validated (RFC 6455 5.4, RFC 7692)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from aiohttp_ws.wire.frames cimport FIN, OP_CONTINUATION, OP_TEXT, Utf8State, utf8_feed

from aiohttp_ws.errors.faults import FaultKind, ProtocolFault
from aiohttp_ws.ws.types import WSMsgType

cdef object TYPE_TEXT = WSMsgType.TEXT
cdef object TYPE_BINARY = WSMsgType.BINARY


cdef class MessageAssembler(Listener):
    """Base of the listeners that hand out messages: makes them of data frames."""

    def __dealloc__(self):
        free(self.parts)

    cdef int push(self, object msg_type, object data, Py_ssize_t size) except -1:
        """Take a message that is complete."""
        return 0

    cdef int fault(self, object kind, object limit=None) except -1:
        """Fail the connection: the peer broke the protocol or a limit."""
        return self.transport.fail(ProtocolFault(kind, limit=limit))

    cdef int _data(self, Frame *frame) except -1:
        cdef bint last = frame.flags & FIN
        if frame.compressed:
            return self._inflate(frame, last)
        if frame.opcode == OP_CONTINUATION or not last:
            self._keep_part(frame.payload, frame.size)
            if last:
                self._finish_message(frame.message_opcode, self.parts, self.parts_used)
                self._drop_parts()
            return 0
        return self._finish_message(frame.opcode, frame.payload, frame.size)

    cdef bytes inflated(self, Frame *frame, bint last, Py_ssize_t before):
        """Return what a fragment inflates to (RFC 7692 7.2.2); a bomb stops at the message limit.

        :param before: bytes that the fragments before it inflated to.
        :return: ``None`` when the connection has failed for it.
        """
        cdef bytes piece
        cdef Py_ssize_t limit = self.max_message_size
        if limit:
            # 0 would mean no limit; the inflater refuses the first byte beyond it.
            limit = max(1, limit - before)
        try:
            piece = self.transport.inflater.inflate_memory(
                frame.payload, frame.size, last, limit
            )
        except ProtocolFault as fault:
            if fault.kind is FaultKind.INFLATED_SIZE:
                fault.limit = self.max_message_size  # not what is left of it
            self.transport.fail(fault)
            return None
        if limit and before + PyBytes_GET_SIZE(piece) > self.max_message_size:
            self.fault(FaultKind.INFLATED_SIZE, self.max_message_size)
            return None
        return piece

    cdef int _inflate(self, Frame *frame, bint last) except -1:
        cdef bytes piece = self.inflated(frame, last, self.parts_used)
        if piece is None:
            return 0
        if last and self.parts_used == 0:
            return self._finish_message(
                frame.message_opcode,
                <const uint8_t *>PyBytes_AS_STRING(piece),
                PyBytes_GET_SIZE(piece),
            )
        if frame.message_opcode == OP_TEXT and self.decode_text:
            if utf8_feed(
                &self.utf8, <const uint8_t *>PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece)
            ) != <size_t>PyBytes_GET_SIZE(piece):
                return self.fault(FaultKind.TEXT)
        self._keep_part(<const uint8_t *>PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))
        if last:
            self._finish_message(frame.message_opcode, self.parts, self.parts_used)
            self._drop_parts()
        return 0

    cdef int _keep_part(self, const uint8_t *data, Py_ssize_t size) except -1:
        cdef Py_ssize_t capacity = self.parts_capacity
        cdef uint8_t *larger
        if self.parts_used + size > capacity:
            capacity = max(2 * capacity, self.parts_used + size, 256)
            larger = <uint8_t *>realloc(self.parts, capacity)
            if larger == NULL:
                raise MemoryError(f"no memory for a message of {self.parts_used + size} bytes")
            self.parts = larger
            self.parts_capacity = capacity
        if size:  # The parts may be NULL yet, which memcpy must not be given.
            memcpy(self.parts + self.parts_used, data, size)
        self.parts_used += size
        return 0

    cdef int _drop_parts(self) except -1:
        free(self.parts)
        self.parts = NULL
        self.parts_used = self.parts_capacity = 0
        memset(&self.utf8, 0, sizeof(Utf8State))
        return 0

    cdef int _finish_message(
        self, uint8_t opcode, const uint8_t *data, Py_ssize_t size
    ) except -1:
        if opcode == OP_TEXT:
            if self.decode_text:
                try:
                    payload = PyUnicode_DecodeUTF8(<const char *>data, size, NULL)
                except UnicodeDecodeError:
                    return self.fault(FaultKind.TEXT)
            else:
                payload = PyBytes_FromStringAndSize(<const char *>data, size)
            return self.push(TYPE_TEXT, payload, size)
        return self.push(
            TYPE_BINARY, PyBytes_FromStringAndSize(<const char *>data, size), size
        )
