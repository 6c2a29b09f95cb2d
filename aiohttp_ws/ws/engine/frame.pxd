# What a frame listener sees of a connection. Public: compiled listeners of users run on it.

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.ws.types cimport WSMsgType


cdef class WSFrame:
    """A frame as a listener sees it; it borrows the receive buffer."""
    cdef:
        char *payload_ptr           # NULL once on_ws_frame has returned
        readonly Py_ssize_t payload_size
        readonly Py_ssize_t tail_size
        WSMsgType msg_type          # from Python: the member of the enumeration
        readonly bint fin
        readonly bint rsv1
        readonly bint rsv2
        readonly bint rsv3
        readonly bint last_in_buffer
        object owner                # what holds the payload, when that is not the buffer

    cpdef bytes get_payload_as_bytes(self)
    cpdef str get_payload_as_utf8_text(self)
    cpdef str get_payload_as_ascii_text(self)
    cpdef object get_payload_as_memoryview(self)
    cpdef object get_close_code(self)
    cpdef bytes get_close_message(self)
    cpdef str get_close_reason(self)


cdef WSFrame make_frame(Frame *frame)


cdef class WSCloseInfo:
    cdef:
        readonly object code
        readonly str reason


cdef class WSCloseHandshake:
    cdef:
        readonly WSCloseInfo recv
        readonly WSCloseInfo sent
        readonly bint recv_then_sent


cdef WSCloseHandshake make_close_handshake(
    int received, str received_reason, int sent, str sent_reason, bint peer_first
)
