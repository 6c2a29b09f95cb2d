"""HTTP/1.1 on bytes alone (RFC 9112): parsers of requests and responses, and the serialiser.

Strict: whatever two parsers could read differently is refused. A parser of responses may be told
to be lenient with what old servers send and nobody reads differently.

A parser reads the caller's memory in place. What it returns are copies, and when it asks
for more bytes it keeps only an incomplete line, head or trailer section in a tail of its
own, which is given back once it is used: a parser between messages owns no buffer. No byte
is searched for a line end twice, so bytes that come one at a time cost no more than linear
time.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memchr, memcpy, memmove

from multidict import CIMultiDict, CIMultiDictProxy

from aiohttp_ws.errors import BadHttpMessage, ContentLengthError, TransferEncodingError
from aiohttp_ws.wire.serialise import (
    LAST_CHUNK,
    encode_chunk,
    encode_last_chunk,
    serialise_request_head,
    serialise_response,
    serialise_response_head,
)

from aiohttp_ws.wire.http1_faults cimport (
    HTTP1_E_BLANK_LINES,
    HTTP1_E_CHUNK_END,
    HTTP1_E_CHUNK_EXTENSIONS_TOO_LONG,
    HTTP1_E_LINE_END,
    HTTP1_E_TRAILER,
    MAX_BLANK_LINES,
    MAX_EXTENSION_BYTES,
    make_fault,
)
from aiohttp_ws.wire.http1_head cimport (
    HTTP1_REQUEST,
    HTTP1_RESPONSE,
    HTTP1_STARTED,
    HTTP1_TRAILERS,
    http1_field,
    http1_scan_chunk,
    http1_scan_head,
    http1_scan_reset,
    make_headers,
    make_request_head,
    make_response_head,
    sift_trailers,
)

from aiohttp_ws.wire import http1_head as _http1_head

HTTP_10 = _http1_head.HTTP_10
HTTP_11 = _http1_head.HTTP_11
# The pxd already binds these names for Cython; this binds them for Python.
globals().update(
    MessageHead=_http1_head.MessageHead,
    RequestHead=_http1_head.RequestHead,
    ResponseHead=_http1_head.ResponseHead,
)

cdef object NO_TRAILERS = CIMultiDictProxy(CIMultiDict())

# Pieces of body below GATHER_BELOW bytes are joined while the input holds more of them, up
# to GATHER_TO bytes: a peer that sends one-byte chunks must not buy an event for each.
cdef enum:
    GATHER_BELOW = 4096
    GATHER_TO = 65536
    # A chunk's end costs its reader 40 bytes: so many at a time.
    GATHER_CHUNKS = 1024


@cython.final
cdef class EndOfMessage:
    """The type of :data:`END`."""

    def __repr__(self):
        return "END"


cdef object END = EndOfMessage()
globals()["END"] = END


cdef class MessageParser:
    """What both parsers share; make a :class:`RequestParser` or a :class:`ResponseParser`.

    :param max_line_size: bytes a start line may have, its line end not counted.
    :param max_field_size: bytes a header or trailer field line may have, likewise.
    :param max_headers: fields a head, or a trailer section, may have.

    A parser that raised stays failed: it raises the same error again.
    """

    def __cinit__(self):
        self._state = HEAD
        self._trailers = NO_TRAILERS
        http1_scan_reset(&self._scan)

    def __init__(self, *, max_line_size=8190, max_field_size=8190, max_headers=128):
        if type(self) is MessageParser:
            raise TypeError("make a RequestParser or a ResponseParser")
        for name, limit in (
            ("max_line_size", max_line_size),
            ("max_field_size", max_field_size),
            ("max_headers", max_headers),
        ):
            if not 1 <= limit < 2**31:
                raise ValueError(f"{name}={limit!r} is not between 1 and {2**31 - 1}")
        # Offsets into a head are 32 bits wide.
        if max_line_size + (max_field_size + 2) * max_headers >= 2**31:
            raise ValueError(
                f"max_field_size={max_field_size} with max_headers={max_headers} allows heads"
                " of 2 GiB; lower one of them"
            )
        self._scan.max_line = max_line_size
        self._scan.max_field = max_field_size
        self._scan.max_fields = max_headers

    def __dealloc__(self):
        self._release()
        PyMem_Free(self._scan.fields)

    @property
    def paused(self):
        """Whether parsing waits for :meth:`resume` or :meth:`take_rest` after an upgrade head."""
        return self._state == PAUSED

    @property
    def pending(self):
        """Bytes fed and not yet parsed."""
        return self._end - self._at

    @property
    def in_message(self):
        """Whether a message has begun and not ended (its first byte came, or its body goes on)."""
        return self._state <= MESSAGE_END and (self._state != HEAD or self._end > self._at)

    @property
    def trailers(self):
        """Trailer fields of the last chunked message; complete when ``END`` has come."""
        return self._trailers

    @property
    def chunk_ends(self):
        """Where chunks end in the piece of body returned last: offsets, ``None`` for nowhere."""
        return self._chunk_ends

    # -------------------------------------------------------------------- input

    def feed(self, data, /):
        """Give the parser bytes; it holds on to *data* until the events are drained."""
        cdef Py_buffer view
        if self._at < self._end:
            self.keep_rest()
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
            try:
                self._append(<const char *>view.buf, view.len)
            finally:
                PyBuffer_Release(&view)
            return
        self._release()
        PyObject_GetBuffer(data, &self._fed, PyBUF_SIMPLE)
        self._holds_fed = True
        self._at = <const char *>self._fed.buf
        self._end = self._at + self._fed.len

    def feed_from(self, buffer, Py_ssize_t size, /):
        """Give the parser the first *size* bytes of *buffer*, without holding on to it.

        Before the buffer is used again, call :meth:`keep_rest` unless ``next_event()`` has
        returned ``None`` or raised.
        """
        cdef Py_buffer view
        PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
        try:
            if size > view.len:
                raise ValueError(f"size={size} exceeds the {view.len} bytes of the buffer")
            self.feed_ptr(<const char *>view.buf, size)
        finally:
            PyBuffer_Release(&view)

    cdef int feed_ptr(self, const char *data, Py_ssize_t size) except -1:
        if self._at < self._end:
            self.keep_rest()
            return self._append(data, size)
        self._at = data
        self._end = data + size
        return 0

    cpdef int keep_rest(self) except -1:
        """Copy what is not yet parsed, so that the memory fed last may be reused.

        For a caller that stops draining: ``next_event()`` goes on from the copy.
        """
        cdef Py_ssize_t size = self._end - self._at
        if self._tail == NULL and size:
            self._tail = <char *>PyMem_Realloc(NULL, size)
            if self._tail == NULL:
                raise MemoryError()
            self._tail_capacity = size
            memcpy(self._tail, self._at, size)
            self._at = self._tail
            self._end = self._tail + size
        self._release_fed()
        return 0

    cdef int _append(self, const char *data, Py_ssize_t size) except -1:
        cdef Py_ssize_t rest = self._end - self._at
        cdef char *tail
        if self._tail_capacity - (self._end - self._tail) < size:
            memmove(self._tail, self._at, rest)
            self._at = self._tail
            # At least half is free after every move: bytes move a bounded number of times.
            if rest + size > self._tail_capacity // 2:
                tail = <char *>PyMem_Realloc(self._tail, 2 * (rest + size))
                if tail == NULL:
                    self._end = self._at + rest
                    raise MemoryError()
                self._at = self._tail = tail
                self._tail_capacity = 2 * (rest + size)
            self._end = self._at + rest
        memcpy(<char *>self._end, data, size)
        self._end += size
        return 0

    cdef void _release_fed(self) noexcept:
        if self._holds_fed:
            self._holds_fed = False
            PyBuffer_Release(&self._fed)

    cdef void _release(self) noexcept:
        PyMem_Free(self._tail)
        self._tail = NULL
        self._at = self._end = NULL
        self._searched = 0
        self._release_fed()

    cdef object _need_more(self):
        if self._at == self._end:
            self._release()
        else:
            self.keep_rest()
        return None

    # ------------------------------------------------------------------- events

    cpdef object next_event(self):
        """Return the next head, piece of body or ``END``; ``None`` when more bytes are needed."""
        cdef State state = self._state
        if state == HEAD:
            return self._next_head() if self._at < self._end else self._need_more()
        if state == LENGTH_BODY or state == BODY_UNTIL_CLOSE:
            return self._length_piece()
        if state <= TRAILERS:
            return self._chunked_piece()
        if state == MESSAGE_END:
            self._end_message()
            return END
        if state == FAILED:
            self._release()
            raise self._failure[0](self._failure[1], **self._failure[2])
        if state == CLOSED:
            # RFC 9112 9.6: what follows the last message of a connection is not processed.
            self._release()
            return None
        return self._need_more()

    cpdef object feed_eof(self):
        """Say that the peer closed; call it when ``next_event()`` has returned ``None``.

        :returns: ``END`` when that ends a read-until-close body, else ``None``.
        :raises BadHttpMessage: when the connection ended inside a head.
        :raises ContentLengthError: when it ended inside a body of known length.
        :raises TransferEncodingError: when it ended inside a chunked body.
        """
        cdef State state = self._state
        if state == FAILED:
            return self.next_event()
        if state == BODY_UNTIL_CLOSE or state == MESSAGE_END:
            self._end_message()
            return END
        if state == HEAD and self._end > self._at:
            return self._fail_with(BadHttpMessage, "connection closed inside a head", 400)
        if state == LENGTH_BODY:
            return self._fail_with(
                ContentLengthError,
                f"connection closed {self._remaining} bytes before the end of the body"
                f" (Content-Length: {self._scan.content_length})",
                400,
            )
        if CHUNK_LINE <= state <= TRAILERS:
            return self._fail_with(
                TransferEncodingError, "connection closed inside a chunked body", 400
            )
        return None

    def resume(self):
        """Go on parsing HTTP after an upgrade head, the upgrade being declined."""
        if self._state != PAUSED:
            raise RuntimeError("resume() of a parser that is not paused after an upgrade head")
        self._state = HEAD if self._keep_alive else CLOSED

    def take_rest(self):
        """Return the bytes that followed the upgrade head; the parser is finished."""
        if self._state != PAUSED and self._state != HEAD and self._state != CLOSED:
            raise RuntimeError("take_rest() of a parser inside a message")
        rest = PyBytes_FromStringAndSize(self._at, self._end - self._at)
        self._release()
        self._state = CLOSED
        return rest

    # -------------------------------------------------------------------- heads

    cdef int _scan_section(self):
        """Scan lines that have come to an end since the last call; as http1_scan_head()."""
        cdef Py_ssize_t size = self._end - self._at
        cdef uint32_t limit
        if self._searched:
            limit = self._scan.max_line
            if self._scan.flags & HTTP1_STARTED:
                limit = self._scan.max_field
            if (
                size - <Py_ssize_t>self._scan.pos <= <Py_ssize_t>limit + 1
                and memchr(self._at + self._searched, b"\n", size - self._searched) == NULL
            ):
                self._searched = size
                return 0
        cdef int result = http1_scan_head(&self._scan, self._at, size)
        self._searched = size if result == 0 else 0
        return result

    cdef int _skip_blank_lines(self):
        # RFC 9112 2.2: old clients send a CR LF after the body of a POST, old servers do likewise.
        cdef int size
        while self._at < self._end and (
            self._at[0] == c"\r" or (self._at[0] == c"\n" and self._scan.lenient)
        ):
            size = 1 if self._at[0] == c"\n" else 2
            if self._end - self._at < size:
                return 0
            if self._at[size - 1] != c"\n":
                return self._error(HTTP1_E_LINE_END, 0, 2)
            self._blank_lines += 1
            if self._blank_lines > MAX_BLANK_LINES:
                return self._error(HTTP1_E_BLANK_LINES, 0, 0)
            self._at += size
        return self._at < self._end

    cdef object _next_head(self):
        cdef int result = 1
        if self._at[0] <= c"\r" and self._scan.pos == 0 and (
            self._kind == HTTP1_REQUEST or self._scan.lenient
        ):
            result = self._skip_blank_lines()
        if result == 1:
            result = self._scan_section()
        if result == 0:
            return self._need_more()
        if result < 0:
            return self._fail()
        cdef MessageHead head = self._make_head()
        self._at += self._scan.pos
        self._begin_body(head)
        return head

    cdef MessageHead _make_head(self):
        raise TypeError("make a RequestParser or a ResponseParser")

    cdef void _begin_body(self, MessageHead head) noexcept:
        self._upgrade = head.upgrade
        self._blank_lines = 0
        self._chunk_ends = None
        if not head.has_body:
            self._end_message()
            return
        if head.chunked:
            self._trailers = NO_TRAILERS
            self._extension_bytes = 0
            self._state = CHUNK_LINE
        elif head.content_length >= 0:
            self._remaining = head.content_length
            self._state = LENGTH_BODY
        else:
            self._remaining = -1
            self._state = BODY_UNTIL_CLOSE

    cdef void _end_message(self) noexcept:
        http1_scan_reset(&self._scan)
        self._state = PAUSED if self._upgrade else HEAD if self._keep_alive else CLOSED

    # ------------------------------------------------------------------- bodies

    cdef object _length_piece(self):
        cdef Py_ssize_t size = self._end - self._at
        if size == 0:
            return self._need_more()
        if self._remaining >= 0:
            if size >= self._remaining:
                size = self._remaining
                self._state = MESSAGE_END
            self._remaining -= size
        piece = PyBytes_FromStringAndSize(self._at, size)
        self._at += size
        return piece

    cdef object _chunked_piece(self):
        cdef int result = self._advance_chunk()
        if result == 1 and self._state == TRAILERS:
            result = self._scan_section()
        if result < 0:
            return self._fail()
        if result == 0:
            return self._need_more()
        if self._state == TRAILERS:
            return self._finish_trailers()
        cdef Py_ssize_t size = self._end - self._at
        if self._remaining < size and self._remaining < GATHER_BELOW:
            return self._gather_chunks()
        size = min(size, self._remaining)
        piece = PyBytes_FromStringAndSize(self._at, size)
        self._at += size
        self._remaining -= size
        self._chunk_ends = None if self._remaining else [size]
        return piece

    cdef bytes _gather_chunks(self):
        """Join the chunks that are there; a fault among them is found again by the next call."""
        cdef Py_ssize_t room = min(self._end - self._at, <Py_ssize_t>GATHER_TO)
        cdef bytes gathered = PyBytes_FromStringAndSize(NULL, room)
        cdef char *to = PyBytes_AS_STRING(gathered)
        cdef Py_ssize_t used = 0, size
        cdef list ends = []
        while True:
            size = min(self._end - self._at, room - used, self._remaining)
            memcpy(to + used, self._at, size)
            used += size
            self._at += size
            self._remaining -= size
            if self._remaining == 0:
                ends.append(used)
            if (
                used == room
                or len(ends) == GATHER_CHUNKS
                or self._advance_chunk() != 1
                or self._state != CHUNK_DATA
            ):
                self._chunk_ends = ends or None
                return gathered[:used]

    cdef int _advance_chunk(self):
        """Go on to the next data (state CHUNK_DATA) or to the trailers.

        1: there. 0: more bytes are needed. -1: ``_scan.error``, nothing consumed.
        """
        while True:
            if self._state == CHUNK_DATA:
                if self._remaining:
                    return self._at < self._end
                self._state = CHUNK_END
            if self._state == CHUNK_END:
                # RFC 9112 7.1: exactly CR LF, or the next size is anybody's guess.
                if self._at < self._end and self._at[0] != c"\r":
                    return self._error(HTTP1_E_CHUNK_END, 0, 1)
                if self._end - self._at < 2:
                    return 0
                if self._at[1] != c"\n":
                    return self._error(HTTP1_E_CHUNK_END, 0, 2)
                self._at += 2
                self._state = CHUNK_LINE
            if self._state == TRAILERS:
                return 1
            result = self._read_chunk_line()
            if result != 1:
                return result

    cdef int _read_chunk_line(self):
        cdef Py_ssize_t size = self._end - self._at
        cdef Py_ssize_t limit = MAX_EXTENSION_BYTES + 16
        cdef size_t extension_size = 0
        if size == self._searched:
            return 0
        cdef const char *feed = <const char *>memchr(
            self._at + self._searched, b"\n", size - self._searched
        )
        if (size if feed == NULL else feed - self._at) > limit:
            return self._error(HTTP1_E_CHUNK_EXTENSIONS_TOO_LONG, 0, 0)
        if feed == NULL:
            self._searched = size
            return 0
        size = feed - self._at
        cdef int error = http1_scan_chunk(
            self._at, size, self._scan.lenient, &self._remaining, &extension_size
        )
        if not error and self._extension_bytes + extension_size > MAX_EXTENSION_BYTES:
            error = HTTP1_E_CHUNK_EXTENSIONS_TOO_LONG
        if error:
            return self._error(error, 0, size)
        self._extension_bytes += extension_size
        self._at = feed + 1
        self._searched = 0
        self._state = CHUNK_DATA
        if self._remaining == 0:
            self._state = TRAILERS
            self._scan.kind = HTTP1_TRAILERS
            http1_scan_reset(&self._scan)
        return 1

    cdef object _finish_trailers(self):
        cdef http1_field *refused = sift_trailers(&self._scan, self._at)
        if refused != NULL:
            self._error(HTTP1_E_TRAILER, refused.name, refused.name_size)
            return self._fail()
        if self._scan.count:
            self._trailers = make_headers(self._at, self._scan.fields, self._scan.count)
        PyMem_Free(self._scan.fields)
        self._scan.fields = NULL
        self._at += self._scan.pos
        self._scan.kind = self._kind
        self._end_message()
        return END

    # ------------------------------------------------------------------- faults

    cdef int _error(self, int error, size_t at, size_t size):
        self._scan.error = error
        self._scan.error_at = at
        self._scan.error_size = size
        return -1

    cdef object _fail(self):
        return self._fail_as(make_fault(&self._scan, self._at, self._end - self._at))

    cdef object _fail_with(self, object kind, str message, int status):
        return self._fail_as((kind, message, {"code": status}))

    cdef object _fail_as(self, tuple failure):
        # Not the exception itself: its traceback would keep the caller's frames alive.
        self._failure = failure
        self._state = FAILED
        self._release()
        raise failure[0](failure[1], **failure[2])


@cython.final
cdef class RequestParser(MessageParser):
    """Bytes of a client to heads and bodies, in order (the server's side)."""

    def __cinit__(self):
        self._kind = self._scan.kind = HTTP1_REQUEST

    cdef MessageHead _make_head(self):
        cdef RequestHead head = make_request_head(&self._scan, self._at)
        self._keep_alive = head.keep_alive
        return head


@cython.final
cdef class ResponseParser(MessageParser):
    """Bytes of a server to heads and bodies, in order (the client's side).

    :param lenient: read what old servers send: lines of a head that end in LF alone, empty
        lines before it, folded values, control characters but NUL in values and reasons,
        white space after a chunk's size, a second ``Host``; leave out trailers that are
        forbidden. What leaves the length of the body open is refused all the same.
    """

    def __cinit__(self):
        self._kind = self._scan.kind = HTTP1_RESPONSE
        self._method = "GET"

    def __init__(self, *, lenient=False, **limits):
        MessageParser.__init__(self, **limits)
        self._scan.lenient = bool(lenient)

    def expect(self, str method not None, /):
        """Name the method of the request whose response comes next; ``GET`` until then.

        It decides whether a body follows (RFC 9112 6.3); interim 1xx responses leave it.
        """
        self._method = method

    cdef MessageHead _make_head(self):
        cdef ResponseHead head = make_response_head(&self._scan, self._at, self._method)
        # An interim response says nothing of the connection, and the final one follows it.
        if head.status < 200 and head.status != 101:
            self._keep_alive = True
        else:
            self._keep_alive = head.keep_alive
            self._method = "GET"
        return head
