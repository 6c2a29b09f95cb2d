# The server's side of one HTTP connection.

from aiohttp_ws.wire.http1 cimport RequestParser
from aiohttp_ws.wire.http1_head cimport RequestHead
from aiohttp_ws.ws.loop cimport Awaitable, Flushable, LoopResources, Waiter


cdef enum Phase:
    FRESH           # connected; nothing came yet
    HEAD            # some of a request head came
    HANDLING        # a handler runs
    DISCARDING      # answered; the rest of the body is read and dropped
    IDLE            # kept alive between two requests
    CLOSING         # nothing more is read or answered
    DETACHED        # the transport belongs to another protocol
    LOST            # the transport is gone


cdef class ConnectionSettings:
    """What all connections of a server have in common."""
    cdef:
        readonly object server
        readonly object loop
        readonly object handler
        readonly object request_factory
        readonly object logger
        readonly object access_logger
        readonly double keepalive_timeout
        readonly double lingering_time
        readonly double head_timeout
        readonly double body_timeout
        readonly int max_line_size
        readonly int max_field_size
        readonly int max_headers
        readonly Py_ssize_t read_bufsize
        readonly bint auto_decompress
        readonly bint handler_cancellation
        readonly bint tcp_keepalive


cdef class NextRequest(Awaitable):
    """Lets the connection's task wait for the next request, or for the end."""
    cdef HTTPConnection connection


cdef class HTTPConnection(Flushable):
    cdef:
        public object websocket
        readonly Phase phase
        ConnectionSettings settings
        LoopResources resources
        RequestParser parser
        object lower            # the transport, None once it is gone
        object write            # its method
        int fd                  # for writing straight to the socket; -1 for not
        bint backlogged         # the transport may hold bytes of ours
        bint in_batch           # a read is being handled: its end flushes
        object out              # None, bytes, or a list of bytes waiting for the flush
        Py_ssize_t out_size
        object task
        object pristine         # the context as it was when the task began
        Waiter waiter
        NextRequest next_request
        bint waiting            # the task waits for a request
        int in_a_row            # requests answered since the task last waited
        RequestHead head        # the next request, parsed and not yet handled
        object body             # its reader, or that of the request being handled
        bint body_open          # the parser is inside the body
        bint continue_due       # the client waits for 100 Continue
        object failure          # why the parser stopped
        object request          # the one being handled
        bint stop_after         # no more requests after this one
        bint reading_paused
        bint writing_paused
        object drain_waiter
        object timer
        double timer_at
        double deadline         # 0 for none

    cdef int put(self, bytes data) except -1
    cdef int send(self, bytes data) except -1
    cdef int parse(self) except -1
    cdef int begin_message(self, RequestHead head) except -1
    cdef int fail_parsing(self, object error) except -1
    cdef int keep_unparsed(self) except -1
    cdef int set_deadline(self, double seconds) except -1
    cdef int arm_timer(self, double now) except -1
    cdef int expire(self) except -1
    cdef int start_task(self) except -1
    cdef int end_request(self, object request, object response, double started) except -1
    cdef int close_transport(self) except -1
    cdef bint done_for(self)
