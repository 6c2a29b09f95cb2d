"""Connections of a ClientSession, some dozens at a time, ended in every way."""

import asyncio
import contextlib

from aiohttp_ws import ClientSession, ClientWebSocketResponse, WSMsgType
from tests.soak.servers import CLOSE, CUT

AT_ONCE = 48
TEXT_MESSAGE = "a tick of a market, or a line of a chat: Grüße, 你好 " * 6
BINARY_MESSAGE = bytes(range(256)) * 8


class SessionClients:
    def __init__(self, port: int, deflate: bool) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.compress = 15 if deflate else 0
        self.session = ClientSession()

    async def run(self, count: int) -> None:
        """Open, use and end *count* connections."""
        numbers = iter(range(count))

        async def one_after_another() -> None:
            for number in numbers:
                async with self.session.ws_connect(self.url, compress=self.compress) as ws:
                    await use(ws)
                    await end(ws, number)

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


async def use(ws: ClientWebSocketResponse) -> None:
    await ws.send_str(TEXT_MESSAGE)
    await ws.ping()
    assert await ws.receive_str() == TEXT_MESSAGE
    receiving = asyncio.ensure_future(ws.receive())
    await asyncio.sleep(0)
    receiving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await receiving
    await ws.send_bytes(BINARY_MESSAGE)
    assert await ws.receive_bytes() == BINARY_MESSAGE


async def end(ws: ClientWebSocketResponse, number: int) -> None:
    """Most close in order; of ten, two are ended by the server, in order and not."""
    match number % 10:
        case 7:
            await ws.send_str(CLOSE)
            assert (await ws.receive()).type is WSMsgType.CLOSE
        case 8:
            await ws.send_str(CUT)
            assert (await ws.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
        case _:
            await ws.close()
