"""One end of a WebSocket connection without input and output: bytes in, events out.

The state of the connection and of its closing handshake is here. Frames are taken apart and
put together by :mod:`aiohttp_ws.wire`. ``serve`` and ``connect`` do not go through this module:
their connections are compiled.
"""

from __future__ import annotations

import enum
import logging
import re
import uuid
from collections.abc import Sequence
from typing import Any

from ..wire.frames import MESSAGE_TOO_BIG, FrameReader
from .exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidState,
    PayloadTooBig,
    ProtocolError,
)
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
from .typing import BytesLike, LoggerLike

__all__ = ("SEND_EOF", "Event", "Protocol", "Side", "State")

#: What :meth:`Protocol.events_received` gives.
Event = Request | Response | Frame

#: In what :meth:`Protocol.data_to_send` gives: close the sending half of the connection.
SEND_EOF = b""

_MOST_REASON = 123  # RFC 6455 5.5: 125 bytes, of which the code takes two.
_FIRST_NUMBER = re.compile(r"\d+")


class Side(enum.IntEnum):
    """Which end of a connection it is."""

    SERVER = 0
    CLIENT = 1


class State(enum.IntEnum):
    """What a connection has come to (RFC 6455 4.1, 4.2, 7.1.3 and 7.1.4)."""

    #: The opening handshake goes on.
    CONNECTING = 0
    #: Messages can be sent and received.
    OPEN = 1
    #: A close frame was sent or received.
    CLOSING = 2
    #: The connection is closed, or never opened.
    CLOSED = 3


SERVER = Side.SERVER
CLIENT = Side.CLIENT
CONNECTING = State.CONNECTING
OPEN = State.OPEN
CLOSING = State.CLOSING
CLOSED = State.CLOSED


