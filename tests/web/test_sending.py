"""Bodies on their way out: what is written leaves in order, whole, and in time."""

from __future__ import annotations

import asyncio
import random

import pytest

from aiohttp_ws import web
from aiohttp_ws.errors import ClientConnectionResetError
from tests.client.waiting import until
from tests.web.serving import serving

LARGE = 64 * 1024


def pieces_of_all_kinds(seed):
    """Pieces below and above the size from which they are not copied, of each type."""
    rnd = random.Random(seed)
    kinds = (bytes, bytearray, memoryview)
    sizes = (1, 100, 16 * 1024 - 1, 16 * 1024, LARGE, 300_000)
    for _ in range(60):
        yield rnd.choice(kinds)(rnd.randbytes(rnd.choice(sizes)))


def application(handler):
    app = web.Application()
    app.router.add_get("/", handler)
    return app


async def connected(site, *, limit=2**16):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=limit)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    return reader, writer


async def read_chunks(reader):
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        assert await reader.readexactly(2) == b"\r\n"
    assert await reader.readexactly(2) == b"\r\n"
    return body


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("length_is_known", [False, True])
async def test_pieces_of_all_kinds_arrive_in_order(slow, length_is_known):
    pieces = list(pieces_of_all_kinds(1))
    expected = b"".join(pieces)

    async def handler(request):
        response = web.StreamResponse()
        if length_is_known:
            response.content_length = len(expected)
        await response.prepare(request)
        for number, piece in enumerate(pieces):
            await response.write(piece)
            if isinstance(piece, bytearray):
                piece[:] = bytes(len(piece))  # what was written is not ours to change
            if number % 7 == 6:
                await asyncio.sleep(0)
        await response.write_eof()
        return response

    async with serving(application(handler)) as site:
        reader, writer = await connected(site, limit=1000 if slow else 2**16)
        await reader.readuntil(b"\r\n\r\n")
        if length_is_known:
            assert await reader.readexactly(len(expected)) == expected
        else:
            assert await read_chunks(reader) == expected
        writer.close()


@pytest.mark.parametrize("length_is_known", [False, True])
async def test_a_large_piece_leaves_while_the_handler_waits_for_something_else(length_is_known):
    go = asyncio.Event()

    async def handler(request):
        response = web.StreamResponse()
        if length_is_known:
            response.content_length = LARGE
        await response.prepare(request)
        await response.write(b"x" * LARGE)
        await go.wait()
        return response

    async with serving(application(handler)) as site:
        reader, writer = await connected(site)
        await reader.readuntil(b"\r\n\r\n")
        if length_is_known:
            assert await reader.readexactly(LARGE) == b"x" * LARGE
        else:
            assert await reader.readexactly(LARGE + 9) == b"10000\r\n" + b"x" * LARGE + b"\r\n"
        go.set()
        writer.close()


async def test_what_was_written_leaves_before_the_transport_is_used_or_closed():
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * LARGE)
        request.transport.write(b"by hand")
        await response.write(b"y" * LARGE)
        request.protocol.force_close()
        with pytest.raises(ClientConnectionResetError):
            await response.write(b"z" * LARGE)
        return response

    async with serving(application(handler)) as site:
        reader, writer = await connected(site)
        await reader.readuntil(b"\r\n\r\n")
        body = await reader.read()
        writer.close()
    x, y = b"x" * LARGE, b"y" * LARGE
    assert body == b"10000\r\n" + x + b"\r\nby hand10000\r\n" + y + b"\r\n"


async def test_what_was_written_leaves_before_a_handler_fails(caplog):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * LARGE)
        raise ValueError("half way")

    async with serving(application(handler)) as site:
        reader, writer = await connected(site)
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.read() == b"10000\r\n" + b"x" * LARGE + b"\r\n"
        writer.close()


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 3_000_000])
async def test_pipelined_responses_of_any_size_arrive_in_order(size):
    async def handler(request):
        return web.Response(body=b"x" * size)

    async with serving(application(handler)) as site:
        reader, writer = await connected(site)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 4)
        for _ in range(5):
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"\r\nContent-Length: %d\r\n" % size in head
            assert await reader.readexactly(size) == b"x" * size
        writer.close()


async def test_a_writer_waits_for_a_client_that_does_not_read():
    written = 0

    async def handler(request):
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * LARGE)
            written += 1

    async with serving(application(handler), handler_cancellation=True) as site:
        _, writer = await connected(site)
        writer.transport.pause_reading()
        await until(lambda: written > 0)
        before = -1
        while written != before:
            before = written
            for _ in range(20):
                await asyncio.sleep(0)
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        assert 0 < written * LARGE < 2**26
        writer.transport.abort()
