"""The server's side of a connection: order, keep-alive, output, upgrades."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars

import pytest

from aiohttp_ws import web
from aiohttp_ws.abc import AbstractAccessLogger
from tests.client.waiting import until
from tests.web.raw_server import CLOSE, echo, get, hello, post, running, status_of, until_unread

# ------------------------------------------------------------------- order and keep-alive


async def test_a_request_is_answered():
    async with running(hello) as server:
        raw = await server.exchange(get("/", CLOSE))
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 5" in head
    assert b"\r\nConnection: close" in head
    assert body == b"hello"


async def test_a_request_may_come_byte_by_byte():
    async with running(echo) as server, server.connect() as peer:
        for byte in post(b"abc"):
            peer.send(bytes([byte]))
            await peer.writer.drain()
            await asyncio.sleep(0)
        assert (await peer.answer())[1] == b"abc"


async def test_the_connection_serves_one_request_after_another():
    async with running(hello) as server, server.connect() as peer:
        for _ in range(3):
            head, body = await peer.ask(get())
            assert body == b"hello"
            assert b"Connection:" not in head
        assert server.server.requests_count == 3
        assert len(server.server.connections) == 1


async def test_pipelined_requests_are_answered_in_order():
    async def handler(request):
        # Later ones would be ready sooner.
        await asyncio.sleep(0.02 if request.path == "/0" else 0)
        return web.Response(text=request.path)

    async with running(handler) as server, server.connect() as peer:
        peer.send(b"".join(get(f"/{i}") for i in range(200)))
        for i in range(200):
            assert (await peer.answer())[1] == f"/{i}".encode()


async def test_pipelined_requests_that_do_not_wait_leave_other_connections_their_turn():
    turns = []

    async def handler(request):
        turns.append(request.path)
        return web.Response()

    async with running(handler) as server, server.connect() as one, server.connect() as two:
        await one.ask(get("/one"))
        await two.ask(get("/two"))
        turns.clear()
        one.send(get("/one") * 1000)
        two.send(get("/two"))
        await two.answer()
        assert turns.index("/two") < 999
        for _ in range(1000):
            await one.answer()


async def test_a_handler_that_waits_does_not_hold_back_an_earlier_answer():
    release = asyncio.Event()

    async def handler(request):
        if request.path == "/slow":
            await release.wait()
        return web.Response(text=request.path)

    async with running(handler) as server, server.connect() as peer:
        peer.send(get("/fast") + get("/slow"))
        assert (await peer.answer())[1] == b"/fast"
        release.set()
        assert (await peer.answer())[1] == b"/slow"


async def test_pipelined_requests_wait_in_the_socket_not_in_memory():
    stop = asyncio.Event()
    handled = []

    async def handler(request):
        await asyncio.sleep(0)
        handled.append(1)
        if len(handled) == 300:
            await stop.wait()
        return web.Response()

    async with running(handler) as server, server.connect() as peer:
        sent = []

        async def send():
            batch = get() * 1000
            for _ in range(2000):
                peer.send(batch)
                await peer.writer.drain()
                sent.append(len(batch))

        async def receive():
            while await peer.reader.read(2**16):
                pass

        sending, receiving = asyncio.ensure_future(send()), asyncio.ensure_future(receive())
        await until(lambda: len(handled) == 300 or sending.done())
        await until_unread(server, peer, sending)
        assert not sending.done()
        assert len(handled) == 300
        assert sum(sent) < 20_000_000
        sending.cancel()
        receiving.cancel()
        stop.set()


async def test_http_10_closes_unless_asked_to_keep_alive():
    async with running(hello) as server:
        raw = await server.exchange(get(version="1.0"))
        assert raw.endswith(b"hello")
        async with server.connect() as peer:
            for _ in range(2):
                head, _ = await peer.ask(get("/", "Connection: keep-alive", version="1.0"))
                assert b"Connection: keep-alive" in head


async def test_an_idle_connection_is_closed_after_keepalive_timeout():
    async with running(hello, keepalive_timeout=0.05) as server, server.connect() as peer:
        await peer.ask(get())
        await peer.ask(get())
        assert await peer.rest() == b""


async def test_a_response_can_close_the_connection():
    async def handler(request):
        response = web.Response(text="bye")
        response.force_close()
        return response

    async with running(handler) as server:
        assert (await server.exchange(get())).endswith(b"bye")


async def test_context_variables_of_one_request_are_not_seen_by_the_next():
    user = contextvars.ContextVar("user", default="nobody")

    async def handler(request):
        before = user.get()
        user.set(request.path)
        return web.Response(text=before)

    async with running(handler) as server, server.connect() as peer:
        peer.send(get("/a") + get("/b"))
        assert (await peer.answer())[1] == b"nobody"
        assert (await peer.answer())[1] == b"nobody"
        assert (await peer.ask(get("/c")))[1] == b"nobody"


async def test_the_current_task_is_the_requests_own():
    async def handler(request):
        assert request.task is asyncio.current_task()
        await asyncio.wait_for(asyncio.sleep(0), 5)
        assert request.task is asyncio.current_task()
        return web.Response()

    async with running(handler) as server, server.connect() as peer:
        assert status_of((await peer.ask(get()))[0]) == 200


async def test_uvloop_serves_alike():
    uvloop = pytest.importorskip("uvloop")

    async def main():
        async with running(echo) as server, server.connect() as peer:
            for size in (1, 100, 3_000_00):
                assert (await peer.ask(post(b"x" * size)))[1] == b"x" * size
            peer.send(post(b"a") + post(b"b", CLOSE))
            assert (await peer.rest()).count(b"200 OK") == 2

    def in_thread():
        with contextlib.closing(uvloop.new_event_loop()) as loop:
            loop.run_until_complete(main())

    await asyncio.to_thread(in_thread)


# -------------------------------------------------------------------------------- output


async def test_a_slow_reader_holds_up_the_handler_not_the_memory():
    written = []

    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(bytes(100_000))
            written.append(100_000)
        return response

    async with running(handler) as server, server.connect() as peer:
        peer.send(get())
        await peer.reader.readuntil(b"\r\n\r\n")
        before = -1
        while before != sum(written):
            before = sum(written)
            await asyncio.sleep(0.05)
        assert before < 50_000_000


async def test_large_responses_arrive_whole():
    body = bytes(range(256)) * 40_000

    async def handler(request):
        return web.Response(body=body)

    async with running(handler) as server, server.connect() as peer:
        peer.send(get() * 3)
        for _ in range(3):
            assert (await peer.answer())[1] == body


async def test_what_a_handler_writes_to_the_transport_comes_after_earlier_answers():
    async def handler(request):
        if request.path == "/raw":
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return web.Response(text=request.path)

    async with running(handler) as server:
        raw = await server.exchange(get("/one") + get("/raw", CLOSE))
    assert raw.index(b"/one") < raw.index(b"100 Continue") < raw.index(b"/raw")


async def test_the_access_logger_gets_request_response_and_time():
    seen = []

    class Logger(AbstractAccessLogger):
        enabled = True

        def __init__(self, logger, log_format):
            pass

        def log(self, request, response, time):
            seen.append((request.path, response.status, response.body_length, time))

    async with running(hello, access_log_class=Logger) as server:
        await server.exchange(get("/a", CLOSE))
        await server.exchange(get("/b", CLOSE, method="HEAD"))
    assert [(path, status, size) for path, status, size, _ in seen] == [
        ("/a", 200, 5),
        ("/b", 200, 0),
    ]
    assert all(0 <= time < 5 for *_, time in seen)


# ------------------------------------------------------------------------------- upgrade


async def test_an_upgrade_nobody_wants_is_answered_and_http_goes_on():
    async with running(hello) as server, server.connect() as peer:
        peer.send(get("/", "Connection: Upgrade", "Upgrade: h2c") + get())
        assert (await peer.answer())[1] == b"hello"
        assert (await peer.answer())[1] == b"hello"


async def test_detach_hands_over_the_transport_and_what_came_after_the_request():
    class Echo(asyncio.Protocol):
        def __init__(self, connection, transport):
            self.connection, self.transport = connection, transport

        def data_received(self, data):
            self.transport.write(data.upper())

        def connection_lost(self, exc):
            self.connection.connection_lost(exc)

    done = asyncio.Event()

    async def handler(request):
        response = web.StreamResponse(
            status=101, headers={"Connection": "upgrade", "Upgrade": "echo"}
        )
        await response.prepare(request)
        transport, rest = request.protocol.detach()
        protocol = Echo(request.protocol, transport)
        transport.set_protocol(protocol)
        protocol.data_received(rest)
        await done.wait()
        return response

    async with running(handler) as server, server.connect() as peer:
        peer.send(get("/", "Connection: Upgrade", "Upgrade: echo") + b"first")
        assert status_of((await peer.answer())[0]) == 101
        assert await peer.reader.readexactly(5) == b"FIRST"
        peer.send(b"second")
        assert await peer.reader.readexactly(6) == b"SECOND"
        done.set()
        assert await peer.rest() == b""
