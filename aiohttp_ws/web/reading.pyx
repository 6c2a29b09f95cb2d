"""How the server's side of an HTTP connection reads requests.

Bytes are parsed where they lie in the loop's receive buffer. Parsing stops at the end of each
message until that has been answered, so that pipelined requests wait as bytes.
"""

from cpython.buffer cimport PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.string cimport memcpy

from aiohttp_ws.wire.http1 cimport LENGTH_BODY, MESSAGE_END, RequestParser
from aiohttp_ws.wire.http1_head cimport RequestHead
from aiohttp_ws.net.awaitables cimport Awaitable, Waiter, make_sendable
from aiohttp_ws.net.loop cimport resources_of

from aiohttp_ws.errors import BadHttpMessage, RequestPayloadError
from aiohttp_ws.http.streams import EMPTY_PAYLOAD
from aiohttp_ws.web.body import make_body

cdef extern from "aiohttp_ws/net/awaitables.h":
    double aws_monotonic()

cdef enum:
    # Bytes of a body that are set aside when it is announced; memory that is not used yet.
    MOST_WHOLE = 16 * 1024 * 1024


cdef class ConnectionSettings:
    """What all connections of a server have in common; filled by :class:`Server`."""

    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


cdef class NextRequest(Awaitable):
    cdef object advance(self, bint *finished):
        cdef RequestReader connection = self.connection
        if connection.done_for():
            connection.waiting = False
            finished[0] = True
            return None
        connection.waiting = True
        connection.in_a_row = 0
        connection.waiter.arm()
        finished[0] = False
        return connection.waiter

    cdef int drop(self) except -1:
        self.connection.waiting = False
        return 0


make_sendable(NextRequest)


