"""The methods of a connection that both ends share: the engine's, with websockets' interface.

Receiving and sending whole messages is compiled, in :mod:`aiohttp_ws.ws.listeners.recv`. Here is
what is called less often: fragments, closing, pings, and hooks for subclasses.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, TypeVar, cast, overload

from ...ws.close_codes import sendable_close_code
from ...ws.listeners.recv import PullConnection
from ...ws.listeners.recv_queue import Fragment
from ..exceptions import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedOK,
    ProtocolError,
)
from ..frames import CloseCode, Frame, Opcode
from ..http11 import Request, Response
from ..protocol import State
from ..typing import Data, DataLike
from .facts import ConnectionFacts
from .settings import OpeningSettings, queue_marks, write_marks

__all__ = ("Connection",)

Self = TypeVar("Self", bound="Connection")


class Connection(ConnectionFacts):
    """One end of a WebSocket connection.

    It is the base of :class:`ServerConnection` and :class:`ClientConnection`.

    :param protocol: the settings of the opening handshake, made by :func:`serve` or
        :func:`connect`.
    :param ping_interval: seconds from one keepalive ping to the next; ``None`` for none.
    :param ping_timeout: seconds that the peer has for its pong; ``None`` for no limit.
    :param close_timeout: seconds that the peer has for the closing handshake; ``None`` for no
        limit.
    :param max_queue: how many received frames may wait in the queue before the socket is no longer
        read: the high-water mark, or ``(high, low)``, or ``None`` for no limit. *low* is a quarter
        of *high* by default.
    :param write_limit: how many bytes of output may be unsent before :meth:`send` waits: the
        high-water mark, or ``(high, low)``.
    """

    __slots__ = ()

    def __init__(
        self,
        protocol: OpeningSettings,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: int | tuple[int, int | None] = 2**15,
    ) -> None:
        self._settings = protocol
        self.ping_interval = ping_interval
        self.ping_timeout = ping_timeout
        self.close_timeout = close_timeout
        self.write_limit = write_marks(write_limit)
        self._id: uuid.UUID | None = None
        self._logger: Any = None
        self._request: Request | None = None
        self._response: Response | None = None
        self._subprotocol: str | None = None
        self._keepalive: asyncio.Task[None] | None = None
        self._tcp: asyncio.Transport | None = None
        self._configure(
            asyncio.get_running_loop(), self._is_server, queue_marks(max_queue), close_timeout
        )

    def _concurrent_recv(self, name: str = "recv") -> ConcurrencyError:
        return ConcurrencyError(
            f"cannot call {name} while another coroutine is already running recv or"
            " recv_streaming, or has left recv_streaming before its end"
        )

    # ------------------------------------------------------------------- receiving

    def __aiter__(self) -> AsyncIterator[Data]:
        """Iterate on messages, until the connection is closed.

        :raises ConnectionClosedError: it was closed with another code than 1000 and 1001.
        """
        if type(self).recv is not PullConnection.recv:
            return self._iterate()
        return cast("AsyncIterator[Data]", self)

    async def _iterate(self) -> AsyncIterator[Data]:
        """Iterate with a subclass's own recv()."""
        try:
            while True:
                yield await self.recv()
        except ConnectionClosedOK:
            return

    @overload
    def recv_streaming(self, decode: Literal[True]) -> AsyncIterator[str]: ...

    @overload
    def recv_streaming(self, decode: Literal[False]) -> AsyncIterator[bytes]: ...

    @overload
    def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Data]: ...

    async def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Data]:
        """Receive the next message fragment by fragment, each as it arrives.

        The iterator must be consumed to its end: if it is left earlier, neither it nor :meth:`recv`
        can be called any more. Cancelling it before the first fragment loses nothing.

        :param decode: as for :meth:`recv`.
        :raises ConnectionClosed: as :meth:`recv`, also in the middle of a message.
        :raises ConcurrencyError: as :meth:`recv`.
        """
        if self._receiving():
            raise self._concurrent_recv("recv_streaming")
        self._streaming = True
        try:
            piece = await self._recv_fragment()
        except BaseException:
            self._streaming = False
            raise
        if not isinstance(piece, Fragment):
            self._streaming = False
            yield await self._fit(piece, decode)
            return
        as_text = piece.is_text if decode is None else decode
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            last = piece.last
            if last:
                self._streaming = False
            if as_text:
                try:
                    yield decoder.decode(piece.data, last)
                except UnicodeDecodeError as exc:
                    raise await self._failed(1007, exc) from exc
            else:
                yield piece.data
            if last:
                return
            piece = cast("Fragment", await self._recv_fragment())

    async def _fit(self, message: Data, decode: bool | None) -> Data:
        if decode is None or isinstance(message, str) is decode:
            return message
        if isinstance(message, str):
            return message.encode()
        try:
            return message.decode()
        except UnicodeDecodeError as exc:
            raise await self._failed(1007, exc) from exc

    async def _failed(self, code: int, exc: UnicodeDecodeError) -> ConnectionClosed:
        self._set_lost_exc(exc)
        self._fail(code, f"{exc.reason} at position {exc.start}")
        await self.wait_closed()
        return self._closed_error()

    # --------------------------------------------------------------------- sending

    async def _send_after(
        self, message: DataLike, text: bool | None, compress: bool | None
    ) -> None:
        """Send *message* after the fragmented message that is being sent."""
        while self._fragmenting is not None:
            await asyncio.shield(self._fragmenting)
        await self.send(message, text=text, compress=compress)

    def _send_fragments(
        self, message: Any, text: bool | None, compress: bool | None
    ) -> Awaitable[None]:
        if isinstance(message, Mapping):
            return _raise(
                TypeError("data is a dict-like object; to send its keys, pass its keys()")
            )
        if isinstance(message, AsyncIterable):
            return self._send_each(message, text, compress)
        if isinstance(message, Iterable):
            return self._send_each(_asynchronous(message), text, compress)
        return _raise(
            TypeError(
                "data must be str, bytes, iterable, or async iterable, not"
                f" {type(message).__name__}"
            )
        )

    async def _send_each(
        self, message: AsyncIterable[DataLike], text: bool | None, compress: bool | None
    ) -> None:
        while self._fragmenting is not None:
            await asyncio.shield(self._fragmenting)
        iterator = message.__aiter__()
        try:
            piece = await iterator.__anext__()
        except StopAsyncIteration:
            return
        kind = _kind(piece, "iterable must contain bytes or str")
        is_text = kind is str if text is None else text
        compresses = self._deflate and (compress is None or compress)
        # Another fragmented message may have begun while the first item was awaited.
        while self._fragmenting is not None:
            await asyncio.shield(self._fragmenting)
        sent = self._fragmenting = self.loop.create_future()
        try:
            await self._send_piece(_as_bytes(piece), is_text, True, False, compresses)
            async for piece in iterator:
                if _kind(piece, "iterable must contain bytes or str") is not kind:
                    raise TypeError("iterable must contain uniform types")
                await self._send_piece(_as_bytes(piece), is_text, False, False, compresses)
            await self._send_piece(b"", is_text, False, True, compresses)
        except ConnectionClosed:
            raise
        except BaseException:
            # RFC 6455 5.4: nothing but the rest of the message may follow.
            self._fail(CloseCode.INTERNAL_ERROR, "error in fragmented message")
            raise
        finally:
            self._fragmenting = None
            sent.set_result(None)

    async def _send_piece(
        self, data: bytes, is_text: bool, first: bool, last: bool, compress: bool
    ) -> None:
        if self.state is not State.OPEN:
            await self._refused()
        self._put_fragment(data, is_text, first, last, compress)
        await self._drained()

    # --------------------------------------------------------------- closing, pings

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection: the closing handshake, then TCP; called again, only wait for it.

        Messages received before can still be taken by :meth:`recv` afterwards.

        :param code: 1000 to 1003, 1007 to 1014 or 3000 to 4999 (RFC 6455 7.4).
        :param reason: at most 123 bytes of UTF-8.
        :raises ProtocolError: when *code* or *reason* cannot be sent.
        """
        if self.state is State.CONNECTING:
            if self._tcp is None:
                return
            self._tcp.abort()
        elif self.state is State.OPEN:
            if self._fragmenting is not None:
                self._fail(CloseCode.INTERNAL_ERROR, "close during fragmented message")
            else:
                check_close(code, reason)
                self._start_closing(code, reason)
                self._flush()
        await self.wait_closed()

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close with 1000, or 1011 when the block has raised."""
        if exc_type is None:
            await self.close()
        else:
            await self.close(CloseCode.INTERNAL_ERROR)

    async def ping(self, data: DataLike | None = None) -> Awaitable[float]:
        """Send a ping; return a future of its pong, whose result is the latency in seconds.

        Write ``latency = await (await connection.ping())``. A pong acknowledges earlier pings too.

        :param data: the payload, at most 125 bytes; by default four random ones.
        :raises ConnectionClosed: the connection is closed; the future raises it too if the
            connection is closed before the pong.
        :raises ConcurrencyError: a ping with the same payload waits for its pong.
        :raises ProtocolError: the payload is too long.
        """
        payload = control_payload(data)
        if self.state is not State.OPEN:
            await self._refused()
        pong = self._await_pong(payload)
        if pong is None:
            raise ConcurrencyError("already waiting for a pong with the same data")
        await self._drained()
        return pong

    async def pong(self, data: DataLike = b"") -> None:
        """Send an unsolicited pong with *data*, at most 125 bytes."""
        payload = control_payload(data)
        assert payload is not None
        if self.state is not State.OPEN:
            await self._refused()
        self._put_control(Opcode.PONG, payload)
        await self._drained()

    def start_keepalive(self) -> None:
        """Ping at intervals from now on, unless ``ping_interval`` is ``None``."""
        if self.ping_interval is None:
            return
        if type(self).keepalive is not Connection.keepalive:
            self._keepalive = self.loop.create_task(self.keepalive())
        else:
            self._start_keepalive(self.ping_interval, self.ping_timeout)

    async def keepalive(self) -> None:
        """Ping at intervals until the connection is closed; a timer does so, not a task.

        A subclass that overrides this has it run as a task instead.
        """
        if self.ping_interval is not None:
            self._start_keepalive(self.ping_interval, self.ping_timeout)
        await self.wait_closed()

    # ------------------------------------------------------------------------ hooks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called when TCP and TLS are set up, before the opening handshake; for subclasses."""
        self._tcp = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when TCP has ended; for subclasses."""

    def _on_lost(self, exc: Exception | None) -> None:
        keepalive, self._keepalive = self._keepalive, None
        if keepalive is not None:
            keepalive.cancel()
        if self._is_server:
            self._settings.logger.info("connection closed", extra={"websocket": self})
        self.connection_lost(exc)

    def _on_error(self, exc: BaseException) -> None:
        self.logger.error("error in a WebSocket connection", exc_info=exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes as if the peer had sent them; the engine reads into a buffer of its own."""
        self._feed(bytes(data))

    def eof_received(self) -> None:
        """The peer has ended its side: the transport is closed, since nothing can be answered."""

    def process_event(self, event: Frame) -> None:
        """Take a frame as if the peer had sent it."""
        self._feed(event.serialize(mask=self._is_server))

    def send_data(self) -> None:
        """Flush output now, not at the end of this iteration of the event loop."""
        self._flush()

    async def drain(self) -> None:
        """Wait until there is room for output."""
        await self._drained()

    @contextlib.asynccontextmanager
    async def send_context(self, *, expected_state: State = State.OPEN) -> AsyncIterator[None]:
        """Check that the connection is in *expected_state*; at the end, send what was written.

        :raises ConnectionClosed: it is in another state.
        """
        if self.state is not expected_state:
            await self.wait_closed()
            raise self._closed_error()
        yield
        self._flush()
        await self._drained()

    def set_connection_exc(self, exc: BaseException | None) -> None:
        """Set the cause of :exc:`ConnectionClosed`, if none is set yet."""
        self._set_lost_exc(exc)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name} {self.remote_address}>"


