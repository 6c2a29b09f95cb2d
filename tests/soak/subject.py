"""A process under soak: ``python -m tests.soak.subject server|client API PORT 0|1``.

It reads commands, one per line, and answers each with a line of JSON:

``measure``   what it holds, as :class:`Holdings` has it
``run N``     (client) open, use and end N connections
"""

import asyncio
import dataclasses
import json
import sys

from tests.soak.client import SessionClients
from tests.soak.measuring import holdings
from tests.soak.servers import SERVERS


async def main(role: str, api: str, port: int, deflate: bool) -> None:
    clients = None
    if role == "server":
        port = await SERVERS[api](deflate)
    else:
        clients = SessionClients(port, deflate)
    commands = await standard_input()
    answer(port)
    while line := (await commands.readline()).decode().split():
        match line:
            case ["measure"]:
                answer(dataclasses.asdict(await holdings()))
            case ["run", count] if clients is not None:
                await clients.run(int(count))
                answer(None)
            case _:
                raise ValueError(f"not a command: {line}")
    if clients is not None:
        await clients.session.close()


async def standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def answer(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    role, api, port, deflate = sys.argv[1:]
    asyncio.run(main(role, api, int(port), deflate == "1"))
