# A live WebSocket connection at the frame height. Public: compiled listeners of users run on it.

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.frames cimport Frame, FrameReader
from aiohttp_ws.ws.loop cimport Flushable, LoopResources


cdef class WSFrame:
    """A frame as a listener sees it; it borrows the receive buffer."""
    cdef:
        uint8_t *payload_ptr
        Py_ssize_t payload_size
        readonly object msg_type
        uint8_t flags


cdef class WSListener:
    cpdef on_ws_connected(self, WSTransport transport)
    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame)
    cpdef on_ws_disconnected(self, WSTransport transport)
    cpdef pause_writing(self)
    cpdef resume_writing(self)
    # The compiled route past Python: what the engine itself calls.
    cdef int deliver(self, WSTransport transport, Frame *frame) except -1
    cdef int batch_end(self, WSTransport transport) except -1
    cdef int broken(self, WSTransport transport, int code, object reason) except -1
    cdef int lost(self, WSTransport transport, object exc) except -1
    cdef int user_error(self, WSTransport transport, object exc) except -1


cdef class WSTransport(Flushable):
    cdef:
        readonly object underlying_transport
        readonly WSListener listener
        readonly FrameReader reader
        readonly bint is_client_side
        readonly bint is_close_frame_sent
        readonly bint writing_paused
        readonly bint is_disconnected
        readonly bint close_requested
        LoopResources resources
        object write
        int fd                  # for writing straight to the socket; -1 for not
        bint backlogged         # underlying_transport holds bytes of ours
        bint in_batch           # a read is being handled: its end flushes
        bint receiving          # frames are still wanted
        bint reading_paused
        bytes held              # received, but not to be handled before reading resumes
        uint8_t *out
        Py_ssize_t out_used
        Py_ssize_t out_capacity
        object lost_callback

    cdef int attach(self, object transport, LoopResources resources) except -1
    cdef int feed(self, bytes data) except -1
    cdef int handle(self) except -1
    cdef int put(self, uint8_t first, const uint8_t *payload, Py_ssize_t size, object owner) except -1
    cdef uint8_t *reserve(self, Py_ssize_t size) except NULL
    cdef int flush(self) except -1
    cdef int flush_with(self, const uint8_t *payload, Py_ssize_t size, object owner) except -1
    cdef int put_close(self, int code, bytes reason) except -1
    cdef int stop_receiving(self) except -1
    cdef int hold_rest(self) except -1
    cdef int pause_reading(self) except -1
    cdef int resume_reading(self) except -1
