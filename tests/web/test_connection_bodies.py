"""How the server's side of a connection reads the bodies of requests."""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib

import pytest

from aiohttp_ws import web
from aiohttp_ws.errors import PayloadAccessError, RequestPayloadError
from tests.client.waiting import until
from tests.web.raw_server import CLOSE, echo, get, hello, post, running, status_of, until_unread

# ------------------------------------------------------------------------------- bodies


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
async def test_a_body_of_any_size_is_read(size):
    async def handler(request):
        return web.Response(text=str(len(await request.content.read())))

    async with running(handler) as server, server.connect() as peer:
        for _ in range(2):
            assert (await peer.ask(post(b"x" * size)))[1] == str(size).encode()


async def test_a_chunked_body_is_read():
    body = b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
    async with running(echo) as server, server.connect() as peer:
        for _ in range(2):
            request = get("/", "Transfer-Encoding: chunked", method="POST") + body
            assert (await peer.ask(request))[1] == b"abcdefg"


async def test_a_body_no_one_reads_stops_the_sender():
    release = asyncio.Event()
    seen = []

    async def handler(request):
        await release.wait()
        seen.append(request.content.total_bytes)
        await request.content.read()
        return web.Response(text="done")

    async with running(handler, read_bufsize=1000) as server, server.connect() as peer:
        size = 50_000_000
        peer.send(get("/", f"Content-Length: {size}", method="POST"))
        sender = asyncio.ensure_future(send_all(peer, size))
        await until(lambda: len(server.server.connections) == 1)
        await until_unread(server, peer, sender)
        assert not sender.done()
        release.set()
        await sender
        assert (await peer.answer())[1] == b"done"
        assert seen[0] < 1_000_000


async def send_all(peer, size):
    piece = b"x" * 1_000_000
    for _ in range(size // len(piece)):
        peer.send(piece)
        await peer.writer.drain()


async def test_client_max_size_is_enforced_on_bodies_of_unknown_length():
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (2**21, b"x" * 2**21)
    async with running(echo) as server:
        request = get("/", "Transfer-Encoding: chunked", method="POST") + body
        assert status_of(await server.exchange(request + get("/", CLOSE))) == 413


async def test_client_max_size_is_enforced_before_the_body_is_sent():
    async with running(echo) as server, server.connect() as peer:
        head, body = await peer.ask(get("/", f"Content-Length: {2**21}", method="POST"))
        assert status_of(head) == 413
        assert b"1048576" in body


async def test_the_client_gets_its_answer_when_the_body_is_not_read():
    async with running(hello) as server, server.connect() as peer:
        peer.send(post(b"x" * 5_000_000))
        assert (await peer.answer())[1] == b"hello"
        assert (await peer.ask(get()))[1] == b"hello"


async def test_the_rest_of_a_body_is_waited_for_no_longer_than_lingering_time():
    async with running(hello, lingering_time=0.05) as server, server.connect() as peer:
        peer.send(get("/", "Content-Length: 10", method="POST"))
        assert (await peer.answer())[1] == b"hello"
        assert await peer.rest() == b""


async def test_a_lingering_time_of_zero_closes_at_once():
    async with running(hello, lingering_time=0) as server:
        raw = await server.exchange(get("/", "Content-Length: 10", method="POST"))
        assert raw.endswith(b"hello")


async def test_the_body_is_gone_when_the_handler_has_returned():
    kept = []

    async def handler(request):
        kept.append(request.content)
        return web.Response()

    async with running(handler) as server, server.connect() as peer:
        await peer.ask(post(b"abc"))
        await peer.ask(get())
        with pytest.raises(PayloadAccessError):
            await kept[0].read()


@pytest.mark.parametrize("version", ["1.1"])
async def test_100_continue_is_sent_when_the_body_is_first_waited_for(version):
    async with running(echo) as server, server.connect() as peer:
        peer.send(get("/", "Content-Length: 3", "Expect: 100-continue", method="POST"))
        assert (await peer.answer())[0] == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await peer.ask(b"abc"))[1] == b"abc"
        assert (await peer.ask(get("/")))[1] == b""


async def test_100_continue_is_not_sent_to_a_client_that_is_refused():
    async with running(hello) as server:
        raw = await server.exchange(
            get("/", "Content-Length: 3", "Expect: 100-continue", method="POST")
        )
    assert raw.startswith(b"HTTP/1.1 200 OK")
    assert raw.endswith(b"hello")


async def test_100_continue_is_not_sent_after_the_response_began():
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(await request.read())
        return response

    async with running(handler) as server, server.connect() as peer:
        peer.send(get("/", "Content-Length: 3", "Expect: 100-continue", method="POST") + b"abc")
        head, body = await peer.answer()
        assert status_of(head) == 200
        assert body == b"abc"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_body_is_inflated(coding):
    plain = b"hello " * 100_000
    packed = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    async with running(echo) as server, server.connect() as peer:
        assert (await peer.ask(post(packed, f"Content-Encoding: {coding}")))[1] == plain


async def test_auto_decompress_can_be_switched_off():
    packed = gzip.compress(b"hello")
    async with running(echo, auto_decompress=False) as server, server.connect() as peer:
        assert (await peer.ask(post(packed, "Content-Encoding: gzip")))[1] == packed


async def test_a_bomb_is_inflated_no_further_than_it_is_read():
    seen = []

    async def handler(request):
        await asyncio.sleep(0)
        seen.append(request.content)
        return await echo(request)

    bomb = gzip.compress(bytes(500_000_000), 1)
    async with running(handler, read_bufsize=2**16) as server, server.connect() as peer:
        head, _ = await peer.ask(post(bomb, "Content-Encoding: gzip"))
        assert status_of(head) == 413
        assert seen[0].total_bytes < 3_000_000


@pytest.mark.parametrize(
    "body", [b"not gzip", gzip.compress(b"cut short" * 99)[:-9]], ids=["not gzip", "cut short"]
)
async def test_a_body_that_does_not_inflate_is_answered_with_400(body, caplog):
    caplog.set_level(logging.DEBUG, "aiohttp_ws.server")
    async with running(echo, access_log=None) as server:
        raw = await server.exchange(post(body, "Content-Encoding: gzip"))
    assert status_of(raw) == 400
    assert [(r.levelname, r.exc_info) for r in caplog.records] == [("DEBUG", None)]


async def test_a_handler_may_deal_with_a_malformed_body_itself():
    async def handler(request):
        with pytest.raises(RequestPayloadError):
            await request.read()
        return web.Response(text="never mind")

    async with running(handler) as server:
        raw = await server.exchange(
            get("/", "Transfer-Encoding: chunked", method="POST") + b"xyz\r\n"
        )
    assert raw.endswith(b"never mind")
