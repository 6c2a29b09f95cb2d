"""picows: callbacks on frames. It leaves messages, echoes of closes and extensions to its user."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.interop.talk import (
    MAX_SIZE,
    Closing,
    Link,
    Message,
    Opened,
    Server,
    Setting,
    asked_to_close,
    soon,
)
from tests.peers import import_peer

picows: Any = import_peer("picows")
TYPES = picows.WSMsgType


def payload_of(message: Message) -> tuple[Any, bytes]:
    if isinstance(message, str):
        return TYPES.TEXT, message.encode()
    return TYPES.BINARY, message


class Messages(picows.WSListener):  # type: ignore[misc]
    """Puts frames together, and completes the closing handshake."""

    def __init__(self) -> None:
        super().__init__()
        self.received: asyncio.Queue[Message | Closing] = asyncio.Queue()
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self._type = None
        self._fragments: list[bytes] = []

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == TYPES.CLOSE:
            reason = frame.get_close_message() or b""
            self.on_closing(Closing(int(frame.get_close_code()), reason.decode()))
            if not transport.is_close_frame_sent:
                transport.send_close(frame.get_close_code(), reason)
            transport.disconnect()
        elif frame.msg_type == TYPES.PONG:
            self.pongs.put_nowait(frame.get_payload_as_bytes())
        elif frame.msg_type in (TYPES.TEXT, TYPES.BINARY, TYPES.CONTINUATION):
            self._fragments.append(frame.get_payload_as_bytes())
            if frame.msg_type != TYPES.CONTINUATION:
                self._type = frame.msg_type
            if frame.fin:
                data = b"".join(self._fragments)
                self._fragments.clear()
                self.on_message(data.decode() if self._type == TYPES.TEXT else data)

    def on_message(self, message: Message) -> None:
        self.received.put_nowait(message)

    def on_closing(self, closing: Closing) -> None:
        self.received.put_nowait(closing)

    def send_fragments(self, fragments: Sequence[str]) -> None:
        for index, fragment in enumerate(fragments):
            kind = TYPES.CONTINUATION if index else TYPES.TEXT
            self.transport.send(kind, fragment.encode(), fin=index == len(fragments) - 1)


class PicowsLink:
    def __init__(self, listener: Messages, opened: Opened) -> None:
        self._listener = listener
        self.opened = opened

    async def send(self, message: Message) -> None:
        self._listener.transport.send(*payload_of(message))

    async def send_fragments(self, fragments: Sequence[str]) -> None:
        self._listener.send_fragments(fragments)

    async def receive(self) -> Message:
        message = await soon(self._listener.received.get())
        assert not isinstance(message, Closing), message
        return message

    async def ping(self, data: str) -> None:
        self._listener.transport.send_ping(data.encode())
        assert await soon(self._listener.pongs.get()) == data.encode()

    async def close(self, code: int, reason: str) -> Closing:
        self._listener.transport.send_close(code, reason.encode())
        return await self.closed()

    async def closed(self) -> Closing:
        closing = await soon(self._listener.received.get())
        assert isinstance(closing, Closing), closing
        await soon(self._listener.transport.wait_disconnected())
        return closing


@asynccontextmanager
async def connect(url: str, setting: Setting) -> AsyncIterator[Link]:
    headers = {}
    if setting.subprotocols:
        headers["Sec-WebSocket-Protocol"] = ", ".join(setting.subprotocols)
    transport, listener = await picows.ws_connect(
        Messages,
        url,
        ssl_context=setting.tls.client if setting.tls else None,
        max_frame_size=MAX_SIZE,
        extra_headers=headers,
    )
    try:
        subprotocol = transport.response.headers.get("Sec-WebSocket-Protocol")
        yield PicowsLink(listener, Opened(subprotocol, compressed=False))
    finally:
        transport.disconnect()
        await transport.wait_disconnected()


@asynccontextmanager
async def serve(setting: Setting) -> AsyncIterator[Server]:
    server = Server("")
    transports = []

    class Echo(Messages):
        def on_ws_connected(self, transport: Any) -> None:
            super().on_ws_connected(transport)
            transports.append(transport)
            server.opened.put_nowait(Opened(None, compressed=False))

        def on_message(self, message: Message) -> None:
            if asked := asked_to_close(message):
                self.transport.send_close(asked.code, asked.reason.encode())
            elif message == "fragments":
                self.send_fragments(["three ", "", "fragments"])
            else:
                self.transport.send(*payload_of(message))

        def on_closing(self, closing: Closing) -> None:
            server.closings.put_nowait(closing)

    listening = await picows.ws_create_server(
        lambda request: Echo(),
        "127.0.0.1",
        0,
        ssl=setting.tls.server if setting.tls else None,
        max_frame_size=MAX_SIZE,
    )
    server.url = setting.url(listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()
        for transport in transports:
            transport.disconnect()
            await transport.wait_disconnected()
        await listening.wait_closed()
