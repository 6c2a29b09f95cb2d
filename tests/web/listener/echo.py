"""A listener that tests watch, and what handlers do with it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp_ws import WSFrame, WSListener, WSMsgType, WSTransport, web
from aiohttp_ws.test_utils import TestServer
from tests.ws.raw_end import PATIENCE, RawEnd

UPGRADE = {
    "Host": "localhost",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
HANDSHAKE = "\r\n".join(
    ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in UPGRADE.items()), "", ""]
).encode()


class Echo(WSListener):
    """Sends back what comes, and notes what happens.

    :param hello: what it sends first.
    :param closes: it does what a listener should when a close frame comes.
    """

    def __init__(self, hello: str | None = None, *, closes: bool = True) -> None:
        self.hello = hello
        self.closes = closes
        self.events: list[str] = []
        self.frames: list[tuple[int, bytes]] = []
        self.connected = asyncio.Event()
        self.gone = asyncio.Event()
        self.paused = asyncio.Event()
        self.transport: WSTransport

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.events.append("connected")
        self.connected.set()
        if self.hello is not None:
            transport.send(WSMsgType.TEXT, self.hello)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        self.events.append("frame")
        self.frames.append((int(frame.msg_type), payload))
        if frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY):
            transport.send(frame.msg_type, payload)
        elif frame.msg_type == WSMsgType.CLOSE and self.closes:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.events.append("disconnected")
        self.gone.set()

    def pause_writing(self) -> None:
        self.paused.set()


async def within(awaitable: Awaitable[Any]) -> Any:
    """Wait, not for ever: only a test that fails takes that long."""
    return await asyncio.wait_for(awaitable, PATIENCE)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what nobody tells of."""

    async def look() -> None:
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)

    await within(look())


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[..., Awaitable[TestServer]]
Connect = Callable[..., Awaitable[tuple[RawEnd, dict[str, str]]]]


def answering(listener: WSListener, **options: Any) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.WebSocketListenerResponse(listener, **options)

    return handler
