"""The frame API: every frame is handed to callbacks, close frames and their answer included.

:class:`WSListener` is what users derive from; :class:`WSTransport` is a connection as they see it. What
the frame API promises around frames is here: frames borrow the receive buffer, exceptions of
callbacks end the connection, the listener ends the closing handshake itself.
"""

import asyncio
from types import FunctionType

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memset

from aiohttp_ws.net.loop cimport resources_of
from aiohttp_ws.wire.closing cimport CLOSE_RECEIVED, CLOSE_SENT, NO_STATUS, TCP_ENDED
from aiohttp_ws.wire.frames cimport (
    FIN,
    OP_BINARY,
    OP_CLOSE,
    OP_CONTINUATION,
    OP_TEXT,
    RSV1,
    FrameReader,
    Utf8State,
    utf8_feed,
    whole_frame_at,
)
from aiohttp_ws.ws.close_codes cimport named_close_code, sendable_close_code
from aiohttp_ws.ws.engine.connection cimport BY_LISTENER
from aiohttp_ws.ws.engine.send_frames cimport check_thread
from aiohttp_ws.ws.engine.frame cimport WSCloseHandshake, make_close_handshake, make_frame
from aiohttp_ws.ws.types cimport WSMsgType

from aiohttp_ws.errors import ClientConnectionResetError, WSProtocolError
from aiohttp_ws.errors.faults import Failure, FaultKind, ProtocolFault
from aiohttp_ws.ws.engine.keepalive import Keepalive
from aiohttp_ws.ws.types import WSAutoPingStrategy, WSCloseCode

__all__ = ("WSListener", "WSTransport")

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(object o)

cdef extern from "aiohttp_ws/net/awaitables.h":
    object aws_call_method(object self, object name, object a, object b)

cdef extern from "aiohttp_ws/net/awaitables.h" nogil:
    double aws_monotonic()


cdef class WSListener(Listener):
    """Receives the frames of one connection. Derive and override.

    From Python, override the ``on_*`` methods. A ``cdef class`` may override them too and is
    called through the vtable. An exception in a callback ends the connection with 1011, or as
    a :class:`WSProtocolError` says; a client's ``wait_disconnected()`` raises it, a server
    logs it.
    """

    cpdef on_ws_connected(self, WSTransport transport):
        """The opening handshake is done: frames can be sent."""

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        """A frame has come; *frame* dies when this returns.

        Close frames come here too, and it is for the listener to answer them:
        ``transport.send_close(frame.get_close_code(), frame.get_close_message())``, then
        ``transport.disconnect()``. Pings come only with ``enable_auto_pong=False``.
        """

    cpdef on_ws_disconnected(self, WSTransport transport):
        """The connection has ended; called once."""

    cpdef send_user_specific_ping(self, WSTransport transport):
        """The automatic ping is due; by default a ping frame is sent."""
        transport.send_ping()

    cpdef is_user_specific_pong(self, WSFrame frame):
        """Say whether *frame*, which came after an automatic ping, answers it.

        A frame that does goes no further. By default a pong frame does.
        """
        return frame.msg_type == WSMsgType.PONG

    cdef int deliver(self, Connection connection, Frame *frame) except -1:
        cdef WSTransport transport = <WSTransport>connection
        cdef WSFrame view
        cdef FrameReader reader = transport.reader
        cdef object owner = None
        cdef bint closes = frame.opcode == OP_CLOSE
        if frame.compressed and frame.opcode <= OP_BINARY:
            owner = transport.inflate(frame)
            if owner is None:
                return 0
        if reader.check_utf8 and frame.message_opcode == OP_TEXT and not check_text(transport, frame):
            return 0
        view = make_frame(frame)
        view.tail_size = reader.end - reader.pos
        view.last_in_buffer = not whole_frame_at(reader.pos, view.tail_size)
        if owner is not None:
            view.owner = owner
        if transport.pong_expected and self.is_user_specific_pong(view):
            transport.notify_user_specific_pong_received()
            return 0
        try:
            if transport.listens_in_python:
                aws_call_method(self, "on_ws_frame", transport, view)
            else:
                self.on_ws_frame(transport, view)
        finally:
            if Py_REFCNT(view) > 1:
                # Kept by the listener: what it borrowed is about to be overwritten.
                view.payload_ptr = NULL
        if closes and transport.ends_at_close:
            transport.disconnect()
        return 0

    cdef int faulted(self, Connection connection, object fault) except -1:
        cdef WSTransport transport = <WSTransport>connection
        if not isinstance(fault, ProtocolFault):
            return 0
        fault.limit_name = "max_frame_size"
        transport.logger.info("the peer broke the protocol (%d): %s", fault.code, fault)
        if transport.is_client_side and transport.failure is None:
            transport.failure = WSProtocolError(named_close_code(fault.code), fault.reason)
        return 0

    cdef int code_failed(self, Connection connection, object exc) except -1:
        return (<WSTransport>connection).callback_failed("on_ws_frame", exc)

    cdef int lost(self, Connection connection, object exc) except -1:
        cdef WSTransport transport = <WSTransport>connection
        transport.end_pings(
            ClientConnectionResetError("the connection was lost before the pong came")
        )
        try:
            self.on_ws_disconnected(transport)
        except Exception as failure:
            transport.callback_failed("on_ws_disconnected", failure)
        finally:
            if transport.ended_future is None:
                transport.ended_future = True
            elif not transport.ended_future.done():
                transport.ended_future.set_result(None)
        return 0

    cdef bint ping_due(self, Connection connection, bint again) except -1:
        cdef WSTransport transport = <WSTransport>connection
        if transport.is_disconnected:
            return False
        transport.pong_expected = True
        if transport.closing.sent:
            # No ping may follow it; a peer that does not close either is as dead as another.
            return True
        try:
            self.send_user_specific_ping(transport)
        except Exception as exc:
            transport.callback_failed("send_user_specific_ping", exc)
            return False
        except BaseException as exc:
            transport.abandon(exc)
            return False
        return True

    cdef int unanswered(self, Connection connection, double seconds) except -1:
        cdef WSTransport transport = <WSTransport>connection
        reason = f"no pong within auto_ping_reply_timeout={seconds:g} s of a ping"
        transport.logger.info("connection dropped: %s", reason)
        transport.say_close(WSCloseCode.GOING_AWAY, reason.encode())
        transport.flush()
        transport.advance(TCP_ENDED)
        # What has not left, such a peer will not read; nor will it answer TLS's close_notify.
        return transport.end_tcp(False)


