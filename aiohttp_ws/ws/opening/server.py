"""The server's side of the opening handshake: one request is read, decided about and answered.

An API makes a :class:`ServerOpening` for each connection that its event loop accepts, and
supplies what the APIs differ in: how a request is decided about, and what a refusal looks like.

========= ====================================================================================
stage     what comes from the client
========= ====================================================================================
READING   the request; what it has to be complete in began before TLS's handshake
DECIDING  frames, ahead of our answer: one read of them is kept, and the rest waits in the
          socket. So does the client's end when it comes after them: a client that has said all
          and left is heard. One that leaves without a word cancels the decision.
LINGERING what a refused client still sends, which is dropped
OVER      nothing: the transport has another protocol, or is closed
========= ====================================================================================
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias, cast

from ...errors import BadHttpMessage
from ...net.loop import resources_of
from ...net.transports import note_loss
from ...wire.http1 import RequestHead, RequestParser
from ..engine.connection import LINGERING as LINGER

__all__ = ("Accept", "Answer", "Refuse", "ServerOpening", "Stage")


class Accept(NamedTuple):
    """The connection opens.

    :param begin: a function of the transport and of the bytes that came after the request. It
        sends the 101 response, and gives the transport the protocol that it has from then on.
    """

    begin: Callable[[asyncio.Transport, bytes], object]


class Refuse(NamedTuple):
    """The request is answered otherwise, and the connection closed.

    :param response: the response as it travels, with ``Connection: close``.
    """

    response: bytes


Answer: TypeAlias = Accept | Refuse


class Stage(enum.Enum):
    """What a :class:`ServerOpening` does with what comes; the module's docstring tells."""

    READING = enum.auto()
    DECIDING = enum.auto()
    LINGERING = enum.auto()
    OVER = enum.auto()


READING, DECIDING, LINGERING, OVER = Stage


class ServerOpening(asyncio.BufferedProtocol):
    """A server's connection until its request is answered.

    The event loop makes it when it accepts the connection, before TLS's handshake.

    :param timeout: seconds that the client has, from then on, for TLS's handshake and its
        request, and for the decision where :attr:`decides_in_time`; ``None`` for no limit.
    :param parser: takes the request apart, with the API's limits.
    """

    __slots__ = (
        "_buffer",
        "_deadline",
        "_is_head",
        "_loop",
        "_parser",
        "_rest",
        "_timer",
        "_transport",
        "stage",
        "task",
        "timeout",
    )

    #: Whether the decision has to be made within the timeout too.
    decides_in_time = False
    #: The API's name for *timeout*.
    timeout_name = "timeout"

    def __init__(
        self, loop: asyncio.AbstractEventLoop, timeout: float | None, parser: RequestParser
    ) -> None:
        self._loop = loop
        self.timeout = timeout
        self._deadline = 0.0 if timeout is None else loop.time() + timeout
        self._timer: asyncio.TimerHandle | None = None
        self._parser = parser
        self._buffer = resources_of(loop).receive_buffer
        self._rest = b""
        self._is_head = False
        self.stage = READING
        #: The task that makes the decision, where it is not made at once.
        self.task: asyncio.Future[Any] | None = None

    # ------------------------------------------------------------- what the API supplies

    def decide(self, head: RequestHead) -> Answer | Awaitable[Answer] | None:
        """Decide about a request.

        An awaitable is cancelled when the client leaves. ``None``: a task, left in :attr:`task`
        and cancelled likewise, calls :meth:`answer`. What is raised is answered as
        :meth:`explain` says.
        """
        raise NotImplementedError

    def explain(self, exc: Exception) -> Refuse:
        """Make the refusal for *exc*, and log what is not the client's fault.

        :param exc: a :exc:`BadHttpMessage` (no valid request came, or not in time), or what
            :meth:`decide` raised, such as a :exc:`HandshakeError`.
        """
        raise NotImplementedError

    # ------------------------------------------------------------ called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self.timeout is not None:
            self._timer = self._loop.call_at(self._deadline, self._expire)

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle(OVER)
        note_loss(self._transport)
        if self.task is not None and not self.task.done():
            self.task.cancel()

    def eof_received(self) -> bool:
        return False

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.stage is READING:
            self._read(nbytes)
        elif self.stage is DECIDING:
            self._rest += self._buffer[:nbytes]
            self._transport.pause_reading()

    def _read(self, nbytes: int) -> None:
        parser = self._parser
        parser.feed_from(self._buffer, nbytes)
        try:
            head = cast("RequestHead | None", parser.next_event())
        except BadHttpMessage as exc:
            self.answer(self.explain(exc))
            return
        if head is None:
            return
        self.stage = DECIDING
        self._is_head = head.method == "HEAD"
        if parser.pending and not head.has_body:  # What has a body opens no WebSocket.
            self._rest = parser.take_rest()
        try:
            answer = self.decide(head)
        except Exception as exc:
            answer = self.explain(exc)
        if type(answer) is Accept or type(answer) is Refuse:
            self.answer(answer)
            return
        if answer is not None:
            self.task = asyncio.ensure_future(self._wait_for(cast("Awaitable[Answer]", answer)))
        if self.stage is DECIDING:
            if not self.decides_in_time:
                self._stop_timer()  # The client has done its part.
            if self._rest and not self._transport.is_closing():
                self._transport.pause_reading()

    def _expire(self) -> None:
        self._timer = None
        if self.task is not None:
            self.task.cancel()
            self.task = None
        self.answer(
            self.explain(
                BadHttpMessage(
                    f"no opening handshake within {self.timeout_name}={self.timeout:g} s", code=408
                )
            )
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _settle(self, stage: Stage) -> None:
        """The request is answered, or the client has left."""
        self.stage = stage
        self._stop_timer()

    # ------------------------------------------------------------------------ the answer

    async def _wait_for(self, awaited: Awaitable[Answer]) -> None:
        try:
            answer = await awaited
        except Exception as exc:
            answer = self.explain(exc)
        except BaseException:
            self._transport.abort()
            raise
        self.answer(answer)

    def answer(self, answer: Answer) -> None:
        """Do what was decided, unless the client has left or was answered before."""
        if self.stage is not DECIDING and self.stage is not READING:
            return
        transport = self._transport
        if isinstance(answer, Refuse):
            self._settle(LINGERING)
            self._send_last(answer.response)
            return
        self._settle(OVER)
        rest, self._rest = self._rest, b""
        if rest:
            transport.resume_reading()
        # A task of the API's may hold this for as long as the connection lives.
        del self._parser
        answer.begin(transport, rest)

    def _send_last(self, response: bytes) -> None:
        """Send *response*, and let the client close."""
        transport = self._transport
        if self._is_head:
            # RFC 9110 9.3.2: the head that GET would get, and no body.
            response = response[: response.index(b"\r\n\r\n") + 4]
        transport.write(response)
        if not transport.can_write_eof():
            transport.close()
            return
        # A socket closed with unread input resets the connection, and the answer may be lost
        # with it (RFC 9112 9.6): end our side, drop what comes.
        try:
            transport.write_eof()
        except OSError:
            transport.abort()
            return
        if self._rest:
            transport.resume_reading()
        self._timer = self._loop.call_later(LINGER, transport.abort)
