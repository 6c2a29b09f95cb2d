# A live WebSocket connection at the frame height. Public: compiled listeners of users run on it.

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.contexts cimport MessageInflater
from aiohttp_ws.wire.frames cimport Frame, FrameReader
from aiohttp_ws.ws.engine.frame cimport WSFrame
from aiohttp_ws.ws.engine.control cimport FrameControl
from aiohttp_ws.net.loop cimport LoopResources


cdef class WSListener:
    cdef object __weakref__

    cpdef on_ws_connected(self, WSTransport transport)
    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame)
    cpdef on_ws_disconnected(self, WSTransport transport)
    cpdef send_user_specific_ping(self, WSTransport transport)
    cpdef is_user_specific_pong(self, WSFrame frame)
    cpdef pause_writing(self)
    cpdef resume_writing(self)
    # The compiled route past Python: what the engine itself calls.
    cdef int deliver(self, WSTransport transport, Frame *frame) except -1
    cdef int batch_end(self, WSTransport transport) except -1
    cdef int broken(self, WSTransport transport, int code, object reason) except -1
    cdef int lost(self, WSTransport transport, object exc) except -1
    cdef int user_error(self, WSTransport transport, object exc) except -1


cdef class WSTransport(FrameControl):
    cdef:
        object __weakref__
        readonly WSListener listener
        readonly FrameReader reader
        bint reading_paused
        bytes held              # received, but not to be handled before reading resumes
        object lost_callback
        # The frame height only.
        bint disconnect_on_exception
        bint listens_in_python  # on_ws_frame is a Python function
        bint ends_at_close      # nothing is left to do once the peer's close frame has come
        readonly object request
        readonly object response
        object logger
        object failure          # what wait_disconnected() raises
        object ended_future
        object abort_timer
        MessageInflater inflater

    cdef int attach(self, object transport, LoopResources resources) except -1
    cdef int feed(self, bytes data) except -1
    cdef int handle(self) except -1
    cdef int stop_receiving(self) except -1
    cdef int hold_rest(self) except -1
    cdef int pause_reading(self) except -1
    cdef int resume_reading(self) except -1
    cdef int linger(self) except -1

    cdef object inflate(self, Frame *frame)
    cdef int fail(self, int code, object reason) except -1
    cdef int callback_failed(self, str callback, object exc) except -1
    cdef int callback_aborted(self, object exc) except -1


# Named after all that a user's module is compiled against: tests/cython/test_layout.py says what
# it is to be called. Cython looks for it when such a module is imported, so that one compiled
# against other declarations gets an ImportError, where a wrong vtable would crash.
cdef int layout_51e042ee