cdef class RequestReader(Link):
    """Base of :class:`HTTPConnection`."""

    def __init__(self, ConnectionSettings settings):
        self.settings = settings
        self.loop = settings.loop
        self.resources = resources_of(settings.loop)
        self.phase = FRESH
        self.parser = RequestParser(
            max_line_size=settings.max_line_size,
            max_field_size=settings.max_field_size,
            max_headers=settings.max_headers,
        )
        self.waiter = Waiter.__new__(Waiter, settings.loop)
        self.next_request = NextRequest.__new__(NextRequest)
        self.next_request.connection = self
        self.body = EMPTY_PAYLOAD
        if settings.head_timeout > 0:
            # The loop makes this object when it accepts, before TLS's handshake, which counts.
            self.deadline = aws_monotonic() + settings.head_timeout

    def get_buffer(self, sizehint):
        if self.whole is not None and self.phase == HANDLING:
            self.into_whole = True
            return PyMemoryView_FromMemory(
                PyBytes_AS_STRING(self.whole) + self.whole_used,
                PyBytes_GET_SIZE(self.whole) - self.whole_used,
                PyBUF_WRITE,
            )
        self.into_whole = False
        return self.resources.receive_buffer

    def buffer_updated(self, Py_ssize_t size):
        cdef Waiter waiter
        if self.phase >= CLOSING:
            return
        self.in_batch = True
        try:
            if self.into_whole:
                self.receive_into_whole(size)
            else:
                self.parser.feed_ptr(<const char *>self.resources.receive_ptr, size)
            if self.body_open or self.waiting:
                self.parse()
                if self.waiting and (
                    self.head is not None
                    or self.failure is not None
                    or (self.phase == DISCARDING and not self.body_open)
                ):
                    # Held here: the handler that this runs may detach().
                    waiter = self.waiter
                    waiter.wake()
            if self.phase < CLOSING:
                self.keep_unparsed()
        finally:
            self.end_batch()

    def begin_whole(self, pieces):
        """Receive the rest of the body after *pieces* of it, as one piece that is not copied.

        It is what :meth:`end_whole` returns, or is given to the body's ``take_whole()``.

        :returns: whether it is: the length has to be known, and the transport to read at once.
        """
        cdef Py_ssize_t used = 0
        cdef bytes piece
        if (
            self.fd < 0
            or self.phase != HANDLING
            or not self.body_open
            or self.parser._state != LENGTH_BODY
            or self.parser._at != self.parser._end
            or self.parser._remaining < 1
        ):
            return False
        for piece in pieces:
            used += PyBytes_GET_SIZE(piece)
        if self.parser._remaining + used > MOST_WHOLE:
            return False
        self.whole = PyBytes_FromStringAndSize(NULL, self.parser._remaining + used)
        used = 0
        for piece in pieces:
            memcpy(
                PyBytes_AS_STRING(self.whole) + used,
                PyBytes_AS_STRING(piece),
                PyBytes_GET_SIZE(piece),
            )
            used += PyBytes_GET_SIZE(piece)
        self.whole_used = used
        return True

    def end_whole(self):
        """Receive no more so; return what has come if that is not all, else nothing."""
        whole, self.whole = self.whole, None
        return b"" if whole is None else whole[: self.whole_used]

    cdef int receive_into_whole(self, Py_ssize_t size) except -1:
        self.into_whole = False
        self.parser._remaining -= size
        self.whole_used += size
        if self.parser._remaining == 0:
            self.parser._state = MESSAGE_END
            whole, self.whole = self.whole, None
            self.body.take_whole(whole)
        return 0

    cdef int keep_unparsed(self) except -1:
        """Keep what waits for the end of the current request, and watch the clock."""
        if self.body_open:
            if not self.reading_paused and not self.continue_due and self.phase == HANDLING:
                self.set_deadline(self.settings.body_timeout)
            self.parser.keep_rest()
            return 0
        if self.parser._at != self.parser._end:
            self.parser.keep_rest()
            if self.waiting:
                if self.phase != HEAD:
                    self.phase = HEAD
                    self.set_deadline(self.settings.head_timeout)
            elif self.parser.pending > MOST_UNPARSED or self.parser.paused:
                # What comes after a request for an upgrade is not HTTP, and may be all that the
                # client has to say: its end waits with it until the upgrade is answered.
                self.pause_reading()
        return 0

    def resume_reading(self):
        """Read from the socket again."""
        Link.resume_reading(self)
        if self.body_open and self.phase == HANDLING:
            self.set_deadline(self.settings.body_timeout)

    cdef int parse(self) except -1:
        """Go on to the end of the current message; find the next one's head."""
        if self.failure is not None:
            return 0
        try:
            while True:
                event = self.parser.next_event()
                if event is None:
                    break
                if type(event) is RequestHead:
                    self.begin_message(<RequestHead>event)
                    if not self.body_open:
                        break
                elif type(event) is bytes:
                    if self.phase != DISCARDING:
                        if self.parser._chunk_ends is not None:
                            self.body.mark_chunk_ends(self.parser._chunk_ends)
                        self.body.receive(event)
                else:
                    self.body_open = False
                    if self.phase == HANDLING:
                        self.deadline = 0
                    self.body.finish()
                    break
        except BadHttpMessage as exc:
            self.fail_parsing(exc)
        return 0

    cdef int begin_message(self, RequestHead head) except -1:
        cdef ConnectionSettings settings = self.settings
        self.head = head
        self.continue_due = head.expect_continue
        if head.has_body:
            # Paused because of pipelined requests: from now on the body decides.
            self.resume_reading()
            self.body_open = True
            self.body = make_body(
                self, head, settings.read_bufsize, settings.loop, settings.auto_decompress
            )
        return 0

    cdef int fail_parsing(self, object error) except -1:
        """Stop reading for good; what came before the fault is still answered."""
        self.failure = error
        if self.body_open:
            self.body_open = False
            self.body.set_exception(RequestPayloadError(str(error)), error)
        return 0

    cdef bint done_for(self):
        """Whether there is nothing to wait for."""
        return (
            self.head is not None
            or self.failure is not None
            or self.stop_after
            or self.phase >= CLOSING
            or (self.phase == DISCARDING and not self.body_open)
        )
