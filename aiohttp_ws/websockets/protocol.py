"""One end of a WebSocket connection without input and output: bytes in, events out.

A program that brings its own event loop, or threads, hands over the bytes that it has received,
handles the events and sends the bytes that are due. Parsing and writing frames is the work of
:mod:`aiohttp_ws.wire`, and so is what ends a connection: a :class:`Protocol` takes steps in the
table of :mod:`aiohttp_ws.wire.closing` and does what the table asks for. ``serve`` and
``connect`` do not come here: the same table is compiled into their connections.
"""

from __future__ import annotations

import enum
import logging
import uuid
from collections.abc import Sequence
from typing import Any

from ..errors import FaultKind, ProtocolFault
from ..wire import closing
from ..wire.closing import Action, ClosingHandshake
from ..wire.closing import Event as Step
from ..wire.frames import FrameReader
from .exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidState,
    PayloadTooBig,
    ProtocolError,
)
from .faults import explained
from .frames import (
    BINARY,
    CLOSE,
    CONT,
    DATA_OPCODES,
    OK_CLOSE_CODES,
    PING,
    PONG,
    TEXT,
    Close,
    CloseCode,
    Extension,
    Frame,
)
from .http11 import Request, Response
from .typing import BytesLike, LoggerLike, Origin, Subprotocol

__all__ = ("Protocol", "Side", "State")

#: What :meth:`Protocol.events_received` returns a list of.
Event = Request | Response | Frame

#: Stands in :meth:`Protocol.data_to_send` for closing the sending half of the connection.
SEND_EOF = b""

_MOST_REASON = 123  # RFC 6455 5.5: 125 bytes, of which the code takes two.


class Side(enum.IntEnum):
    """Which end of a connection it is."""

    SERVER = 0
    CLIENT = 1


class State(enum.IntEnum):
    """The states of a connection as programs see them (RFC 6455 4.1, 4.2, 7.1.3, 7.1.4)."""

    #: The opening handshake is in progress.
    CONNECTING = 0
    #: Messages can be sent and received.
    OPEN = 1
    #: A close frame was sent or received.
    CLOSING = 2
    #: The connection is closed, or never opened.
    CLOSED = 3


_DEFLATE = "permessage-deflate"

SERVER = Side.SERVER
CLIENT = Side.CLIENT
CONNECTING = State.CONNECTING
OPEN = State.OPEN
CLOSING = State.CLOSING
CLOSED = State.CLOSED

# What programs see of the states of the closing handshake, while TCP stands. After a fault that
# no close frame has told the peer of (FAILING), the connection still counts as open.
_SHOWN = {
    closing.State.CONNECTING: CONNECTING,
    closing.State.OPEN: OPEN,
    closing.State.FAILING: OPEN,
    closing.State.CLOSE_SENT: CLOSING,
    closing.State.CLOSE_RECEIVED: CLOSING,
    closing.State.CLOSED: CLOSING,
    closing.State.LOST: CLOSED,
}
_RECEIVING = (closing.State.CONNECTING, closing.State.OPEN, closing.State.CLOSE_SENT)
_STEPS_TO = {
    CONNECTING: [],
    OPEN: [Step.OPENED],
    CLOSING: [Step.OPENED, Step.SEND_CLOSE],
    CLOSED: [Step.TCP_ENDED],
}


