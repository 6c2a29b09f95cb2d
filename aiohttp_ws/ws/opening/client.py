"""The client's side of the opening handshake: one head out, one head in (RFC 6455 4.1).

A client that dialled a connection for a WebSocket makes it with a :class:`ClientOpening`, and
then, in order::

    head = await opening.ask(target, headers, timeout)     # None: the server took too long
    if head.status != 101:
        ...                                                # refused; opening.body says why
    agreed = await agree(...)                              # HandshakeError, or on_connect's own
    opening.hand_over(begin)                               # the engine's connection begins

A client whose HTTP connection asks for the upgrade calls :func:`agree` too, and
:func:`tell_of_loss` when it hands over.

That the transport is closing, or that the connection is lost, does not mean that the server has
nothing more to say: a server that rejects a login sends its 101, a message, a close frame, TLS's
close_notify and FIN in one flight. What came before the end is for the engine's connection to
read, and the end is told to it afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple, TypeVar, cast

from multidict import MultiMapping

from ...errors import BadHttpMessage
from ...net.loop import resources_of
from ...net.transports import note_loss
from ...net.unread import unread
from ...wire.deflate import DeflateOptions, DeflateParams
from ...wire.handshake import check_response
from ...wire.http1 import END, HTTP_11, ResponseHead, ResponseParser, serialise_request_head
from .decisions import OnConnected
from .on_connect import connection_response, show_response

__all__ = (
    "BODY_PATIENCE",
    "CREDENTIALS",
    "MOST_BODY",
    "MOST_REST",
    "Agreement",
    "ClientOpening",
    "agree",
    "tell_of_loss",
)

#: Bytes of a refusal's body that are kept to show why, by every API.
MOST_BODY = 64 * 1024
#: Seconds that a refusal's body may take; the refusal is told with what has come.
BODY_PATIENCE = 2.0
#: Bytes that are kept of what follows the answer until the connection begins. At more, the
#: socket is read no further.
MOST_REST = 64 * 1024

#: Headers that say who the user is: a redirect takes them to no other host (RFC 9110 15.4).
CREDENTIALS = ("Authorization", "Cookie", "Proxy-Authorization")

Begun = TypeVar("Begun")
Headers = Iterable[tuple[str, str]] | Mapping[str, str] | MultiMapping[str]


class Agreement(NamedTuple):
    """What the two ends negotiated, each ``None`` when the server chose none."""

    subprotocol: str | None
    deflate: DeflateParams | None


async def agree(
    status: int,
    headers: MultiMapping[str],
    key: str,
    *,
    offered: Iterable[str],
    deflate: DeflateOptions | None,
    transport: asyncio.BaseTransport | None,
    on_connect: OnConnected | None,
) -> Agreement:
    """Check the server's answer, and show *on_connect* what was negotiated.

    :param key: the request's ``Sec-WebSocket-Key``.
    :param offered: the subprotocols that the request offered.
    :param deflate: what the request's offer of permessage-deflate was made from, or ``None``.
    :param on_connect: the user's, whose exceptions are raised here.
    :raises HandshakeError: the answer does not open a WebSocket.
    """
    agreed = Agreement(*check_response(status, headers, key, offered, deflate))
    if on_connect is not None:
        await show_response(on_connect, connection_response(transport, headers, agreed.subprotocol))
    return agreed


def tell_of_loss(transport: asyncio.Transport, exc: BaseException | None) -> None:
    """Tell the protocol of *transport* that the connection is lost: its predecessor was told."""
    protocol = transport.get_protocol()
    protocol.connection_lost(cast("Exception | None", exc))


class ClientOpening(asyncio.BufferedProtocol):
    """The protocol of a connection until the server has answered and its connection begins.

    :param parser: takes the response apart, with the API's limits; the default limits without.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, parser: ResponseParser | None = None
    ) -> None:
        self._loop = loop
        self.transport: asyncio.Transport | None = None
        #: What came of a refusal's body, at most :data:`MOST_BODY` bytes.
        self.body = bytearray()
        #: Whether ``connection_lost()`` was called, and with what.
        self.is_lost = False
        self.lost_exc: BaseException | None = None
        self._handed_over = False
        self._head: ResponseHead | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rest = bytearray()
        self._reading_paused = False
        self._buffer = resources_of(loop).receive_buffer
        self._parser = ResponseParser() if parser is None else parser
        self._parser.expect("GET")
        self._answer: asyncio.Future[ResponseHead] = loop.create_future()

    def as_protocol(self) -> ClientOpening:
        """Return itself, for those who want a protocol factory."""
        return self

    async def ask(
        self, target: str, headers: Headers, timeout: float | None = None
    ) -> ResponseHead | None:
        """Send the request; return the head of the answer when its body has come too.

        What ends this early, a cancellation too, leaves no connection.

        :param timeout: seconds that the server has; ``None`` for no limit.
        :return: ``None`` when the time is over.
        :raises BadHttpMessage: the answer is not valid HTTP/1.1, or exceeds a limit.
        :raises EOFError: the server closed the connection before it had answered.
        :raises OSError: the connection was lost.
        """
        try:
            if self.transport is not None and not self.transport.is_closing():
                self.transport.write(serialise_request_head("GET", target, HTTP_11, headers))
            # Not wait_for(): a cancellation that races the answer must not lose the connection.
            done, _ = await asyncio.wait([self._answer], timeout=timeout)
            if done:
                return self._answer.result()
            self.abort()
            return None
        except BaseException:
            self.abort()
            raise

    def hand_over(self, begin: Callable[[asyncio.Transport, bytes], Begun]) -> Begun:
        """Let the connection begin.

        :param begin: takes the transport, which may be closing, and what the server has sent
            after its answer; it gives the transport its new protocol.
        """
        transport = self.transport
        assert transport is not None
        self._handed_over = True
        rest = self._parser.take_rest() + bytes(self._rest)
        if self._reading_paused and not self.is_lost:
            transport.resume_reading()
        begun = begin(transport, rest)
        if self.is_lost:
            tell_of_loss(transport, self.lost_exc)
        return begun

    def abort(self) -> None:
        """Drop the connection, if there is one."""
        self._stop_timer()
        if self.transport is not None:
            self.transport.abort()

    # ------------------------------------------------------- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not all are asyncio's by class: aiofastnet's are so by their methods only.
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        transport = self.transport
        assert transport is not None
        if self._handed_over:
            # The event loop had this call under way when the protocol was replaced.
            if transport.get_protocol() is not self:
                tell_of_loss(transport, exc)
            return
        note_loss(transport)
        self.is_lost = True
        self.lost_exc = exc
        self._take(unread(transport))
        if self._head is not None:
            self._have_body()  # RFC 9112 6.3: such a body ends with the connection.
        elif not self._answer.done():
            self._fail(exc or EOFError("the server closed the connection before it had answered"))

    def eof_received(self) -> bool:
        return False

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._take(self._buffer[:nbytes])

    def _take(self, data: bytes | memoryview) -> None:
        """Take what the server sent: its answer, then what follows that."""
        if self._answer.done():
            self._keep(data)
            return
        parser = self._parser
        parser.feed_from(data, len(data))
        try:
            while not self._answer.done() and (event := parser.next_event()) is not None:
                if event is END:
                    self._have_body()
                elif type(event) is bytes:
                    self._on_body(event)
                else:
                    self._on_head(cast("ResponseHead", event))
        except BadHttpMessage as exc:
            if self._head is not None:
                self._have_body()  # The refusal is clear, where its body ends is not.
            else:
                self._fail(exc)
        if parser.pending:
            parser.keep_rest()

    def _keep(self, data: bytes | memoryview) -> None:
        """Keep what follows the answer: frames, which are for the connection to read."""
        if self._head is not None:
            return  # the end of a refusal's body
        # All of it: a TLS transport may have more to give after pause_reading().
        self._rest += data
        if len(self._rest) > MOST_REST and not (self._reading_paused or self.is_lost):
            assert self.transport is not None
            self._reading_paused = True
            self.transport.pause_reading()

    def _on_head(self, head: ResponseHead) -> None:
        if head.status == HTTPStatus.SWITCHING_PROTOCOLS:
            self._answer.set_result(head)
        elif head.status >= 200:  # RFC 9110 15.2: interim answers go before the final one.
            self._head = head
            if not head.has_body:
                self._answer.set_result(head)
            else:
                self._timer = self._loop.call_later(BODY_PATIENCE, self._have_body)

    def _on_body(self, piece: bytes) -> None:
        self.body += piece
        if len(self.body) >= MOST_BODY:
            del self.body[MOST_BODY:]
            self._have_body()

    def _have_body(self) -> None:
        self._stop_timer()
        if not self._answer.done():
            self._answer.set_result(cast("ResponseHead", self._head))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fail(self, error: BaseException) -> None:
        self._answer.set_exception(error)
        # Nobody may be waiting any more.
        self._answer.exception()
