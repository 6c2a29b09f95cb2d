"""How the server's side of a connection fails, times out and is shut down."""

from __future__ import annotations

import asyncio
import logging

import pytest

from aiohttp_ws import web
from tests.web.raw_server import CLOSE, echo, get, hello, post, running, status_of, until_gone

# ------------------------------------------------------------------------------ failures


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (get("/", "Bad Name: x"), 400),
        (get("/" + "x" * 9000), 414),
        (get("/", "X: " + "y" * 9000), 431),
        (get("/", *("X: y",) * 200), 431),
        (get("/", "Content-Length: 1", "Content-Length: 2"), 400),
    ],
)
async def test_what_is_no_request_is_answered_once_and_closed(data, status, caplog):
    caplog.set_level(logging.DEBUG, "aiohttp_ws.server")
    async with running(hello, access_log=None) as server:
        raw = await server.exchange(data + get())
    assert status_of(raw) == status
    assert raw.count(b"\r\nServer: ") == 1
    assert b"Connection: close" in raw
    assert [(r.levelname, r.exc_info) for r in caplog.records] == [("DEBUG", None)]


async def test_requests_before_a_malformed_one_are_answered():
    async with running(hello) as server:
        raw = await server.exchange(get() + get() + b"nonsense\r\n\r\n")
    assert raw.count(b"200 OK") == 2
    assert raw.count(b"HTTP/1.1 400 Bad Request\r\n") == 1


async def test_an_exception_is_answered_with_500_and_not_shown(caplog):
    async def handler(request):
        raise ValueError("secret")

    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get())
        html = await server.exchange(get("/", "Accept: text/html"))
    assert status_of(raw) == 500
    assert b"secret" not in raw
    assert b"<h1>500 Internal Server Error</h1>" in html
    (record, _) = caplog.records
    assert record.name == "aiohttp_ws.server"
    assert record.exc_info[0] is ValueError


@pytest.mark.parametrize("result", [None, "text", web.Response])
async def test_a_handler_that_returns_no_response_is_told_so(result, caplog):
    async def handler(request):
        return result

    async with running(handler, access_log=None) as server:
        assert status_of(await server.exchange(get())) == 500
    assert "returned" in caplog.text
    assert repr(result) in caplog.text


async def test_an_http_exception_is_an_answer():
    async def handler(request):
        raise web.HTTPFound("/there")

    async with running(handler) as server, server.connect() as peer:
        for _ in range(2):
            head, _ = await peer.ask(get())
            assert status_of(head) == 302
            assert b"Location: /there" in head


async def test_a_response_cannot_be_sent_twice(caplog):
    cached = web.Response(text="once")

    async def handler(request):
        return cached

    async with running(handler, access_log=None) as server, server.connect() as peer:
        assert (await peer.ask(get()))[1] == b"once"
        assert status_of((await peer.ask(get()))[0]) == 500
    assert "was sent already" in caplog.text


async def test_only_one_response_can_answer_a_request(caplog):
    async def handler(request):
        await web.StreamResponse().prepare(request)
        return web.Response(text="another")

    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get())
    assert raw.count(b"HTTP/1.1 ") == 1
    assert b"another" not in raw
    assert "after another one has begun" in caplog.text


async def test_an_exception_after_the_response_began_cuts_it_off(caplog):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"part")
        raise ValueError("oops")

    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get())
    assert raw.endswith(b"4\r\npart\r\n")
    assert "after its response began" in caplog.text


async def test_a_header_that_cannot_be_sent_is_an_error_of_ours(caplog):
    async def handler(request):
        return web.Response(headers={"X": "a\r\nSet-Cookie: b"})

    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get())
    assert status_of(raw) == 500
    assert b"Set-Cookie" not in raw
    assert caplog.records[0].exc_info[0] is ValueError


