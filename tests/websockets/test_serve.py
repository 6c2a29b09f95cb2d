"""What serve() promises: handlers, broadcasts, the end of a server."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import gc
import logging
import re
import ssl
import sys
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

import aiohttp_ws
from aiohttp_ws.websockets import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedOK,
    InvalidStatus,
    Request,
    ServerConnection,
    broadcast,
    connect,
    serve,
    unix_connect,
    unix_serve,
)

from .ends import UPGRADE, answer_to, echo, rounds, serving, stay, theirs, url_of

# ----------------------------------------------------------------------- handlers


async def test_a_handler_that_returns_closes_with_1000():
    async def handler(connection: ServerConnection) -> None:
        pass

    async with serving(handler) as server, theirs.connect(url_of(server)) as client:
        await client.wait_closed()
        assert client.close_code == 1000


async def test_a_handler_that_raises_closes_with_1011_and_is_logged(
    caplog: pytest.LogCaptureFixture,
):
    async def handler(connection: ServerConnection) -> None:
        raise RuntimeError("ours alone")

    async with serving(handler) as server, theirs.connect(url_of(server)) as client:
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1011, "")
    assert "connection handler failed" in caplog.text
    assert "ours alone" in caplog.text


async def test_connections_open_and_close_in_the_log(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    async with serving() as server:
        async with theirs.connect(url_of(server)):
            pass
        await answer_to(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    said = [r.message for r in caplog.records if r.name == "aiohttp_ws.websockets.server"]
    assert re.fullmatch(r"server listening on 127\.0\.0\.1:\d+", said[0])
    assert said[1:4] == ["connection open", "connection closed", said[3]]
    assert said[3] == "connection rejected (426 Upgrade Required)"
    assert sorted(said[4:]) == ["connection closed", "server closed", "server closing"]


async def test_create_connection_makes_the_connections():
    class Mine(ServerConnection):
        made = lost = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            Mine.made = self

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            Mine.lost = self

    async def handler(connection: ServerConnection) -> None:
        assert isinstance(connection, Mine)

    async with (
        serving(handler, create_connection=Mine) as server,
        theirs.connect(url_of(server)) as client,
    ):
        await client.wait_closed()
        assert client.close_code == 1000
    assert Mine.made is Mine.lost is not None


async def test_the_root_has_serve_and_connect():
    async with (
        aiohttp_ws.serve(echo, "127.0.0.1", 0) as server,
        aiohttp_ws.connect(url_of(server)) as client,
    ):
        await client.send("hello")
        assert await client.recv() == "hello"


# --------------------------------------------------------------- the end of a server


async def test_closing_a_server_closes_connections_with_1001():
    ended = []

    async def handler(connection: ServerConnection) -> None:
        with pytest.raises(ConnectionClosedOK):
            await connection.recv()
        ended.append(connection)

    server = await serve(handler, "127.0.0.1", 0)
    async with theirs.connect(url_of(server)) as client:
        assert len(server.connections) == 1
        assert server.is_serving()
        server.close()
        server.close()
        await server.wait_closed()
        assert len(ended) == 1
        assert not server.connections
        assert not server.is_serving()
        await client.wait_closed()
        assert client.close_code == 1001


async def test_a_server_may_close_with_another_code():
    server = await serve(stay, "127.0.0.1", 0)
    async with theirs.connect(url_of(server)) as client:
        server.close(code=1012, reason="upgrade")
        await server.wait_closed()
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1012, "upgrade")


async def test_a_server_may_leave_its_connections_open():
    server = await serve(echo, "127.0.0.1", 0)
    async with theirs.connect(url_of(server)) as client:
        server.close(close_connections=False)
        closed = asyncio.ensure_future(server.wait_closed())
        await client.send("still there")
        assert await client.recv() == "still there"
        assert not closed.done()
    await closed


async def opened(url: str) -> Any:
    return await theirs.connect(url)


async def test_a_client_in_its_opening_handshake_is_answered_503():
    deciding, go_on = asyncio.Event(), asyncio.Event()

    async def decide(connection: ServerConnection, request: Request) -> None:
        deciding.set()
        await go_on.wait()

    server = await serve(echo, "127.0.0.1", 0, process_request=decide)
    connecting = asyncio.ensure_future(opened(url_of(server)))
    await deciding.wait()
    server.close()
    go_on.set()
    with pytest.raises(theirs.InvalidStatus) as caught:
        await connecting
    assert caught.value.response.status_code == 503
    await server.wait_closed()


async def test_serve_forever_ends_when_it_is_cancelled_and_when_the_server_is_closed():
    server = await serve(stay, "127.0.0.1", 0)
    forever = asyncio.ensure_future(server.serve_forever())
    async with theirs.connect(url_of(server)) as client:
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever
        await client.wait_closed()
        assert client.close_code == 1001
    server = await serve(stay, "127.0.0.1", 0)
    forever = asyncio.ensure_future(server.serve_forever())
    await rounds()
    server.close()
    assert await forever is None


async def test_start_serving_can_wait():
    async with serving(start_serving=False) as server:
        assert not server.is_serving()
        await server.start_serving()
        assert server.is_serving()
        assert server.get_loop() is asyncio.get_running_loop()
        async with theirs.connect(url_of(server)):
            pass
    assert tuple(server.sockets) == ()


async def test_a_server_that_was_not_started_can_be_closed():
    server = serve(echo, "127.0.0.1", 0)
    server.close()
    await server.wait_closed()  # Returns: nothing listens that it would wait for.


# --------------------------------------------------------------------------- ways


async def test_unix_sockets(tmp_path: Path):
    path = tmp_path / "socket"
    async with unix_serve(echo, path):
        async with unix_connect(path) as client:
            await client.send("local")
            assert await client.recv() == "local"
            assert client.request.headers["Host"] == "localhost"
        async with theirs.unix_connect(str(path)) as client:
            await client.send("local")
            assert await client.recv() == "local"


@pytest.mark.peer("trustme")
@pytest.mark.parametrize("use_aiofastnet", [None, False])
async def test_tls(use_aiofastnet: bool | None):
    authority = trustme.CA()
    at_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(at_server)
    at_client = ssl.create_default_context()
    authority.configure_trust(at_client)
    async with serving(ssl=at_server, use_aiofastnet=use_aiofastnet) as server:
        libraries = [connect]
        if sys.version_info >= (3, 11):
            libraries.append(theirs.connect)  # on 3.10 it leaves a transport unclosed
        for library in libraries:
            async with library(url_of(server, scheme="wss"), ssl=at_client) as client:
                await client.send("secret" * 10000)
                assert await client.recv() == "secret" * 10000
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(url_of(server, scheme="wss"))


# ---------------------------------------------------------------------- broadcast


@pytest.mark.parametrize("everybody", [broadcast, aiohttp_ws.broadcast])
async def test_broadcast_reaches_all_that_are_open(everybody: Any):
    async with serving(stay) as server:
        clients = [await theirs.connect(url_of(server)) for _ in range(3)]
        connections = list(server.connections)
        await connections[0].close()
        everybody(connections, "news")
        got = await asyncio.gather(*(c.recv() for c in clients), return_exceptions=True)
        assert [each for each in got if isinstance(each, str)] == ["news", "news"]
        for client in clients:
            await client.close()


async def test_broadcast_chooses_the_type_as_send_does():
    async with serving(stay) as server, theirs.connect(url_of(server)) as client:
        await rounds()
        broadcast(server.connections, b"caf\xc3\xa9", text=True)
        broadcast(server.connections, "café", text=False)
        broadcast(server.connections, b"binary")
        assert [await client.recv() for _ in range(3)] == ["café", "café".encode(), b"binary"]
        for wrong in (["a"], 5):
            with pytest.raises(TypeError):
                broadcast(server.connections, wrong)  # type: ignore[arg-type]


async def test_broadcast_skips_who_is_in_the_middle_of_a_message(
    caplog: pytest.LogCaptureFixture,
):
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "a"
        begun.set()
        await go_on.wait()
        yield "b"

    async def handler(connection: ServerConnection) -> None:
        await connection.send(pieces())
        await connection.wait_closed()

    async with serving(handler) as server, theirs.connect(url_of(server)) as client:
        await begun.wait()
        broadcast(server.connections, "skipped")
        assert "skipped broadcast" in caplog.text
        # Python 3.10 has no groups of exceptions: there the parameter is refused.
        group = getattr(builtins, "ExceptionGroup", ValueError)
        with pytest.raises(group, match=r"skipped broadcast|needs Python 3\.11") as caught:
            broadcast(server.connections, "skipped", raise_exceptions=True)
        if group is not ValueError:
            assert [type(exc) for exc in caught.value.exceptions] == [ConcurrencyError]
        go_on.set()
        assert await client.recv() == "ab"


async def test_errors_of_our_own_client_name_the_status():
    async with serving(process_request=lambda c, r: c.respond(403, "no")) as server:
        with pytest.raises(InvalidStatus, match="403") as caught:
            await connect(url_of(server))
        assert caught.value.response.body == b"no"


async def test_connections_leave_nothing_behind():
    kept: list[weakref.ref[Any]] = []

    async def handler(connection: ServerConnection) -> None:
        kept.append(weakref.ref(connection))
        with contextlib.suppress(ConnectionClosed):  # the log would keep it
            await echo(connection)

    async with serving(handler) as server:
        gc.disable()
        try:
            for end in ("close", "abort"):
                client = await connect(url_of(server))
                kept.append(weakref.ref(client))
                await client.send("hello")
                await client.recv()
                if end == "close":
                    await client.close()
                else:
                    client.transport.abort()
                    await client.wait_closed()
                del client
                await answer_to(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        finally:
            gc.enable()
    await rounds()
    assert [each() for each in kept] == [None] * 4
    assert not server.handlers
    assert not server._openings


async def test_a_client_that_leaves_at_once_leaves_nothing_behind():
    lost = asyncio.Event()

    class Mine(ServerConnection):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async def decide(connection: ServerConnection, request: Request) -> None:
        await asyncio.Event().wait()

    async with serving(process_request=decide, create_connection=Mine) as server:
        _, writer = await asyncio.open_connection(*url_of(server)[5:-1].split(":"))
        writer.write(UPGRADE.encode() + b"\r\n")
        writer.close()
        await writer.wait_closed()
        await lost.wait()
        await rounds()
        assert not server.handlers
        assert not server._openings
