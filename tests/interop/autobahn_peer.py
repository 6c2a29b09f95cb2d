"""Autobahn's asyncio client and server, as ends of the table of peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

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

import_peer("autobahn")

from autobahn.asyncio.websocket import (  # noqa: E402
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.compress import (  # noqa: E402
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponseAccept,
)
from autobahn.websocket.types import ConnectionDeny  # noqa: E402


def message_of(payload: bytes, is_binary: bool) -> Message:
    return payload if is_binary else payload.decode()


def send_message(protocol: Any, message: Message) -> None:
    if isinstance(message, str):
        protocol.sendMessage(message.encode(), False)
    else:
        protocol.sendMessage(message, True)


def send_fragments(protocol: Any, fragments: Sequence[str]) -> None:
    protocol.beginMessage()
    for fragment in fragments:
        protocol.sendMessageFrame(fragment.encode())
    protocol.endMessage()


def compressed(protocol: Any) -> bool:
    return protocol.websocket_extensions_in_use != []


class _Client(WebSocketClientProtocol):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.opened: asyncio.Future[None] = asyncio.Future()
        self.ended: asyncio.Future[Closing] = asyncio.Future()
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()

    def onOpen(self) -> None:
        self.opened.set_result(None)

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        self.messages.put_nowait(message_of(payload, is_binary))

    def onPong(self, payload: bytes) -> None:
        self.pongs.put_nowait(payload)

    def onClose(self, was_clean: bool, code: int, reason: str) -> None:
        self.ended.set_result(Closing(code, reason or ""))
        if not self.opened.done():
            self.opened.set_exception(ConnectionRefusedError(reason))


class AutobahnLink:
    def __init__(self, protocol: _Client) -> None:
        self._protocol = protocol
        self.opened = Opened(protocol.websocket_protocol_in_use, compressed(protocol))

    async def send(self, message: Message) -> None:
        send_message(self._protocol, message)

    async def send_fragments(self, fragments: Sequence[str]) -> None:
        send_fragments(self._protocol, fragments)

    async def receive(self) -> Message:
        return await soon(self._protocol.messages.get())

    async def ping(self, data: str) -> None:
        self._protocol.sendPing(data.encode())
        assert await soon(self._protocol.pongs.get()) == data.encode()

    async def close(self, code: int, reason: str) -> Closing:
        self._protocol.sendClose(code, reason)
        return await self.closed()

    async def closed(self) -> Closing:
        return await soon(asyncio.shield(self._protocol.ended))


@asynccontextmanager
async def connect(url: str, setting: Setting) -> AsyncIterator[Link]:
    """Connect; raises ``ConnectionRefusedError`` with Autobahn's reason where it is refused."""
    loop = asyncio.get_running_loop()
    factory = WebSocketClientFactory(url, protocols=list(setting.subprotocols), loop=loop)
    factory.protocol = _Client
    factory.setProtocolOptions(maxMessagePayloadSize=MAX_SIZE, maxFramePayloadSize=MAX_SIZE)
    if setting.compress:
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=PerMessageDeflateResponseAccept,
        )
    parts = urlsplit(url)
    transport, protocol = await loop.create_connection(
        factory,
        parts.hostname,
        parts.port,
        ssl=setting.tls.client if setting.tls else None,
    )
    try:
        await soon(protocol.opened)
        yield AutobahnLink(protocol)
    finally:
        transport.abort()
        await soon(protocol.ended)


@asynccontextmanager
async def serve(setting: Setting) -> AsyncIterator[Server]:
    server = Server("")
    live: set[Any] = set()
    gone = asyncio.Event()

    class Protocol(WebSocketServerProtocol):  # type: ignore[misc]
        def onConnect(self, request: Any) -> Any:
            live.add(self)
            if request.path == "/denied":
                raise ConnectionDeny(403, "not today")
            return next((name for name in setting.subprotocols if name in request.protocols), None)

        def onOpen(self) -> None:
            opened = Opened(self.websocket_protocol_in_use, compressed(self))
            server.opened.put_nowait(opened)

        def onMessage(self, payload: bytes, is_binary: bool) -> None:
            message = message_of(payload, is_binary)
            if asked := asked_to_close(message):
                self.sendClose(asked.code, asked.reason)
            elif message == "fragments":
                send_fragments(self, ["three ", "", "fragments"])
            else:
                send_message(self, message)

        def onClose(self, was_clean: bool, code: int, reason: str) -> None:
            server.closings.put_nowait(Closing(code, reason or ""))
            live.discard(self)
            gone.set()

    loop = asyncio.get_running_loop()
    factory = WebSocketServerFactory(loop=loop)
    factory.protocol = Protocol
    factory.setProtocolOptions(maxMessagePayloadSize=MAX_SIZE, maxFramePayloadSize=MAX_SIZE)
    if setting.compress:

        def accept(offers: list[Any]) -> Any:
            mine = [offer for offer in offers if isinstance(offer, PerMessageDeflateOffer)]
            return PerMessageDeflateOfferAccept(mine[0]) if mine else None

        factory.setProtocolOptions(perMessageCompressionAccept=accept)
    tls = setting.tls.server if setting.tls else None
    listening = await loop.create_server(factory, "127.0.0.1", 0, ssl=tls)
    server.url = setting.url(listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()
        for protocol in list(live):
            protocol.transport.abort()
        while live:
            gone.clear()
            await soon(gone.wait())