cdef class WSTransport(Connection):
    """One end of a live WebSocket connection.

    Sending never blocks: what the kernel does not take is buffered, and the listener's
    ``pause_writing`` says when there is too much of it. After a close frame nothing more
    is sent: sending does nothing then. All methods are for the thread of the event loop,
    and raise RuntimeError in another.
    """

    def __cinit__(self):
        self.shows_pongs = self.shows_close = self.leaves_tcp = True
        self.acts_at_call = True
        self.prompt = True
        self.answers = BY_LISTENER

    def _begin(
        self,
        transport,
        settings,
        *,
        request,
        response,
        deflate,
        bytes preamble,
        bytes rest,
        when_lost,
    ):
        """Begin the connection.

        :param settings: FrameSettings.
        :param deflate: the DeflateParams negotiated, or ``None``.
        :param preamble: to be sent before any frame: the answer to the opening handshake.
        :param rest: what came after the opening handshake.
        :param when_lost: called with connection_lost's argument, after on_ws_disconnected.
        """
        self.lost_callback = when_lost
        self.request = request
        self.response = response
        self.logger = settings.logger
        self.listens_in_python = isinstance(
            getattr(type(self.listener), "on_ws_frame"), FunctionType
        )
        self.disconnect_on_exception = settings.disconnect_on_exception
        self.auto_pong = settings.enable_auto_pong
        self.attach(transport, resources_of(asyncio.get_running_loop()))
        self.use_deflate(deflate, settings.compression)
        self.in_batch = True
        try:
            if preamble:
                self.put_bytes(
                    <const uint8_t *>PyBytes_AS_STRING(preamble),
                    PyBytes_GET_SIZE(preamble),
                    preamble,
                )
            if settings.enable_auto_ping:
                self.last_heard = aws_monotonic()
                self.keepalive = Keepalive(
                    self,
                    settings.auto_ping_idle_timeout,
                    settings.auto_ping_reply_timeout,
                    periodic=settings.auto_ping_strategy is WSAutoPingStrategy.PING_PERIODICALLY,
                    any_input=False,
                )
            try:
                (<WSListener>self.listener).on_ws_connected(self)
            except Exception as exc:
                self.callback_failed("on_ws_connected", exc)
            except BaseException as exc:
                self.abandon(exc)
        finally:
            self.in_batch = False
        self.flush()
        if rest:
            self.feed(rest)

    cdef object inflate(self, Frame *frame):
        """Let *frame* carry what it inflates to; return the bytes that hold it.

        ``None`` when it cannot be inflated, and the connection has failed.
        """
        cdef bytes piece
        try:
            piece = self.inflater.inflate_memory(
                frame.payload, frame.size, frame.flags & FIN != 0, self.reader.max_frame_size
            )
        except ProtocolFault as fault:
            self.fail(fault)
            return None
        frame.payload = <uint8_t *>PyBytes_AS_STRING(piece)
        frame.size = PyBytes_GET_SIZE(piece)
        frame.flags &= ~RSV1
        return piece

    cdef int callback_failed(self, str callback, object exc) except -1:
        """A callback of the listener's has raised *exc*."""
        reason = ""
        code = 1011
        if isinstance(exc, WSProtocolError):
            if isinstance(exc.code, int) and sendable_close_code(min(max(exc.code, 0), 65535)):
                code, reason = exc.code, exc.message
        elif callback == "on_ws_frame" and not self.disconnect_on_exception:
            self.logger.error("unhandled exception in WSListener.%s", callback, exc_info=exc)
            return 0
        elif isinstance(exc, UnicodeDecodeError):
            code, reason = 1007, "text that is not UTF-8"
        if code != 1011:
            self.logger.info("WSListener.%s ends the connection: %s", callback, exc)
        elif self.is_client_side and self.failure is None:
            self.logger.warning(
                "exception in WSListener.%s ends the connection: %r", callback, exc
            )
        else:
            self.logger.error(
                "exception in WSListener.%s ends the connection", callback, exc_info=exc
            )
        if self.is_client_side and self.failure is None:
            self.failure = exc
        if not self.is_disconnected:
            self.fail(Failure(code, reason if isinstance(reason, str) else str(reason)))
        return 0

    def _go_away(self, int code, bytes reason):
        """Begin the closing handshake; the peer's close frame ends the connection.

        Whatever the listener makes of that frame, which it is given still.
        """
        self.ends_at_close = True
        self.say_close(code, reason)
        if self.closing.received:
            self.disconnect()

    # -------------------------------------------------------------------- public

    @property
    def close_handshake(self):
        """What the two close frames said, a WSCloseHandshake; ``None`` before the first."""
        if self.closing.received == 0 and self.closing.sent == 0:
            return None
        return make_close_handshake(
            self.closing.received,
            self.received_reason,
            self.closing.sent,
            self.sent_reason,
            self.closing.peer_first,
        )

    cpdef notify_user_specific_pong_received(self):
        """Tell the automatic ping that its answer has come.

        For listeners that learn so only in ``on_ws_frame``. Does nothing when no answer is
        expected.
        """
        check_thread(self)
        if self.pong_expected:
            self.pong_expected = False
            if self.keepalive is not None:
                self.keepalive.answered()

    cpdef disconnect(self, bint graceful=True):
        """Close the connection. No frame reaches the listener any more.

        :param graceful: send first what is buffered, which a peer that does not read can
            delay for long; otherwise drop it.
        """
        check_thread(self)
        if self.lower is None or self.is_disconnected:
            return
        self.advance(TCP_ENDED)
        self.end_tcp(graceful)

    async def wait_disconnected(self):
        """Wait until the connection has ended and ``on_ws_disconnected`` has returned.

        Cancelling it cancels nothing else.

        :raises Exception: at a client, what a callback of the listener has raised; and
            :class:`WSProtocolError` when the peer broke the protocol. That the peer closed
            is not an exception: see :attr:`close_handshake`.
        """
        check_thread(self)
        if self.resources is None:
            raise RuntimeError("this WSTransport was never connected; ws_connect() makes those")
        if self.ended_future is None:
            self.ended_future = self.resources.loop.create_future()
        if self.ended_future is not True:
            await asyncio.shield(self.ended_future)
        if self.failure is not None:
            raise self.failure

    def __repr__(self):
        return (
            f"<WSTransport {'client' if self.is_client_side else 'server'}"
            f"{' disconnected' if self.is_disconnected else ''}>"
        )


cdef int check_text(WSTransport transport, Frame *frame) except -1:
    """Validate what the reader has left to us of *frame*'s text; return whether it is UTF-8.

    A message that came whole is validated here, and a compressed one, across its fragments. The
    connection fails where it is not.
    """
    cdef Utf8State *state = &transport.reader.utf8
    if not (frame.whole_text or frame.compressed):
        return True
    if frame.opcode != OP_CONTINUATION:
        memset(state, 0, sizeof(Utf8State))
    if utf8_feed(state, frame.payload, frame.size) != <size_t>frame.size:
        transport.fail(ProtocolFault(FaultKind.TEXT))
        return False
    if frame.flags & FIN and state.need:
        transport.fail(ProtocolFault(FaultKind.TEXT_END))
        return False
    return True


class WSProtocol(WSTransport, asyncio.BufferedProtocol):
    """A WSTransport as asyncio recognises it."""

    __slots__ = ()
