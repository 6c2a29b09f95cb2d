# The compression contexts of one connection, and the pool that bounds how many are live.

from libc.stdint cimport uint8_t


cdef class ContextPool:
    cdef:
        public Py_ssize_t limit
        list live
        long long uses          # the time, as this pool counts it
        long long last_look

    cdef int add(self, Context context) except -1
    cdef Context least_used(self)
    cdef int remove(self, Context context) except -1


cdef class Context:
    cdef:
        object zlib_object      # compressobj or decompressobj; None while there is no context
        ContextPool pool
        Py_ssize_t slot         # in the pool's list, -1 when not there
        long long last_use      # by the pool's count
        bint takeover
        bint in_message
        int window_bits
        # What was last said, as far as it is of use: a buffer while the context is live, bytes
        # while it is parked.
        uint8_t *recent
        Py_ssize_t recent_used, recent_capacity, keep
        bytes parked

    cdef int remember(self, const uint8_t *data, Py_ssize_t size) except -1
    cdef int came_alive(self, object zlib_object) except -1
    cdef int gone(self) except -1
    cdef int park(self) except -1


cdef class MessageDeflater(Context):
    cdef int level, mem_level

    cdef bytes compress_memory(self, const uint8_t *data, Py_ssize_t size, bint fin)


cdef class MessageInflater(Context):
    cdef bytes inflate_memory(self, const uint8_t *data, Py_ssize_t size, bint fin, Py_ssize_t max_size)
    cdef bytes _inflate(self, object data, Py_ssize_t tail, bint fin, Py_ssize_t max_size)
    cdef bytes _next_streams(self, bytes out, object view, Py_ssize_t room)
