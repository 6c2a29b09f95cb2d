"""Promises of ws_create_server: what a factory may answer, and what strangers may send."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import logging
import os
import weakref
from http import HTTPStatus

import pytest

from aiohttp_ws import (
    WSMsgType,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_connect,
    ws_create_server,
)
from tests.ws.memory_transport import CLOSE, TEXT, close_payload, settle
from tests.ws.raw_end import PATIENCE, Refused, frame, open_raw

from .ends import Recorder, ended, served, within

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(
    hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
).decode()
GOOD = (
    "GET /chat?x=1 HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
).encode()


@contextlib.asynccontextmanager
async def serving(factory, **options):
    """A server with this factory, and its port."""
    server = await ws_create_server(factory, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def raw(port):
    """A connection to it, made of bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await settle()


async def answer_to(port, *pieces):
    """All that the server says to these bytes, until it closes."""
    async with raw(port) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await settle(2)
        return await asyncio.wait_for(reader.read(), PATIENCE)


async def upgrade(port, **options):
    """The headers of the answer to a good request."""
    end, headers = await open_raw("127.0.0.1", port, **options)
    end.writer.transport.abort()
    await settle()
    return headers


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


# ------------------------------------------------------------- what the factory answers


async def test_a_listener_accepts_with_exactly_these_bytes():
    async with serving(lambda request: Recorder()) as port, raw(port) as (reader, writer):
        writer.write(GOOD)
        head = await within(reader.readuntil(b"\r\n\r\n"))
        assert (
            head
            == (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
            ).encode()
        )


async def test_the_factory_sees_the_request():
    seen = []

    def factory(request):
        seen.append(
            (request.method, request.path, request.version, request.headers["sec-websocket-key"])
        )
        return Recorder()

    async with serving(factory) as port:
        await upgrade(port, path="/chat?x=1", replace={"Sec-WebSocket-Key": KEY})
    assert seen == [(b"GET", b"/chat?x=1", b"HTTP/1.1", KEY)]


async def test_request_and_response_are_kept_by_both_ends():
    async with served() as this:
        transport, _ = await ws_connect(Recorder, this.url + "room", extra_headers={"X-A": "1"})
        far = (await this.next()).transport
        for end in (transport, far):
            assert end.request.path == b"/room"
            assert end.request.headers["x-a"] == "1"
            assert end.response.status == HTTPStatus.SWITCHING_PROTOCOLS
            assert end.response.headers["upgrade"] == "websocket"
        assert (
            transport.response.headers["Sec-WebSocket-Accept"]
            == far.response.headers["Sec-WebSocket-Accept"]
        )
        transport.disconnect()
        await ended(transport)


async def test_none_is_404():
    async with serving(lambda request: None) as port:
        assert status_of(await answer_to(port, GOOD)) == 404


async def test_a_response_is_sent_as_it_is_and_the_connection_closed():
    response = WSUpgradeResponse.create_ok_response(
        b"healthy", {"X-Mine": "yes", "Connection": "keep-alive"}
    )
    async with serving(lambda request: response) as port:
        answer = await answer_to(port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nX-Mine: yes" in head
    assert b"\r\nConnection: close" in head
    assert b"keep-alive" not in head
    assert body == b"healthy"


@pytest.mark.parametrize(
    "response",
    [
        WSUpgradeResponse.create_error_response(403, b"no"),
        WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(403, b"no"), None),
    ],
    ids=["plain", "with listener"],
)
async def test_a_refusal(response):
    async with serving(lambda request: response) as port:
        with pytest.raises(Refused) as caught:
            await open_raw("127.0.0.1", port)
    assert (caught.value.status, caught.value.body) == (403, b"no")


async def test_a_response_with_listener_adds_headers():
    def factory(request):
        response = WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": "chat"})
        return WSUpgradeResponseWithListener(response, Recorder())

    async with serving(factory) as port:
        headers = await upgrade(port, headers=[("Sec-WebSocket-Protocol", "chat")])
    assert headers["sec-websocket-protocol"] == "chat"
    assert headers["upgrade"] == "websocket"


