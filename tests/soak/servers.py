"""The servers under soak, one function per API: each starts an echo and returns its port.

What an echo does besides: the message ``close`` makes it close, ``cut`` makes it abort.
"""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp_ws
import aiohttp_ws.websockets
from aiohttp_ws import WSMsgType, web

CLOSE, CUT = "close", "cut"
# Servers live as long as their process.
running: list[Any] = []


async def start_web(deflate: bool) -> int:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=deflate)
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
            elif message.data == CLOSE:
                await ws.close()
            elif message.data == CUT:
                assert request.transport is not None
                request.transport.abort()
            else:
                await ws.send_str(message.data)
        return ws

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running.append(runner)
    return port_of(site._server)


async def start_frames(deflate: bool) -> int:
    class Echo(aiohttp_ws.WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type is WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()
                return
            payload = frame.get_payload_as_bytes()
            if payload == CLOSE.encode():
                transport.send_close(aiohttp_ws.WSCloseCode.OK)
            elif payload == CUT.encode():
                transport.disconnect(False)
            else:
                transport.send(frame.msg_type, payload, frame.fin)

    server = await aiohttp_ws.ws_create_server(
        lambda request: Echo(), "127.0.0.1", 0, compression="deflate" if deflate else None
    )
    running.append(server)
    return port_of(server)


async def start_messages(deflate: bool) -> int:
    async def echo(connection: aiohttp_ws.websockets.ServerConnection) -> None:
        # Else the server logs each client that is gone without a close frame.
        with contextlib.suppress(aiohttp_ws.websockets.ConnectionClosedError):
            async for message in connection:
                if message == CLOSE:
                    await connection.close()
                elif message == CUT:
                    connection.transport.abort()
                else:
                    await connection.send(message)

    server = await aiohttp_ws.serve(
        echo, "127.0.0.1", 0, compression="deflate" if deflate else None
    )
    running.append(server)
    return port_of(server)


def port_of(server: Any) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


Start = Callable[[bool], Awaitable[int]]
SERVERS: dict[str, Start] = {"web": start_web, "messages": start_messages}
if hasattr(aiohttp_ws, "ws_create_server"):
    SERVERS["frames"] = start_frames
