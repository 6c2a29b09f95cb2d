"""An end under test: ``echo.py API server PORT [LIBRARY]`` or ``echo.py API client URL [LIBRARY]``.

API is web, messages or frames. LIBRARY is a module with that API's interface; another than ours
checks the harness.
"""

import asyncio
import importlib
import sys

# The library that has each API's interface.
OURS = {"web": "aiohttp_ws", "messages": "aiohttp_ws.websockets", "frames": "aiohttp_ws"}


def main(api: str, end: str, where: str, library: str = "") -> None:
    echo = importlib.import_module(f"tests.conformance.echo_{api}")
    tested = importlib.import_module(library or OURS[api])
    if end == "server":
        asyncio.run(echo.serve(tested, int(where)))
    else:
        asyncio.run(echo_all(echo, tested, where, library or OURS[api]))


async def echo_all(echo, library, url: str, agent: str) -> None:
    """Echo in every case that a fuzzing server has."""
    count = int(await echo.first_message(library, f"{url}/getCaseCount"))
    for case in range(1, count + 1):
        await echo.echo(library, f"{url}/runCase?case={case}&agent={agent}")
        if case % 25 == 0 or case == count:
            print(f"  client: {case} of {count}", flush=True)
    await echo.first_message(library, f"{url}/updateReports?agent={agent}")


if __name__ == "__main__":
    main(*sys.argv[1:])
