"""What ``session.get()`` returns: awaitable, and an asynchronous context manager.

A call that asks for nothing special, on a connection that is kept, goes straight: its head is put
together from prepared parts, one write sends it, and the read that brings the response resumes the
task. No coroutine, future or timer is made for it. Whatever else there is goes the way of
:meth:`ClientSession._request`, a coroutine, from the start or from where it turns out:
there is no connection yet, the kept one was closed, the response is a redirect.
"""

import asyncio
from math import ceil

from aiohttp_ws.client.exchange cimport Exchange
from aiohttp_ws.client.pool cimport ConnectionPool
from aiohttp_ws.client.prepared cimport Asked, Prepared, Target
from aiohttp_ws.client.protocol cimport ClientLink
from aiohttp_ws.net.awaitables cimport DONE, NEW, OVER, WAITING, Awaitable, Waiter, make_sendable
from aiohttp_ws.net.link cimport Link
from aiohttp_ws.net.output cimport DIRECT_FROM
from aiohttp_ws.wire.http1_head cimport ResponseHead
from libc.math cimport INFINITY

from aiohttp_ws.client.call import check_status, go_on, keep_cookies
from aiohttp_ws.client.connection import Connection
from aiohttp_ws.client.redirects import REDIRECT_STATUSES
from aiohttp_ws.client.request import SMALL_BODY
from aiohttp_ws.client.response import ClientResponse
from aiohttp_ws.client.sending import IDEMPOTENT
from aiohttp_ws.client.unset import UNSET
from aiohttp_ws.errors import (
    BadHttpMessage,
    ClientError,
    ClientOSError,
    ClientResponseError,
    ServerDisconnectedError,
    ServerTimeoutError,
)
from aiohttp_ws.http.headers import HttpVersion10, HttpVersion11
from aiohttp_ws.http.payload import LARGE_BYTES

cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    ctypedef struct PyObject:
        pass
    PySendResult PyIter_Send(object iterator, object value, PyObject **result) except PYGEN_ERROR
    void Py_DECREF(PyObject *o)

__all__ = ("ResponseContext",)

# Arguments of a call that may go straight.
cdef frozenset STRAIGHT = frozenset(
    {"allow_redirects", "data", "headers", "json", "params", "timeout"}
)
cdef tuple NO_LIMITS = (None, None, None)
cdef Py_ssize_t MOST_BODY = LARGE_BYTES  # whose owner is warned beyond it
cdef Py_ssize_t SMALL = SMALL_BODY



cdef class StraightExchange(Exchange):
    """One that a task waits for without a future."""
    cdef:
        ConnectionPool pool
        object key
        ClientLink link
        Waiter waiter
        ResponseHead head
        object content
        bytes body          # None where it comes piece by piece
        object error
        bint released

    cdef int answer(self, ResponseHead head, object content) except -1:
        self.answered = True
        self.head = head
        self.content = content
        # From here on it may be given back, or closed, by whoever reads the body.
        self.connection = Connection(self.pool, self.key, self.link, True)
        return 0

    cdef int answer_whole(self, ResponseHead head, bytes body, Link protocol) except -1:
        self.answered = True
        self.head = head
        self.body = body
        return 0

    cdef int fail(self, object error) except -1:
        self.answered = True
        self.error = error
        return 0

    cdef int release(self) except -1:
        if self.connection is not None:
            self.connection.release()
        elif not self.released:
            self.released = True
            self.pool.take_back(self.key, self.link, not self.link.usable())
        return 0

    cdef int abandon(self) except -1:
        """Nobody waits for the response any more."""
        self.answered = True
        if self.connection is not None:
            self.connection.close()
        elif not self.released:
            self.released = True
            if not self.link.loop.is_closed():
                self.pool.take_back(self.key, self.link, True)
        return 0

    cdef int settle(self) except -1:
        if self.answered:
            self.waiter.wake()
        return 0


cdef bint enters_at_once(object response) except -1:
    """Whether entering *response* is what ClientResponse.__aenter__() does."""
    kind = type(response)
    return kind is ClientResponse or (
        getattr(kind, "__aenter__", None) is ClientResponse.__aenter__
    )


