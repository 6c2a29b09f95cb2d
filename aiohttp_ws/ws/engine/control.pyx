"""Control frames: pings, pongs and the contents of close frames (RFC 6455 5.5)."""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t

from aiohttp_ws.wire.closing cimport NO_STATUS
from aiohttp_ws.wire.frames cimport FIN, OP_PING, OP_PONG
from aiohttp_ws.ws.engine.send_frames cimport check_thread, is_open
from aiohttp_ws.ws.close_codes cimport sendable_close_code

from aiohttp_ws.errors import ClientConnectionResetError
from aiohttp_ws.errors.faults import FaultKind, ProtocolFault

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()


cdef class FrameControl(FrameSender):
    """Base of :class:`Connection`: answers pings, and matches pongs with awaited pings."""

    @property
    def _last_heard(self):
        return self.last_heard

    @property
    def _unanswered_pings(self):
        return 0 if self.pings is None else len(self.pings)

    cdef int take_ping(self, Frame *frame) except -1:
        if not is_open(self):
            return 0
        if self.writing_paused:
            # RFC 6455 5.5.3: only the latest ping needs its pong. A peer that pings and
            # does not read must not grow our output.
            self.pending_pong = PyBytes_FromStringAndSize(<char *>frame.payload, frame.size)
            return 0
        return self.put(FIN | OP_PONG, frame.payload, frame.size, None)

    cdef bint take_pong(self, Frame *frame) except -1:
        """Match a pong with its ping; return whether that was all that it is good for.

        It answers the pings before its own too: a peer may answer only the latest (5.5.3).
        """
        cdef double now
        if self.pings is None:
            return not self.shows_pongs
        answered = PyBytes_FromStringAndSize(<char *>frame.payload, frame.size)
        if answered not in self.pings:
            return not self.shows_pongs
        now = aws_monotonic()
        for payload in list(self.pings):
            future, sent = self.pings.pop(payload)
            if not future.done():
                future.set_result(now - <double>sent)
            if payload == answered:
                self.latency = now - <double>sent
                break
        if not self.pings:
            self.pings = None
        return True

    cdef object await_pong(self, bytes payload):
        """Send a ping now; return the future of its pong, whose result is the latency in seconds.

        :param payload: what tells it from others; ``None`` makes one up.
        """
        if self.pings is None:
            self.pings = {}
        if payload is None:
            payload = os.urandom(4)
            while payload in self.pings:
                payload = os.urandom(4)
        future = self.resources.loop.create_future()
        self.pings[payload] = (future, aws_monotonic())
        self.put(
            FIN | OP_PING,
            <const uint8_t *>PyBytes_AS_STRING(payload),
            PyBytes_GET_SIZE(payload),
            payload,
        )
        if not self.in_batch:
            self.flush()
        return future

    cdef int end_pings(self, object exc) except -1:
        """No pong can come any more: what waits for one gets *exc*."""
        pings, self.pings = self.pings, None
        if pings is not None:
            for future, _ in pings.values():
                if not future.done():
                    future.set_exception(exc)
                    future.exception()  # nobody has to ask for it
        return 0

    cdef object read_close(self, Frame *frame):
        """Note what the peer's close frame says; return the fault if it may not (RFC 6455 7.4)."""
        cdef int code = NO_STATUS
        reason = None
        if frame.size >= 2:
            code = frame.payload[0] << 8 | frame.payload[1]
            if not sendable_close_code(code):
                return ProtocolFault(FaultKind.CLOSE_CODE, code)
            if frame.size > 2:
                try:
                    reason = PyUnicode_DecodeUTF8(
                        <char *>frame.payload + 2, frame.size - 2, NULL
                    )
                except UnicodeDecodeError:
                    return ProtocolFault(FaultKind.REASON)
        self.closing.received = code
        self.received_reason = reason
        return None

    async def measure_roundtrip_time(self, int rounds):
        """Ping *rounds* times, one after another; return how long each pong took, in seconds.

        :raises ConnectionResetError: the connection was lost meanwhile.
        :raises RuntimeError: it is measuring already.
        """
        times = []
        payload = None
        check_thread(self)
        if self.measuring:
            raise RuntimeError("measure_roundtrip_time() is running already")
        self.measuring = True
        try:
            for _ in range(rounds):
                if not is_open(self):
                    raise ClientConnectionResetError("the connection is closed")
                payload = os.urandom(8)
                times.append(await self.await_pong(payload))
        finally:
            self.measuring = False
            if self.pings is not None:
                self.pings.pop(payload, None)
        return times
