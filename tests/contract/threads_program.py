"""Threads that send through one connection, beside its loop: ``threads_program.py API ROLE``."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

from aiohttp_ws import ClientSession, web, websockets

THREADS, EACH = 3, 600


def send_of(api: str, end: Any) -> Any:
    return end.send if api == "messages" else end.send_str


def text_of(message: Any) -> str:
    return message if isinstance(message, str) else message.data  # type: ignore[no-any-return]


async def sending(api: str, end: Any) -> None:
    """Send from threads, and from the loop all the while."""
    loop = asyncio.get_running_loop()
    send = send_of(api, end)
    ready = [asyncio.Event() for _ in range(THREADS)]

    def work(number: int) -> None:
        futures = [
            asyncio.run_coroutine_threadsafe(send(f"{number} {index} " + "x" * 500), loop)
            for index in range(EACH)
        ]
        for future in futures:
            future.result(30)
        loop.call_soon_threadsafe(ready[number].set)

    threads = [threading.Thread(target=work, args=[n], daemon=True) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for index in range(EACH):
        await send(f"loop {index} " + "x" * 500)
        await asyncio.sleep(0)
    for event in ready:
        await event.wait()
    await send("end")


async def receiving(api: str, end: Any) -> None:
    """Check that every message is whole, and each sender's are in order."""
    counts: dict[str, int] = {}
    async for message in end:
        text = text_of(message)
        if text == "end":
            break
        sender, index, rest = text.split(" ")
        assert rest == "x" * 500, text
        assert counts.get(sender, 0) == int(index), text
        counts[sender] = int(index) + 1
    assert set(counts.values()) == {EACH}, counts
    assert len(counts) == THREADS + 1


async def main(api: str, role: str) -> None:
    at_server, at_client = (sending, receiving) if role == "server" else (receiving, sending)
    failed: list[BaseException] = []
    over = asyncio.Event()

    async def serve(end: Any) -> None:
        try:
            await at_server(api, end)
        except BaseException as exc:
            failed.append(exc)
            raise
        finally:
            over.set()

    if api == "messages":
        async with websockets.serve(serve, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
                await at_client(api, client)
                await over.wait()
    else:

        async def handler(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse()
            await ws.prepare(request)
            await serve(ws)
            return ws

        app = web.Application()
        app.router.add_get("/", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with (
            ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{site.port}/", compress=15) as client,
        ):
            await at_client(api, client)
            await over.wait()
        await runner.cleanup()
    if failed:
        raise failed[0]


if __name__ == "__main__":
    # Threads take turns in the middle of whatever they do.
    sys.setswitchinterval(1e-5)
    asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 40))
    print("all arrived")