async def test_one_response_may_serve_many_requests():
    """Nothing of one connection shows in the next."""
    response = WSUpgradeResponse.create_101_response({"X-Mine": "1"})
    shared = dict(response.headers)

    def factory(request):
        return WSUpgradeResponseWithListener(response, Recorder())

    async with serving(factory, compression="deflate") as port:
        offer = [("Sec-WebSocket-Extensions", "permessage-deflate")]
        first = await upgrade(port, headers=offer)
        second = await upgrade(port)
    assert first["sec-websocket-extensions"].startswith("permessage-deflate")
    assert "sec-websocket-extensions" not in second
    assert first["sec-websocket-accept"] != second["sec-websocket-accept"]
    assert dict(response.headers) == shared


async def test_the_factory_may_take_its_time():
    gate = asyncio.Event()

    async def factory(request):
        await gate.wait()
        return Recorder()

    async with serving(factory, websocket_handshake_timeout=0.1) as port, raw(port) as (r, w):
        w.write(GOOD)
        early = asyncio.create_task(r.readuntil(b"\r\n\r\n"))
        # The time that the client has is over for others: this one has done its part.
        assert status_of(await answer_to(port, GOOD[:10])) == 408
        assert not early.done()
        gate.set()
        assert status_of(await within(early)) == 101


@pytest.mark.parametrize("size", [0, 10, 100_000, 300_000])
async def test_what_the_client_sends_meanwhile_waits(size):
    gate = asyncio.Event()
    listener = Recorder()

    async def factory(request):
        await gate.wait()
        return listener

    async with serving(factory) as port, raw(port) as (_, writer):
        writer.write(GOOD + frame(TEXT, b"first", mask=True))
        await settle()
        writer.write(frame(TEXT, b"x" * size, mask=True) + frame(TEXT, b"last", mask=True))
        await settle(20)
        gate.set()
        for payload in (b"first", b"x" * size, b"last"):
            assert await listener.next() == (TEXT, payload)
        writer.transport.abort()
        await listener.wait_gone()


async def test_a_client_that_leaves_cancels_the_factory():
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def factory(request):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with serving(factory) as port, raw(port) as (_, writer):
        writer.write(GOOD)
        await within(begun.wait())
        writer.close()
        await within(cancelled.wait())


async def test_a_factory_that_will_not_be_cancelled_opens_nothing():
    begun, done = asyncio.Event(), asyncio.Event()
    listener = Recorder()

    async def factory(request):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            done.set()
            return listener

    async with serving(factory) as port, raw(port) as (_, writer):
        writer.write(GOOD)
        await within(begun.wait())
        writer.close()
        await within(done.wait())
        await settle()
        assert listener.events == []


async def fail_later(request):
    raise ValueError("broken factory")


def fail_now(request):
    raise ValueError("broken factory")


async def nonsense_later(request):
    return 5


@pytest.mark.parametrize(
    "factory",
    [
        fail_now,
        fail_later,
        nonsense_later,
        lambda request: 5,
        lambda request: Recorder,
        lambda request: WSUpgradeResponse.create_101_response(),
        lambda request: WSUpgradeResponse.create_ok_response(None, {"X": "a\r\nb"}),
        lambda request: WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response({"X": "a\r\nSet-Cookie: b"}), Recorder()
        ),
    ],
)
async def test_a_factory_that_fails_answers_500_and_is_logged(factory, caplog):
    async with serving(factory) as port:
        answer = await answer_to(port, GOOD)
    assert status_of(answer) == 500
    assert b"broken factory" not in answer
    assert b"Set-Cookie" not in answer
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.name == "aiohttp_ws.server"


