# Messages as aiohttp's interface wants them: WSMessage, taken off a queue by receive().

from aiohttp_ws.net.awaitables cimport Waiter
from aiohttp_ws.ws.listeners.assembly cimport MessageAssembler
from aiohttp_ws.ws.listeners.queue cimport MessageQueue


cdef class MessageConnection(MessageAssembler):
    cdef:
        readonly object loop
        MessageQueue queue
        bint shows_pings
        Py_ssize_t max_queue
        readonly object deflate         # DeflateParams, or None
        readonly double heartbeat       # seconds; 0 for none
        # receiving
        Waiter waiter
        bint waiting
        bint has_reader                 # receive() was called
        bint closed_by_us               # close() has begun
        bint told_closing               # the reader knows that close() has begun
        bint finished                   # the reader has seen the end
        object final                    # what the reader sees after the queue
        readonly object exception_value
        unsigned int reads_after_end

    cdef object take(self)
    cdef object close_message(self)
