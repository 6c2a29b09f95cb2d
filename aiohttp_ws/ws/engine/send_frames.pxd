# Frames on their way out. Public: compiled listeners of users run on it.

from libc.stdint cimport uint8_t

from aiohttp_ws.net.output cimport Output
from aiohttp_ws.wire.closing cimport CLOSED, Closing
from aiohttp_ws.wire.contexts cimport MessageDeflater
from aiohttp_ws.ws.types cimport WSMsgType


cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()


cdef class FrameSender(Output):
    cdef:
        readonly bint is_client_side
        Closing closing             # where the closing handshake stands: wire/closing
        str received_reason         # of the peer's close frame
        str sent_reason             # of ours
        uint8_t acts_at_call           # sending is for the loop's thread only
        uint8_t compressing            # the message being sent, fragment by fragment
        uint8_t in_message             # of its own a fragment is still to come
        Py_ssize_t compress_from    # messages below this size are not compressed
        MessageDeflater deflater    # of permessage-deflate, or None

    # Sends *msg_size* bytes at *msg_ptr*, before which 14 bytes belong to the header; a
    # client's are masked in place.
    cdef int send_reuse_external_buffer(
        self, WSMsgType msg_type, char *msg_ptr, Py_ssize_t msg_size,
        bint fin=*, bint rsv1=*, bint rsv2=*, bint rsv3=*
    ) except -1
    cpdef send(
        self, WSMsgType msg_type, message,
        bint fin=*, bint rsv1=*, bint rsv2=*, bint rsv3=*
    )
    cpdef send_reuse_external_bytearray(
        self, WSMsgType msg_type, bytearray buffer, Py_ssize_t msg_offset,
        bint fin=*, bint rsv1=*, bint rsv2=*, bint rsv3=*
    )
    cpdef send_ping(self, message=*)
    cpdef send_pong(self, message=*)
    cpdef send_close(self, close_code=*, close_message=*)
    cpdef disconnect(self, bint graceful=*)

    cdef int put(self, uint8_t first, const uint8_t *payload, Py_ssize_t size, object owner) except -1
    cdef int put_behind_room(self, uint8_t first, uint8_t *payload, Py_ssize_t size) except -1
    cdef int put_made(self, const uint8_t *frame, Py_ssize_t size) except -1
    cdef int put_message(
        self, uint8_t first, const uint8_t *payload, Py_ssize_t size, object owner, bint compress
    ) except -1
    cdef int put_close(self, int code, bytes reason) except -1
    # The engine's: begins the closing handshake, or answers.
    cdef int say_close(self, int code, bytes reason) except -1


cdef int wrong_thread() except -1


cdef inline bint is_open(FrameSender sender) noexcept:
    """Whether frames can be sent: the peer's close frame may have come, ours was not sent."""
    return sender.closing.sent == 0 and sender.closing.state < CLOSED


cdef inline int check_thread(FrameSender sender) except -1:
    """Refuse to act in another thread than the event loop's, where sending acts at the call."""
    if (
        sender.acts_at_call
        and sender.resources is not None
        and PyThread_get_thread_ident() != sender.resources.thread_id
    ):
        return wrong_thread()
    return 0
