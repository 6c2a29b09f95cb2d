"""One end of a connection of ours, the same verbs for every API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from aiohttp_ws import WSFrame, WSListener, WSMsgType, WSTransport, web, websockets

__all__ = ("APIS", "End", "Flood", "FramesEnd", "MessagesEnd", "Over", "WebEnd", "rounds")

APIS = ("web", "messages", "frames")
Message = str | bytes


class Over(Exception):
    """The connection has ended, and every message before the end was received."""


async def rounds(count: int = 10) -> None:
    """Let other tasks run up to what they wait for."""
    for _ in range(count):
        await asyncio.sleep(0)


class Flood:
    """Sends without end to a peer that does not read; ``async with`` begins when it has to wait."""

    def __init__(self, end: End, size: int = 1 << 20) -> None:
        self.end = end
        self.data = bytes(size)
        #: Messages whose sending has begun; all of them leave if the peer reads on.
        self.count = 0

    async def _send(self) -> None:
        while True:
            self.count += 1
            await self.end.send(self.data)

    async def __aenter__(self) -> Flood:
        self.task = asyncio.create_task(self._send())
        before = -1
        while before != self.count:
            before = self.count
            await rounds(30)
        assert not self.task.done()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    async def failed(self) -> BaseException | None:
        """Wait until sending fails; return the exception."""
        await asyncio.wait([self.task])
        return self.task.exception()


class End:
    """One end of ours.

    :param raw: what the API hands to its user: a WebSocketResponse or ClientWebSocketResponse,
        a connection, or a transport.
    """

    api: ClassVar[str]
    raw: Any

    async def send(self, data: Message) -> None:
        """Send a message; waits as the API does when the peer does not read."""
        raise NotImplementedError

    async def receive(self) -> Message:
        """The next message.

        :raises Over: there will be none.
        """
        raise NotImplementedError

    async def rest(self) -> list[Message]:
        """Every message up to the end."""
        messages = []
        try:
            while True:
                messages.append(await self.receive())
        except Over:
            return messages

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """The closing handshake, from its first frame to its end."""
        raise NotImplementedError

    async def ping(self, data: bytes = b"") -> Awaitable[Any] | None:
        """Send a ping; return what awaits its pong, where the API has that."""
        raise NotImplementedError

    @property
    def code(self) -> int | None:
        """The close code that the API shows; ``None`` while the connection is open."""
        raise NotImplementedError

    @property
    def reason(self) -> str | None:
        """The reason that the peer gave, where the API shows it."""
        raise NotImplementedError

    @property
    def socket(self) -> Any:
        raise NotImplementedError


class WebEnd(End):
    api = "web"

    def __init__(self, ws: web.WebSocketResponse | Any) -> None:
        self.raw = ws
        self.told: str | None = None

    async def send(self, data: Message) -> None:
        if isinstance(data, str):
            await self.raw.send_str(data)
        else:
            await self.raw.send_bytes(data)

    async def receive(self) -> Message:
        message = await self.raw.receive()
        if int(message.type) in (WSMsgType.TEXT, WSMsgType.BINARY):
            return message.data  # type: ignore[no-any-return]
        if int(message.type) == WSMsgType.CLOSE:
            self.told = message.extra
        raise Over

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.raw.close(code=code, message=reason.encode())

    async def ping(self, data: bytes = b"") -> None:
        await self.raw.ping(data)

    @property
    def code(self) -> int | None:
        return self.raw.close_code  # type: ignore[no-any-return]

    @property
    def reason(self) -> str | None:
        return self.told

    @property
    def socket(self) -> Any:
        return self.raw.get_extra_info("socket")


class MessagesEnd(End):
    api = "messages"

    def __init__(self, connection: Any) -> None:
        self.raw = connection

    async def send(self, data: Message) -> None:
        await self.raw.send(data)

    async def receive(self) -> Message:
        try:
            return await self.raw.recv()  # type: ignore[no-any-return]
        except websockets.ConnectionClosed:
            raise Over from None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.raw.close(code, reason)

    async def ping(self, data: bytes = b"") -> Awaitable[float]:
        return await self.raw.ping(data or None)  # type: ignore[no-any-return]

    @property
    def code(self) -> int | None:
        return self.raw.close_code  # type: ignore[no-any-return]

    @property
    def reason(self) -> str | None:
        return self.raw.close_reason  # type: ignore[no-any-return]

    @property
    def socket(self) -> Any:
        return self.raw.transport.get_extra_info("socket")


class FramesEnd(End, WSListener):
    """A listener that does with close frames what picows' documentation shows."""

    api = "frames"
    raw: WSTransport

    def __init__(
        self,
        calls: dict[str, Callable[..., Any]],
        opened: Callable[[FramesEnd], None] | None = None,
    ) -> None:
        self.calls = calls
        self.opened = opened
        self.writable = asyncio.Event()
        self.writable.set()
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self._parts: list[bytes] = []
        self._text = False

    # -------------------------------------------------------------------- callbacks

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.raw = transport
        if self.opened is not None:
            self.opened(self)
        self._call("on_ws_connected", transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            if not transport.is_close_frame_sent:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif kind <= WSMsgType.BINARY:
            if kind != WSMsgType.CONTINUATION:
                self._text = kind == WSMsgType.TEXT
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                data = b"".join(self._parts)
                self._parts.clear()
                self._queue.put_nowait(data.decode() if self._text else data)
        self._call("on_ws_frame", transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._queue.put_nowait(None)
        self.writable.set()
        self._call("on_ws_disconnected", transport)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def _call(self, name: str, *args: Any) -> None:
        if name in self.calls:
            self.calls[name](*args)

    # ------------------------------------------------------------------------ verbs

    async def send(self, data: Message) -> None:
        if self.raw.is_close_frame_sent or self.raw.is_disconnected:
            raise ConnectionError("the transport drops what is sent now")
        self.raw.send(WSMsgType.TEXT if isinstance(data, str) else WSMsgType.BINARY, data)
        await self.writable.wait()

    async def receive(self) -> Message:
        message = await self._queue.get()
        if message is None:
            self._queue.put_nowait(None)
            raise Over
        return message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.raw.send_close(code, reason)
        await self.raw.wait_disconnected()

    async def ping(self, data: bytes = b"") -> None:
        self.raw.send_ping(data)

    @property
    def code(self) -> int | None:
        handshake = self.raw.close_handshake
        if handshake is not None and handshake.recv is not None:
            return int(handshake.recv.code)
        return 1006 if self.raw.is_disconnected else None

    @property
    def reason(self) -> str | None:
        handshake = self.raw.close_handshake
        return handshake.recv.reason if handshake is not None and handshake.recv else None

    @property
    def socket(self) -> Any:
        return self.raw.underlying_transport.get_extra_info("socket")
