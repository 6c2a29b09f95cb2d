"""A request and its response on one connection."""

import math

from aiohttp_ws.net.link cimport Link
from aiohttp_ws.wire.http1_head cimport ResponseHead

from aiohttp_ws.client.plan import DEFAULT_PLAN
from aiohttp_ws.http.streams import StreamReader


cdef class Exchange:
    """A request on its connection, waiting for its response.

    :param deadline: the loop's time at which the call's ``total`` is over.
    :param headers: the request's.
    :param upload: what sends the body, or ``None``.
    :param sends_body: whether there is a body, which an upload sends or which left at once.
    """

    def __init__(
        self,
        method,
        connection,
        plan=DEFAULT_PLAN,
        deadline=math.inf,
        headers=None,
        upload=None,
        sends_body=False,
    ):
        self.method = method
        self.connection = connection
        self.plan = plan
        self.deadline = deadline
        self.sock_read = plan.timeout.sock_read
        self.headers = headers
        self.upload = upload
        self.sends_body = sends_body

    cdef int answer(self, ResponseHead head, object content) except -1:
        """The head has come; *content* is the body, which may still be coming."""
        self.answered = True
        if not self.future.done():
            self.future.set_result((head, content))
        return 0

    cdef int answer_whole(self, ResponseHead head, bytes body, Link protocol) except -1:
        """The head has come, and all of the body with it."""
        content = StreamReader(protocol, self.plan.read_bufsize, loop=protocol.loop)
        if body:
            content.feed_raw(body, None)
        content.feed_eof()
        return self.answer(head, content)

    cdef int fail(self, object error) except -1:
        """There will be no response."""
        self.answered = True
        if not self.future.done():
            self.future.set_exception(error)
        return 0

    cdef int release(self) except -1:
        """Nothing more comes on the connection."""
        self.connection.release()
        return 0

    cdef int settle(self) except -1:
        """What was read has been dealt with: resume who waits, if there is something for it."""
        return 0

    cdef bint all_sent(self, object transport) except -1:
        """Whether all of the request has left through *transport*."""
        if self.upload is not None and not self.upload.is_sent:
            return False
        return transport is None or not transport.get_write_buffer_size()