cdef class ResponseContext(Awaitable):
    """``await`` it for the response, or ``async with`` it to have the response closed too.

    :param coroutine: what gives the response.
    """
    cdef:
        object coroutine        # of the general way, None while it goes straight
        object session
        str method
        object url
        dict options            # arguments of the call
        Asked asked
        StraightExchange exchange
        object response
        bint entering           # by ``async with``

    def __init__(self, coroutine):
        self.coroutine = coroutine

    def __del__(self):
        if self.exchange is not None and self.phase == WAITING:
            self.drop()

    # -------------------------------------------------------------- as a coroutine is driven

    cdef object advance(self, bint *finished):
        if self.coroutine is None:
            if self.phase == NEW:
                self.name = NULL
                self.phase = WAITING
                if self.begin():
                    return self.exchange.waiter
                self.coroutine = self.general()
            elif self.phase == WAITING:
                self.phase = OVER
                response = self.finish()
                if response is not None:
                    finished[0] = True
                    return self.given(response)
            else:
                raise RuntimeError("cannot reuse already awaited coroutine")
        return self.drive(finished)

    cdef object drive(self, bint *finished):
        cdef PyObject *result = NULL
        cdef PySendResult state = PyIter_Send(self.coroutine, None, &result)
        value = <object>result
        Py_DECREF(result)
        if state == PYGEN_RETURN:
            if self.entering and self.response is None and not enters_at_once(value):
                # A cache's object, or a recorder's: what its own __aenter__() returns is entered.
                self.response = value
                self.coroutine = value.__aenter__().__await__()
                return self.drive(finished)
            finished[0] = True
            return self.given(value)
        return value

    cdef object given(self, object response):
        if self.entering and self.response is None:
            if isinstance(response, ClientResponse):
                response._in_context = True
            self.response = response
        return response

    cdef int drop(self) except -1:
        if self.exchange is not None:
            exchange, self.exchange = self.exchange, None
            (<StraightExchange>exchange).abandon()
        return 0

    def throw(self, *args):
        """Raise an exception inside the request."""
        if self.coroutine is None:
            self.name = NULL
            return Awaitable.throw(self, *args)
        try:
            return self.coroutine.throw(*args)
        except StopIteration as stopped:
            self.given(stopped.value)
            raise

    def close(self):
        """Give the request up."""
        self.name = NULL
        if self.coroutine is None:
            self.drop()
            self.phase = OVER
        else:
            self.coroutine.close()

    def __aenter__(self):
        self.entering = True
        return self

    def __aexit__(self, exc_type, exc_val, exc_tb):
        cdef dict kept
        response = self.response
        if type(response) is ClientResponse:
            kept = response.__dict__
            if (
                kept.get("_connection") is None
                and kept.get("_body") is not None
                and "_upload_task" not in kept
            ):
                kept["_in_context"] = False
                kept["_released"] = kept["_closed"] = True
                return DONE
        return response.__aexit__(exc_type, exc_val, exc_tb)

    @property
    def _coro(self):
        if self.coroutine is None and self.phase == NEW:
            self.name = NULL
            self.coroutine = self.general()
        return self.coroutine

    @property
    def _resp(self):
        if self.response is None:
            raise AttributeError("_resp is not there before 'async with' has the response")
        return self.response

    def __getattr__(self, name):
        # A task's repr and its stack are taken from what a coroutine shows of itself. What is
        # looked at like that before it begins goes the general way, which has a frame to show.
        if name.startswith("cr_"):
            coroutine = self._coro
            if coroutine is not None:
                return getattr(coroutine, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def __qualname__(self):
        return getattr(self.coroutine, "__qualname__", "ClientSession._request")

    @property
    def __name__(self):
        return getattr(self.coroutine, "__name__", "_request")

    # --------------------------------------------------------------------- the straight way

    cdef object general(self):
        return REQUEST(self.session, self.method, self.url, **self.options)

    cdef bint begin(self) except -1:
        """Send the request; false when it cannot go straight."""
        cdef dict options = self.options
        cdef StraightExchange exchange
        cdef Prepared prepared = self.session._prepared
        cdef ConnectionPool pool
        cdef ClientLink link
        cdef Target target
        cdef double now, total
        cdef bytes body = None
        cdef str kind = None
        if not prepared.holds(self.session):
            return False
        pool = prepared.connector
        if not pool._idle_count or pool._closed:
            return False
        target = prepared.target_of(self.session, self.url, options.get("params") or None)
        data, json = options.get("data"), options.get("json")
        if target is None or json is not None and target.key not in pool._idle:
            return False  # before a value is serialised, which may be done once only
        if json is not None:
            if data is not None:
                return False
            kind = "application/json"
            if prepared.json_bytes is not None:
                body = prepared.json_bytes(json)
            else:
                body = prepared.json_text(json).encode("utf-8")
        elif data is not None:
            if type(data) is not bytes:
                return False
            kind = "application/octet-stream"
            body = data
        if body is not None and len(body) > MOST_BODY:
            return False
        plan = prepared.plan
        timeout = options.get("timeout", UNSET)
        if timeout is not UNSET:
            plan = self.session._plan(timeout, None, None, True, NO_LIMITS)
        if body is not None and len(body) > SMALL and plan.timeout.sock_read:
            return False  # which does not count while a body is sent, by an upload
        self.asked = prepared.ask(
            self.session, target, self.method, options.get("headers") or None, kind, body
        )
        if self.asked is None:
            return False
        now = pool._loop.time()
        found = pool.lend(self.asked.key, now)
        if found is None:
            return False
        if not isinstance(found, ClientLink):
            pool.take_back(self.asked.key, found, False)
            return False
        link = <ClientLink>found
        exchange = StraightExchange.__new__(StraightExchange)
        exchange.method = self.method
        exchange.plan = plan
        exchange.pool = pool
        exchange.key = self.asked.key
        exchange.link = link
        exchange.sends_body = body is not None
        exchange.deadline = INFINITY
        limits = plan.timeout
        exchange.sock_read = limits.sock_read
        if limits.total:
            total = limits.total
            if total > 0:
                exchange.deadline = now + total
                if total > <double>limits.ceil_threshold:
                    exchange.deadline = ceil(exchange.deadline)
        if link.waiter is None:
            link.waiter = Waiter(link.loop)
        exchange.waiter = link.waiter
        exchange.waiter.arm()
        self.exchange = exchange
        if not link.expect(exchange):
            self.drop()
            return False
        if body is None or len(body) < DIRECT_FROM:
            link.write_now(self.asked.head if not body else self.asked.head + body)
        else:
            link.write_both(self.asked.head, body)
        return True

    cdef object finish(self):
        """The response; or ``None``, and what gives it is the coroutine now."""
        cdef StraightExchange exchange = self.exchange
        cdef Asked asked = self.asked
        cdef ResponseHead head
        cdef dict kept
        if not exchange.answered:
            self.drop()
            raise RuntimeError("resumed before there is a response: await it in a task")
        self.exchange = None
        if exchange.error is not None:
            self.failed(exchange)
            return None
        head = exchange.head
        response = ClientResponse.__new__(ClientResponse)
        kept = response.__dict__
        kept["method"] = asked.method
        kept["_asked"] = asked
        kept["_sent"] = len(asked.head) + (0 if asked.body is None else len(asked.body))
        kept["_loop"] = exchange.link.loop
        kept["_head"] = head
        kept["status"] = head.status
        kept["reason"] = head.reason
        kept["version"] = HttpVersion11 if head.version == (1, 1) else HttpVersion10
        if exchange.connection is not None:
            kept["content"] = exchange.content
            if exchange.connection.protocol is None:
                kept["_closed"] = True
            else:
                kept["_connection"] = exchange.connection
        else:
            kept["_whole"] = exchange.body
            kept["_closed"] = True
        if 300 <= head.status < 400 and head.status in REDIRECT_STATUSES:
            follows = self.options.get("allow_redirects", True)
            if follows:
                self.go_on(exchange, response)
                return None
        if may_have_cookies(head):
            keep_cookies(self.session, response)
        check = self.session._raise_for_status
        if check and (head.status >= 400 or callable(check)):
            self.coroutine = check_status(response, check)
            return None
        return response

    cdef int failed(self, StraightExchange exchange) except -1:
        error = exchange.error
        exchange.abandon()
        if isinstance(error, BadHttpMessage):
            # Of no server: another status would look like an answer.
            raise ClientResponseError(
                self.asked.as_request().request_info, (), status=400, message=error.message
            ) from error
        if (
            isinstance(error, (ServerDisconnectedError, ClientOSError))
            and not isinstance(error, ServerTimeoutError)
            and self.method in IDEMPOTENT
        ):
            # The server may have closed the connection just as the request was written to it.
            self.go_on(exchange, None)
            return 0
        if isinstance(error, OSError) and not isinstance(
            error, (ClientError, asyncio.TimeoutError)
        ):
            raise ClientOSError(*error.args) from error
        raise error

    cdef int go_on(self, StraightExchange exchange, object response) except -1:
        """Leave the rest to the general way: a redirect, or another attempt without one."""
        self.coroutine = go_on(
            self.session,
            exchange.pool,
            self.asked.as_request(),
            self.asked.headers,
            exchange.plan,
            exchange.deadline,
            10 if self.options.get("allow_redirects", True) else None,
            response,
        )
        return 0


cdef bint may_have_cookies(ResponseHead head) noexcept:
    """Whether a field has a name as long as Set-Cookie's."""
    cdef unsigned int i
    for i in range(head._count):
        if head._fields[i].name_size == 10:
            return True
    return False


make_sendable(ResponseContext)

# The session's method, as it is when nobody has patched it.
cdef object REQUEST = None
cdef object SESSION = None


def of_session(session):
    """Take note of the class of sessions, before anybody can have patched it."""
    global REQUEST, SESSION
    SESSION = session
    REQUEST = session._request


def call(session, method, url, **options):
    """Begin a call: nothing is sent until it is awaited, or entered."""
    cdef ResponseContext context
    cdef Prepared prepared
    if (
        type(session)._request is REQUEST
        and "_request" not in session.__dict__
        and type(method) is str
        and STRAIGHT.issuperset(options)
    ):
        context = ResponseContext.__new__(ResponseContext)
        context.name = b"_request"
        context.subject = session
        context.session = session
        context.method = (<str>method).upper()
        context.url = url
        context.options = options
        return context
    return ResponseContext(session._request(method, url, **options))
