"""The server under test: echoes every message. ``echo_server.py PORT [LIBRARY]``.

LIBRARY is a module with aiohttp's interface; another than ``aiohttp_ws`` checks the harness.
"""

import asyncio
import contextlib
import importlib
import sys


async def serve(port: int, library: str) -> None:
    web = importlib.import_module(f"{library}.web")
    msg_type = importlib.import_module(library).WSMsgType

    async def echo(request):
        ws = web.WebSocketResponse(compress=True, max_msg_size=0)
        await ws.prepare(request)
        # A peer that broke the protocol after its message cannot be answered any more.
        with contextlib.suppress(ConnectionError):
            async for message in ws:
                if message.type is msg_type.TEXT:
                    await ws.send_str(message.data)
                elif message.type is msg_type.BINARY:
                    await ws.send_bytes(message.data)
        return ws

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "aiohttp_ws"))
