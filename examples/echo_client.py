"""Send lines and print what comes back: ``python examples/echo_client.py [URL]``.

Without a server of your own, start ``echo_server.py`` first. The lines come from standard
input: type them, or ``printf 'one\\ntwo\\n' | python examples/echo_client.py``.
"""

import asyncio
import sys

from aiohttp_ws import ClientSession, WSServerHandshakeError


async def main(url: str) -> None:
    loop = asyncio.get_running_loop()
    async with ClientSession() as session, session.ws_connect(url) as ws:
        # Reading the terminal blocks, so a thread does it; pings are answered meanwhile.
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            await ws.send_str(line.rstrip("\n"))
            print(await ws.receive_str())


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8080/"
    try:
        asyncio.run(main(address))
    except (OSError, WSServerHandshakeError) as exc:
        sys.exit(f"cannot connect to {address}: {exc}")
