"""What the connections of one event loop share."""

import os
import threading

from libc.string cimport memcpy

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()

cdef object per_thread = threading.local()


cdef class Flushable:
    cdef int flush(self) except -1:
        return 0


cdef class LoopResources:
    """One event loop's receive buffer, masking keys and list of unflushed output.

    All connections of a loop read into :attr:`receive_buffer`, one after another: a read
    is parsed before the loop polls again, so that an idle connection owns no buffer.
    """

    def __cinit__(self, loop):
        self.loop = loop
        self.call_soon = loop.call_soon
        cdef bytearray storage = bytearray(RECEIVE_BUFFER)
        self.receive_ptr = storage
        # A view, since asyncio's TLS reads into slices of what get_buffer() returns: a slice of
        # a bytearray is a copy, and what was read into it would be lost.
        self.receive_buffer = memoryview(storage)
        self.keys_used = KEY_POOL
        self.dirty = []
        self.spare = SpareBuffers()
        self.flush_callback = self.flush_dirty
        self.thread_id = PyThread_get_thread_ident()

    cdef bint in_thread(self) noexcept:
        """Whether the caller is in the thread of the loop."""
        return PyThread_get_thread_ident() == self.thread_id

    cdef int masking_key(self, uint8_t *key) except -1:
        """Fill *key* with 4 bytes that nobody can predict (RFC 6455 5.3)."""
        cdef const uint8_t *pool
        if self.keys_used + 4 > KEY_POOL:
            fresh = os.urandom(KEY_POOL)
            pool = <const uint8_t *><const char *>fresh
            memcpy(self.keys, pool, KEY_POOL)
            self.keys_used = 0
        memcpy(key, self.keys + self.keys_used, 4)
        self.keys_used += 4
        return 0

    cdef int flush_later(self, Flushable item) except -1:
        """Flush *item* before the loop polls again."""
        if not item.dirty:
            item.dirty = True
            self.dirty.append(item)
            if not self.flush_scheduled:
                self.flush_scheduled = True
                self.call_soon(self.flush_callback)
        return 0

    def flush_dirty(self):
        """Send what connections wrote outside their own read, one system call each."""
        cdef Flushable item
        waiting, self.dirty = self.dirty, []
        self.flush_scheduled = False
        for item in waiting:
            if item.dirty:
                item.dirty = False
                item.flush()


cdef object plain_socket(object transport):
    """Return the socket that may be written to past *transport*, ``None`` where none may.

    Only transports that write to their socket at once where they can, as we do, and none
    that encrypts.
    """
    if transport.is_closing():
        return None  # its descriptor may be another's by now
    if transport.get_extra_info("sslcontext") is not None:
        return None
    if type(transport).__module__ not in (
        "asyncio.selector_events",
        "uvloop.loop",
        "aiofastnet.selector_transport",
    ):
        return None
    return transport.get_extra_info("socket")


cpdef LoopResources resources_of(object loop):
    """Return the resources of *loop*, made when its thread first asks."""
    cdef LoopResources found = getattr(per_thread, "resources", None)
    if found is None or found.loop is not loop:
        found = LoopResources(loop)
        per_thread.resources = found
    return found
