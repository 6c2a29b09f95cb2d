# The frame API's listener and transport. Public: compiled listeners of users run on them.

from aiohttp_ws.ws.engine.connection cimport Connection, Listener
from aiohttp_ws.ws.engine.frame cimport WSFrame
from aiohttp_ws.wire.frames cimport Frame


cdef class WSListener(Listener):
    cpdef on_ws_connected(self, WSTransport transport)
    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame)
    cpdef on_ws_disconnected(self, WSTransport transport)
    cpdef send_user_specific_ping(self, WSTransport transport)
    cpdef is_user_specific_pong(self, WSFrame frame)


cdef class WSTransport(Connection):
    cdef:
        bint pong_expected      # by the keepalive
        bint disconnect_on_exception
        bint listens_in_python  # on_ws_frame is a Python function
        bint ends_at_close      # nothing is left to do once the peer's close frame has come
        readonly object request
        readonly object response
        object logger
        object failure          # what wait_disconnected() raises
        object ended_future

    cpdef notify_user_specific_pong_received(self)

    cdef object inflate(self, Frame *frame)
    cdef int callback_failed(self, str callback, object exc) except -1


# Named after all that a user's module is compiled against: tests/cython/test_layout.py says what
# it is to be called. Cython looks for it when such a module is imported, so that one compiled
# against other declarations gets an ImportError, where a wrong vtable would crash.
cdef int layout_a1b0268f
