"""Control frames at the frame height: pings and pongs, and what the closing handshake said."""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t
from libc.string cimport memcmp

from aiohttp_ws.wire.frames cimport FIN, OP_CLOSE, OP_PING, OP_PONG
from aiohttp_ws.ws.close_codes cimport sendable_close_code
from aiohttp_ws.ws.engine.frame cimport WSCloseHandshake, make_close_info

from aiohttp_ws.errors import WSProtocolError
from aiohttp_ws.ws.close_codes import named_close_code

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()


cdef class FrameControl(FrameSender):
    """Base of :class:`WSTransport`."""

    @property
    def _last_heard(self):
        return self.last_heard

    cdef bint take_control(self, Frame *frame) except -1:
        """Do what a control frame asks for; return whether that was all."""
        if frame.opcode == OP_CLOSE:
            self.take_close(frame)
            return False
        if frame.opcode == OP_PING:
            if not self.auto_pong:
                return False
            if self.is_close_frame_sent or self.is_disconnected:
                return True
            if self.writing_paused:
                # RFC 6455 5.5.3: only the latest ping needs its pong. A peer that pings and
                # does not read must not grow our output.
                self.pending_pong = PyBytes_FromStringAndSize(<char *>frame.payload, frame.size)
            else:
                self.put(FIN | OP_PONG, frame.payload, frame.size, None)
            return True
        if (
            self.pong_payload is not None
            and frame.size == PyBytes_GET_SIZE(self.pong_payload)
            and memcmp(frame.payload, PyBytes_AS_STRING(self.pong_payload), frame.size) == 0
        ):
            self.pong_payload = None
            if not self.pong_future.done():
                self.pong_future.set_result(aws_monotonic())
            return True
        return False

    cdef int take_close(self, Frame *frame) except -1:
        """Note the peer's close frame; refuse what may not stand in one (RFC 6455 7.4)."""
        cdef int code = 0
        reason = None
        if frame.size >= 2:
            code = frame.payload[0] << 8 | frame.payload[1]
            if not sendable_close_code(code):
                raise WSProtocolError(
                    named_close_code(1002), f"close frame with the code {code}, which is never sent"
                )
            try:
                if frame.size > 2:
                    reason = PyUnicode_DecodeUTF8(<char *>frame.payload + 2, frame.size - 2, NULL)
            except UnicodeDecodeError:
                raise WSProtocolError(
                    named_close_code(1007), "close frame with a reason that is not UTF-8"
                ) from None
        if self.close_handshake is None:
            self.close_handshake = WSCloseHandshake.__new__(WSCloseHandshake)
            self.close_handshake.recv_then_sent = True
        self.close_handshake.recv = make_close_info(code, reason)
        return 0

    async def measure_roundtrip_time(self, int rounds):
        """Ping *rounds* times, one after another; return how long each pong took, in seconds.

        :raises ConnectionResetError: the connection was lost meanwhile.
        :raises RuntimeError: it is measuring already.
        """
        cdef double sent
        times = []
        self.check_thread()
        if self.pong_future is not None:
            raise RuntimeError("measure_roundtrip_time() is running already")
        try:
            for _ in range(rounds):
                if self.is_disconnected or self.is_close_frame_sent:
                    raise ConnectionResetError("the connection is closed")
                self.pong_future = self.resources.loop.create_future()
                self.pong_payload = os.urandom(8)
                sent = aws_monotonic()
                self.put(
                    FIN | OP_PING, <const uint8_t *>PyBytes_AS_STRING(self.pong_payload), 8, None
                )
                self.flush()
                times.append(await self.pong_future - sent)
        finally:
            self.pong_payload = self.pong_future = None
        return times

    cpdef notify_user_specific_pong_received(self):
        """Tell the automatic ping that its answer has come.

        For listeners that learn so only in ``on_ws_frame``. Does nothing when no answer is
        expected.
        """
        self.check_thread()
        if self.pong_expected:
            self.pong_expected = False
            if self.auto_ping is not None:
                self.auto_ping.answered()
