# Control frames: answered by the engine before a listener hears of them.

from libc.stdint cimport uint8_t

from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.ws.engine.send_frames cimport FrameSender


cdef class FrameControl(FrameSender):
    cdef:
        readonly bint writing_paused
        uint8_t auto_pong              # pings are answered here, and the listener need not know
        uint8_t shows_pongs            # the listener hears of pongs too
        double last_heard           # counted for the keepalive only
        readonly double latency     # seconds, of the last ping that was answered
        object keepalive            # a Keepalive, or None
        uint8_t measuring              # measure_roundtrip_time() is running
        dict pings                  # payload: (future, when it was sent), of awaited pings
        bytes pending_pong          # for when there is room to write again

    cdef int take_ping(self, Frame *frame) except -1
    cdef bint take_pong(self, Frame *frame) except -1
    cdef object read_close(self, Frame *frame)
    cdef object await_pong(self, bytes payload)
    cdef int end_pings(self, object exc) except -1
