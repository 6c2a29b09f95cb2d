"""uvicorn with websockets' names taken: the protocol without I/O works, the other is refused."""

import subprocess
import sys
import textwrap

import pytest

from tests.peers import import_peer

import_peer("uvicorn")

PROGRAM = textwrap.dedent(
    """
    import asyncio, sys
    import aiohttp_ws.as_websockets
    import uvicorn
    from websockets.asyncio.client import connect

    async def app(scope, receive, send):
        assert scope["type"] == "websocket", scope
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"].upper()})

    async def main():
        config = uvicorn.Config(
            app, "127.0.0.1", 0, ws=sys.argv[1], lifespan="off", log_level="error"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            if serving.done():
                await serving
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/", subprotocols=["chat"]) as websocket:
            await websocket.send("hello")
            print(websocket.subprotocol, await websocket.recv())
        server.should_exit = True
        await serving

    asyncio.run(main())
    """
)


def run(ws: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, ws], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("ws", ["websockets-sansio", "auto"])
def test_uvicorn_serves_with_the_protocol_without_io(ws: str):
    done = run(ws)
    assert done.stdout == "chat HELLO\n", done.stderr


def test_uvicorn_that_would_feed_a_protocol_by_hand_is_told_what_works():
    done = run("websockets")
    assert done.returncode != 0
    assert "ws='websockets-sansio'" in done.stderr
