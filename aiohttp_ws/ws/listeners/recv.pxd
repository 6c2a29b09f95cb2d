# The message level as websockets' interface wants it: one compiled listener, pulled by recv().

from aiohttp_ws.net.awaitables cimport Awaitable
from aiohttp_ws.ws.listeners.recv_queue cimport PullReceiver


cdef class PullConnection(PullReceiver):
    cdef:
        bint is_server
        # sending
        public object _fragmenting  # a future while a fragmented message is sent
        # ending
        double close_timeout_value  # seconds; 0 for no limit
        int rcvd_code               # 0 for no close frame yet, 1005 for one without a code
        int sent_code
        object rcvd_reason, sent_reason
        bint rcvd_first
        readonly object _lost_exc   # what connection_lost() was told
        object close_timer
        list lost_waiters

    cdef int note_sent(self, int code, object reason) except -1
    cdef int end_tcp(self) except -1
    cdef object put_data(self, object message, object text, object compress)


cdef class SendDrain(Awaitable):
    cdef:
        PullConnection connection
        object future
