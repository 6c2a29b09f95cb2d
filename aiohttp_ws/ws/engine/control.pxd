# Control frames at the frame height.

from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.ws.engine.send_frames cimport FrameSender


cdef class FrameControl(FrameSender):
    cdef:
        readonly bint writing_paused
        bint auto_pong
        bint pong_expected      # by the automatic ping
        double last_heard       # counted for the automatic ping only
        object auto_ping
        object pong_future      # of measure_roundtrip_time()
        bytes pong_payload
        bytes pending_pong      # for when there is room to write again

    cpdef notify_user_specific_pong_received(self)

    cdef bint take_control(self, Frame *frame) except -1
    cdef int take_close(self, Frame *frame) except -1
