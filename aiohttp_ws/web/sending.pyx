"""How the server's side of an HTTP connection writes responses.

A head waits in the output for the first piece of body, and large pieces leave after it straight
from where they lie, without a copy: those written in a row in one system call, since the kernel
wakes the receiver for each.
"""

import os

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from aiohttp_ws.net.output cimport DIRECT_FROM

from aiohttp_ws.errors import ClientConnectionResetError
from aiohttp_ws.http.writer import StreamWriter

cdef bint CAN_GATHER = hasattr(os, "writev")


cdef class ResponseSender(RequestReader):
    """Base of :class:`HTTPConnection`."""

    def send_file(self, int file, start, Py_ssize_t size):
        """Let the kernel send a part of a file, as much of it as it takes at once.

        What was written before leaves before it.

        :param file: the file's descriptor.
        :param start: the first byte of the part, *size* the number of its bytes.
        :returns: how many bytes were taken; 0 where there has to be another way, which meets
            the error if there is one.
        """
        if self.lower is None or self.fd < 0 or self.lower.is_closing():
            return 0
        if self.out_used:
            self.flush()
        if self.lower.get_write_buffer_size():
            return 0
        try:
            return os.sendfile(self.fd, file, start, size)
        except OSError:
            return 0

    cdef int check_open(self) except -1:
        if self.lower is None or self.lower.is_closing():
            raise ClientConnectionResetError("Cannot write to closing transport")
        return 0

    cdef int append(self, const char *data, Py_ssize_t size) except -1:
        """Write what leaves with something that is written next."""
        memcpy(self.reserve(size), data, size)
        self.out_used += size
        return 0

    cdef int hold(self, bytes data) except -1:
        """Keep a large piece, to leave after the output and before what is written next."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        if self.held is None:
            self.held = []
            self.held_size = 0
        if self.out_used:
            self.held.append(self.take_output())
        # With a byte in the output whoever looks there knows that something has to leave.
        self.held.append(memoryview(data)[: size - 1])
        self.append(PyBytes_AS_STRING(data) + size - 1, 1)
        self.held_size += size
        return 0

    cdef bytes take_output(self):
        data = PyBytes_FromStringAndSize(<char *>self.out, self.out_used)
        self.out_used = 0
        return data

    cdef int flush_with(self, const uint8_t *payload, Py_ssize_t size, object owner) except -1:
        cdef list pieces
        cdef Py_ssize_t sent = 0
        if self.held is None:
            return RequestReader.flush_with(self, payload, size, owner)
        pieces, self.held = self.held, None
        pieces.append(self.take_output())
        self.dirty = False
        if size:
            pieces.append(PyBytes_FromStringAndSize(<const char *>payload, size))
        if self.lower is None:
            return 0
        if self.shown and self.lower.is_closing():
            self.fd = -1  # by whom it was shown to: its descriptor may be another's
        if self.fd >= 0:
            if self.backlogged and self.lower.get_write_buffer_size() == 0:
                self.backlogged = False
            if not self.backlogged:
                try:
                    sent = os.writev(self.fd, pieces)
                except OSError:
                    pass  # the transport meets it again
        self.pass_on(pieces, sent)
        if self.out_used == 0:
            self.give_back()
        return 0

    cdef int pass_on(self, list pieces, Py_ssize_t sent) except -1:
        """Let the transport take what follows the first *sent* bytes."""
        cdef Py_ssize_t size
        for piece in pieces:
            size = len(piece)
            if sent >= size:
                sent -= size
                continue
            self.backlogged = True
            self.write(memoryview(piece)[sent:] if sent else piece)
            sent = 0
        return 0

    cdef int let_go(self) except -1:
        self.held = None
        return RequestReader.let_go(self)

    cdef int put_whole(self, tuple answer) except -1:
        """Write a head and, unless it is ``None``, a body."""
        cdef bytes head = answer[0]
        cdef bytes body = answer[1]
        cdef const char *data
        cdef Py_ssize_t size
        self.append(PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head))
        if body is not None:
            data = PyBytes_AS_STRING(body)
            size = PyBytes_GET_SIZE(body)
            if size >= DIRECT_FROM:
                return self.flush_with(<const uint8_t *>data, size, body)
            if size:
                self.append(data, size)
        return self.leave()

    cdef Py_ssize_t put_piece(self, bytes head, object data, bint chunked, bint last) except -1:
        """Write a piece of body behind *head*, if that is not ``None``.

        :param last: end a *chunked* body with it.
        :returns: how many bytes that makes, those of *head* not counted.
        """
        cdef Py_buffer view
        cdef char line[24]
        cdef Py_ssize_t framing = 0
        cdef bint direct
        cdef int n
        self.check_open()
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if head is not None:
                self.append(PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head))
            if chunked and view.len:
                n = snprintf(line, sizeof(line), b"%zx\r\n", <size_t>view.len)
                self.append(line, n)
                framing = n + 2
            direct = view.len >= DIRECT_FROM
            if direct and self.fd >= 0 and type(data) is bytes and not last and CAN_GATHER:
                self.hold(data)
            elif direct:
                self.flush_with(<const uint8_t *>view.buf, view.len, data)
            elif view.len:
                self.append(<const char *>view.buf, view.len)
            if chunked and view.len:
                self.append(b"\r\n", 2)
            if last and chunked:
                self.append(b"0\r\n\r\n", 5)
                framing += 5
            if self.out_used:
                if self.held is not None and self.held_size >= GATHER:
                    self.flush()
                elif direct and not last:
                    # It leaves with what follows, or at the end of the iteration.
                    if not self.in_batch:
                        self.resources.flush_later(self)
                else:
                    self.leave()
            return view.len + framing
        finally:
            PyBuffer_Release(&view)


class ResponseWriter(StreamWriter):
    """Writes the body of a response to a :class:`ResponseSender`."""

    __slots__ = ()

    def _send(self, data):
        cdef ResponseSender connection = self._connection
        head, self._head = self._head, None
        connection.put_piece(head, data, False, False)
        if head is not None:
            self.output_size += len(<bytes>head)

    def _put_framed(self, size, data):
        cdef ResponseSender connection = self._connection
        cdef Py_ssize_t sent
        self._spend(data)
        if data:
            head, self._head = self._head, None
            if head is not None:
                self.output_size += len(<bytes>head)
            sent = connection.put_piece(head, data, self._chunked, False)
            self.output_size += sent
            self.buffer_size += sent

    def _send_last(self, size, data):
        cdef ResponseSender connection = self._connection
        head, self._head = self._head, None
        if head is not None:
            self.output_size += len(<bytes>head)
        self.output_size += connection.put_piece(head, data, True, True)

    async def drain(self):
        """Wait until the transport is below its high-water mark."""
        await self._connection._drain()