async def test_a_factory_that_was_cancelled_itself_leaves_no_client_waiting():
    async def factory(request):
        raise asyncio.CancelledError

    async with serving(factory, websocket_handshake_timeout=None) as port:
        with contextlib.suppress(ConnectionResetError):
            assert await answer_to(port, GOOD) == b""


async def test_nothing_of_a_refused_request_reaches_the_factory():
    async with serving(lambda request: pytest.fail("called")) as port:
        assert status_of(await answer_to(port, GOOD.replace(b"GET", b"POST"))) == 405


# ------------------------------------------------------------------ what strangers send


def without(name):
    return b"\r\n".join(line for line in GOOD.split(b"\r\n") if not line.startswith(name))


def swap(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


BAD = {
    "no upgrade": (without(b"Upgrade"), 400),
    "another upgrade": (swap(b"websocket", b"h2c"), 400),
    "no connection": (without(b"Connection"), 400),
    "connection: close": (swap(b"Connection: Upgrade", b"Connection: close"), 400),
    "no version": (without(b"Sec-WebSocket-Version"), 426),
    "old version": (swap(b"Version: 13", b"Version: 8"), 426),
    "no key": (without(b"Sec-WebSocket-Key"), 400),
    "short key": (swap(KEY.encode(), b"c2hvcnQ="), 400),
    "two keys": (swap(b"Host: here", b"Host: here\r\nSec-WebSocket-Key: " + KEY.encode()), 400),
    "no host": (without(b"Host"), 400),
    "two hosts": (swap(b"Host: here", b"Host: here\r\nHost: there"), 400),
    "http/1.0": (swap(b"HTTP/1.1", b"HTTP/1.0"), 400),
    "http/2": (swap(b"HTTP/1.1", b"HTTP/2.0"), 505),
    "post": (swap(b"GET", b"POST"), 405),
    "body": (swap(b"Host: here", b"Host: here\r\nContent-Length: 5"), 400),
    "chunked": (swap(b"Host: here", b"Host: here\r\nTransfer-Encoding: chunked"), 400),
    "folded": (swap(b"Host: here", b"Host: here\r\n folded"), 400),
    "space before colon": (swap(b"Host: here", b"Host : here"), 400),
    "control character": (swap(b"here", b"he\x00re"), 400),
    "bare cr": (swap(b"here", b"he\rre"), 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
    "garbage": (b"\xff" * 500 + b"\r\n\r\n", 400),
    "long line": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 414),
    "long header": (swap(b"here", b"h" * 20_000), 431),
    "many headers": (swap(b"Host: here", b"Host: here" + b"\r\nX: y" * 1000), 431),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("split", [False, True], ids=["whole", "in pieces"])
async def test_a_bad_request_is_answered_and_the_connection_closed(name, split):
    request, status = BAD[name]
    listeners = []

    def factory(request):
        listeners.append(Recorder())
        return listeners[-1]

    step = max(len(request) // 40, 1)
    pieces = [request[i : i + step] for i in range(0, len(request), step)] if split else [request]
    async with serving(factory) as port:
        answer = await answer_to(port, *pieces)
    assert status_of(answer) == status
    assert answer.count(b"\r\nContent-Length:") == 1
    assert b"\r\nConnection: close\r\n" in answer
    assert all(listener.events == [] for listener in listeners)


async def test_a_second_request_in_the_pipe_is_no_frame():
    listener = Recorder()
    async with serving(lambda request: listener) as port, raw(port) as (reader, writer):
        writer.write(GOOD + GOOD)
        await within(reader.readuntil(b"\r\n\r\n"))
        assert (await within(reader.readexactly(4)))[2:] == close_payload(1002)
        writer.close()
        await listener.wait_gone()
        assert listener.frames == []


async def test_what_follows_a_refusal_is_not_read_as_another_request():
    count = []
    async with serving(lambda request: count.append(1)) as port:
        answer = await answer_to(port, GOOD + GOOD, GOOD, b"x" * 500_000)
    assert answer.count(b"HTTP/1.1 404") == 1
    assert count == [1]


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GOOD[:-2]])
async def test_a_client_that_does_not_finish_its_request_gets_408(sent):
    async with serving(lambda request: Recorder(), websocket_handshake_timeout=0.02) as port:
        answer = await answer_to(port, sent)
    assert status_of(answer) == 408
    assert b"websocket_handshake_timeout=0.02" in answer


async def test_with_no_timeout_a_client_may_take_for_ever():
    async with (
        serving(lambda request: Recorder(), websocket_handshake_timeout=None) as port,
        raw(port) as (reader, writer),
    ):
        writer.write(GOOD[:-1])
        await settle()
        writer.write(GOOD[-1:])
        assert status_of(await within(reader.readuntil(b"\r\n\r\n"))) == 101


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_timeout_is_more_than_nothing(seconds):
    with pytest.raises(ValueError, match="websocket_handshake_timeout"):
        await ws_create_server(lambda _: None, "127.0.0.1", 0, websocket_handshake_timeout=seconds)


# ---------------------------------------------------------------------- clients leaving


@pytest.mark.parametrize("how", ["close", "abort", "eof"])
async def test_a_client_may_leave_at_any_byte(how):
    """Without a trace: no descriptor, no listener that was not told."""
    listeners: list[Recorder] = []

    def factory(request):
        listeners.append(Recorder())
        return listeners[-1]

    data = GOOD + frame(TEXT, b"hello", mask=True) + frame(CLOSE, close_payload(1000), mask=True)
    async with serving(factory) as port:
        before = len(os.listdir("/proc/self/fd"))
        for length in [*range(0, len(GOOD) - 3, 20), *range(len(GOOD) - 3, len(data) + 1)]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data[:length])
            await settle(3)
            if how == "eof":
                writer.write_eof()
                with contextlib.suppress(ConnectionResetError):
                    await within(reader.read())
            getattr(writer.transport, "abort" if how == "abort" else "close")()
            with contextlib.suppress(ConnectionResetError):
                await writer.wait_closed()
        for listener in listeners:
            if listener.events:
                await listener.wait_gone()
            assert listener.events.count("on_ws_disconnected") <= 1
        for _ in range(1000):
            if len(os.listdir("/proc/self/fd")) <= before:
                break
            await asyncio.sleep(0)
        assert len(os.listdir("/proc/self/fd")) <= before
    assert len(listeners) >= 10


