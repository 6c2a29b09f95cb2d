"""The server's side of one HTTP connection.

One task per connection, made when the client connects, runs the handlers in order. A request that
is complete wakes the task inside the read, and the answers to one read leave in one system call.
An upgrade hands the transport over: what the handler then does wrong ends the new protocol, and
cannot be answered with HTTP any more.
"""

import asyncio
import builtins

from cpython.contextvars cimport PyContext_CopyCurrent

from aiohttp_ws.web.reading cimport (
    CLOSING,
    DETACHED,
    DISCARDING,
    FRESH,
    HANDLING,
    HEAD,
    IDLE,
    LOST,
    MOST_UNPARSED,
    ConnectionSettings,
)
from aiohttp_ws.wire.http1_head cimport RequestHead

from aiohttp_ws.errors import (
    BadHttpMessage,
    ClientConnectionResetError,
    PayloadAccessError,
)
from aiohttp_ws.http.streams import EMPTY_PAYLOAD
from aiohttp_ws.web.exceptions import HTTPException
from aiohttp_ws.web.failures import (
    answer_bad_message,
    answer_error,
    answer_wrong_result,
    cancelled_within,
    is_being_cancelled,
    log_lost_client,
    log_short_body,
    log_wrong_end,
    log_wrong_result,
)
from aiohttp_ws.web.sending import ResponseWriter
from aiohttp_ws.web.stream_response import StreamResponse
from aiohttp_ws.web.websocket_listener import WebSocketListenerResponse

cdef extern from "aiohttp_ws/net/awaitables.h":
    double aws_monotonic()

cdef enum:
    MOST_IN_A_ROW = 64      # pipelined requests before other connections get their turn

# What a TaskGroup raises, of Python 3.11 and later.
cdef object ERROR_GROUP = getattr(builtins, "BaseExceptionGroup", ())

cdef bytes CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


