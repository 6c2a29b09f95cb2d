# From frames to messages.

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.frames cimport Frame, Utf8State
from aiohttp_ws.ws.engine.connection cimport Connection, Listener


cdef class MessageAssembler(Listener):
    cdef:
        readonly Connection transport
        bint decode_text
        Py_ssize_t max_message_size     # bytes, 0 for no limit
        # the message in progress
        uint8_t *parts
        Py_ssize_t parts_used, parts_capacity
        Utf8State utf8

    cdef int push(self, object msg_type, object data, Py_ssize_t size) except -1
    cdef int fault(self, object kind, object limit=*) except -1
    cdef int _data(self, Frame *frame) except -1
    cdef bytes inflated(self, Frame *frame, bint last, Py_ssize_t before)
    cdef int _inflate(self, Frame *frame, bint last) except -1
    cdef int _keep_part(self, const uint8_t *data, Py_ssize_t size) except -1
    cdef int _finish_message(self, uint8_t opcode, const uint8_t *data, Py_ssize_t size) except -1
    cdef int _drop_parts(self) except -1
