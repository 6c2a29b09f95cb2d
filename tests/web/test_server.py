"""The server as a protocol factory; one event loop after another."""

from __future__ import annotations

import asyncio

import pytest

from aiohttp_ws import web
from tests.web.raw_server import get, running


async def hello(request):
    return web.Response(text="hello")


async def test_connections_are_listed_while_they_are_open():
    async with running(hello) as server:
        assert server.server.connections == []
        async with server.connect() as peer:
            await peer.ask(get())
            (connection,) = server.server.connections
            assert isinstance(connection, web.RequestHandler)
            assert isinstance(connection, asyncio.BufferedProtocol)
            assert connection.connected
            assert not connection.busy
            assert connection.peername == peer.writer.get_extra_info("sockname")
            connection.force_close()
            assert await peer.rest() == b""
        assert server.server.requests_count == 1


async def test_the_request_factory_makes_the_requests():
    made = []

    def factory(message, payload, protocol, writer, task):
        made.append(message.path)
        return web.BaseRequest(message, payload, protocol, writer, task, task.get_loop())

    async with running(hello, request_factory=factory) as server, server.connect() as peer:
        await peer.ask(get("/a"))
    assert made == ["/a"]


async def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="keepalive_time"):
        web.Server(hello, keepalive_time=5)


async def test_shutdown_may_be_called_by_a_handler():
    async def handler(request):
        await server.server.shutdown(5)
        return web.Response(text="bye")

    async with running(handler) as server:
        assert (await server.exchange(get())).endswith(b"bye")


def test_one_loop_after_another():
    async def main():
        async with running(hello) as server, server.connect() as peer:
            return (await peer.ask(get()))[1]

    assert [asyncio.run(main()) for _ in range(2)] == [b"hello"] * 2


def test_a_loop_may_end_with_open_connections():
    """Nothing warns, which would be an error."""

    async def main():
        server = web.Server(hello)
        listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get())
        await reader.readuntil(b"hello")
        listening.close()
        await server.shutdown(0)
        writer.close()

    asyncio.run(main())
