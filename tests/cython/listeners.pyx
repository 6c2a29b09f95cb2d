# What a user's module may do with the frame level; test_installed_wheel.py builds and runs it.

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from aiohttp_ws cimport (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
)
from aiohttp_ws.ws.frame cimport WSFrame as FrameOfItsRoom
from aiohttp_ws.ws.transport cimport WSTransport as TransportOfItsRoom
from aiohttp_ws.ws.types cimport WSMsgType as TypeOfItsRoom

import asyncio

cdef enum:
    ROOM = 14       # bytes that a header may take


cdef class Echo(WSListener):
    """Echoes what comes: text by a copy, binary from memory of its own."""

    cdef WSTransport transport
    cdef readonly int connected, frames, disconnected
    cdef readonly list seen
    cdef readonly object gone

    def __init__(self):
        self.seen = []
        self.gone = asyncio.Event()

    cpdef on_ws_connected(self, WSTransport transport):
        self.transport = transport
        self.connected += 1

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        cdef WSMsgType msg_type = frame.msg_type
        cdef Py_ssize_t size = frame.payload_size
        cdef char *memory
        self.frames += 1
        self.seen.append(
            (<int>msg_type, frame.payload_ptr[:size], bool(frame.fin), frame.tail_size, frame.last_in_buffer)
        )
        if msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif msg_type == WSMsgType.BINARY:
            memory = <char *>malloc(ROOM + size)
            if memory == NULL:
                raise MemoryError(f"no memory for {size} bytes")
            memcpy(memory + ROOM, frame.payload_ptr, size)
            try:
                transport.send_reuse_external_buffer(msg_type, memory + ROOM, size, frame.fin)
            finally:
                # Sent or copied by now: it is ours again.
                memory[ROOM - 1] = 0
                free(memory)
        elif msg_type == WSMsgType.TEXT or msg_type == WSMsgType.CONTINUATION:
            transport.send(msg_type, frame.get_payload_as_memoryview(), frame.fin)

    cpdef on_ws_disconnected(self, WSTransport transport):
        self.disconnected += 1
        self.gone.set()


cdef class Caller(WSListener):
    """A client that sends each payload it was made with, and collects what comes back."""

    cdef WSTransport transport
    cdef list payloads
    cdef readonly list answers
    cdef readonly object done

    def __init__(self, list payloads):
        self.payloads = payloads
        self.answers = []
        self.done = asyncio.get_running_loop().create_future()

    cpdef on_ws_connected(self, WSTransport transport):
        cdef bytes payload
        cdef char *memory
        self.transport = transport
        for payload in self.payloads:
            # A client masks in place: what is sent from must be a copy of its own.
            memory = <char *>malloc(ROOM + len(payload))
            if memory == NULL:
                raise MemoryError(f"no memory for {len(payload)} bytes")
            memcpy(memory + ROOM, <char *>payload, len(payload))
            try:
                transport.send_reuse_external_buffer(
                    WSMsgType.BINARY, memory + ROOM, len(payload)
                )
            finally:
                free(memory)

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        if frame.msg_type == WSMsgType.BINARY:
            self.answers.append(frame.payload_ptr[:frame.payload_size])
            if len(self.answers) == len(self.payloads):
                transport.send_close(WSCloseCode.OK, b"enough")
                transport.disconnect()

    cpdef on_ws_disconnected(self, WSTransport transport):
        if not self.done.done():
            self.done.set_result(None)


def same_names():
    """The names of the package are those of its rooms, and C integers."""
    cdef FrameOfItsRoom frame = None
    cdef WSFrame same = frame
    cdef TransportOfItsRoom transport = None
    cdef WSTransport again = transport
    cdef int total = WSMsgType.TEXT + WSCloseCode.OK + WSAutoPingStrategy.PING_PERIODICALLY
    return (
        same is None
        and again is None
        and total == 1 + 1000 + 2
        and <int>TypeOfItsRoom.CLOSE == <int>WSMsgType.CLOSE
    )