async def test_connections_that_are_over_leave_no_objects():
    references = []

    def factory(request):
        listener = Recorder()
        references.append(weakref.ref(listener))
        return listener

    async with serving(factory) as port:
        for i in range(20):
            transport, near = await ws_connect(Recorder, f"ws://127.0.0.1:{port}/")
            references += [weakref.ref(transport), weakref.ref(near)]
            transport.send(WSMsgType.TEXT, b"x" * i)
            transport.disconnect()
            await ended(transport)
            del transport, near
        for _ in range(100):
            await settle()
            gc.collect()
            if not any(reference() for reference in references):
                break
        assert [reference() for reference in references if reference() is not None] == []


async def test_closing_the_server_leaves_its_connections_open():
    async with served() as this:
        transport, near = await ws_connect(Recorder, this.url)
        far = await this.next()
    assert far.events[0] == "on_ws_connected"
    await near.wait_gone()
    assert transport.is_disconnected


async def test_a_unix_socket(tmp_path):
    path = str(tmp_path / "socket")
    listener = Recorder()
    server = await ws_create_server(lambda request: listener, path=path)
    transport, near = await ws_connect(Recorder, "ws://localhost/", path=path)
    transport.send(WSMsgType.TEXT, b"over unix")
    assert await listener.next() == (TEXT, b"over unix")
    listener.transport.disconnect()
    await near.wait_gone()
    server.close()
