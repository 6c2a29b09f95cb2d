# A live connection. Public: compiled listeners of users run on it.

from libc.stdint cimport uint8_t

from aiohttp_ws.net.loop cimport LoopResources
from aiohttp_ws.wire.closing cimport Event
from aiohttp_ws.wire.contexts cimport MessageInflater
from aiohttp_ws.wire.frames cimport Frame, FrameReader
from aiohttp_ws.ws.engine.control cimport FrameControl


# When a close frame of the peer's is answered.
cdef enum Answers:
    AT_ONCE
    AFTER_MESSAGES      # when the application has taken those that came before it
    BY_LISTENER


cdef class Listener:
    """What a connection tells of what comes in, and of how it ends."""
    cdef object __weakref__

    cdef int deliver(self, Connection connection, Frame *frame) except -1
    cdef int batch_end(self, Connection connection) except -1
    cdef int left_open(self, Connection connection) except -1
    cdef int ended(self, Connection connection) except -1
    cdef int lost(self, Connection connection, object exc) except -1
    cdef int faulted(self, Connection connection, object fault) except -1
    cdef int code_failed(self, Connection connection, object exc) except -1
    cdef bint has_unread(self)
    cdef object closed_error(self)
    cdef bint ping_due(self, Connection connection, bint again) except -1
    cdef int unanswered(self, Connection connection, double seconds) except -1
    cpdef pause_writing(self)
    cpdef resume_writing(self)


cdef class Connection(FrameControl):
    cdef:
        object __weakref__
        readonly Listener listener
        readonly FrameReader reader
        MessageInflater inflater
        # policies
        uint8_t answers             # of Answers
        uint8_t shows_close            # the listener is given the peer's close frame
        uint8_t leaves_tcp             # who ends TCP after the closing handshake is the listener
        readonly double close_timeout   # seconds; 0 for no limit
        # receiving
        readonly bint reading_paused
        uint8_t resumed                # since the keepalive last looked
        uint8_t leftovers              # the connection is lost, what came before is not all delivered
        bytes held                  # received, but not to be handled before reading resumes
        # ending
        object fault                # why we fail the connection: it has a code and a reason
        object end_exc              # why it was lost, where that is an exception
        object lost_callback
        object answer_timer
        object close_timer
        list drain_waiters
        list end_waiters            # of the closing handshake
        list lost_waiters           # of TCP
        uint8_t refusals            # whether an operation has met the end before

    cdef int attach(self, object transport, LoopResources resources) except -1
    cdef int use_deflate(self, object params, object options) except -1
    cdef int feed(self, bytes data) except -1
    cdef int handle(self) except -1
    cdef bint take_control(self, Frame *frame) except -1
    cdef int hold_rest(self) except -1
    cdef int stop_input(self) except -1
    cdef int pause_reading(self) except -1
    cdef int resume_reading(self) except -1

    cdef int advance(self, Event event) except -1
    cdef int fail(self, object fault) except -1
    cdef int answer(self) except -1
    cdef int finish(self) except -1
    cdef int close_tcp(self) except -1
    cdef int linger(self) except -1
    cdef int cut_later(self, double seconds) except -1
    cdef int wake_senders(self) except -1
    cdef int take_leftovers(self) except -1
    cdef int forget_listener(self) except -1
