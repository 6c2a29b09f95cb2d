"""Both ends at the message API: ``serve`` and ``connect``."""

import asyncio
import contextlib
import importlib


async def serve(library, port: int) -> None:
    server = importlib.import_module(f"{library.__name__}.asyncio.server")
    async with server.serve(
        lambda connection: echo_messages(library, connection), "127.0.0.1", port, max_size=None
    ):
        await asyncio.Event().wait()


async def echo(library, url: str) -> None:
    async with connect(library, url) as connection:
        await echo_messages(library, connection)


async def echo_messages(library, connection) -> None:
    # The peer's close, its faults, and what cannot be answered after them.
    with contextlib.suppress(library.exceptions.ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def first_message(library, url: str) -> str | None:
    """The first message of a connection; ``None`` where it is closed without one."""
    async with connect(library, url) as connection:
        with contextlib.suppress(library.exceptions.ConnectionClosed):
            return await connection.recv()
    return None


def connect(library, url: str):
    client = importlib.import_module(f"{library.__name__}.asyncio.client")
    # The suite may be busy with its reports.
    return client.connect(url, max_size=None, proxy=None, open_timeout=60)
