"""Connections: kept, limited, lent in order, and replaced when they went stale."""

import asyncio
import gc
import io
import warnings

import pytest
from aiohttp import web

from aiohttp_ws import errors
from aiohttp_ws.client import ClientSession, TCPConnector
from aiohttp_ws.http.headers import HttpVersion10
from tests.client.waiting import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def fetch(session, url, **kwargs):
    async with session.get(url, **kwargs) as response:
        return await response.text()


async def test_a_connection_serves_many_requests(session, raw):
    server = await raw(OK)
    for _ in range(5):
        assert await fetch(session, server.url) == "ok"
    assert server.connections == 1


async def test_force_close_uses_each_connection_once(raw):
    server = await raw(OK)
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        for _ in range(3):
            await fetch(session, server.url)
    assert server.connections == 3
    assert b"\r\nConnection: close\r\n" in server.requests[0]
    with pytest.raises(ValueError, match="force_close"):
        TCPConnector(force_close=True, keepalive_timeout=5)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_server_can_decline_to_keep_the_connection(session, raw, answer):
    server = await raw(answer)
    for _ in range(2):
        assert await fetch(session, server.url) == "ok"
    assert server.connections == 2


async def test_http_1_0_asks_to_keep_the_connection(raw):
    server = await raw(OK)
    async with ClientSession(version=HttpVersion10) as session:
        for _ in range(2):
            await fetch(session, server.url)
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET / HTTP/1.0\r\n")
    assert b"\r\nConnection: keep-alive\r\n" in server.requests[0]


async def test_a_connection_unused_for_too_long_is_closed(raw):
    closed = asyncio.Event()

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        assert await reader.read() == b""
        closed.set()

    server = await raw(talk)
    async with ClientSession(connector=TCPConnector(keepalive_timeout=0.05)) as session:
        await fetch(session, server.url)
        await asyncio.wait_for(closed.wait(), 5)
        assert session.connector._idle_count == 0


async def test_the_limit_holds_and_waiters_are_served_in_order(serve):
    running = peak = 0
    order = []

    async def handler(request):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        order.append(int(request.query["n"]))
        await asyncio.sleep(0.002)
        running -= 1
        return web.Response()

    url = await serve(handler)
    async with ClientSession(connector=TCPConnector(limit=2)) as session:
        await asyncio.gather(*(fetch(session, url % {"n": str(n)}) for n in range(20)))
        assert session.connector._taken == 0
        assert not session.connector._waiters
    assert peak == 2
    # Two at a time: neighbours may overtake each other on the way, nobody else.
    assert all(abs(n - place) <= 1 for place, n in enumerate(order))


async def test_limit_per_host_leaves_other_hosts_alone(raw):
    go_on = asyncio.Event()

    async def slow(reader, writer):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await go_on.wait()
            writer.write(OK)

    first, second = await raw(slow), await raw(OK)
    async with ClientSession(connector=TCPConnector(limit_per_host=1)) as session:
        blocked = [asyncio.create_task(fetch(session, first.url)) for _ in range(2)]
        assert await fetch(session, second.url) == "ok"
        assert session.connector._taken_by_key.total() == 1
        go_on.set()
        assert await asyncio.gather(*blocked) == ["ok", "ok"]


async def test_a_cancelled_waiter_passes_its_place_on(raw):
    server = await raw(OK)
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        holder = await session.get(server.url, read_bufsize=1)
        connector = session.connector
        taken = await _take_only_place(connector, holder)
        waiters = [asyncio.create_task(fetch(session, server.url)) for _ in range(3)]
        await until(lambda: len(connector._waiters) == 3)
        waiters[0].cancel()
        taken.release()
        waiters[1].cancel()  # in the very moment in which its turn has come
        assert await asyncio.wait_for(waiters[2], 5) == "ok"
        assert connector._taken == 0


async def _take_only_place(connector, response):
    return connector.acquire_idle(response._request.connection_key)


async def test_kept_connections_make_room_for_new_ones(raw):
    servers = [await raw(OK) for _ in range(4)]
    async with ClientSession(connector=TCPConnector(limit=2)) as session:
        for server in servers:
            await fetch(session, server.url)
            assert session.connector._idle_count <= 2


# ------------------------------------------------------------------------ stale connections


def closing_after(requests: int):
    """A server that closes its first connection instead of answering a further request."""
    state = {"first": True}

    async def talk(reader, writer):
        first, state["first"] = state["first"], False
        served = 0
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"Content-Length: 4" in head:
                await reader.readexactly(4)
            if first and served == requests:
                return
            served += 1
            writer.write(OK)
            await writer.drain()

    return talk


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_a_stale_connection_is_replaced_for_idempotent_methods(session, raw, method):
    server = await raw(closing_after(1))
    for _ in range(2):
        data = b"body" if method == "PUT" else None
        async with session.request(method, server.url, data=data) as response:
            assert await response.text() == "ok"
    assert server.connections == 2


