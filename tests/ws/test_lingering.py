"""The last close frame reaches a peer that is still sending (RFC 6455 7.1.1)."""

import asyncio

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.ws.raw_end import open_raw

FLOOD = 8 * 1024 * 1024


async def test_a_peer_that_goes_on_sending_gets_the_close_frame(
    aiohttp_server: AiohttpServer,
) -> None:
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_msg_size=1000)
        await ws.prepare(request)
        async for _ in ws:
            pass
        asyncio.get_running_loop().call_soon(ended.set)
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    server = await aiohttp_server(app)
    assert server.port is not None
    peer, _ = await open_raw(server.host, server.port)
    # A frame of 8 MiB, refused by its header; its payload comes when the handler is gone.
    peer.send_bytes(b"\x82\xff" + FLOOD.to_bytes(8, "big") + bytes(4))
    await ended.wait()
    peer.send_bytes(bytes(FLOOD))
    code, reason = await peer.receive_close()
    assert code == 1009
    assert "max_msg_size=1000" in reason
    peer.writer.transport.abort()


async def test_a_server_that_stops_does_not_wait_for_such_a_peer(
    aiohttp_server: AiohttpServer,
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(timeout=1000)
        await ws.prepare(request)
        async for _ in ws:
            pass
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    server = await aiohttp_server(app)
    assert server.port is not None
    peer, _ = await open_raw(server.host, server.port)
    peer.send_bytes(b"\x83\x80" + bytes(4))
    assert (await peer.receive_close())[0] == 1002
    await server.close()
    peer.writer.transport.abort()
