"""Run beside the built example: both of its listeners answer."""

import asyncio
import sys
from typing import Any

from serve import listener_for

from aiohttp_ws import WSListener, WSMsgType, ws_connect, ws_create_server


class Asker(WSListener):
    """Sends a message and closes after the answer."""

    def __init__(self) -> None:
        self.answer = b""

    def on_ws_connected(self, transport: Any) -> None:
        transport.send(WSMsgType.TEXT, b"a banana")

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        self.answer = frame.get_payload_as_bytes()
        transport.disconnect()


async def main() -> None:
    server = await ws_create_server(listener_for, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    answers = []
    for path in ("/", "/count"):
        transport, asker = await ws_connect(Asker, url + path)
        await transport.wait_disconnected()
        answers.append(asker.answer)
    server.close()
    assert answers[0] == b"a banana"
    assert int.from_bytes(answers[1], sys.byteorder) == 4


asyncio.run(asyncio.wait_for(main(), 60))
