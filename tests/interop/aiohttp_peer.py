"""The interface that aiohttp and this project share: one adapter for both.

``AiohttpPeer(aiohttp, aiohttp.web)`` is the peer, ``AiohttpPeer(aiohttp_ws, aiohttp_ws.web)``
is what is tested.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.interop.talk import Closing, Link, Message, Opened, Server, Setting, asked_to_close, soon


class AiohttpLink:
    def __init__(self, library: Any, websocket: Any) -> None:
        self._types = library.WSMsgType
        self._websocket = websocket
        self.opened = Opened(websocket.protocol, bool(websocket.compress))

    async def send(self, message: Message) -> None:
        if isinstance(message, str):
            await self._websocket.send_str(message)
        else:
            await self._websocket.send_bytes(message)

    async def send_fragments(self, fragments: Sequence[str]) -> None:
        raise AssertionError("aiohttp's interface sends whole messages only")

    async def receive(self) -> Message:
        message = await soon(self._websocket.receive())
        assert message.type in (self._types.TEXT, self._types.BINARY), message
        data: Message = message.data
        return data

    async def ping(self, data: str) -> None:
        await self._websocket.ping(data.encode())
        message = await soon(self._websocket.receive())
        assert (message.type, bytes(message.data)) == (self._types.PONG, data.encode())

    async def close(self, code: int, reason: str) -> Closing:
        await soon(self._websocket.close(code=code, message=reason.encode()))
        # The interface keeps the code of the answer, and not its reason.
        return Closing(self._websocket.close_code, reason)

    async def closed(self) -> Closing:
        message = await soon(self._websocket.receive())
        assert message.type is self._types.CLOSE, message
        assert self._websocket.closed
        assert self._websocket.close_code == message.data
        return Closing(message.data, message.extra)


class AiohttpPeer:
    def __init__(self, library: Any, web: Any) -> None:
        self._library = library
        self._web = web

    @asynccontextmanager
    async def connect(self, url: str, setting: Setting) -> AsyncIterator[Link]:
        async with (
            self._library.ClientSession() as session,
            session.ws_connect(
                url,
                compress=15 if setting.compress else 0,
                max_msg_size=0,
                protocols=tuple(setting.subprotocols),
                autoping=not setting.watch_pongs,
                ssl=setting.tls.client if setting.tls else True,
            ) as websocket,
        ):
            yield AiohttpLink(self._library, websocket)

    @asynccontextmanager
    async def serve(self, setting: Setting) -> AsyncIterator[Server]:
        types = self._library.WSMsgType
        server = Server("")

        async def handler(request: Any) -> Any:
            websocket = self._web.WebSocketResponse(
                compress=setting.compress, max_msg_size=0, protocols=tuple(setting.subprotocols)
            )
            await websocket.prepare(request)
            server.opened.put_nowait(Opened(websocket.ws_protocol, bool(websocket.compress)))
            while True:
                message = await websocket.receive()
                if message.type is types.TEXT:
                    if asked := asked_to_close(message.data):
                        await websocket.close(code=asked.code, message=asked.reason.encode())
                        told = Closing(websocket.close_code, asked.reason)
                        break
                    await websocket.send_str(message.data)
                elif message.type is types.BINARY:
                    await websocket.send_bytes(message.data)
                else:
                    assert message.type is types.CLOSE, message
                    assert websocket.close_code == message.data
                    told = Closing(message.data, message.extra)
                    break
            server.closings.put_nowait(told)
            return websocket

        app = self._web.Application()
        app.router.add_get("/", handler)
        runner = self._web.AppRunner(app)
        await runner.setup()
        try:
            tls = setting.tls.server if setting.tls else None
            await self._web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            server.url = setting.url(runner.addresses[0][1])
            yield server
        finally:
            await runner.cleanup()
