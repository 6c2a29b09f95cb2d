"""A connection on a blocking socket: one thread reads it, any thread sends."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..asyncio.settings import queue_marks
from ..exceptions import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedOK,
    ProtocolError,
)
from ..frames import DATA_OPCODES, PONG, CloseCode, Frame
from ..http11 import Request, Response
from ..protocol import OPEN, SEND_EOF, Event, Protocol, State
from ..typing import BytesLike, Data, DataLike, LoggerLike, Subprotocol
from .hooks import refuse_uncalled
from .incoming import Closed, Incoming
from .tls import TLSSocket

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("Connection",)


NOT_CALLED = (
    "acknowledge_pings",
    "close_socket",
    "recv_events",
    "send_context",
    "send_data",
    "set_connection_exc",
    "terminate_pending_pings",
)


class Connection:
    """One end of a connection, for programs of threads; ``connect`` and ``serve`` make it.

    ``for message in connection`` receives messages until the connection is closed; it ends
    quietly after 1000 and 1001, and raises :exc:`ConnectionClosedError` after other codes. In a
    ``with`` statement it is closed at the end.

    Every method may be called in any thread; only one thread at a time may receive.

    :param sock: the connected socket.
    :param protocol: the state machine without input and output.
    :param ping_interval: seconds between pings that keep the connection alive, 20 by default;
        ``None`` for none.
    :param ping_timeout: seconds to wait for their pong, 20 by default; ``None`` for no limit.
    :param close_timeout: seconds for the closing handshake, 10 by default; ``None`` for no limit.
    :param max_queue: how many frames may wait to be received before the socket is no longer
        read, 16 by default; ``(high, low)`` for when it is read again too; ``None`` for no
        limit.
    """

    #: How many bytes are read from the socket at a time.
    recv_bufsize = 65536

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_uncalled(cls, NOT_CALLED)

    def __init__(
        self,
        sock: socket.socket | TLSSocket,
        protocol: Protocol,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_queue: int | tuple[int | None, int | None] | None = 16,
    ) -> None:
        self.socket = sock
        self.protocol = protocol
        self.ping_interval = ping_interval
        self.ping_timeout = ping_timeout
        self.close_timeout = close_timeout
        #: Tells the connection from others in logs.
        self.id: uuid.UUID = protocol.id
        self.logger: LoggerLike = protocol.logger
        #: The request and the response of the opening handshake; ``None`` before they came.
        self.request: Request | None = None
        self.response: Response | None = None
        #: Seconds that the last ping took to be answered; 0 before the first.
        self.latency: float = 0.0
        # For the protocol, which no two threads may use at a time, and for what it writes.
        self.protocol_mutex = threading.RLock()
        self._sending = threading.Lock()
        self._incoming = Incoming(queue_marks(max_queue))
        # The thread that sends a fragmented message, and the pings without a pong so far.
        self._fragmenting = False
        self._pings: dict[bytes, tuple[threading.Event, float, bool]] = {}
        self._lost_by: BaseException | None = None
        self._handshaken = threading.Event()
        self._closed = threading.Event()
        self._keepalive: threading.Thread | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    # ---------------------------------------------------------------------- what it is

    @property
    def local_address(self) -> Any:
        """The local address, as :meth:`socket.socket.getsockname` has it."""
        return self.socket.getsockname()

    @property
    def remote_address(self) -> Any:
        """The peer's address, as :meth:`socket.socket.getpeername` has it."""
        return self.socket.getpeername()

    @property
    def state(self) -> State:
        """The :class:`State` of the connection."""
        return self.protocol.state

    @property
    def subprotocol(self) -> Subprotocol | None:
        """The negotiated subprotocol, or ``None``."""
        return self.protocol.subprotocol

    @property
    def close_code(self) -> int | None:
        """The peer's close code; see :attr:`Protocol.close_code`."""
        return self.protocol.close_code

    @property
    def close_reason(self) -> str | None:
        """The peer's reason; see :attr:`Protocol.close_reason`."""
        return self.protocol.close_reason

    @property
    def close_exc(self) -> ConnectionClosed:
        """The exception for uses of the connection, which is closed."""
        exc = self.protocol.close_exc
        if exc.__cause__ is None:
            exc.__cause__ = self._lost_by
        return exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(CloseCode.NORMAL_CLOSURE if exc_type is None else CloseCode.INTERNAL_ERROR)

    # ----------------------------------------------------------------------- receiving

    def __iter__(self) -> Iterator[Data]:
        try:
            while True:
                yield self.recv()
        except ConnectionClosedOK:
            return

    def recv(self, timeout: float | None = None, decode: bool | None = None) -> Data:
        """Receive the next message.

        :param timeout: seconds to wait for it; ``None`` for no limit, 0 to take only what has
            come already.
        :param decode: ``True`` makes text of a binary message too, ``False`` bytes of text.
        :return: ``str`` for a text message, ``bytes`` for a binary one.
        :raises TimeoutError: there was none in time.
        :raises ConnectionClosed: the connection is closed, and all messages are received.
        :raises ConcurrencyError: another thread is receiving.
        """
        self._used()
        with self._receiving():
            return self._incoming.get(timeout, decode)

    def recv_streaming(self, decode: bool | None = None) -> Iterator[Data]:
        """Receive the next message in pieces, as its frames come; take all of them.

        Parameters and exceptions are those of :meth:`recv`.
        """
        self._used()
        with self._receiving():
            yield from self._incoming.iterate(decode)

    @contextlib.contextmanager
    def _receiving(self) -> Iterator[None]:
        try:
            yield
        except Closed:
            self._closed.wait()
            closed = self.close_exc
            raise closed from closed.__cause__
        except UnicodeDecodeError as exc:
            self._fail(CloseCode.INVALID_DATA, f"{exc.reason} at position {exc.start}", exc)
            raise self.close_exc from exc

    # ------------------------------------------------------------------------- sending

    def send(self, message: DataLike | Iterable[DataLike], *, text: bool | None = None) -> None:
        """Send a message; returns when the operating system has taken it.

        :param message: ``str`` for a text message, bytes-like for a binary one. An iterable of
            either is sent as a fragmented message, each item as soon as it is there; items are
            of one type.
        :param text: ``True`` sends bytes, which are UTF-8, as text; ``False`` ``str`` as binary.
        :raises ConnectionClosed: the connection is closed.
        :raises ConcurrencyError: another thread is sending a fragmented message.
        :raises TypeError: for another type of message; a mapping is taken for a mistake.
        """
        self._used()
        if isinstance(message, (str, bytes, bytearray, memoryview)):
            with self._protocol(when_whole=True):
                self._send_frame(message, text, first=True, fin=True)
        elif isinstance(message, Mapping):
            raise TypeError("data is a dict-like object; pass its keys() to send them as fragments")
        elif isinstance(message, Iterable):
            self._send_fragments(iter(message), text)
        else:
            raise TypeError(f"data must be str, bytes, or iterable, not {type(message).__name__}")

    def _send_frame(self, data: DataLike, text: bool | None, *, first: bool, fin: bool) -> None:
        payload: BytesLike = data.encode() if isinstance(data, str) else data
        if not first:
            self.protocol.send_continuation(payload, fin)
        elif isinstance(data, str) if text is None else text:
            self.protocol.send_text(payload, fin)
        else:
            self.protocol.send_binary(payload, fin)

    def _send_fragments(self, items: Iterator[DataLike], text: bool | None) -> None:
        try:
            item = next(items)
        except StopIteration:
            return
        kind = str if isinstance(item, str) else (bytes, bytearray, memoryview)
        with self._protocol(when_whole=True):
            self._fragmenting = True
        first = True
        try:
            while True:
                if not isinstance(item, kind):
                    if isinstance(item, (str, bytes, bytearray, memoryview)):
                        raise TypeError("iterable must contain uniform types")
                    raise TypeError("iterable must contain bytes or str")
                with self._protocol():
                    self._send_frame(item, text, first=first, fin=False)
                first = False
                try:
                    item = next(items)
                except StopIteration:
                    break
            with self._protocol():
                self.protocol.send_continuation(b"", True)
        except ConnectionClosed:
            raise
        except BaseException:
            # The peer waits for the rest of a message that will not come.
            self._fail(CloseCode.INTERNAL_ERROR, "error in fragmented message")
            raise
        finally:
            self._fragmenting = False

    def ping(self, data: DataLike | None = None, *, ack_on_close: bool = False) -> threading.Event:
        """Send a ping.

        :param data: its payload, at most 125 bytes; four random bytes by default.
        :param ack_on_close: set the event when the connection is closed too.
        :return: an event that is set when the pong has come.
        :raises ConnectionClosed: the connection is closed.
        :raises ConcurrencyError: a ping with the same payload has no pong yet.
        """
        self._used()
        payload = None if data is None else control_payload(data)
        with self._protocol():
            if payload in self._pings:
                raise ConcurrencyError("already waiting for a pong with the same data")
            while payload is None or payload in self._pings:
                payload = struct.pack("!I", random.getrandbits(32))
            self.protocol.send_ping(payload)
            event = threading.Event()
            self._pings[payload] = (event, time.monotonic(), ack_on_close)
        return event

    def pong(self, data: DataLike = b"") -> None:
        """Send an unsolicited pong, which a peer may take as a sign of life.

        :param data: its payload, at most 125 bytes.
        :raises ConnectionClosed: the connection is closed.
        """
        self._used()
        with self._protocol():
            self.protocol.send_pong(control_payload(data))

    # ------------------------------------------------------------------------- closing

    def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, and wait until it is closed, at most ``close_timeout`` seconds.

        Does nothing when it is closed already. Messages that have not been received can be
        received afterwards.

        :param code: the close code.
        :param reason: a text for people, at most 123 bytes of UTF-8.
        :raises ProtocolError: the code cannot be sent, or the reason is too long.
        """
        if self._fragmenting:
            # A close frame between two fragments would leave the peer with half a message.
            self._fail(CloseCode.INTERNAL_ERROR, "close during fragmented message")
            return
        with self.protocol_mutex:
            if self.protocol.state is OPEN:
                self.protocol.send_close(code, reason)
        self._finish()

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait until the connection is closed.

        :param timeout: seconds; ``None`` for no limit.
        :return: whether it is.
        """
        return self._closed.wait(timeout)

    def _fail(self, code: int, reason: str, exc: Exception | None = None) -> None:
        """Close the connection because of a fault (RFC 6455 7.1.7)."""
        with self.protocol_mutex:
            if self.protocol.state is OPEN:
                self._lost_by = exc
                self.protocol.fail(code, reason)
        self._finish()

    def _finish(self) -> None:
        """Send what is due, and wait for the end of the connection; then bring it about."""
        self._incoming.drop()
        # A thread that sends to a peer that does not read may hold this for ever.
        self._flush(wait=False)
        if threading.current_thread() is self._reader:
            return
        if not self._closed.wait(self.close_timeout):
            self._cut()
            self._closed.wait()

    def _cut(self) -> None:
        """End the connection now: threads that wait for the socket wake up."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    # ------------------------------------------------------------------- for subclasses

    def process_event(self, event: Event) -> None:
        """Take an event of the protocol; called in the thread that reads."""
        assert isinstance(event, Frame)
        if event.opcode in DATA_OPCODES:
            # Who else brings frames, with the opening handshake, must not wait for their reader.
            self._incoming.put(event, wait=threading.current_thread() is self._reader)
        elif event.opcode is PONG:
            self._acknowledge(bytes(event.data))

    def _used(self) -> None:
        """Called before each use; a client's connection warns of the first."""

    # ------------------------------------------------------------------ the protocol

    @contextlib.contextmanager
    def _protocol(self, *, when_whole: bool = False) -> Iterator[None]:
        """Use the protocol of an open connection, and send what it writes.

        :param when_whole: wait for nothing: refuse while a fragmented message is being sent.
        :raises ConnectionClosed: it is not open.
        """
        with self.protocol_mutex:
            is_open = self.protocol.state is OPEN
            if is_open:
                if when_whole and self._fragmenting:
                    raise ConcurrencyError("another thread is sending a fragmented message")
                yield
        if not is_open:
            self._finish()
            closed = self.close_exc
            raise closed from closed.__cause__
        try:
            self._flush(wait=True)
        except OSError as exc:
            self._lost_by = exc
            self._cut()
            self._finish()
            raise self.close_exc from exc

    def _flush(self, *, wait: bool) -> None:
        """Send what the protocol has written.

        :param wait: wait for a thread that is sending; else that thread sends this too.
        """
        while self.protocol._writes:
            if not self._sending.acquire(blocking=wait):
                return
            try:
                while True:
                    with self.protocol_mutex:
                        due = self.protocol.data_to_send()
                    if not due:
                        break
                    if SEND_EOF not in due:
                        self.socket.sendall(b"".join(due))
                        continue
                    at = due.index(SEND_EOF)
                    if data := b"".join(due[:at]):
                        self.socket.sendall(data)
                    with contextlib.suppress(OSError):
                        self.socket.shutdown(socket.SHUT_WR)
            finally:
                self._sending.release()

    # ------------------------------------------------------------- the thread that reads

    def _read(self) -> None:
        """Read the socket until the connection has ended."""
        try:
            until: float | None = None
            while True:
                if self.protocol.close_expected() and self.close_timeout is not None:
                    until = until or time.monotonic() + self.close_timeout
                    self.socket.settimeout(max(until - time.monotonic(), 0.001))
                data = self.socket.recv(self.recv_bufsize)
                if not data:
                    break
                with self.protocol_mutex:
                    self.protocol.receive_data(data)
                    events = self.protocol.events_received()
                self._flush(wait=False)
                for event in events:
                    self.process_event(event)
        except Exception as exc:
            if not isinstance(exc, OSError):
                self.logger.error("unexpected internal error", exc_info=True)
            if not self.protocol.close_expected() and self._lost_by is None:
                self._lost_by = exc
        finally:
            self._end()

    def _end(self) -> None:
        with self.protocol_mutex:
            self.protocol.receive_eof()
            events = self.protocol.events_received()
            self.protocol.data_to_send()
        self._cut()
        self.socket.close()
        for event in events:  # a response without a length ends with the connection
            if not isinstance(event, Frame):
                self.process_event(event)
        for acknowledged, _, ack_on_close in self._pings.values():
            if ack_on_close:
                acknowledged.set()
        self._pings.clear()
        self._closed.set()
        self._handshaken.set()
        self._incoming.close()

    def _acknowledge(self, payload: bytes) -> None:
        """A pong has come: it stands for all pings up to the one with its payload."""
        with self.protocol_mutex:
            if payload not in self._pings:
                return
            now = time.monotonic()
            for earlier in list(self._pings):
                event, sent, _ = self._pings.pop(earlier)
                event.set()
                if earlier == payload:
                    self.latency = now - sent
                    return

    # ----------------------------------------------------------------------- keepalive

    def start_keepalive(self) -> None:
        """Begin to send pings at intervals; called when the opening handshake is over."""
        if self.ping_interval is None:
            return
        self._keepalive = threading.Thread(target=self.keepalive, daemon=True)
        self._keepalive.start()

    def keepalive(self) -> None:
        """Ping at intervals until the connection is closed, and close it without a pong."""
        assert self.ping_interval is not None
        try:
            while not self._closed.wait(max(self.ping_interval - self.latency, 0)):
                pong = self.ping(ack_on_close=True)
                if self.ping_timeout is None or pong.wait(self.ping_timeout):
                    continue
                # A pong that waits behind messages which nobody receives says nothing of the peer.
                if not self._incoming.is_full:
                    self._fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
                    return
        except ConnectionClosed:
            return


def control_payload(data: DataLike) -> bytes:
    """The payload of a ping or a pong.

    :raises TypeError: it is neither text nor bytes.
    :raises ProtocolError: it is longer than RFC 6455 5.5 allows.
    """
    if not isinstance(data, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"data must be str or bytes, not {type(data).__name__}")
    payload = data.encode() if isinstance(data, str) else bytes(data)
    if len(payload) > 125:
        raise ProtocolError(f"control frame of {len(payload)} bytes exceeds the limit of 125")
    return payload
