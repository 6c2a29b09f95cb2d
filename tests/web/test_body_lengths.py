"""Responses whose body is not as long as their Content-Length says."""

from __future__ import annotations

import asyncio
import io
import logging

import pytest

from aiohttp_ws import web
from tests.web.raw_server import get, post, running, status_of

LENGTH = {"Content-Length": "20"}


async def short_response(request):
    return web.Response(body=b"abc", headers=LENGTH)


async def short_text(request):
    return web.Response(text="abc", headers=LENGTH)


async def without_a_body(request):
    return web.Response(headers=LENGTH)


async def short_file(request):
    return web.Response(body=io.BytesIO(b"abc"), headers=LENGTH)


async def short_generator(request):
    async def body():
        yield b"abc"

    return web.Response(body=body(), headers=LENGTH)


async def short_stream(request):
    response = web.StreamResponse()
    response.content_length = 20
    await response.prepare(request)
    await response.write(b"abc")
    return response


async def short_stream_ended(request):
    response = await short_stream(request)
    await response.write_eof()
    return response


async def short_stream_of_one_piece(request):
    response = web.StreamResponse(headers=LENGTH)
    await response.prepare(request)
    await response.write_eof(b"abc")
    return response


SHORT = [
    short_response,
    short_text,
    without_a_body,
    short_file,
    short_generator,
    short_stream,
    short_stream_ended,
    short_stream_of_one_piece,
]


@pytest.mark.parametrize("handler", SHORT, ids=lambda handler: handler.__name__)
async def test_a_body_shorter_than_promised_ends_the_connection(handler, caplog):
    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get() + get())
    assert raw.count(b"HTTP/1.1 ") == 1
    assert status_of(raw) == 200
    assert raw.partition(b"\r\n\r\n")[2] in (b"abc", b"")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    sent = 0 if handler is without_a_body else 3
    assert "Content-Length: 20" in record.getMessage()
    assert f" {sent} bytes" in record.getMessage()


async def long_stream(request):
    response = web.StreamResponse(headers={"Content-Length": "5"})
    await response.prepare(request)
    await response.write(b"abc")
    with pytest.raises(RuntimeError, match=r"4 bytes exceeds .*Content-Length.* 2 bytes"):
        await response.write(b"defg")
    await response.write(b"de")
    with pytest.raises(RuntimeError):
        await response.write(b"f")
    return response


async def test_more_than_promised_is_refused_where_it_is_written(caplog):
    async with running(long_stream, access_log=None) as server:
        raw = await server.exchange(get() + get("/", "Connection: close"))
    assert raw.count(b"\r\n\r\nabcde") == 2
    assert not caplog.records


async def test_more_than_promised_is_refused_at_the_end_too(caplog):
    async def handler(request):
        response = web.StreamResponse(headers={"Content-Length": "2"})
        await response.prepare(request)
        await response.write_eof(b"abc")
        return response

    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get() + get())
    assert b"abc" not in raw
    assert raw.count(b"HTTP/1.1 ") <= 1
    (record,) = caplog.records
    assert record.exc_info[0] is RuntimeError


@pytest.mark.parametrize("body", [b"abcdef", "abcdef", io.BytesIO(b"abcdef")])
async def test_a_response_longer_than_promised_is_answered_with_500(body, caplog):
    async def handler(request):
        return web.Response(body=body, headers={"Content-Length": "3"})

    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get())
    assert status_of(raw) == 500
    (record,) = caplog.records
    assert record.exc_info[0] is RuntimeError
    assert "6" in str(record.exc_info[1])
    assert "3" in str(record.exc_info[1])


async def test_the_length_of_a_response_to_head_promises_no_body():
    async def handler(request):
        return web.Response(headers=LENGTH)

    async with running(handler) as server:
        two = get(method="HEAD") + get("/", "Connection: close", method="HEAD")
        raw = await server.exchange(two)
    assert raw.count(b"Content-Length: 20\r\n") == 2


async def test_a_file_that_grows_while_it_is_sent_is_sent_as_long_as_promised(tmp_path, caplog):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 1000)
    opened = path.open("rb")

    async def handler(request):
        return web.Response(body=opened)

    async def grow(request, response):
        with path.open("ab") as more:
            more.write(b"y" * 1000)

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_response_prepare.append(grow)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(get("/", "Connection: close"))
    raw = await reader.read()
    writer.close()
    await runner.cleanup()
    assert raw.endswith(b"\r\n\r\n" + b"x" * 1000)
    assert not caplog.records


# --------------------------------------------------------------------- Expect: 100-continue


@pytest.mark.parametrize("how", ["returned", "raised", "prepared", "failed"])
async def test_an_answer_in_the_place_of_100_reaches_a_client_that_sends_all_the_same(how):
    async def handler(request):
        if how == "raised":
            raise web.HTTPForbidden
        if how == "failed":
            raise LookupError
        response = web.Response(status=403)
        if how == "prepared":
            await response.prepare(request)
            await response.write_eof()
        return response

    head = get("/", "Expect: 100-continue", "Content-Length: 10000000", method="PUT")
    async with running(handler) as server, server.connect() as peer:
        peer.send(head)
        answer, _ = await peer.answer()
        assert status_of(answer) == (500 if how == "failed" else 403)
        # RFC 9110 10.1.1: such an answer says whether the body is still read.
        assert b"\r\nConnection: close\r\n" in answer
        # The client was not told to wait longer than it likes to: it sends what it has.
        for _ in range(100):
            peer.send(bytes(100_000))
            await peer.writer.drain()
        assert await peer.rest() == b""


async def test_a_body_that_came_without_waiting_for_100_is_no_reason_to_close():
    async def handler(request):
        return web.Response(text="unread")

    async with running(handler) as server, server.connect() as peer:
        await peer.ask(post(b"abc", "Expect: 100-continue"))
        assert (await peer.ask(get()))[1] == b"unread"
