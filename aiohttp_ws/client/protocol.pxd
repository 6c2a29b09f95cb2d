# The client's side of one connection: bytes in, responses out, one at a time.

from aiohttp_ws.client.exchange cimport Exchange
from aiohttp_ws.net.awaitables cimport Waiter
from aiohttp_ws.net.link cimport Link
from aiohttp_ws.wire.http1 cimport ResponseParser
from aiohttp_ws.wire.http1_head cimport ResponseHead


# Where a connection is in the exchange of messages.
cdef enum State:
    IDLE
    EXPECTING_HEAD
    EXPECTING_BODY
    UPGRADED
    LOST


cdef class ClientLink(Link):
    """See :class:`ClientProtocol`."""
    cdef:
        ResponseParser parser
        State state
        object limits
        Exchange exchange
        object content              # the body that is being received, a StreamReader
        object inflater
        object upload               # the task that sends the request's body
        bint chunked
        bint chunk_ended
        bint must_close
        bint finished
        bint paused
        readonly list _backlog      # what came and is not parsed yet
        Py_ssize_t backlogged_size
        # The transport of an upgrade that was lost before its new owner took it over.
        object upgraded
        object lost_error
        double last_read
        readonly object _timer      # of the loop; one at most
        double timer_when
        list closed_waiters
        Waiter waiter               # for calls that go straight, one after another

    cdef bint connected_now(self) except -1
    cdef bint usable(self) except -1
    cdef bint is_detached(self) noexcept
    cdef bint expect(self, Exchange exchange) except -1
    cdef int let_exchange_go(self, Exchange exchange) except -1
    cdef int fault(self, object error) except -1
    cdef int keep(self, bytes rest) except -1
    cdef int advance(self) except -1
    cdef bint on_head(self, ResponseHead head) except -1
    cdef int begin_body(self, ResponseHead head) except -1
    cdef int inflate(self, bytes piece) except -1
    cdef int end_body(self) except -1
    cdef int on_end(self) except -1
    cdef int end_by_loss(self, object exc) except -1
    cdef int fail_lost(self, object exc) except -1
    cdef int end_body_by_loss(self, object exc) except -1
    cdef int ensure_timer(self, Exchange exchange) except -1
    cdef int cancel_timer(self) except -1
    cdef int write_now(self, bytes data) except -1
    cdef int write_both(self, bytes head, bytes body) except -1
