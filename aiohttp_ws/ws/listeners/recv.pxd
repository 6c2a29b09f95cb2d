# Messages as websockets' interface wants them: pulled by recv().

from aiohttp_ws.ws.engine.send_messages cimport Operation
from aiohttp_ws.ws.listeners.recv_queue cimport PullReceiver


cdef class PullConnection(PullReceiver):
    cdef:
        bint is_server
        public object _fragmenting  # a future while a fragmented message is sent
        double close_timeout_value  # seconds; 0 for no limit
        readonly object _lost_exc   # what connection_lost() was told
        list lost_waiters
        unsigned int refused_sends


cdef class SendData(Operation):
    pass