class Protocol:
    """One end of a connection that is open, whatever carries its bytes.

    It is the base of :class:`~aiohttp_ws.websockets.server.ServerProtocol` and
    :class:`~aiohttp_ws.websockets.client.ClientProtocol`, which begin with the opening
    handshake.

    :param side: which end it is.
    :param state: the state that the connection is in.
    :param max_size: the most bytes of an incoming message, inflated, 1 MiB by default; ``None``
        for no limit; ``(message, fragment)`` for one limit each.
    :param logger: where frames are logged at the level ``DEBUG``;
        ``aiohttp_ws.websockets.client`` or ``aiohttp_ws.websockets.server`` by default.
    """

    def __init__(
        self,
        side: Side,
        *,
        state: State = OPEN,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        logger: LoggerLike | None = None,
    ) -> None:
        #: Tells the connection from others in logs.
        self.id = uuid.uuid4()
        self.logger: Any = logger or logging.getLogger(f"aiohttp_ws.websockets.{side.name.lower()}")
        self.side = side
        limits = max_size if isinstance(max_size, tuple) else (max_size, None)
        self.max_message_size, self.max_fragment_size = limits
        #: The value of ``Origin`` in the opening handshake, or ``None``.
        self.origin: Origin | None = None
        #: The negotiated extensions, in the order in which they encode frames.
        self.extensions: Sequence[Extension] = []
        #: The negotiated subprotocol, or ``None``.
        self.subprotocol: Subprotocol | None = None
        #: The close frame that was received, and the one that was sent; each may be ``None``.
        self.close_rcvd: Close | None = None
        self.close_sent: Close | None = None
        #: Why the opening handshake failed, or ``None``.
        self.handshake_exc: Exception | None = None
        #: What was wrong with the bytes received after it, or ``None``.
        self.parser_exc: Exception | None = None
        #: Whether the sending half of the connection is closed.
        self.eof_sent = False
        self._closing = ClosingHandshake(connecting=True)
        for step in _STEPS_TO[state]:
            self._closing.step(step)
        self._eof_received = False
        self._unparsed = bytearray()
        self._frames: FrameReader | None = None
        self._message_size = 0  # of the fragments received, inflated
        self._wire_size = 0  # of the same, as they travel
        self._in_message = False  # a fragmented message is being sent
        self._events: list[Event] = []
        self._writes: list[bytes] = []

    # ------------------------------------------------------------------------- the state

    @property
    def state(self) -> State:
        """The :class:`State` that the connection is in; set it to ``CLOSED`` when that is lost.

        :raises ValueError: another state is set.
        """
        if self._eof_received:
            return CLOSED
        return _SHOWN[self._closing.state]

    @state.setter
    def state(self, state: State) -> None:
        # For the programs that tell so of a connection that was lost.
        if state is CLOSED:
            self.receive_eof()
        elif state is not self.state:
            raise ValueError(
                f"state cannot be set to {state.name}: it follows from what is sent and received;"
                " set CLOSED when the connection is lost"
            )

    def _step(self, event: Step, code: int = CloseCode.NO_STATUS_RCVD) -> int:
        """Let *event* happen; return the actions that it asks for, and do the last of them."""
        before = self.state
        actions = self._closing.step(event, code)
        if (state := self.state) is not before:
            self.logger.debug("= connection is %s", state.name)
        # RFC 6455 7.1.1: the server ends the TCP connection.
        if actions & (Action.END_TCP | Action.LINGER) and self.side is SERVER:
            self.send_eof()
        return actions

    @property
    def close_rcvd_then_sent(self) -> bool | None:
        """Whether the peer's close frame came first; ``None`` unless there are both."""
        if self.close_rcvd is None or self.close_sent is None:
            return None
        return self._closing.peer_first

    @property
    def close_code(self) -> int | None:
        """The peer's close code: 1005 where its close frame had none, 1006 without one.

        ``None`` until the connection is closed.
        """
        if self.state is not CLOSED:
            return None
        return CloseCode.ABNORMAL_CLOSURE if self.close_rcvd is None else self.close_rcvd.code

    @property
    def close_reason(self) -> str | None:
        """The peer's reason; ``""`` without one, ``None`` until the connection is closed."""
        if self.state is not CLOSED:
            return None
        return "" if self.close_rcvd is None else self.close_rcvd.reason

    @property
    def close_exc(self) -> ConnectionClosed:
        """The exception for uses of the connection, which is closed.

        :raises AssertionError: it is not closed.
        """
        if self.state is not CLOSED:
            raise AssertionError(f"the connection is not closed, it is {self.state.name}")
        both = (self.close_rcvd, self.close_sent)
        normal = all(close is not None and close.code in OK_CLOSE_CODES for close in both)
        kind = ConnectionClosedOK if normal else ConnectionClosedError
        exc = kind(self.close_rcvd, self.close_sent, self.close_rcvd_then_sent)
        exc.__cause__ = self.parser_exc
        return exc

    def close_expected(self) -> bool:
        """Whether the peer is due to end the TCP connection; if it does not in time, end it."""
        state = self.state
        return self.eof_sent if state is CONNECTING else state is CLOSING

    # -------------------------------------------------------------------------- bytes in

    def receive_data(self, data: bytes | bytearray) -> None:
        """Take bytes of the peer; then send :meth:`data_to_send`, handle :meth:`events_received`.

        :raises EOFError: :meth:`receive_eof` was called.
        """
        if self._eof_received:
            raise EOFError("receive_eof() was called; no data can follow the end of the stream")
        if data:
            self._unparsed += data
            self.parse()

    def receive_eof(self) -> None:
        """Take the end of the peer's bytes; then send :meth:`data_to_send`."""
        if self._eof_received:
            return
        if not self._discarding:
            self._end_early()
        self.send_eof()
        before = self.state
        self._closing.step(Step.TCP_ENDED)
        self._eof_received = True
        if before is not CLOSED:
            self.logger.debug("= connection is CLOSED")

    def _end_early(self) -> None:
        """Note that the bytes end where more are expected."""
        reader = self._frames
        inside = reader is not None and reader.buffered
        self.parser_exc = EOFError(f"unexpected end of stream{' inside a frame' if inside else ''}")

    def parse(self) -> None:
        """Make events of the bytes received so far; never raises."""
        data = bytes(self._unparsed)
        self._unparsed.clear()
        if self._discarding or not data:
            return
        reader = self._frames
        if reader is None:
            reader = self._frames = FrameReader(
                self.side is SERVER,
                max_frame_size=self.max_fragment_size or 0,
                max_message_size=self.max_message_size or 0,
                check_utf8=False,
                allow_rsv1=bool(self.extensions),
                # Which bits another extension uses, it alone knows: they are checked after it.
                allow_reserved=any(each.name != _DEFLATE for each in self.extensions),
            )
        try:
            for parsed in reader.feed(data):
                self._receive(Frame.of_wire(parsed))
                if self._discarding:
                    return
            if reader.error is not None:
                raise self._explained(reader.error)
        except ProtocolError as exc:
            self._fail(CloseCode.PROTOCOL_ERROR, str(exc), exc)
        except PayloadTooBig as exc:
            self._fail(CloseCode.MESSAGE_TOO_BIG, str(exc), exc)
        except UnicodeDecodeError as exc:
            self._fail(CloseCode.INVALID_DATA, f"{exc.reason} at position {exc.start}", exc)

    def _explained(self, fault: ProtocolFault) -> Exception:
        """Return the exception for a fault that the reader found."""
        if fault.kind is not FaultKind.MESSAGE_SIZE:
            return explained(fault)
        # The reader has counted the earlier fragments of the message too.
        before = self._wire_size
        size = None if fault.size is None else fault.size - before
        return PayloadTooBig(size, (self.max_message_size or 0) - before, before or None)

    def _receive(self, frame: Frame) -> None:
        if frame.opcode in DATA_OPCODES:
            self._wire_size += len(frame.data)
            if self.extensions:
                frame = self._decoded(frame)
            self._message_size += len(frame.data)
            if frame.fin:
                self._message_size = self._wire_size = 0
        self.recv_frame(frame)

    def _decoded(self, frame: Frame) -> Frame:
        before = self._message_size
        left = None if self.max_message_size is None else self.max_message_size - before
        fragment = self.max_fragment_size
        limits = [limit for limit in (left, fragment) if limit is not None]
        try:
            for extension in reversed(self.extensions):
                frame = extension.decode(frame, max_size=min(limits, default=None))
            if left is not None and len(frame.data) > left:
                raise PayloadTooBig(len(frame.data), left)
        except PayloadTooBig as exc:
            if fragment is None or (left is not None and left < fragment):
                exc.set_current_size(before or None)
            raise
        frame.check()
        return frame

    def recv_frame(self, frame: Frame) -> None:
        """Handle a frame of the peer: answer pings and close frames, and make it an event."""
        self.logger.debug("< %s", frame)
        if frame.opcode is PING:
            self._send(PONG, frame.data)
        elif frame.opcode is CLOSE:
            self._receive_close(frame)
        self._events.append(frame)

    def _receive_close(self, frame: Frame) -> None:
        self.close_rcvd = Close.parse(frame.data)
        if self._step(Step.RECEIVE_CLOSE, self.close_rcvd.code) & Action.ANSWER:
            # RFC 6455 5.5.1
            self.close_sent = self.close_rcvd
            self._send(CLOSE, frame.data)
            self._step(Step.SEND_CLOSE, self.close_sent.code)
        self.discard()

    @property
    def _discarding(self) -> bool:
        """Whether received bytes are dropped: after a close frame, or a failure."""
        if self._closing.state is closing.State.CONNECTING:
            return self.eof_sent
        return self._closing.state not in _RECEIVING

    def discard(self) -> None:
        """Drop what is not parsed yet: nothing that follows counts (RFC 6455 5.5.1, 7.1.7)."""
        self._unparsed.clear()
        self._frames = None

    def events_received(self) -> list[Event]:
        """Return what was received since the last call: the peer's handshake, then frames.

        Control frames are among them; pings and close frames were answered.
        """
        events, self._events = self._events, []
        return events

    # ------------------------------------------------------------------------- bytes out

    def send_continuation(self, data: BytesLike, fin: bool) -> None:
        """Send a further fragment; *fin* ends the message.

        :raises ProtocolError: no fragmented message is in progress.
        :raises InvalidState: the connection is not open.
        """
        if not self._in_message:
            raise ProtocolError("continuation frame outside a message")
        self._must_be(OPEN)
        self._send(CONT, data, fin)
        self._in_message = not fin

    def send_text(self, data: BytesLike, fin: bool = True) -> None:
        """Send text, given as UTF-8; without *fin* it is a message's first fragment.

        :raises ProtocolError: a fragmented message is in progress.
        :raises InvalidState: the connection is not open.
        """
        self._begin(TEXT, data, fin)

    def send_binary(self, data: BytesLike, fin: bool = True) -> None:
        """Send bytes; as :meth:`send_text`."""
        self._begin(BINARY, data, fin)

    def _begin(self, opcode: Any, data: BytesLike, fin: bool) -> None:
        if self._in_message:
            raise ProtocolError("data frame before the message in progress has ended")
        self._must_be(OPEN)
        self._send(opcode, data, fin)
        self._in_message = not fin

    def send_close(self, code: int | None = None, reason: str = "") -> None:
        """Begin the closing handshake.

        :param code: the close code; ``None`` for none.
        :param reason: a text for people, at most 123 bytes of UTF-8.
        :raises ProtocolError: the code cannot be sent, the reason is too long or without a code.
        :raises InvalidState: the connection is not open.
        """
        self._must_be(OPEN)
        if code is None and reason:
            raise ProtocolError("a reason needs a code; pass code=1000")
        close = Close(CloseCode.NO_STATUS_RCVD if code is None else code, reason)
        self._send(CLOSE, b"" if code is None else close.serialize())
        self.close_sent = close
        self._step(Step.SEND_CLOSE, close.code)

    def send_ping(self, data: BytesLike) -> None:
        """Send a ping.

        :raises ProtocolError: *data* has more than 125 bytes.
        :raises InvalidState: the connection is neither open nor closing.
        """
        self._must_be(OPEN, CLOSING)
        self._send(PING, data)

    def send_pong(self, data: BytesLike) -> None:
        """Send an unsolicited pong; as :meth:`send_ping`."""
        self._must_be(OPEN, CLOSING)
        self._send(PONG, data)

    def fail(self, code: int, reason: str = "") -> None:
        """Fail the connection (RFC 6455 7.1.7): send a close frame, drop what is received.

        :param code: the close code; 1006 to send no frame.
        :raises ProtocolError: the code cannot be sent, or the reason is too long.
        """
        close = None
        if self.state is OPEN and code != CloseCode.ABNORMAL_CLOSURE:
            close = Close(code, reason)
            Frame(CLOSE, close.serialize()).check()
        self._step(Step.FAULT)
        if close is not None:
            self.send_close(code, reason)
        if self.side is SERVER:
            self.send_eof()
        self.discard()

    def _fail(self, code: int, reason: str, exc: Exception) -> None:
        self.parser_exc = exc
        self.fail(code, reason.encode()[:_MOST_REASON].decode(errors="ignore"))

    def _must_be(self, *states: State) -> None:
        if self.state not in states:
            raise InvalidState(f"connection is {self.state.name.lower()}")

    def _send(self, opcode: Any, data: BytesLike, fin: bool = True) -> None:
        self.send_frame(Frame(opcode, data, fin))

    def send_frame(self, frame: Frame) -> None:
        """Send a frame as it is, whatever the connection's state.

        :raises ProtocolError: the frame violates RFC 6455 5.
        """
        self.logger.debug("> %s", frame)
        mask = self.side is CLIENT
        self._writes.append(frame.serialize(mask=mask, extensions=self.extensions))

    def send_eof(self) -> None:
        """Close the sending half of the connection, unless it is closed."""
        if not self.eof_sent:
            self.eof_sent = True
            self._writes.append(SEND_EOF)

    def data_to_send(self) -> list[bytes]:
        """Return what is due to be sent; :data:`SEND_EOF` closes the sending half."""
        writes, self._writes = self._writes, []
        return writes


def __getattr__(name: str) -> Any:
    if name == "WebSocketCommonProtocol":
        # The class of connections under the name that first-generation programs import.
        from .asyncio.connection import Connection

        return Connection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
