"""Messages on their way out, where sending is a coroutine in the interface that users know.

An :class:`Operation` is what such a method returns. It holds the arguments and does nothing before
it is awaited, so that it may be made in any thread and awaited later. When it is, it writes the
frame into the connection's output straight from the caller's object, and waits only above the
high-water mark. One in :data:`TURN_EVERY` lets the event loop run, and so does every second report
that the connection is closed: a program that does nothing but send must not starve the loop that
would tell it so.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE

from aiohttp_ws.net.awaitables cimport NEW, OVER, TURNED, WAITING, DONE, make_sendable
from aiohttp_ws.wire.closing cimport CLOSED
from aiohttp_ws.wire.frames cimport FIN

from aiohttp_ws.ws.engine.send_frames import check_control

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef enum:
    TURN_EVERY = 1024


cdef class Waiting:
    """An operation that has acted and waits for room: where, and for which future."""

    cdef Connection connection
    cdef object future


cdef class Operation(Awaitable):
    """One call of a method that sends.

    What is left to do after the first step is in ``rest``: a :class:`Waiting`, an exception to be
    raised when the loop has run, or the coroutine that goes on.
    """

    cdef object act(self, bint *finished):
        """Do what was called for; return as :meth:`advance` does."""
        finished[0] = True
        return None

    cdef Listener listener(self):
        """Return what knows the API's exception for a connection that is closed."""
        return <Listener>self.subject

    cdef object advance(self, bint *finished):
        cdef Waiting waiting
        if self.phase == NEW:
            self.phase = WAITING
            return self.act(finished)
        if self.phase == TURNED:
            self.phase = OVER
            if self.rest is not None:
                raise self.rest
            finished[0] = True
            return None
        self.start()
        if self.rest is None:
            self.phase = OVER  # the first step has raised
            self.start()
        if type(self.rest) is not Waiting:
            return self.go_on(self.rest, None, finished)
        waiting = <Waiting>self.rest
        if not waiting.future.done():
            raise RuntimeError("a send was resumed before its output had drained")
        return self.settle(waiting.connection, finished)

    cdef object settle(self, Connection connection, bint *finished):
        """The frame is written: wait while there is too much output."""
        cdef Waiting waiting
        if connection.writing_paused and not connection.closing.sent:
            if connection.closing.state >= CLOSED:
                # Nobody is going to say that there is room again.
                raise self.listener().closed_error()
            waiting = Waiting.__new__(Waiting)
            waiting.connection = connection
            waiting.future = connection.resources.loop.create_future()
            waiting.future._asyncio_future_blocking = True
            if connection.drain_waiters is None:
                connection.drain_waiters = []
            connection.drain_waiters.append(waiting.future)
            self.rest = waiting
            return waiting.future
        if connection.writing_paused and connection.is_disconnected:
            raise self.listener().closed_error()
        connection.resources.acts += 1
        if connection.resources.acts % TURN_EVERY == 0:
            self.phase = TURNED
            self.rest = None
            return None
        self.phase = OVER
        finished[0] = True
        return None

    cdef object refuse(self, Connection connection):
        """The connection is closed: say so, and when that was said before, let the loop run first."""
        cdef object failure = self.listener().closed_error()
        if not connection.refusals:
            connection.refusals = True
            raise failure
        self.rest = failure
        self.phase = TURNED
        return None

    cdef object go_on(self, object coroutine, object value, bint *finished):
        """Let *coroutine* do what is left."""
        self.rest = coroutine
        try:
            return coroutine.send(value)
        except StopIteration as stop:
            self.phase = OVER
            finished[0] = True
            return stop.value

    def throw(self, typ, val=None, tb=None):
        cdef object rest = self.rest
        if self.phase == WAITING and rest is not None and type(rest) is not Waiting:
            try:
                if val is None and tb is None:
                    return rest.throw(typ)
                return rest.throw(typ, val, tb)
            except BaseException:
                self.phase = OVER
                raise
        self.rest = None
        return Awaitable.throw(self, typ, val, tb)

    def close(self):
        if self.phase == WAITING and self.rest is not None and type(self.rest) is not Waiting:
            self.rest.close()
        self.phase = OVER


make_sendable(Operation)


cdef class Drained(Operation):
    """Waits until there is room for output."""

    cdef object act(self, bint *finished):
        return self.settle(<Connection>self.rest, finished)


make_sendable(Drained)


cdef Awaitable drained(Listener listener, Connection connection):
    """Return what waits until there is room for output."""
    cdef Drained operation
    if connection is None or not connection.writing_paused:
        return DONE
    operation = Drained.__new__(Drained)
    operation.subject = listener
    operation.rest = connection
    return operation


cdef int put_text(Connection connection, uint8_t opcode, object text, object compress) except -1:
    """Write a message of *text*, a ``str``."""
    cdef Py_ssize_t size
    cdef const char *data = PyUnicode_AsUTF8AndSize(text, &size)
    return connection.put_message(
        FIN | opcode,
        <const uint8_t *>data,
        size,
        text,
        size >= connection.compress_from if compress is None else <bint>bool(compress),
    )


cdef int put_buffer(Connection connection, uint8_t opcode, object data, object compress) except -1:
    """Write a message of *data*, bytes-like."""
    cdef Py_buffer view
    if PyBytes_Check(data):
        return connection.put_message(
            FIN | opcode,
            <const uint8_t *>PyBytes_AS_STRING(data),
            PyBytes_GET_SIZE(data),
            data,
            PyBytes_GET_SIZE(data) >= connection.compress_from
            if compress is None
            else <bint>bool(compress),
        )
    if isinstance(data, memoryview) and not data.c_contiguous:
        data = bytes(data)
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        return connection.put_message(
            FIN | opcode,
            <const uint8_t *>view.buf,
            view.len,
            None,
            view.len >= connection.compress_from if compress is None else <bint>bool(compress),
        )
    finally:
        PyBuffer_Release(&view)


cdef int put_control(Connection connection, uint8_t opcode, object payload) except -1:
    """Write a ping or a pong.

    :raises TypeError: *payload* is neither bytes-like nor ``str``.
    :raises ValueError: it is longer than 125 bytes.
    """
    payload = bytes(check_control(payload))
    return connection.put(
        FIN | opcode,
        <const uint8_t *>PyBytes_AS_STRING(payload),
        PyBytes_GET_SIZE(payload),
        payload,
    )
