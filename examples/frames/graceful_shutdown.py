"""Stop a server in good order: ``python examples/frames/graceful_shutdown.py``, then Ctrl-C.

Connections are told that the server goes away (1001), so that clients connect to another one at
once; those that do not hang up in time are cut.
"""

import asyncio
import os
import signal

from aiohttp_ws import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)


class Echo(WSListener):
    def __init__(self, server: "Server") -> None:
        self.server = server

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.server.transports.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.server.transports.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            # The answer to ours, or the client's own: send_close() does nothing a second time.
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), fin=frame.fin)


class Server:
    def __init__(self) -> None:
        self.transports: set[WSTransport] = set()

    async def start(self, port: int = 0) -> int:
        """Listen, and return the port."""
        self._server = await ws_create_server(self.listener_for, "127.0.0.1", port)
        port = self._server.sockets[0].getsockname()[1]
        return port

    def listener_for(self, request: WSUpgradeRequest) -> WSListener:
        return Echo(self)

    async def stop(self, timeout: float = 5.0) -> int:
        """Close all connections within *timeout* seconds; return how many had to be cut."""
        # First stop listening: a client that comes now is refused, and may go to another server.
        self._server.close()
        leaving = list(self.transports)
        for transport in leaving:
            transport.send_close(WSCloseCode.GOING_AWAY, b"the server is going away")
        waits = [asyncio.ensure_future(each.wait_disconnected()) for each in leaving]
        if waits:
            await asyncio.wait(waits, timeout=timeout)
        late = [each for each in leaving if not each.is_disconnected]
        for transport in late:
            # Not gracefully: that would wait for what the client does not read.
            transport.disconnect(graceful=False)
        await asyncio.gather(*waits, return_exceptions=True)
        await self._server.wait_closed()
        return len(late)


async def main() -> None:
    server = Server()
    port = await server.start(int(os.environ.get("PORT", "8080")))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    print(f"running on ws://127.0.0.1:{port}/", flush=True)
    await stop.wait()
    count = len(server.transports)
    late = await server.stop()
    print(f"closed {count} connections, cut {late} of them", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
