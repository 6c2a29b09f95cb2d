# The server's side of one HTTP connection.

from aiohttp_ws.web.sending cimport ResponseSender


cdef class HTTPConnection(ResponseSender):
    cdef:
        public object websocket
        readonly object task
        object pristine         # the context as it was when the task began
        object request          # the one being handled

    cdef int refuse_body(self) except -1
    cdef int start_task(self) except -1
    cdef int end_request(self, object request, object response, double started) except -1
    cdef int close_transport(self) except -1
