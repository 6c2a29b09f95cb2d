"""The sending end of a connection: bytes in, system calls out.

What is written while a read is handled leaves in one system call at its end, and what is
written outside a read at the end of the event loop's iteration. Where latency counts, in the frame
API and in HTTP, the first piece outside a read leaves at once, since nothing else may follow; only
what follows it within :data:`BURST` waits, so that a run of sends is few system calls.
"""

import sys

from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

cdef extern from "aiohttp_ws/net/socket_write.h" nogil:
    long aws_send(int fd, const uint8_t *a, size_t na, const uint8_t *b, size_t nb)

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()

cdef enum:
    FIRST_OUT = 1024            # bytes; most batches of answers fit
    KEEP_OUT = 4096             # a larger output buffer is given back after the flush
    FLUSH_AT = 65536            # output that does not wait for the end of the batch

# Whether asyncio's writelines() says when there is too much: CPython 3.12.0 to 3.12.8, 3.13.0 and
# 3.13.1 forgot pause_writing() there (CVE-2024-12254). Two writes instead would let a listener
# that writes in pause_writing() come between a header and its payload.
cdef bint LINES_PAUSE = not (
    (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2)
)

# Seconds. A loop that sends message after message is back within it, a clock's tick is not.
cdef double BURST = 50e-6


cdef object borrowed(const uint8_t *data, Py_ssize_t size):
    return PyMemoryView_FromMemory(<char *>data, size, 0x100)


cdef class Output(Flushable):
    """What one connection sends: a buffer, and how a batch of it leaves."""

    def __cinit__(self):
        self.fd = -1
        self.is_disconnected = True  # until there is a transport

    def __dealloc__(self):
        free(self.out)

    cdef int write_to(self, object transport) except -1:
        """Write to *transport* from here on; *fd* is for the caller to set."""
        self.lower = transport
        self.write = transport.write
        self.copies = type(transport).__module__.startswith("aiofastnet.")
        self.is_disconnected = False
        return 0

    cdef object show_transport(self):
        """Return the transport for others to use: what was written before leaves first."""
        if self.out_used:
            self.flush()
        self.backlogged = True  # It may be given bytes, and what we send comes after them.
        self.shown = True
        return self.lower

    cdef uint8_t *reserve(self, Py_ssize_t size) except NULL:
        """Return where the next *size* bytes of output go."""
        cdef Py_ssize_t capacity = self.out_capacity
        cdef uint8_t *larger
        if self.out_used + size > capacity:
            capacity = max(capacity * 2, self.out_used + size, FIRST_OUT)
            larger = <uint8_t *>realloc(self.out, capacity)
            if larger == NULL:
                raise MemoryError(f"no memory for {size} bytes of output")
            self.out = larger
            self.out_capacity = capacity
        return self.out + self.out_used

    cdef int put_bytes(self, const uint8_t *data, Py_ssize_t size, object owner) except -1:
        """Write *data*; *owner* keeps it alive (``None``: it is only borrowed)."""
        if size >= DIRECT_FROM:
            return self.flush_with(data, size, owner)
        memcpy(self.reserve(size), data, size)
        self.out_used += size
        return self.leave()

    cdef int end_batch(self) except -1:
        """The read has been handled: send what was written meanwhile."""
        self.in_batch = False
        if self.out_used:
            return self.flush()
        if self.out != NULL:
            return self.give_back()
        return 0

    cdef Py_ssize_t unsent(self) except -1:
        """Return how many bytes wait: here and in the transport."""
        cdef Py_ssize_t waiting = self.out_used
        if self.backlogged or self.fd < 0:
            waiting += <Py_ssize_t>self.lower.get_write_buffer_size()
        return waiting

    cdef int leave(self) except -1:
        """Decide when the output leaves; see the module's docstring."""
        cdef double now
        if self.out_used >= FLUSH_AT:
            return self.flush()
        if self.in_batch or self.dirty:
            return 0
        if not self.prompt:
            return self.resources.flush_later(self)
        now = aws_monotonic()
        if now - self.wrote_at < BURST:
            self.resources.flush_later(self)
        else:
            self.flush()
        self.wrote_at = now
        return 0

    cdef int flush(self) except -1:
        if self.out_used:
            self.flush_with(NULL, 0, None)
        return 0

    cdef int flush_with(self, const uint8_t *payload, Py_ssize_t size, object owner) except -1:
        """Send the output and *payload* after it in one system call."""
        cdef Py_ssize_t used = self.out_used
        cdef Py_ssize_t sent = 0
        self.dirty = False
        self.out_used = 0
        if self.shown and self.lower is not None and self.lower.is_closing():
            # By whom it was shown to: nothing more is sent, and its descriptor may be another's.
            self.fd = -1
        if self.fd >= 0:
            if self.backlogged and self.lower.get_write_buffer_size() == 0:
                self.backlogged = False
            if not self.backlogged:
                if used:
                    sent = aws_send(self.fd, self.out, used, payload, size)
                else:
                    sent = aws_send(self.fd, payload, size, NULL, 0)
                if sent < 0:
                    sent = 0
        if sent < used + size and not self.is_disconnected:
            self.hand_over(used, sent, payload, size, owner)
        if self.out_used == 0 and (self.out_capacity > KEEP_OUT or not self.in_batch):
            self.give_back()
        return 0

    cdef int give_back(self) except -1:
        """An idle connection owns no buffer."""
        free(self.out)
        self.out = NULL
        self.out_capacity = 0
        return 0

    cdef int end_tcp(self, bint graceful) except -1:
        """Let the transport close: after what is buffered, or at once."""
        if graceful:
            self.flush()
        # A transport that closes may give its descriptor back before it says so.
        self.fd = -1
        if graceful:
            self.lower.close()
        else:
            self.lower.abort()
        return 0

    cdef int hand_over(
        self, Py_ssize_t used, Py_ssize_t sent, const uint8_t *payload, Py_ssize_t size,
        object owner,
    ) except -1:
        """Let the transport take what is left after *sent* bytes, as one piece.

        It meets the socket's error if there is one; one that encrypts makes one record of it.
        """
        cdef Py_ssize_t n = max(used - sent, 0)
        cdef Py_ssize_t skip = max(sent - used, 0)
        cdef bytes rest
        cdef char *place
        self.backlogged = True
        # The transport may call pause_writing(), where a listener may write: that comes later.
        if self.copies:
            if n and size:
                self.lower.writelines(
                    (borrowed(self.out + sent, n), borrowed(payload, size))
                )
            elif n:
                self.write(borrowed(self.out + sent, n))
            else:
                self.write(borrowed(payload + skip, size - skip))
            return 0
        if (
            PyBytes_CheckExact(owner)
            and PyBytes_GET_SIZE(owner) == size
            and size >= DIRECT_FROM
            and (n == 0 or LINES_PAUSE)
        ):
            # It cannot change: the transport may keep it, and need not copy it.
            tail = owner if skip == 0 else memoryview(owner)[skip:]
            if n:
                self.lower.writelines(
                    (PyBytes_FromStringAndSize(<char *>self.out + sent, n), tail)
                )
            else:
                self.write(tail)
            return 0
        rest = PyBytes_FromStringAndSize(NULL, n + size - skip)
        place = PyBytes_AS_STRING(rest)
        if n:
            memcpy(place, self.out + sent, n)
        if size > skip:
            memcpy(place + n, payload + skip, size - skip)
        self.write(rest)
        return 0