async def test_a_file_is_rewound_for_the_second_try(session, raw):
    server = await raw(closing_after(1))
    await fetch(session, server.url)
    async with session.put(server.url, data=io.BytesIO(b"body")) as response:
        assert await response.text() == "ok"
    assert server.connections == 2


async def test_a_body_that_was_used_up_is_not_tried_again(session, raw):
    async def body():
        yield b"body"

    server = await raw(closing_after(1))
    await fetch(session, server.url)
    with pytest.raises(errors.ServerDisconnectedError):
        await session.put(server.url, data=body(), headers={"Content-Length": "4"})
    assert server.connections == 1


async def test_a_connection_handed_on_to_a_waiter_may_be_stale_too(raw):
    server = await raw(closing_after(1))
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        answers = await asyncio.gather(*(fetch(session, server.url) for _ in range(2)))
    assert answers == ["ok", "ok"]
    assert server.connections == 2


async def test_a_post_is_not_sent_twice(session, raw):
    server = await raw(closing_after(1))
    await fetch(session, server.url)
    with pytest.raises(errors.ServerDisconnectedError):
        await session.post(server.url, data=b"body")
    assert server.connections == 1
    assert session.connector._taken == 0


async def test_a_new_connection_is_not_retried(session, raw):
    server = await raw(closing_after(0))
    with pytest.raises(errors.ServerDisconnectedError):
        await session.get(server.url)
    assert server.connections == 1


async def test_a_connection_closed_while_idle_is_not_tried(session, raw):
    server = await raw(OK, close=True)
    await fetch(session, server.url)
    protocol = next(iter(session.connector._idle.values()))[0][0]
    await until(lambda: not protocol.is_connected())
    async with session.post(server.url) as response:
        assert await response.text() == "ok"


# ---------------------------------------------------------------------------------- closing


async def test_closing_the_session_closes_its_connections(raw):
    gone = asyncio.Event()

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        assert await reader.read() == b""
        gone.set()

    server = await raw(talk)
    session = ClientSession()
    await fetch(session, server.url)
    assert not session.closed
    await session.close()
    assert session.closed
    assert session.connector is None
    await asyncio.wait_for(gone.wait(), 5)
    with pytest.raises(RuntimeError, match="closed"):
        await session.get(server.url)
    await session.close()


async def test_a_shared_connector_outlives_its_sessions(raw):
    server = await raw(OK)
    async with TCPConnector() as connector:
        for _ in range(2):
            async with ClientSession(connector=connector, connector_owner=False) as session:
                await fetch(session, server.url)
        assert not connector.closed
        session = ClientSession(connector=connector)
        session.detach()
        assert not connector.closed
    assert connector.closed
    assert server.connections == 1


async def test_closing_fails_what_is_under_way(raw):
    asked = asyncio.Event()

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    server = await raw(talk)
    session = ClientSession(connector=TCPConnector(limit=1))
    tasks = [asyncio.ensure_future(fetch(session, server.url)) for _ in range(2)]
    await asked.wait()
    await session.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, errors.ClientConnectionError) for result in results)


async def test_a_forgotten_session_warns(raw):
    server = await raw(OK)
    session = ClientSession()
    await fetch(session, server.url)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del session
        gc.collect()
    assert any("Unclosed client session" in str(warning.message) for warning in caught)


async def test_inheriting_from_the_session_is_discouraged():
    with pytest.warns(DeprecationWarning, match="inherits"):

        class Mine(ClientSession):
            pass


async def test_an_upgraded_connection_leaves_the_pool(session, raw):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nfirst"
        )
        writer.write(await reader.readline())
        await writer.drain()

    server = await raw(talk)
    response = await session.get(server.url, headers={"Upgrade": "echo", "Connection": "upgrade"})
    assert response.status == 101
    transport, rest = response.connection.detach()
    assert rest == b"first"
    assert session.connector._taken == 0
    assert response.connection is None

    lines = asyncio.StreamReader()
    transport.set_protocol(asyncio.StreamReaderProtocol(lines))
    transport.write(b"second\n")
    assert await lines.readline() == b"second\n"
    transport.close()


async def test_a_body_nobody_has_read_does_not_stop_the_next_response(session, raw):
    body = b"x" * 10_000  # comes in one piece, far beyond what is to be held
    server = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + body)
    first = await session.get(server.url, read_bufsize=16)
    assert await asyncio.wait_for(fetch(session, server.url), 10) == body.decode()
    assert await first.read() == body
    assert server.connections == 1
