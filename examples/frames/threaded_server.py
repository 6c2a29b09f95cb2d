"""Serve with several threads: ``python examples/frames/threaded_server.py [THREADS]``.

Each thread has an event loop and a server of its own, all on one port: with ``reuse_port`` the
kernel deals connections out among them. Under a free-threaded Python they run side by side;
under any other they take turns, and processes do better. Try it with ``echo_client.py``.
"""

import asyncio
import os
import sys
import threading

from aiohttp_ws import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)


class Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        # Of a connection only its own thread may use anything: elsewhere its methods raise
        # RuntimeError. loop.call_soon_threadsafe() is the way in.
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT and frame.get_payload_as_bytes() == b"who?":
            transport.send(WSMsgType.TEXT, threading.current_thread().name.encode())
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), fin=frame.fin)


class Servers:
    """A server a thread, between :meth:`start` and :meth:`stop`.

    :param count: threads.
    :param port: 0 for a free one, which ``port`` tells then.
    """

    def __init__(self, count: int, port: int = 0) -> None:
        self.count = count
        self.port = port
        self._threads: list[threading.Thread] = []
        self._stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def start(self) -> None:
        for number in range(self.count):
            # One after another: the first finds the port that the others share.
            ready = threading.Event()
            thread = threading.Thread(
                target=lambda ready=ready: asyncio.run(self._serve(ready)),
                name=f"server {number}",
            )
            thread.start()
            self._threads.append(thread)
            ready.wait()
        if len(self._stops) < self.count:
            self.stop()
            raise RuntimeError("a server did not start; its thread has printed why")

    def stop(self) -> None:
        for loop, event in self._stops:
            loop.call_soon_threadsafe(event.set)
        for thread in self._threads:
            thread.join()

    async def _serve(self, ready: threading.Event) -> None:
        try:
            transports: set[WSTransport] = set()

            class Counted(Echo):
                def on_ws_connected(self, transport: WSTransport) -> None:
                    transports.add(transport)

                def on_ws_disconnected(self, transport: WSTransport) -> None:
                    transports.discard(transport)

            def listener_for(request: WSUpgradeRequest) -> WSListener:
                return Counted()

            server = await ws_create_server(listener_for, "127.0.0.1", self.port, reuse_port=True)
            self.port = server.sockets[0].getsockname()[1]
            stop = asyncio.Event()
            self._stops.append((asyncio.get_running_loop(), stop))
        finally:
            ready.set()
        await stop.wait()
        server.close()
        # graceful_shutdown.py says goodbye first.
        for transport in list(transports):
            transport.disconnect(graceful=False)
            await transport.wait_disconnected()


if __name__ == "__main__":
    servers = Servers(
        int(sys.argv[1]) if len(sys.argv) > 1 else os.cpu_count() or 1,
        int(os.environ.get("PORT", "8080")),
    )
    servers.start()
    try:
        print(f"running on ws://127.0.0.1:{servers.port}/, {servers.count} threads", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        servers.stop()
