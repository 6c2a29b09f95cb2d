# How the server's side of an HTTP connection reads requests.

from aiohttp_ws.net.link cimport Link
from aiohttp_ws.wire.http1 cimport RequestParser
from aiohttp_ws.wire.http1_head cimport RequestHead
from aiohttp_ws.net.awaitables cimport Awaitable, Waiter


cdef enum Phase:
    FRESH           # connected; nothing came yet
    HEAD            # some of a request head came
    HANDLING        # a handler runs
    DISCARDING      # answered; the rest of the body is read and dropped
    IDLE            # kept alive between two requests
    CLOSING         # nothing more is read or answered
    DETACHED        # the transport belongs to another protocol
    LOST            # the connection is lost


cdef enum:
    MOST_UNPARSED = 65536   # bytes of pipelined requests before reading pauses


cdef class ConnectionSettings:
    """What all connections of a server have in common."""
    cdef:
        public object server
        public object loop
        public object handler
        public object request_factory
        public object logger
        public object access_logger
        public double keepalive_timeout
        public double lingering_time
        public double head_timeout
        public double body_timeout
        public int max_line_size
        public int max_field_size
        public int max_headers
        public Py_ssize_t read_bufsize
        public bint auto_decompress
        public bint handler_cancellation
        public bint tcp_keepalive


cdef class NextRequest(Awaitable):
    """Lets the connection's task wait for the next request, or for the end."""
    cdef RequestReader connection


cdef class RequestReader(Link):
    cdef:
        readonly Phase phase
        ConnectionSettings settings
        # What reads requests and waits for them; None once another protocol has the transport.
        RequestParser parser
        Waiter waiter
        NextRequest next_request
        bint waiting            # the task waits for a request
        int in_a_row            # requests answered since the task last waited
        RequestHead head        # the next request, parsed and not yet handled
        object body             # its reader, or that of the request being handled
        bint body_open          # the parser is inside the body
        bint continue_due       # the client waits for 100 Continue
        object failure          # why the parser stopped
        bint stop_after         # no more requests after this one
        # A body that is received where it is to lie, and how much of it has come; else None.
        bytes whole
        Py_ssize_t whole_used
        bint into_whole         # the buffer given out last is a part of it

    cdef int receive_into_whole(self, Py_ssize_t size) except -1
    cdef int parse(self) except -1
    cdef int begin_message(self, RequestHead head) except -1
    cdef int fail_parsing(self, object error) except -1
    cdef int keep_unparsed(self) except -1
    cdef bint done_for(self)
