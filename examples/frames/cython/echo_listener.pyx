"""An echo whose callbacks cost no Python call."""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from aiohttp_ws cimport WSFrame, WSListener, WSMsgType, WSTransport

# A frame header takes up to 14 bytes, in front of the payload that is sent.
cdef enum:
    HEADER_ROOM = 14


cdef class EchoListener(WSListener):
    """Sends every message back."""

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        # frame.msg_type is a C integer here: this compares numbers.
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type != WSMsgType.PONG:
            # The view borrows the receive buffer, and send() is done with it when it returns.
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), frame.fin)


cdef class CountingListener(WSListener):
    """Answers every message with the number of 'a' in it, from memory of its own."""

    cdef char *memory

    def __cinit__(self):
        self.memory = <char *>malloc(HEADER_ROOM + sizeof(size_t))
        if self.memory == NULL:
            raise MemoryError("no memory for the answers")

    def __dealloc__(self):
        free(self.memory)

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        cdef size_t count = 0
        cdef Py_ssize_t i
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT or frame.msg_type == WSMsgType.BINARY:
            for i in range(frame.payload_size):
                count += frame.payload_ptr[i] == b"a"
            memcpy(self.memory + HEADER_ROOM, &count, sizeof(count))
            # The header goes into the bytes in front; the memory is ours again on return.
            transport.send_reuse_external_buffer(
                WSMsgType.BINARY, self.memory + HEADER_ROOM, sizeof(count)
            )
