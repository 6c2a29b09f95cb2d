"""Chunks of the transfer coding, as the readers of bodies at both ends see them."""

from __future__ import annotations

import gzip

import pytest

from aiohttp_ws import web
from aiohttp_ws.client import ClientSession
from aiohttp_ws.http.streams import StreamReader
from aiohttp_ws.test_utils import TestServer
from aiohttp_ws.wire.http1 import END, RequestParser
from tests.web.raw_server import get, running

CHUNKS = [b"one", b"x" * 200_000, b"three", b"four" * 3000]


def coded(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


async def joined(reader: StreamReader) -> list[bytes]:
    """Put each chunk together, as a program that relies on the ends does."""
    found, parts = [], []
    async for data, ended in reader.iter_chunks():
        parts.append(data)
        if ended:
            found.append(b"".join(parts))
            parts.clear()
    assert not parts
    return found


async def test_a_client_sees_where_the_chunks_of_a_response_end():
    async def handler(request):
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for chunk in CHUNKS:
            await response.write(chunk)
        return response

    app = web.Application()
    app.router.add_get("/", handler)
    async with (
        TestServer(app) as server,
        ClientSession() as session,
        session.get(server.make_url("/")) as response,
    ):
        assert await joined(response.content) == CHUNKS


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_server_sees_where_the_chunks_of_a_request_end(at_once):
    async def handler(request):
        sizes = [len(chunk) for chunk in await joined(request.content)]
        return web.Response(text=str(sizes))

    body = coded(b"a", b"bb", b"c" * 5000, b"dd")
    head = get("/", "Transfer-Encoding: chunked", "Connection: close", method="POST")
    async with running(handler) as server, server.connect() as peer:
        if at_once:
            peer.send(head + body)
        else:
            for at in range(0, len(head + body), 7):
                peer.send((head + body)[at : at + 7])
                await peer.writer.drain()
        assert (await peer.rest()).endswith(b"[1, 2, 5000, 2]")


@pytest.mark.parametrize("side", ["server", "client"])
async def test_a_compressed_chunk_ends_with_what_it_inflates_to(side):
    packed = gzip.compress(b"hello")

    async def handler(request):
        if side == "server":
            return web.Response(text=str(await joined(request.content)))
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(packed)
        return response

    async def body():
        yield packed

    app = web.Application()
    app.router.add_post("/", handler)
    async with TestServer(app) as server, ClientSession() as session:
        headers = {"Content-Encoding": "gzip"} if side == "server" else {}
        async with session.post(server.make_url("/"), data=body(), headers=headers) as response:
            if side == "server":
                assert await response.text() == "[b'hello']"
            else:
                assert await joined(response.content) == [b"hello"]


def test_the_parser_tells_where_chunks_end_in_the_pieces_it_joins():
    parser = RequestParser()
    sizes = [1, 2, 300, 1, 5000, *[1] * 200]
    body = coded(*(b"x" * size for size in sizes))
    parser.feed(get("/", "Transfer-Encoding: chunked", method="POST") + body)
    parser.next_event()
    ends, at, pieces = [], 0, 0
    while (event := parser.next_event()) is not END:
        ends += [at + end for end in parser.chunk_ends or ()]
        at += len(event)
        pieces += 1
    assert ends == [sum(sizes[: n + 1]) for n in range(len(sizes))]
    assert pieces < 10  # tiny chunks are not events of their own


async def test_a_flood_of_tiny_chunks_pauses_the_connection():
    class Flow:
        paused = False

        def pause_reading(self):
            self.paused = True

        def resume_reading(self):
            self.paused = False

    flow = Flow()
    reader = StreamReader(flow, 2**16)
    while not flow.paused:
        assert reader.total_bytes < 5000
        reader.mark_chunk_ends(range(1, 65))
        reader.feed_data(b"x" * 64)
    reader.feed_eof()
    assert await reader.readchunk() == (b"x", True)
    assert len(await reader.read()) == reader.total_bytes - 1
    assert not flow.paused