cdef class HTTPConnection(ResponseSender):
    """See :class:`RequestHandler`."""

    # ---------------------------------------------------------- what a handler may use

    @property
    def busy(self):
        """Whether a handler runs."""
        return self.request is not None

    @property
    def keepalive_timeout(self):
        """Seconds that the connection waits for another request."""
        return self.settings.keepalive_timeout

    @property
    def max_field_size(self):
        """Bytes that a header may have."""
        return self.settings.max_field_size

    @property
    def max_headers(self):
        """Headers that a message may have."""
        return self.settings.max_headers

    @property
    def allows_keep_alive(self):
        """Whether another request may follow, as far as this side goes."""
        return not self.stop_after

    def make_writer(self):
        """Return what the response to the current request is written to."""
        # What is written may be the final answer, which no 100 may follow.
        if self.continue_due:
            self.refuse_body()
        return ResponseWriter(self)

    def send_continue(self):
        """Send ``100 Continue`` if the client waits for it (RFC 9110 10.1.1)."""
        if self.continue_due:
            self.continue_due = False
            if self.lower is not None:
                self.put(CONTINUE)

    cdef int refuse_body(self) except -1:
        """Answer in the place of ``100 Continue``, and say so: the body is not waited for."""
        self.continue_due = False
        if self.body_open and self.body.total_raw_bytes == 0:
            # RFC 9110 10.1.1: the answer tells by Connection: close.
            self.stop_after = True
        return 0

    def close(self):
        """Take no more requests; the one being handled is answered first."""
        self.stop_after = True
        if self.waiting:
            self.waiter.wake_soon()

    def force_close(self):
        """Close the connection at once; what was written still leaves."""
        self.stop_after = True
        self.close_transport()

    def detach(self):
        """Hand the connection over to another protocol, after its response to an upgrade.

        :returns: the transport and the bytes that came after the request. The caller sets
            the transport's new protocol, which calls :meth:`connection_lost`.
        :raises ConnectionResetError: when the connection is lost or closing.
        """
        transport = self.lower
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("the client closed the connection")
        self.flush()
        rest = b"" if self.parser is None else self.parser.take_rest()
        self.phase = DETACHED
        self.stop_timer()
        if self.request is not None:
            # What read requests and waited for them: an upgraded connection may idle for days.
            self.parser = self.pristine = self.waiter = self.next_request = None
            if type(self.request._message) is RequestHead:
                (<RequestHead>self.request._message).give_back()
        if self.reading_paused:
            self.reading_paused = False
            transport.resume_reading()
        return transport, rest

    async def shutdown(self, timeout=15.0):
        """Close the connection: its WebSocket with 1001, its request once answered.

        :param timeout: seconds until a handler that still runs is cancelled.
        """
        self.close()
        task = self.task
        if task is asyncio.current_task():
            return
        websocket = self.websocket
        if websocket is not None and self.lower is not None:
            closing = asyncio.ensure_future(
                websocket.close(code=1001, message=b"Server shutdown")
            )
            await asyncio.wait([closing], timeout=timeout)
            closing.cancel()
        if task is not None and not task.done():
            await asyncio.wait([task], timeout=timeout)
            if not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=1.0)
        if self.lower is not None and (self.phase != DETACHED or websocket is not None):
            self.end_tcp(False)

    # ------------------------------------------------------------ called by the event loop

    def connection_made(self, transport):
        self.attach(transport, self.settings.tcp_keepalive)
        self.settings.server.connection_made(self, transport)
        if self.deadline:
            self.arm_timer(aws_monotonic())
        self.start_task()

    cdef int start_task(self) except -1:
        cdef object create_task = self.loop.create_task
        if self.pristine is None:
            self.task = create_task(self.run())
        else:
            # A task takes a copy of the context that it is made in.
            self.task = self.pristine.run(create_task, self.run())
        return 0

    def eof_received(self):
        # Clients that close their half and wait for an answer are rarer than clients that
        # have disconnected, which a handler should learn of. What was written still leaves.
        self.flush()
        self.fd = -1  # the transport closes
        return False

    def connection_lost(self, exc):
        if self.phase == LOST:
            return
        self.phase = LOST
        if self.request is not None:
            self.request._keep_address()
        self.let_go()
        if self.body_open:
            self.body_open = False
            self.body.set_exception(
                ClientConnectionResetError("the client closed the connection"), exc
            )
        if self.waiting:
            self.waiter.wake()
        elif (
            self.settings.handler_cancellation
            and self.request is not None
            # One that has a listener learns of the end by it, and may be closing.
            and not isinstance(self.websocket, WebSocketListenerResponse)
        ):
            self.task.cancel()
        self.settings.server.connection_lost(self, exc)

    cdef int expire(self) except -1:
        """The client took too long."""
        if self.phase == HANDLING:
            if self.body_open:
                timeout = self.settings.body_timeout
                self.fail_parsing(
                    BadHttpMessage(
                        f"no byte of the body came for body_timeout={timeout:g} s", code=408
                    )
                )
        elif self.phase == HEAD:
            timeout = self.settings.head_timeout
            self.failure = BadHttpMessage(
                f"the head was not complete after head_timeout={timeout:g} s", code=408
            )
            if self.waiting:
                self.waiter.wake()
        elif self.phase == CLOSING:
            if self.lower is not None:
                self.end_tcp(False)
        else:
            self.close_transport()
            self.close()
        return 0

    # ------------------------------------------------------------------------ the task

    async def run(self):
        """Answer requests until the connection ends; see the module's docstring."""
        cdef RequestHead head
        cdef ConnectionSettings settings = self.settings
        cdef double started = 0
        cdef bint again, renew = False
        self.pristine = PyContext_CopyCurrent()
        try:
            while not self.stop_after and self.phase < CLOSING:
                if self.head is None:
                    self.parse()
                if self.head is None:
                    if self.failure is not None:
                        self.answer_failure()
                        break
                    self.wait_idle()
                    await self.next_request
                    continue
                head = self.head
                self.head = None
                self.phase = HANDLING
                self.deadline = 0
                if self.body_open and not self.continue_due and not self.reading_paused:
                    self.set_deadline(settings.body_timeout)
                if settings.access_logger is not None:
                    started = aws_monotonic()
                request = settings.request_factory(
                    head, self.body if head.has_body else EMPTY_PAYLOAD, self, None, self.task
                )
                self.request = request
                response = data = None
                try:
                    response = await settings.handler(request)
                    if self.continue_due:
                        self.refuse_body()
                    if isinstance(response, StreamResponse) and request._payload_writer is None:
                        data = response._render(request)
                except HTTPException as exc:
                    response = exc
                except Exception as exc:
                    response = exc
                except asyncio.CancelledError as exc:
                    # What waits for a client that left may be cancelled with its connection.
                    if self.lower is None or is_being_cancelled(self.task):
                        raise
                    response = cancelled_within(exc)
                if data is not None:
                    if self.lower is not None:
                        self.put_whole(data)
                    else:
                        response._never_left()
                else:
                    response = await self.send_response(request, response)
                self.request = None
                again = self.end_request(request, response, started)
                if self.body_open:
                    await self.discard_body(head)
                    if self.failure is not None:
                        # This request is answered already: no 400 for what remains of it.
                        self.half_close()
                        again = False
                if head.has_body:
                    if request._post is not None:
                        request._close_files()
                    self.body.set_exception(
                        PayloadAccessError("the body cannot be read after the handler has returned")
                    )
                    self.body = EMPTY_PAYLOAD
                if not again:
                    break
                if head.upgrade and self.parser.paused:
                    self.parser.resume()
                if self.reading_paused and self.parser._end - self.parser._at < MOST_UNPARSED:
                    self.resume_reading()
                if self.writing_paused:
                    await self._drain()
                self.in_a_row += 1
                if self.in_a_row >= MOST_IN_A_ROW:
                    self.in_a_row = 0
                    await asyncio.sleep(0)
                # What a handler set in its context is not for the next request to see.
                if PyContext_CopyCurrent() != self.pristine:
                    renew = True
                    break
        except ConnectionError:
            renew = False  # the connection is lost
        finally:
            self.request = None
            if renew and not self.stop_after and self.phase < CLOSING:
                self.start_task()
            else:
                self.finish()

    def wait_idle(self):
        """Read on, and choose what the clock watches between requests."""
        self.resume_reading()
        if self.parser.pending:
            self.phase = HEAD
            self.set_deadline(self.settings.head_timeout)
        elif self.phase != FRESH:
            self.phase = IDLE
            self.set_deadline(self.settings.keepalive_timeout)

    async def send_response(self, request, response):
        """Send what cannot be rendered in one go; return what was sent, or ``None``."""
        logger = self.settings.logger
        if self.phase == DETACHED:
            return await self.end_detached(request, response)
        answered = begun(request)
        if not isinstance(response, StreamResponse):
            if not isinstance(response, Exception):
                answer = answer_wrong_result(request, response, logger)
            elif self.reports_our_end(response):
                log_lost_client(request, response, logger)
                return self.websocket
            elif answered or self.lower is None:
                log_wrong_end(request, response, logger)
                return self.websocket
            else:
                answer = answer_error(request, response, logger, self.settings.server.debug)
            return None if answered else self.send_error(request, answer)
        if answered != response.prepared:
            # Another response has begun, or this one was sent to another request.
            return self.send_error(request, answer_wrong_result(request, response, logger))
        try:
            await response.prepare(request)
            await response.write_eof()
        except Exception as exc:
            if self.reports_our_end(exc):
                log_lost_client(request, exc, logger)
                self.stop_after = True
                return response
            if begun(request):
                log_wrong_end(request, exc, logger)
                return None
            if isinstance(exc, HTTPException) and not isinstance(response, HTTPException):
                # The opening handshake of a listener's connection is refused, or a signal says so.
                return await self.send_response(request, exc)
            answer = answer_error(request, exc, logger, self.settings.server.debug)
            return self.send_error(request, answer)
        writer = request._payload_writer
        if writer is not None and writer.length:
            # The next response would be taken for the rest of this one.
            log_short_body(request, response, writer.length, logger)
            self.stop_after = True
        return response

    def reports_our_end(self, error):
        """Whether *error* is how our methods tell a handler that this connection has ended.

        The type alone does not say so: a handler may have met the end of another connection,
        its database's or that of a client of ours, and that is a failure to be logged.
        """
        if isinstance(error, ERROR_GROUP):
            return all(self.reports_our_end(each) for each in error.exceptions)
        if not isinstance(error, ClientConnectionResetError):
            return False
        return (
            self.lower is None
            or self.lower.is_closing()
            or (self.websocket is not None and self.websocket._closing)
        )

    def send_error(self, request, answer):
        """Send an answer of the server's own, past signals that may have been what failed."""
        if begun(request) or self.lower is None:
            return None
        self.put_whole(
            answer._serialise(request._message.version, False, request.method == "HEAD")
        )
        return answer

    async def end_detached(self, request, response):
        """End what followed an upgrade: the handler has returned, or failed.

        :returns: the response that began it, ``None`` when it was not ours.
        """
        logger = self.settings.logger
        websocket = self.websocket
        failed = False
        if isinstance(response, BaseException):
            if self.reports_our_end(response):
                log_lost_client(request, response, logger)
            else:
                log_wrong_end(request, response, logger)
            failed = True
        elif not isinstance(response, StreamResponse):
            # Closing so is what WebSocketListenerResponse promises.
            if not isinstance(websocket, WebSocketListenerResponse):
                log_wrong_result(request, response, logger)
        elif response.prepared:
            await response.write_eof()
            return response
        elif response.status >= 400:
            # Made of an exception by a middleware: too late to be sent, but a failure.
            log_wrong_result(request, response, logger)
            failed = True
        if websocket is not None and self.lower is not None:
            await websocket.close(code=1011 if failed else 1000)
        return websocket

    def answer_failure(self):
        """Answer what is not a request, and let the client read the answer."""
        failure, self.failure = self.failure, None
        if self.lower is None:
            return
        response = answer_bad_message(failure, self.settings.logger, self.peername)
        self.put_whole(response._serialise((1, 1), False))
        self.half_close()

    def half_close(self):
        """End our side; drop what the client still sends, so that it gets our answer.

        A socket closed with unread bytes resets the connection, which can destroy an answer
        on its way (RFC 9112 9.6).
        """
        if self.lower is None or self.lower.is_closing():
            return
        self.flush()
        self.phase = CLOSING
        if self.settings.lingering_time > 0 and self.lower.can_write_eof():
            self.resume_reading()
            try:
                self.lower.write_eof()
            except OSError:
                self.end_tcp(False)  # the client has reset the connection
            self.set_deadline(self.settings.lingering_time)
        else:
            self.end_tcp(True)

    async def discard_body(self, RequestHead head):
        """Read what the handler left of the body, for at most ``lingering_time``."""
        body = self.body
        if self.lower is None or self.settings.lingering_time <= 0:
            self.stop_after = True
            return
        if head.expect_continue and body.total_raw_bytes == 0:
            # A client that was not told to continue need not send the body, and may.
            self.stop_after = True
            self.half_close()
            return
        self.phase = DISCARDING
        body.discard()
        self.flush()
        self.set_deadline(self.settings.lingering_time)
        self.resume_reading()
        await self.next_request

    cdef int end_request(self, object request, object response, double started) except -1:
        """Log; return whether another request may follow."""
        settings = self.settings
        settings.server.requests_count += 1
        if settings.access_logger is not None and response is not None:
            try:
                settings.access_logger.log(request, response, aws_monotonic() - started)
            except Exception:
                settings.logger.exception("error in the access logger")
        if self.failure is not None:
            # The body was malformed: where it ends is not known.
            self.half_close()
            return 0
        if response is None or self.phase != HANDLING or not response._keep_alive:
            return 0
        return 1

    cdef int close_transport(self) except -1:
        if self.lower is not None:
            if self.phase < CLOSING:
                self.phase = CLOSING
            self.end_tcp(True)
        return 0

    def finish(self):
        """The task ends: so does the connection, unless it still waits for the client.

        Or is a listener's, which needs no task.
        """
        if isinstance(self.websocket, WebSocketListenerResponse):
            self.websocket = self.websocket._outlive_handler()
            self.task = None
        elif self.phase != CLOSING and (self.websocket is None or not self.websocket._ended):
            if self.phase < CLOSING and self.parser is not None and self.parser.pending:
                # Such as frames that a client sent ahead of the answer, which refuses it.
                self.half_close()
            else:
                self.close_transport()
        self.settings.server.task_ended(self)


def begun(request):
    """Whether some of a response to *request* was written."""
    writer = request._payload_writer
    return writer is not None and writer.head_written


class RequestHandler(HTTPConnection, asyncio.BufferedProtocol):
    """One connection of a :class:`Server`: reads requests, runs the handler, answers.

    Handlers meet it as :attr:`BaseRequest.protocol`.
    """

    __slots__ = ("__weakref__",)
