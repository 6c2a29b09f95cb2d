"""How a task waits for a connection, and what public methods return to be awaited.

A method that is a coroutine function in the library whose interface it has must act like one
here: calling it does nothing yet, in whatever thread; awaiting it acts, in the loop of the task that
awaits. An :class:`Awaitable` is that without a coroutine's frame. :class:`Waiter` is what such an
awaitable suspends a task on.
"""

import asyncio
import sys
import warnings
from asyncio import CancelledError

cimport cython
from cpython.contextvars cimport PyContext_Enter, PyContext_Exit
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF

cdef extern from "aiohttp_ws/net/awaitables.h":
    ctypedef int (*aws_send_function)(PyObject *, PyObject *, PyObject **)
    void aws_set_am_send(PyObject *type, aws_send_function function)
    void aws_add_code_flag(PyObject *code, int flag)

cdef enum:
    CO_COROUTINE = 0x80

# The tasks that run, by loop. asyncio.current_task() is a Python function before 3.12, and every
# wake-up asks.
cdef dict running_tasks = None
if sys.version_info < (3, 12):
    running_tasks = asyncio.tasks._current_tasks
cdef object current_task = asyncio.current_task
# Where nest_asyncio says that it has patched the loops.
cdef dict asyncio_names = asyncio.__dict__


cdef class Waiter:
    """A future for exactly one task at a time, used again and again.

    asyncio's tasks wait on any object with this protocol. Unlike a Future, :meth:`wake`
    resumes the task at once where the event loop itself is the caller: a message that was
    read is handled, and its answer leaves, without another trip through the loop.
    """

    def __cinit__(self, loop):
        self._loop = loop

    cdef int arm(self) except -1:
        """Make ready to be waited for (again)."""
        self._done = False
        self._cancelled = False
        self._cancel_message = None
        self._callback = None
        self._context = None
        self._asyncio_future_blocking = True
        return 0

    def get_loop(self):
        return self._loop

    def add_done_callback(self, callback, *, context=None):
        self._callback = callback
        self._context = context
        if self._done:
            self._callback = None
            self._context = None
            self._loop.call_soon(callback, self, context=context)

    def remove_done_callback(self, callback):
        if self._callback == callback:
            self._callback = None
            return 1
        return 0

    def done(self):
        return self._done

    def cancelled(self):
        return self._cancelled

    def result(self):
        if self._cancelled:
            if self._cancel_message is None:
                raise CancelledError()
            raise CancelledError(self._cancel_message)
        return None

    def exception(self):
        if self._cancelled:
            raise CancelledError()
        return None

    def cancel(self, msg=None):
        if self._done:
            return False
        self._cancelled = True
        self._cancel_message = msg
        self.wake_soon()
        return True

    cdef int wake_soon(self) except -1:
        """Resume the task in the loop's next iteration."""
        if self._done:
            return 0
        self._done = True
        callback, context = self._callback, self._context
        self._callback = None
        self._context = None
        if callback is not None:
            self._loop.call_soon(callback, self, context=context)
        return 0

    cdef int wake(self) except -1:
        """Resume the task now, or in the next iteration when another task is running."""
        if self._done:
            return 0
        if self._context is None or task_is_running(self._loop) or "_nest_patched" in asyncio_names:
            # A task that runs the loop again from within itself, as nest_asyncio lets it, must not
            # be inside the callback that has read for it: the loop could not call that again.
            return self.wake_soon()
        self._done = True
        callback, context = self._callback, self._context
        self._callback = None
        self._context = None
        try:
            PyContext_Enter(context)
        except RuntimeError:
            # The task shares the context that we are called in.
            self._loop.call_soon(callback, self, context=context)
            return 0
        try:
            callback(self)
        except (SystemExit, KeyboardInterrupt) as exc:
            # These end the loop; a transport that we are called from would swallow them.
            self._loop.call_soon(raise_again, exc)
        finally:
            PyContext_Exit(context)
        return 0


cdef inline bint task_is_running(object loop) except -1:
    if running_tasks is not None:
        return loop in running_tasks
    return current_task(loop) is not None


def raise_again(exc):
    raise exc


@cython.freelist(64)
cdef class Awaitable:
    """What public methods return to be awaited: a coroutine in all that callers can see.

    ``asyncio.create_task``, ``gather``, ``wait_for`` and ``run_coroutine_threadsafe`` take it.
    Nothing happens before it is awaited, and one that never is warns as a coroutine would.
    """

    def __dealloc__(self):
        if self.suspended and self.subject is not None:
            self.drop()  # a program that drives it by hand has let go of it
        Py_XDECREF(self.data)
        Py_XDECREF(self.option)
        Py_XDECREF(self.extra)
        if self.phase == NEW and self.name != NULL:
            warnings.warn(
                f"coroutine '{self.qualified()}' was never awaited", RuntimeWarning, stacklevel=2
            )

    cdef object advance(self, bint *finished):
        """Return what the task has to wait for, or the result with *finished* set."""
        self.phase = OVER
        finished[0] = True
        return None

    cdef int start(self) except -1:
        """Refuse to be awaited a second time, as a coroutine does."""
        if self.phase == OVER:
            raise RuntimeError("cannot reuse already awaited coroutine")
        return 0

    cdef int drop(self) except -1:
        """The task was cancelled, or nobody will await this any more."""
        return 0

    cdef object qualified(self):
        name = self.name.decode() if self.name != NULL else "wait"
        return name if self.subject is None else f"{type(self.subject).__name__}.{name}"

    @property
    def __qualname__(self):
        return self.qualified()

    @property
    def __name__(self):
        return "wait" if self.name == NULL else self.name.decode()

    @property
    def cr_running(self):
        return False

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        cdef bint finished = False
        value = self.advance(&finished)
        if finished:
            raise StopIteration(value)
        return value

    def send(self, value):
        cdef bint finished = False
        result = self.advance(&finished)
        if finished:
            raise StopIteration(result)
        return result

    def throw(self, typ, val=None, tb=None):
        self.drop()
        self.phase = OVER
        if val is None:
            val = typ if isinstance(typ, BaseException) else typ()
        if tb is not None:
            val = val.with_traceback(tb)
        raise val

    def close(self):
        self.drop()
        self.phase = OVER


cdef int advance_for_am_send(PyObject *self, PyObject *value, PyObject **result) except -1:
    cdef bint finished = False
    result[0] = NULL
    outcome = (<Awaitable>self).advance(&finished)
    Py_INCREF(outcome)
    result[0] = <PyObject *>outcome
    return 0 if finished else 1


cdef void make_sendable(object awaitable_type) noexcept:
    """Let ``await`` take the results of a subclass of Awaitable without StopIteration."""
    aws_set_am_send(<PyObject *>awaitable_type, <aws_send_function>advance_for_am_send)


cdef int show_as_coroutine_functions(object owner, tuple names) except -1:
    """Let ``inspect.iscoroutinefunction`` see the methods *names* of the class *owner* as such.

    They return awaitables that act when awaited: ``mock.create_autospec``, and whatever else looks
    before it calls, has to treat them as coroutine functions.
    """
    for name in names:
        aws_add_code_flag(<PyObject *>owner.__dict__[name].__code__, CO_COROUTINE)
    return 0


make_sendable(Awaitable)
# The one result of every operation that had nothing to wait for.
DONE = Awaitable()
