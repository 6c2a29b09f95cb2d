from cpython.buffer cimport Py_buffer
from libc.stdint cimport int64_t

from aiohttp_ws.wire.http1_head cimport MessageHead, RequestHead, ResponseHead, http1_scan


cdef enum State:
    HEAD
    LENGTH_BODY
    CHUNK_LINE
    CHUNK_DATA
    CHUNK_END
    TRAILERS
    BODY_UNTIL_CLOSE
    MESSAGE_END
    PAUSED
    CLOSED
    FAILED


cdef class MessageParser:
    cdef http1_scan _scan
    cdef State _state
    cdef int _kind
    # Unparsed input is [_at, _end): in the tail when there is one, else in what was fed last.
    cdef const char *_at
    cdef const char *_end
    cdef char *_tail
    cdef Py_ssize_t _tail_capacity
    cdef Py_ssize_t _searched  # bytes from _at on that hold no line end to act on
    cdef Py_buffer _fed
    cdef bint _holds_fed
    # The message in progress.
    cdef bint _upgrade
    cdef bint _keep_alive
    cdef int _blank_lines
    cdef int64_t _remaining
    cdef size_t _extension_bytes
    cdef list _chunk_ends
    cdef object _trailers
    cdef tuple _failure

    # The memory must stay as it is until next_event() returns None or raises, or keep_rest().
    cdef int feed_ptr(self, const char *data, Py_ssize_t size) except -1
    cpdef object next_event(self)
    cpdef object feed_eof(self)
    cpdef int keep_rest(self) except -1

    cdef int _append(self, const char *data, Py_ssize_t size) except -1
    cdef void _release_fed(self) noexcept
    cdef void _release(self) noexcept
    cdef object _need_more(self)
    cdef int _scan_section(self)
    cdef int _skip_blank_lines(self)
    cdef object _next_head(self)
    cdef MessageHead _make_head(self)
    cdef void _begin_body(self, MessageHead head) noexcept
    cdef void _end_message(self) noexcept
    cdef object _length_piece(self)
    cdef object _chunked_piece(self)
    cdef bytes _gather_chunks(self)
    cdef int _advance_chunk(self)
    cdef int _read_chunk_line(self)
    cdef object _finish_trailers(self)
    cdef int _error(self, int error, size_t at, size_t size)
    cdef object _fail(self)
    cdef object _fail_with(self, object kind, str message, int status)
    cdef object _fail_as(self, tuple failure)


cdef class RequestParser(MessageParser):
    pass


cdef class ResponseParser(MessageParser):
    cdef str _method


cdef object END
