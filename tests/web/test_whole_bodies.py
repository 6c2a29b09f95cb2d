"""Large bodies that a handler reads as a whole: received where they are to lie."""

from __future__ import annotations

import asyncio
import random
import zlib

import pytest

from aiohttp_ws import web
from aiohttp_ws.errors import ClientConnectionResetError, RequestPayloadError
from aiohttp_ws.http.streams import StreamReader
from tests.client.waiting import until
from tests.web.serving import serving

BODY = random.Random(1).randbytes(1_000_000)


def application(handler, **options):
    app = web.Application(**{"client_max_size": 0, **options})
    app.router.add_route("*", "/", handler)
    return app


async def echo_hash(request):
    body = await request.read()
    assert await request.read() is body
    return web.Response(text=f"{len(body)} {zlib.crc32(body)}")


def head(length, *fields):
    lines = ["POST / HTTP/1.1", "Host: x", f"Content-Length: {length}", *fields, "", ""]
    return "\r\n".join(lines).encode()


async def answer_to(reader):
    received = await reader.readuntil(b"\r\n\r\n")
    length = int(received.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    return received.split(b" ")[1], (await reader.readexactly(length)).decode()


@pytest.mark.parametrize("size", [65_536, 65_537, 1_000_000, 17 * 2**20])
@pytest.mark.parametrize("pieces", [1, 40])
async def test_a_body_arrives_as_it_was_sent(size, pieces):
    body = (BODY * (size // len(BODY) + 1))[:size]
    async with serving(application(echo_hash)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        for _ in range(2):
            writer.write(head(size))
            step = size // pieces + 1
            for start in range(0, size, step):
                writer.write(body[start : start + step])
                await writer.drain()
            assert await answer_to(reader) == (b"200", f"{size} {zlib.crc32(body)}")
        writer.close()


async def test_what_follows_a_body_is_the_next_request():
    async with serving(application(echo_hash)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write((head(len(BODY)) + BODY + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") * 2)
        for _ in range(2):
            assert await answer_to(reader) == (b"200", f"{len(BODY)} {zlib.crc32(BODY)}")
            assert await answer_to(reader) == (b"200", "0 0")
        writer.close()


async def test_a_body_that_waits_for_100_continue_is_sent():
    async with serving(application(echo_hash)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(len(BODY), "Expect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert await answer_to(reader) == (b"200", f"{len(BODY)} {zlib.crc32(BODY)}")
        writer.close()


@pytest.mark.parametrize("again", ["read", "readany", "readexactly"])
async def test_a_read_that_is_cancelled_half_way_loses_nothing(again):
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request):
        reading = asyncio.ensure_future(request.read())
        await arrived.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        cancelled.set()
        body = b""
        if again == "read":
            body = await request.read()
        elif again == "readexactly":
            body = await request.content.readexactly(len(BODY))
        while piece := await request.content.readany():
            body += piece
        return web.Response(text=f"{len(body)} {zlib.crc32(body)}")

    async with serving(application(handler)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(len(BODY)) + BODY[:300_000])
        await writer.drain()
        arrived.set()
        await cancelled.wait()
        writer.write(BODY[300_000:])
        assert await answer_to(reader) == (b"200", f"{len(BODY)} {zlib.crc32(BODY)}")
        writer.close()


async def test_a_part_that_was_read_before_is_not_read_again():
    async def handler(request):
        first = await request.content.readexactly(1000)
        body = await request.read()
        return web.Response(text=f"{len(body)} {zlib.crc32(first + body)}")

    async with serving(application(handler)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(len(BODY)) + BODY)
        assert await answer_to(reader) == (b"200", f"{len(BODY) - 1000} {zlib.crc32(BODY)}")
        writer.close()


@pytest.mark.parametrize("end", ["lost", "too slow"])
async def test_a_body_that_breaks_off_is_an_error_of_the_read(end):
    outcome = asyncio.get_running_loop().create_future()

    async def handler(request):
        try:
            await request.read()
        except Exception as exc:
            outcome.set_result(exc)
            raise

    timeout = {"body_timeout": 0.05} if end == "too slow" else {}
    async with serving(application(handler), **timeout) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(len(BODY)) + BODY[:300_000])
        await writer.drain()
        if end == "lost":
            writer.transport.abort()
        error = await asyncio.wait_for(outcome, 20)
        assert isinstance(
            error, ClientConnectionResetError if end == "lost" else RequestPayloadError
        )
        writer.close()


async def test_a_handler_that_answers_without_the_rest_can_be_followed_by_another_request():
    """What was set aside for the body is given up, and the rest of it is skipped."""
    numbers = iter(range(10))

    async def handler(request):
        if next(numbers) == 0:
            reading = asyncio.ensure_future(request.read())
            await until(lambda: reader_of(request)._waiter is not None)
            reading.cancel()
        return web.Response(text="answered")

    def reader_of(request) -> StreamReader:
        return request.content

    async with serving(application(handler)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(len(BODY)) + BODY[:300_000])
        assert await answer_to(reader) == (b"200", "answered")
        writer.write(BODY[300_000:] + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await answer_to(reader) == (b"200", "answered")
        writer.close()


async def test_a_body_above_the_limit_is_refused():
    async with serving(application(echo_hash, client_max_size=500_000)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(len(BODY)) + BODY)
        assert (await answer_to(reader))[0] == b"413"
        writer.close()
