"""A transport as an HTTP connection uses it: back-pressure, one timer.

The timer is not moved for each request: when it fires, it looks
whether the deadline has moved on.
"""

import asyncio
import socket

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t

from aiohttp_ws.net.loop cimport plain_socket

from aiohttp_ws.errors import ClientConnectionResetError

cdef extern from "aiohttp_ws/net/awaitables.h":
    double aws_monotonic()


cdef class Link(Output):
    """Base of :class:`HTTPConnection`."""

    def __cinit__(self):
        self.prompt = True

    cdef int attach(self, object transport, bint tcp_keepalive) except -1:
        """Begin to use *transport*."""
        self.write_to(transport)
        self.peername = transport.get_extra_info("peername")
        sock = plain_socket(transport)
        if sock is not None:
            self.fd = sock.fileno()
            if tcp_keepalive and sock.family in (socket.AF_INET, socket.AF_INET6):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return 0

    cdef int let_go(self) except -1:
        """The connection is lost; wake the waiters."""
        if self.lower is not None:
            # Python 3.10 takes a TLS transport for forgotten that its peer closed and we did not.
            self.lower.close()
        self.lower = self.write = None
        self.is_disconnected = True
        self.fd = -1
        self.out_used = 0
        self.give_back()
        self.writing_paused = False
        self.stop_timer()
        waiter, self.drain_waiter = self.drain_waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(ClientConnectionResetError("Cannot write to closing transport"))
            # Its waiter may have been cancelled: nobody need retrieve the exception.
            waiter.exception()
        return 0

    @property
    def transport(self):
        """The transport, ``None`` when the connection is lost; earlier output leaves first."""
        return self.show_transport()

    @property
    def connected(self):
        """Whether the client is still there, as far as we know."""
        return self.lower is not None

    # ---------------------------------------------------------------------- back-pressure

    def pause_reading(self):
        """Read no more from the socket; a body's reader asks for it."""
        if not self.reading_paused and self.lower is not None and not self.lower.is_closing():
            self.reading_paused = True
            # The client is not slow when we do not listen.
            self.deadline = 0
            self.lower.pause_reading()

    def resume_reading(self):
        """Read from the socket again."""
        if self.reading_paused:
            self.reading_paused = False
            if self.lower is not None and not self.lower.is_closing():
                self.lower.resume_reading()

    def pause_writing(self):
        self.writing_paused = True

    def resume_writing(self):
        self.writing_paused = False
        waiter, self.drain_waiter = self.drain_waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _drain(self):
        """Wait until the transport is below its high-water mark."""
        if self.writing_paused:
            if self.drain_waiter is None:
                self.drain_waiter = self.loop.create_future()
            # Shared by all who wait: cancelling one must not cancel the others.
            await asyncio.shield(self.drain_waiter)

    # -------------------------------------------------------------------------- writing

    cdef int put(self, bytes data) except -1:
        """Write *data*: now, or together with the rest of the batch."""
        return self.put_bytes(
            <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), data
        )

    # ------------------------------------------------------------------------ the clock

    cdef int set_deadline(self, double seconds) except -1:
        """Let :meth:`expire` be called in *seconds*; 0 for never."""
        cdef double now
        if seconds <= 0:
            self.deadline = 0
            return 0
        now = aws_monotonic()
        self.deadline = now + seconds
        if self.timer is None:
            self.arm_timer(now)
        elif self.deadline < self.timer_at:
            self.timer.cancel()
            self.arm_timer(now)
        return 0

    cdef int arm_timer(self, double now) except -1:
        self.timer_at = self.deadline
        self.timer = self.loop.call_later(max(self.deadline - now, 0.001), self.look_at_clock)
        return 0

    cdef int stop_timer(self) except -1:
        self.deadline = 0
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        return 0

    def look_at_clock(self):
        cdef double now
        self.timer = None
        if self.deadline == 0:
            return
        now = aws_monotonic()
        if now < self.deadline - 0.001:
            self.arm_timer(now)
        else:
            self.deadline = 0
            self.expire()

    cdef int expire(self) except -1:
        """The deadline has passed."""
        return 0