class Protocol:
    """One end of a connection, whatever carries its bytes.

    :param side: which end it is.
    :param state: what the connection has come to.
    :param max_size: bytes that an incoming message may have, inflated; ``None`` for any number;
        ``(message, fragment)`` for one limit each.
    :param logger: where frames are logged, at the level ``DEBUG``;
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
        #: What was agreed on to be done to frames, in the order of sending.
        self.extensions: Sequence[Extension] = []
        #: The close frame that came, and the one that was sent.
        self.close_rcvd: Close | None = None
        self.close_sent: Close | None = None
        self.close_rcvd_then_sent: bool | None = None
        #: Why the opening handshake failed, or ``None``.
        self.handshake_exc: Exception | None = None
        #: What was wrong with what came after it, or ``None``.
        self.parser_exc: Exception | None = None
        self.eof_sent = False
        self._state = state
        self._eof_received = False
        self._discarding = False
        self._unparsed = bytearray()
        self._frames: FrameReader | None = None
        self._message_size = 0  # Of the fragments that came, inflated.
        self._wire_size = 0  # Of the same, as they came.
        self._in_message = False  # Of those that are sent.
        self._events: list[Event] = []
        self._writes: list[bytes] = []

    # ------------------------------------------------------------------------- the state

    @property
    def state(self) -> State:
        """What the connection has come to."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        self.logger.debug("= connection is %s", state.name)

    @property
    def close_code(self) -> int | None:
        """The code of the close frame that came: 1005 for a frame without, 1006 without a frame.

        ``None`` until the connection is closed.
        """
        if self._state is not CLOSED:
            return None
        return CloseCode.ABNORMAL_CLOSURE if self.close_rcvd is None else self.close_rcvd.code

    @property
    def close_reason(self) -> str | None:
        """The reason in the close frame that came; ``None`` until the connection is closed."""
        if self._state is not CLOSED:
            return None
        return "" if self.close_rcvd is None else self.close_rcvd.reason

    @property
    def close_exc(self) -> ConnectionClosed:
        """What to raise for a use of the connection now that it is closed.

        :raises AssertionError: it is not.
        """
        if self._state is not CLOSED:
            raise AssertionError(f"the connection is not closed, it is {self._state.name}")
        both = (self.close_rcvd, self.close_sent)
        well = all(close is not None and close.code in OK_CLOSE_CODES for close in both)
        kind = ConnectionClosedOK if well else ConnectionClosedError
        exc = kind(self.close_rcvd, self.close_sent, self.close_rcvd_then_sent)
        exc.__cause__ = self.parser_exc
        return exc

    def close_expected(self) -> bool:
        """Whether the TCP connection is about to end; if it does not in time, end it."""
        if self._state is CONNECTING:
            return self.eof_sent
        return self._state is CLOSING

    # -------------------------------------------------------------------------- bytes in

    def receive_data(self, data: bytes | bytearray) -> None:
        """Take bytes of the peer; then send :meth:`data_to_send`, handle :meth:`events_received`.

        :raises EOFError: the end of the bytes has come before.
        """
        if self._eof_received:
            raise EOFError("receive_eof() has been called: nothing comes after the end")
        if data:
            self._unparsed += data
            self.parse()

    def receive_eof(self) -> None:
        """Take the end of the peer's bytes; then send :meth:`data_to_send`."""
        if self._eof_received:
            return
        self._eof_received = True
        if not self._discarding:
            self._end_early()
        self.send_eof()
        self.state = CLOSED

    def _end_early(self) -> None:
        """The bytes end where there should be more."""
        reader = self._frames
        inside = reader is not None and reader.buffered
        self.parser_exc = EOFError(f"unexpected end of stream{' inside a frame' if inside else ''}")

    def parse(self) -> None:
        """Make events of the bytes that have come, as far as they go; never raises."""
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
            )
        try:
            for parsed in reader.feed(data):
                self._receive(Frame.of_wire(parsed))
                if self._discarding:
                    return
            if reader.error_code == MESSAGE_TOO_BIG:
                raise self._too_big(reader.error or "")
            if reader.error_code:
                raise ProtocolError(reader.error)
        except ProtocolError as exc:
            self._fail(CloseCode.PROTOCOL_ERROR, str(exc), exc)
        except PayloadTooBig as exc:
            self._fail(CloseCode.MESSAGE_TOO_BIG, str(exc), exc)
        except UnicodeDecodeError as exc:
            self._fail(CloseCode.INVALID_DATA, f"{exc.reason} at position {exc.start}", exc)

    def _too_big(self, text: str) -> PayloadTooBig:
        """The reader's refusal, in numbers."""
        number = _FIRST_NUMBER.search(text)
        size = None if number is None else int(number[0])
        if text.startswith("frame"):
            return PayloadTooBig(size, self.max_fragment_size or 0)
        if size is not None:
            size -= self._wire_size
        limit = (self.max_message_size or 0) - self._wire_size
        return PayloadTooBig(size, limit, self._wire_size or None)

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
        return frame

    def recv_frame(self, frame: Frame) -> None:
        """Handle a frame that came: answer pings and close frames, and make it an event."""
        self.logger.debug("< %s", frame)
        if frame.opcode is PING:
            self._send(PONG, frame.data)
        elif frame.opcode is CLOSE:
            self._receive_close(frame)
        self._events.append(frame)

    def _receive_close(self, frame: Frame) -> None:
        # RFC 6455 5.5.1, and 7.1.1: the server ends the TCP connection.
        self.close_rcvd = Close.parse(frame.data)
        self.close_rcvd_then_sent = self._state is OPEN
        if self._state is OPEN:
            self.close_sent = self.close_rcvd
            self._send(CLOSE, frame.data)
            self.state = CLOSING
        if self.side is SERVER:
            self.send_eof()
        self.discard()

    def discard(self) -> None:
        """Drop what comes from now on: after a close frame, or a failure (RFC 6455 7.1.7)."""
        self._discarding = True
        self._unparsed.clear()
        self._frames = None

    def events_received(self) -> list[Event]:
        """What has come since the last call: the handshake's half, and frames, control frames too.

        Pings and close frames have been answered.
        """
        events, self._events = self._events, []
        return events

    # ------------------------------------------------------------------------- bytes out

    def send_continuation(self, data: BytesLike, fin: bool) -> None:
        """Send a further fragment; *fin* ends the message.

        :raises ProtocolError: no message was begun.
        :raises InvalidState: the connection is not open.
        """
        if not self._in_message:
            raise ProtocolError("continuation frame outside a message")
        self._must_be(OPEN)
        self._send(CONT, data, fin)
        self._in_message = not fin

    def send_text(self, data: BytesLike, fin: bool = True) -> None:
        """Send text, UTF-8 in bytes; without *fin* it is a message's first fragment.

        :raises ProtocolError: another message was begun and not ended.
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
        self.state = CLOSING

    def send_ping(self, data: BytesLike) -> None:
        """Send a ping.

        :raises ProtocolError: *data* has more than 125 bytes.
        :raises InvalidState: the connection is neither open nor closing.
        """
        self._must_be(OPEN, CLOSING)
        self._send(PING, data)

    def send_pong(self, data: BytesLike) -> None:
        """Send a pong that nobody asked for; as :meth:`send_ping`."""
        self._must_be(OPEN, CLOSING)
        self._send(PONG, data)

    def fail(self, code: int, reason: str = "") -> None:
        """Give the connection up (RFC 6455 7.1.7): send a close frame, and drop what comes.

        :param code: the close code; 1006 to send no frame.
        :raises ProtocolError: the code cannot be sent, or the reason is too long.
        """
        if self._state is OPEN and code != CloseCode.ABNORMAL_CLOSURE:
            self.send_close(code, reason)
        if self.side is SERVER:
            self.send_eof()
        self.discard()

    def _fail(self, code: int, reason: str, exc: Exception) -> None:
        self.parser_exc = exc
        self.fail(code, reason.encode()[:_MOST_REASON].decode(errors="ignore"))

    def _must_be(self, *states: State) -> None:
        if self._state not in states:
            raise InvalidState(f"connection is {self._state.name.lower()}")

    def _send(self, opcode: Any, data: BytesLike, fin: bool = True) -> None:
        self.send_frame(Frame(opcode, data, fin))

    def send_frame(self, frame: Frame) -> None:
        """Send a frame as it is, whatever the connection's state.

        :raises ProtocolError: the frame breaks RFC 6455 5.
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
        """What to send since the last call; :data:`SEND_EOF` is the end of it."""
        writes, self._writes = self._writes, []
        return writes


def __getattr__(name: str) -> Any:
    if name == "WebSocketCommonProtocol":
        # The class of connections under the name that programs of the first years import.
        from .asyncio.connection import Connection

        return Connection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
