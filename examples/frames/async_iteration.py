"""Read frames with ``async for``: ``python examples/frames/async_iteration.py``.

A listener is called; a coroutine would rather ask. Between them stands a queue. It costs a copy
of each payload and a trip through the event loop, so do it where that does not matter, or use
``ClientSession.ws_connect``, where it is built in.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp_ws import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

# Frames that may wait. More of them stay in the socket, and then with the peer: a queue
# without a limit would hold whatever a fast peer sends to a slow reader.
MOST_WAITING = 100


class Frames(WSListener):
    """Iterate over it: ``async for kind, payload in frames``."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[WSMsgType, bytes] | None] = asyncio.Queue()
        self._paused = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
            return
        # A frame lives until this method returns. What goes into a queue is a copy.
        self._queue.put_nowait((frame.msg_type, frame.get_payload_as_bytes()))
        if self._queue.qsize() >= MOST_WAITING and not self._paused:
            self._paused = True
            transport.underlying_transport.pause_reading()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[tuple[WSMsgType, bytes]]:
        while (item := await self._queue.get()) is not None:
            if self._paused and self._queue.empty():
                self._paused = False
                self.transport.underlying_transport.resume_reading()
            yield item
        # A fault of the peer or of this program is raised here, where the loop would end.
        await self.transport.wait_disconnected()


class Counter(WSListener):
    """Counts to *limit*, then closes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def on_ws_connected(self, transport: WSTransport) -> None:
        for number in range(1, self.limit + 1):
            transport.send(WSMsgType.TEXT, b"%d" % number)
        transport.send_close(WSCloseCode.OK)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()


async def serve(port: int = 0, limit: int = 5) -> asyncio.Server:
    def listener_for(request: WSUpgradeRequest) -> WSListener:
        return Counter(limit)

    return await ws_create_server(listener_for, "127.0.0.1", port)


async def read(url: str) -> AsyncIterator[str]:
    """Each text that the server sends."""
    _, frames = await ws_connect(Frames, url)
    assert isinstance(frames, Frames)
    async for kind, payload in frames:
        if kind == WSMsgType.TEXT:
            yield payload.decode()


async def main() -> None:
    server = await serve()
    async for text in read(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"):
        print(text)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
