"""Which limit of time ends what, and with which exception."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from aiohttp_ws import errors
from aiohttp_ws.client import ClientSession, ClientTimeout, TCPConnector
from tests.client.waiting import until


async def silent(reader, writer):
    await reader.read()


async def only_a_head(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")
    await reader.read()


async def test_total_ends_waiting_for_the_head(session, raw):
    server = await raw(silent)
    with pytest.raises(asyncio.TimeoutError, match=r"total=0\.05") as caught:
        await session.get(server.url, timeout=ClientTimeout(total=0.05))
    assert not isinstance(caught.value, errors.ServerTimeoutError)
    assert session.connector._taken == 0


async def test_total_ends_reading_the_body(session, raw):
    server = await raw(only_a_head)
    async with session.get(server.url, timeout=ClientTimeout(total=0.05)) as response:
        with pytest.raises(asyncio.TimeoutError):
            await response.read()
    assert session.connector._taken == 0


async def test_total_ends_an_upload(session, raw):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.Event().wait()

    server = await raw(talk)
    with pytest.raises(asyncio.TimeoutError):
        await session.post(server.url, data=endless(), timeout=ClientTimeout(total=0.05))


async def test_total_covers_redirects(session, raw):
    server = await raw(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(asyncio.TimeoutError):
        await session.get(server.url, max_redirects=10**9, timeout=ClientTimeout(total=0.05))


async def test_a_late_request_does_not_shorten_the_next_one(session, raw):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    server = await raw(answer)
    async with session.get(server.url, timeout=ClientTimeout(total=0.03)) as response:
        await response.read()
    protocol = next(iter(session.connector._idle.values()))[0][0]
    await until(lambda: protocol._timer is None)
    async with session.get(server.url) as response:
        assert await response.text() == "ok"
    assert server.connections == 1


@pytest.mark.parametrize("talk", [silent, only_a_head])
async def test_sock_read_ends_silence(session, raw, talk):
    server = await raw(talk)
    with pytest.raises(errors.SocketTimeoutError, match=r"sock_read=0\.05"):
        async with session.get(server.url, timeout=ClientTimeout(sock_read=0.05)) as response:
            await response.read()
    assert session.connector._taken == 0


async def test_sock_read_starts_anew_with_each_piece(session, raw):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.04)
            writer.write(b"x")

    server = await raw(talk)
    async with session.get(server.url, timeout=ClientTimeout(sock_read=0.2)) as response:
        assert await response.read() == b"x" * 8


async def test_sock_read_does_not_count_while_the_reader_is_away(session, raw):
    body = b"x" * 2**20
    server = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    timeout = ClientTimeout(sock_read=0.05)
    async with session.get(server.url, timeout=timeout, read_bufsize=1024) as response:
        await asyncio.sleep(0.2)
        assert await response.read() == body


async def test_connect_covers_waiting_for_a_place(raw):
    server = await raw(silent)
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        holder = asyncio.ensure_future(session.get(server.url)._coro)
        await until(lambda: bool(session.connector._in_use))
        with pytest.raises(errors.ConnectionTimeoutError, match=r"connect=0\.05"):
            await session.get(server.url, timeout=ClientTimeout(connect=0.05))
        with pytest.raises(asyncio.TimeoutError, match=r"total=0\.05"):
            await session.get(server.url, timeout=ClientTimeout(total=0.05))
        assert not session.connector._waiters
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)
        assert session.connector._taken == 0


class NeverConnects(TCPConnector):
    async def _local_addresses(self):
        await asyncio.Event().wait()


async def test_sock_connect_ends_connecting():
    async with ClientSession(connector=NeverConnects()) as session:
        with pytest.raises(errors.ConnectionTimeoutError, match=r"sock_connect=0\.05"):
            await session.get("http://127.0.0.1/", timeout=ClientTimeout(sock_connect=0.05))
        assert session.connector._taken == 0


async def test_timeouts_are_errors_of_both_families():
    for error in (errors.ConnectionTimeoutError, errors.SocketTimeoutError):
        assert issubclass(error, errors.ClientError)
        assert issubclass(error, asyncio.TimeoutError)


async def test_settings_of_timeouts():
    assert ClientTimeout() == ClientTimeout(None, None, None, None, 5)
    async with ClientSession() as session:
        assert session.timeout == ClientTimeout(total=300, sock_connect=30)
    async with ClientSession(timeout=ClientTimeout(total=1)) as session:
        assert session.timeout.total == 1
    with pytest.raises(ValueError, match="ClientTimeout"):
        ClientSession(timeout=5)
    with pytest.warns(DeprecationWarning, match="read_timeout"):
        async with ClientSession(read_timeout=7, conn_timeout=3) as session:
            assert session.timeout == ClientTimeout(total=7, connect=3, sock_connect=30)


async def test_a_number_is_a_total_for_one_request(session, raw):
    server = await raw(silent)
    with pytest.raises(asyncio.TimeoutError):
        await session.get(server.url, timeout=0.05)
