"""Feed a client that cannot keep up: ``python examples/frames/slow_client.py``.

``send()`` never waits: what the network does not take stays in memory, and a client that has
stopped reading would fill it. ``pause_writing`` says when there is too much.
"""

import asyncio

from aiohttp_ws import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

# Bytes that may wait for a client, and to which they must sink before more is sent.
HIGH, LOW = 64 * 1024, 16 * 1024


class Feed(WSListener):
    """Sends the newest value whenever the client can take it, and skips what came meanwhile.

    Where nothing may be skipped, close instead: a client that is always late never catches up.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.skipped = 0
        self.most_buffered = 0
        self.paused = asyncio.Event()
        self._writable = True
        self._waiting: bytes | None = None
        self._transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        # The default of asyncio is 64 KiB as well. A feed that should never be late has less.
        transport.underlying_transport.set_write_buffer_limits(HIGH, LOW)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def publish(self, value: bytes) -> None:
        if self._transport is None:
            return
        if not self._writable:
            self.skipped += self._waiting is not None
            self._waiting = value
            return
        self.sent += 1
        self._transport.send(WSMsgType.BINARY, value)
        buffered = self._transport.underlying_transport.get_write_buffer_size()
        self.most_buffered = max(self.most_buffered, buffered)

    def pause_writing(self) -> None:
        self._writable = False
        self.paused.set()

    def resume_writing(self) -> None:
        self._writable = True
        value, self._waiting = self._waiting, None
        if value is not None:
            self.publish(value)


class SlowClient(WSListener):
    """Does not read until told to."""

    def __init__(self) -> None:
        self.values: asyncio.Queue[bytes] = asyncio.Queue()

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.underlying_transport.pause_reading()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            # The number of the value, which precedes it.
            self.values.put_nowait(frame.get_payload_as_memoryview()[:8].tobytes())


async def serve(feeds: asyncio.Queue[Feed], port: int = 0) -> asyncio.Server:
    """Serve; each connection's feed is put into *feeds*."""

    def listener_for(request: WSUpgradeRequest) -> WSListener:
        feed = Feed()
        feeds.put_nowait(feed)
        return feed

    return await ws_create_server(listener_for, "127.0.0.1", port)


async def publish_until_paused(feed: Feed, size: int) -> int:
    """Publish numbered values of *size* bytes until the client lags; return how many."""
    count = 0
    while not feed.paused.is_set():
        count += 1
        feed.publish(b"%08d" % count + bytes(size - 8))
        await asyncio.sleep(0)
    return count


async def connect(url: str) -> tuple[WSTransport, SlowClient]:
    client = SlowClient()
    transport, _ = await ws_connect(lambda: client, url)
    return transport, client


async def main() -> None:
    feeds: asyncio.Queue[Feed] = asyncio.Queue()
    server = await serve(feeds)
    transport, client = await connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    feed = await feeds.get()
    taken = await publish_until_paused(feed, 16 * 1024)
    for number in range(taken + 1, taken + 1001):
        feed.publish(b"%08d" % number)
    print(f"the client stopped reading: {taken} values sent, {feed.skipped} skipped")
    transport.underlying_transport.resume_reading()
    while int(await client.values.get()) < taken + 1000:
        pass
    print(f"it has the newest now; {feed.most_buffered // 1024} KiB waited at most")
    transport.disconnect()
    await transport.wait_disconnected()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
