"""The websockets library, and picows' library of the same interface: one adapter for both."""

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


def opened(connection: Any) -> Opened:
    extensions = connection.response.headers.get("Sec-WebSocket-Extensions", "")
    return Opened(connection.subprotocol, "permessage-deflate" in extensions)


class WebsocketsLink:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.opened = opened(connection)

    async def send(self, message: Message) -> None:
        await self._connection.send(message)

    async def send_fragments(self, fragments: Sequence[str]) -> None:
        await self._connection.send(iter(fragments))

    async def receive(self) -> Message:
        message: Message = await soon(self._connection.recv())
        return message

    async def ping(self, data: str) -> None:
        await soon(await self._connection.ping(data))

    async def close(self, code: int, reason: str) -> Closing:
        await soon(self._connection.close(code, reason))
        return Closing(self._connection.close_code, self._connection.close_reason)

    async def closed(self) -> Closing:
        await soon(self._connection.wait_closed())
        return Closing(self._connection.close_code, self._connection.close_reason)


class WebsocketsPeer:
    """A module with websockets' ``connect()`` and ``serve()``."""

    def __init__(self, library: Any) -> None:
        self._library = library

    @asynccontextmanager
    async def connect(self, url: str, setting: Setting) -> AsyncIterator[Link]:
        async with self._library.connect(
            url,
            compression="deflate" if setting.compress else None,
            subprotocols=list(setting.subprotocols) or None,
            max_size=None,
            proxy=None,
            **({"ssl": setting.tls.client} if setting.tls else {}),
        ) as connection:
            yield WebsocketsLink(connection)

    @asynccontextmanager
    async def serve(self, setting: Setting) -> AsyncIterator[Server]:
        server = Server("")

        async def handler(connection: Any) -> None:
            server.opened.put_nowait(opened(connection))
            try:
                async for message in connection:
                    if asked := asked_to_close(message):
                        await connection.close(asked.code, asked.reason)
                    elif message == "fragments":
                        await connection.send(iter(["three ", "", "fragments"]))
                    else:
                        await connection.send(message)
            except self._library.ConnectionClosed:
                pass
            closing = Closing(connection.close_code, connection.close_reason)
            server.closings.put_nowait(closing)

        async with self._library.serve(
            handler,
            "127.0.0.1",
            0,
            compression="deflate" if setting.compress else None,
            subprotocols=list(setting.subprotocols) or None,
            max_size=MAX_SIZE,
            ssl=setting.tls.server if setting.tls else None,
        ) as listening:
            server.url = setting.url(listening.sockets[0].getsockname()[1])
            yield server