async def test_a_client_that_goes_away_is_noted_at_debug_level(caplog):
    reading = asyncio.Event()
    gone = asyncio.Event()

    async def handler(request):
        reading.set()
        try:
            await request.read()
        finally:
            gone.set()

    caplog.set_level(logging.DEBUG, "aiohttp_ws.server")
    async with running(handler, access_log=None) as server:
        async with server.connect() as peer:
            peer.send(get("/", "Content-Length: 3", method="POST"))
            await reading.wait()
        await gone.wait()
    assert [(r.levelname, r.exc_info) for r in caplog.records] == [("DEBUG", None)]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_handler_whose_client_goes_away_is_cancelled_if_so_wished(cancelled):
    begun, end, log = asyncio.Event(), asyncio.Event(), []

    async def handler(request):
        begun.set()
        try:
            await end.wait()
            log.append("finished")
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        finally:
            end.set()

    async with running(handler, handler_cancellation=cancelled) as server:
        async with server.connect() as peer:
            peer.send(get())
            await begun.wait()
        await until_gone(server.server)
        if not cancelled:
            assert not log
            end.set()
        await end.wait()
        await asyncio.sleep(0)
    assert log == ["cancelled" if cancelled else "finished"]


# -------------------------------------------------------------------------------- limits


async def test_head_timeout_closes_a_connection_on_which_nothing_comes():
    async with running(hello, head_timeout=0.05) as server:
        assert await server.exchange(b"") == b""


async def test_head_timeout_answers_half_a_head_with_408():
    async with running(hello, head_timeout=0.05) as server:
        assert status_of(await server.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n")) == 408
        async with server.connect() as peer:
            await peer.ask(get())
            peer.send(b"GET / HT")
            assert status_of(await peer.rest()) == 408


async def test_body_timeout_ends_the_wait_for_a_body():
    async with running(echo, body_timeout=0.05) as server:
        raw = await server.exchange(get("/", "Content-Length: 3", method="POST") + b"a")
    assert status_of(raw) == 400
    assert b"body_timeout=0.05" in raw


async def test_body_timeout_does_not_count_the_handlers_own_time():
    async def handler(request):
        await asyncio.sleep(0.15)
        return await echo(request)

    async with running(handler, body_timeout=0.05) as server, server.connect() as peer:
        assert (await peer.ask(post(b"abc")))[1] == b"abc"


# ------------------------------------------------------------------------------ shutdown


async def test_pre_shutdown_closes_idle_connections_and_lets_the_others_finish():
    begun, release = asyncio.Event(), asyncio.Event()

    async def handler(request):
        if request.path == "/slow":
            begun.set()
            await release.wait()
        return web.Response(text="done")

    async with running(handler) as server, server.connect() as idle, server.connect() as busy:
        await idle.ask(get())
        busy.send(get("/slow"))
        await begun.wait()
        server.server.pre_shutdown()
        assert await idle.rest() == b""
        release.set()
        raw = await busy.rest()
        assert raw.endswith(b"done")
        assert b"Connection: close" in raw


async def test_shutdown_cancels_a_handler_after_the_timeout():
    begun = asyncio.Event()
    log = []

    async def handler(request):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    async with running(handler) as server, server.connect() as peer:
        peer.send(get())
        await begun.wait()
        await server.server.shutdown(0.05)
        assert log == ["cancelled"]
        assert await peer.rest() == b""
        assert server.server.connections == []


async def test_shutdown_waits_for_a_handler_whose_client_is_gone():
    begun, release, log = asyncio.Event(), asyncio.Event(), []

    async def handler(request):
        begun.set()
        await release.wait()
        log.append("finished")
        return web.Response()

    async with running(handler) as server:
        async with server.connect() as peer:
            peer.send(get())
            await begun.wait()
        await until_gone(server.server)
        asyncio.get_running_loop().call_later(0.02, release.set)
        await server.server.shutdown(5)
    assert log == ["finished"]


async def test_connections_that_ended_are_forgotten():
    async with running(hello) as server:
        for _ in range(3):
            await server.exchange(get("/", CLOSE))
        await until_gone(server.server)
        assert not server.server._unfinished
