"""Autobahn's asyncio client and server, as tests of handshake decisions talk to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.peers import import_peer
from tests.ws.raw_end import PATIENCE

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


class End:
    """What a test sees of Autobahn's end."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[Any] = asyncio.Future()
        self.closed: asyncio.Future[tuple[bool, int, str]] = asyncio.Future()
        self.messages: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()
        self.asked: Any = None
        self.protocol: Any = None

    async def next(self) -> tuple[bytes, bool]:
        return await asyncio.wait_for(self.messages.get(), PATIENCE)

    async def wait_closed(self) -> tuple[bool, int, str]:
        return await asyncio.wait_for(self.closed, PATIENCE)

    def send(self, payload: bytes, is_binary: bool = False) -> None:
        self.protocol.sendMessage(payload, is_binary)


class _Recording:
    end: End

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        self.end.messages.put_nowait((payload, is_binary))

    def onClose(self, was_clean: bool, code: int, reason: str) -> None:
        if not self.end.closed.done():
            self.end.closed.set_result((was_clean, code, reason))
        if not self.end.opened.done():
            self.end.opened.set_exception(ConnectionRefusedError(reason))
            self.end.opened.exception()  # a test may look at `closed` only


@asynccontextmanager
async def autobahn_client(
    url: str, protocols: Sequence[str] = (), *, deflate: bool = False, **headers: str
) -> AsyncIterator[End]:
    """Connect with Autobahn; ``end.opened`` is its ConnectionResponse, or tells of a refusal."""
    end = End()

    class Protocol(_Recording, WebSocketClientProtocol):  # type: ignore[misc]
        def onConnect(self, response: Any) -> None:
            end.asked = response
            end.protocol = self

        def onOpen(self) -> None:
            end.opened.set_result(end.asked)

    Protocol.end = end
    loop = asyncio.get_running_loop()
    factory = WebSocketClientFactory(url, protocols=list(protocols), headers=headers, loop=loop)
    factory.protocol = Protocol
    if deflate:
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=PerMessageDeflateResponseAccept,
        )
    parts = urlsplit(url)
    transport, _ = await loop.create_connection(factory, parts.hostname, parts.port)
    try:
        yield end
    finally:
        transport.abort()
        await end.wait_closed()


@asynccontextmanager
async def autobahn_server(
    on_connect: Callable[[Any], Any] = lambda request: None, *, deflate: bool = False
) -> AsyncIterator[tuple[str, asyncio.Queue[End]]]:
    """Serve with Autobahn; gives the URL and the ends of its connections."""
    ends: asyncio.Queue[End] = asyncio.Queue()
    live: list[Any] = []

    class Protocol(_Recording, WebSocketServerProtocol):  # type: ignore[misc]
        def onConnect(self, request: Any) -> Any:
            self.end = End()
            self.end.asked = request
            self.end.protocol = self
            live.append(self)
            return on_connect(request)

        def onOpen(self) -> None:
            self.end.opened.set_result(self.end.asked)
            ends.put_nowait(self.end)

    loop = asyncio.get_running_loop()
    factory = WebSocketServerFactory(loop=loop)
    factory.protocol = Protocol
    if deflate:

        def accept(offers: list[Any]) -> Any:
            for offer in offers:
                if isinstance(offer, PerMessageDeflateOffer):
                    return PerMessageDeflateOfferAccept(offer)
            return None

        factory.setProtocolOptions(perMessageCompressionAccept=accept)
    server = await loop.create_server(factory, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", ends
    finally:
        server.close()
        for protocol in live:
            if protocol.transport is not None:  # gone already
                protocol.transport.abort()
            await protocol.end.wait_closed()
