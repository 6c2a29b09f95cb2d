"""The server's side of a connection: order, keep-alive, bodies, failures, limits."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gzip
import logging
import zlib

import pytest

from aiohttp_ws import web
from aiohttp_ws.abc import AbstractAccessLogger
from aiohttp_ws.errors import PayloadAccessError, RequestPayloadError
from tests.client.waiting import until
from tests.web.raw_server import get, post, running, status_of, until_gone

CLOSE = "Connection: close"


async def hello(request):
    return web.Response(text="hello")


async def echo(request):
    return web.Response(body=await request.read())


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


async def until_unread(server, peer, sending):
    """Wait until *server* reads no more and *peer* keeps what it has to send; or all is sent."""
    (connection,) = server.server.connections
    reads = connection.transport.is_reading
    keeps = peer.writer.transport.get_write_buffer_size
    await until(lambda: (not reads() and keeps() > 0) or sending.done())


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


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"cut short" * 99)[:-9]])
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
