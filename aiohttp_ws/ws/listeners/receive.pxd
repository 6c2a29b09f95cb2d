# The message level: one compiled listener between frames and coroutines.

from aiohttp_ws.wire.frames cimport Frame
from aiohttp_ws.net.awaitables cimport Waiter
from aiohttp_ws.ws.listeners.queue cimport MessageQueue
from aiohttp_ws.ws.engine.send_messages cimport MessageSender


cdef class MessageConnection(MessageSender):
    cdef:
        MessageQueue queue
        # settings
        bint autoping, autoclose
        readonly bint server
        public double close_timeout
        Py_ssize_t max_queue
        readonly object deflate         # DeflateParams, or None
        # receiving
        Waiter waiter
        bint waiting
        bint has_reader                 # receive() was called
        bint finished                   # the reader has seen the end
        object final                    # what the reader sees after the queue
        readonly int close_code_value   # 0 for none yet
        readonly object close_reason
        public object exception_value
        object ending                   # a fault or close message that messages precede
        object ending_timer
        int reads_after_end
        list closed_waiters
        list lost_waiters
        # heartbeat
        double heartbeat
        double last_heard
        int ping_outstanding    # 1 after a ping, 2 when half of its pong's time is over
        object heartbeat_timer
        object close_timer

    cdef int _close_frame(self, Frame *frame) except -1
    cdef int end_behind_messages(self, object ending) except -1
    cdef int end(self, int code, object final) except -1
    cdef int finish_transport(self) except -1
    cdef int linger(self) except -1
    cdef object take(self)
