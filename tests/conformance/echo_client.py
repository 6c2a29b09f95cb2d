"""The client under test: echoes in every case that a fuzzing server has.

Usage: ``echo_client.py URL [LIBRARY]``. LIBRARY is a module with aiohttp's interface;
another than ``aiohttp_ws`` checks the harness.
"""

import asyncio
import contextlib
import importlib
import sys


async def echo_all(url: str, library: str) -> None:
    aiohttp = importlib.import_module(library)
    text, binary = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{url}/getCaseCount") as ws:
            count = int((await ws.receive()).data)
        for case in range(1, count + 1):
            async with session.ws_connect(
                f"{url}/runCase?case={case}&agent={library}", compress=15, max_msg_size=0
            ) as ws:
                # A peer that broke the protocol after its message cannot be answered any more.
                with contextlib.suppress(ConnectionError):
                    async for message in ws:
                        if message.type is text:
                            await ws.send_str(message.data)
                        elif message.type is binary:
                            await ws.send_bytes(message.data)
            if case % 25 == 0 or case == count:
                print(f"  client: {case} of {count}", flush=True)
        async with session.ws_connect(f"{url}/updateReports?agent={library}") as ws:
            await ws.receive()


if __name__ == "__main__":
    asyncio.run(echo_all(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "aiohttp_ws"))