def check_close(code: int, reason: str) -> None:
    """Check *code* and *reason* against RFC 6455 7.4.

    :raises ProtocolError: they must not be sent.
    """
    if not isinstance(code, int) or not sendable_close_code(code):
        raise ProtocolError(
            f"invalid status code {code!r}: use 1000-1003, 1007-1014 or 3000-4999 (RFC 6455 7.4)"
        )
    if (size := len(reason.encode())) > 123:
        raise ProtocolError(
            f"control frame too long: a reason of {size} bytes exceeds 123 (RFC 6455 5.5)"
        )


def control_payload(data: DataLike | None) -> bytes | None:
    """Return *data* as the payload of a control frame, ``None`` for ``None``."""
    if data is None:
        return None
    payload = _as_bytes(data) if _kind(data, "data must be str or bytes-like") else b""
    if len(payload) > 125:
        raise ProtocolError(
            f"control frame too long: {len(payload)} bytes exceed 125 (RFC 6455 5.5)"
        )
    return payload


def _kind(piece: object, complaint: str) -> type:
    if isinstance(piece, str):
        return str
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes
    raise TypeError(f"{complaint}, not {type(piece).__name__}")


def _as_bytes(piece: DataLike) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(piece)


async def _asynchronous(items: Iterable[DataLike]) -> AsyncIterator[DataLike]:
    for item in items:
        yield item


async def _raise(exc: Exception) -> None:
    raise exc
