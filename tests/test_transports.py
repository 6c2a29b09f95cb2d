"""Every API over every kind of transport: each loop, with and without TLS and aiofastnet."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import pytest
import trustme

from tests.transport_matrix import (
    FLOOD,
    KINDS,
    SMALL,
    Kind,
    Servers,
    frame_client,
    masked,
    raw_client,
    run,
    serving,
    web_client,
)

SIZES = (0, 1, 125, 126, 65_535, 65_536, (1 << 20) + 3)

Main = Callable[[Servers], Awaitable[None]]
In = Callable[[Main], None]


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server and for a client who trusts it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@pytest.fixture(params=KINDS, ids=str)
def in_kind(request: pytest.FixtureRequest, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> In:
    """Run a coroutine with servers of one kind of transport."""
    kind: Kind = request.param

    def go(main: Main) -> None:
        async def with_servers() -> None:
            async with serving(kind, contexts) as servers:
                await main(servers)

        run(kind, with_servers)

    return go


@pytest.mark.parametrize("client", [web_client, frame_client])
@pytest.mark.parametrize("api", ["web", "frames"])
def test_messages_of_all_sizes_come_back_and_the_connection_closes(in_kind, api, client):
    async def main(servers: Servers) -> None:
        async with client(servers, servers.ports[api], "echo") as end:
            for size in SIZES:
                data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
                await end.send(data)
                assert await end.receive() == data
        assert await servers.ended.get() == 1000

    in_kind(main)


@pytest.mark.parametrize("api", ["web", "frames"])
def test_input_may_come_in_pieces_of_any_size(in_kind, api):
    async def main(servers: Servers) -> None:
        for piece in (1, 7):
            client = await raw_client(servers, servers.ports[api], "echo", piece)
            parts = masked(2, b"x" * 10, False) + masked(0, b"", False) + masked(0, b"y" * 130)
            await client.send(parts, piece)
            assert await client.receive() == b"x" * 10 + b"y" * 130
            # And all at once, with the next message after it.
            await client.send(parts + masked(2, b"z"), len(parts) + 100)
            assert await client.receive() == b"x" * 10 + b"y" * 130
            assert await client.receive() == b"z"
            client.writer.transport.abort()
            assert await servers.ended.get() == 1006

    in_kind(main)


@pytest.mark.parametrize("api", ["web", "frames"])
def test_order_is_kept_behind_a_full_socket(in_kind, api):
    async def main(servers: Servers) -> None:
        client = await raw_client(servers, servers.ports[api], "flood")
        await servers.full.wait()
        assert await client.receive() == FLOOD
        for data in SMALL * (2 if api == "frames" else 1):
            assert await client.receive() == data
        # And once the socket has room again.
        for data in SMALL:
            await client.send(masked(2, data), 1 << 20)
            assert await client.receive() == data
        client.writer.transport.abort()
        assert await servers.ended.get() == 1006

    in_kind(main)


@pytest.mark.parametrize("client", [web_client, frame_client])
@pytest.mark.parametrize("api", ["web", "frames"])
def test_nothing_is_lost_when_reading_was_paused(in_kind, api, client):
    async def main(servers: Servers) -> None:
        async with client(servers, servers.ports[api], "late") as end:
            sizes = [1000, 300_000, 5, len(FLOOD) // 4, 70_000, *[100] * 500, len(FLOOD) // 2]
            for size in (*sizes, len(FLOOD) - sum(sizes)):
                await end.send(bytes(size))
            assert await end.receive() == b"%d" % len(FLOOD)
        assert await servers.ended.get() == 1000

    in_kind(main)


@pytest.mark.parametrize("api", ["web", "frames"])
def test_a_connection_that_is_cut_ends_with_1006(in_kind, api):
    async def main(servers: Servers) -> None:
        client = await raw_client(servers, servers.ports[api], "echo")
        await client.send(masked(2, b"half of what was promised")[:9], 100)
        client.writer.transport.abort()
        assert await servers.ended.get() == 1006

    in_kind(main)
