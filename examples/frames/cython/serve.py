"""Serve the compiled listeners.

    python serve.py

``ws://127.0.0.1:8080/`` echoes and ``/count`` counts; ``PORT`` names another port.
"""

import asyncio
import os

from echo_listener import CountingListener, EchoListener

from aiohttp_ws import WSListener, WSUpgradeRequest, ws_create_server


def listener_for(request: WSUpgradeRequest) -> WSListener:
    return CountingListener() if request.path == b"/count" else EchoListener()


async def main() -> None:
    server = await ws_create_server(listener_for, "127.0.0.1", int(os.environ.get("PORT", 8080)))
    host, port = server.sockets[0].getsockname()
    print(f"running on ws://{host}:{port}/", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
