"""Promises of ws_connect: what it makes of every answer, of redirects, and of being stopped."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import socket
from http import HTTPStatus

import pytest
from multidict import CIMultiDict

from aiohttp_ws import (
    WSHandshakeError,
    WSInvalidHeaderError,
    WSInvalidMessageError,
    WSInvalidStatusError,
    WSInvalidUpgradeError,
    WSInvalidURL,
    WSMsgType,
    ws_connect,
)
from tests.ws.memory_transport import TEXT, settle
from tests.ws.raw_end import PATIENCE, frame, parse_head

from .ends import Recorder, ended, served, within


class RawServer:
    """Answers each connection with the next of *answers*: bytes, or a function of the request.

    ``None`` for one that says nothing.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.writers = []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await settle()

    async def serve(self, reader, writer):
        self.writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(parse_head(head))
            self.asked.set()
            answer = self.answers.pop(0)
            if callable(answer):
                answer = answer(self.requests[-1])
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                writer.write_eof()
                await reader.read()
        self.left.set()
        writer.transport.abort()

    def headers(self, number=-1):
        return self.requests[number][1]


def accept(request):
    return b"\r\n".join(accepting(request)) + b"\r\n\r\n"


def accepting(request):
    key = request[1]["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    digest = base64.b64encode(hashlib.sha1(key.encode()).digest())
    return [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + digest,
    ]


def altered(old, new):
    """An answer that accepts but for one line."""

    def answer(request):
        good = accept(request)
        assert old in good
        return good.replace(old, new)

    return answer


def plus(*lines):
    return lambda request: b"\r\n".join([*accepting(request), *lines]) + b"\r\n\r\n"


async def refused(answer, **options):
    """What ws_connect() raises for *answer*."""
    async with RawServer(answer) as server:
        with pytest.raises(WSHandshakeError) as caught:
            await ws_connect(Recorder, server.url, **options)
        await within(server.left.wait())
        return caught.value


# ---------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", WSInvalidMessageError),
        (b"HTTP/1.1 101 Swi", WSInvalidMessageError),
        (b"garbage\r\n\r\n", WSInvalidMessageError),
        (b"HTTP/2 101\r\n\r\n", WSInvalidMessageError),
        (b"SSH-2.0-OpenSSH_9.2\r\n", WSInvalidMessageError),
        (b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", WSInvalidMessageError),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 50_000, WSInvalidMessageError),
        (b"HTTP/1.1 200 OK" + b"\r\nA: b" * 5000, WSInvalidMessageError),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", WSInvalidStatusError),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", WSInvalidStatusError),
        (b"HTTP/1.1 204 No Content\r\n\r\n", WSInvalidStatusError),
        (b"HTTP/1.1 599 Own\r\nContent-Length: 3\r\n\r\nown", WSInvalidStatusError),
        (altered(b"Upgrade: websocket\r\n", b""), WSInvalidUpgradeError),
        (altered(b"websocket", b"h2c"), WSInvalidUpgradeError),
        (altered(b"Connection: Upgrade", b"Connection: close"), WSInvalidUpgradeError),
        (altered(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x"), WSInvalidHeaderError),
        (altered(b"Sec-WebSocket-Accept", b"Sec-WebSocket-Accepted"), WSInvalidHeaderError),
        (plus(b"Sec-WebSocket-Accept: x"), WSInvalidHeaderError),
        (plus(b"Sec-WebSocket-Protocol: unasked"), WSInvalidHeaderError),
        (plus(b"Sec-WebSocket-Extensions: permessage-deflate"), WSInvalidHeaderError),
    ],
)
async def test_a_bad_answer_is_an_error_and_the_socket_closed(answer, error):
    assert type(await refused(answer)) is error


async def test_a_refusal_can_be_read():
    exc = await refused(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\nX-Why: tired\r\n\r\nsorry")
    assert exc.raw_body == b"sorry"
    assert exc.raw_header.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert exc.response.status == HTTPStatus.FORBIDDEN
    assert exc.response.headers["x-why"] == "tired"
    assert "403" in str(exc)


async def test_a_body_may_be_chunked_or_end_with_the_connection():
    chunked = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    assert (await refused(chunked)).raw_body == b"abc"
    assert (await refused(b"HTTP/1.1 500 No\r\n\r\nto the end")).raw_body == b"to the end"


async def test_a_body_without_end_is_cut():
    exc = await refused(b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 10_000_000)
    assert 65536 <= len(exc.raw_body) < 1_000_000


async def test_interim_answers_are_passed_over():
    def answer(request):
        return b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 3 + accept(request)

    async with RawServer(answer) as server:
        transport, _ = await ws_connect(Recorder, server.url)
        assert transport.response.status == 101
        await ended(transport)


async def test_frames_in_the_segment_of_the_answer_are_delivered():
    def answer(request):
        return accept(request) + frame(TEXT, b"first") + frame(TEXT, b"second")

    async with RawServer(answer) as server:
        transport, listener = await ws_connect(Recorder, server.url)
        assert await listener.next() == (TEXT, b"first")
        assert await listener.next() == (TEXT, b"second")
        assert await ended(transport) is None


async def test_an_answer_may_come_byte_by_byte():
    async def serve(reader, writer):
        request = parse_head(await reader.readuntil(b"\r\n\r\n"))
        for byte in accept(request) + frame(TEXT, b"x"):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        await reader.read()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, listener = await ws_connect(Recorder, f"ws://127.0.0.1:{port}/")
    assert await listener.next() == (TEXT, b"x")
    transport.disconnect()
    await ended(transport)
    server.close()
    await settle()


# ----------------------------------------------------------------------- the listener


def two(request, response):
    listener = Recorder()
    listener.given = (request, response)
    return listener


@pytest.mark.parametrize("factory", [two, lambda *args: two(*args), lambda a=1, b=2: two(a, b)])
async def test_a_factory_that_can_take_the_handshake_is_given_it(factory):
    async with served() as this:
        transport, listener = await ws_connect(factory, this.url)
        assert listener.given == (transport.request, transport.response)
        transport.disconnect(False)
        await ended(transport)


@pytest.mark.parametrize("factory", [Recorder, lambda: Recorder(), lambda x=1: Recorder()])
async def test_a_factory_that_cannot_is_called_with_nothing(factory):
    async with served() as this:
        transport, listener = await ws_connect(factory, this.url)
        assert listener.transport is transport
        transport.disconnect(False)
        await ended(transport)


@pytest.mark.parametrize("factory", [lambda: 5, lambda: None, lambda: Recorder, lambda a: a])
async def test_a_factory_that_makes_no_listener_is_an_error(factory):
    async with served() as this:
        with pytest.raises(TypeError):
            await ws_connect(factory, this.url)
        await (await this.next()).wait_gone()


async def test_what_the_factory_raises_comes_through():
    def factory():
        raise LookupError("nobody")

    async with served() as this:
        with pytest.raises(LookupError, match="nobody"):
            await ws_connect(factory, this.url)
        await (await this.next()).wait_gone()


# ---------------------------------------------------------------------------- headers


async def test_the_request_is_the_one_of_the_rfc():
    async with RawServer(accept) as server:
        transport, _ = await ws_connect(Recorder, server.url + "chat?x=%20y")
        await ended(transport)
        start, headers = server.requests[0]
        assert start == "GET /chat?x=%20y HTTP/1.1"
        assert headers["host"] == f"127.0.0.1:{server.port}"
        assert headers["upgrade"] == "websocket"
        assert headers["connection"] == "Upgrade"
        assert headers["sec-websocket-version"] == "13"
        assert len(base64.b64decode(headers["sec-websocket-key"])) == 16
        assert "sec-websocket-extensions" not in headers


async def test_extra_headers_are_added_and_host_is_replaced():
    extra = [("X-A", "1"), ("x-b", "2"), ("HOST", "elsewhere:1"), ("Cookie", "c=d")]
    for headers in (extra, dict(extra), CIMultiDict(extra)):
        async with RawServer(accept) as server:
            transport, _ = await ws_connect(Recorder, server.url, extra_headers=headers)
            await ended(transport)
            seen = server.headers()
            assert (seen["x-a"], seen["x-b"], seen["cookie"]) == ("1", "2", "c=d")
            assert seen["host"] == "elsewhere:1"


async def test_the_headers_of_the_handshake_cannot_be_replaced():
    async with RawServer(accept) as server:
        mine = {"Sec-WebSocket-Key": "x", "upgrade": "h2c", "Sec-WebSocket-Version": "8"}
        transport, _ = await ws_connect(Recorder, server.url, extra_headers=mine)
        await ended(transport)
        assert server.headers()["upgrade"] == "websocket"
        assert transport.request.headers.getall("Sec-WebSocket-Version") == ["13"]


async def test_a_header_cannot_smuggle_another():
    async with RawServer(accept) as server:
        with pytest.raises(ValueError, match="X"):
            await ws_connect(Recorder, server.url, extra_headers={"X": "a\r\nEvil: b"})
        assert server.requests == []


async def test_user_and_password_of_the_url_are_sent():
    async with RawServer(accept) as server:
        url = server.url.replace("ws://", "ws://us%65r:p%40ss@")
        transport, _ = await ws_connect(Recorder, url)
        await ended(transport)
        login = base64.b64decode(server.headers()["authorization"].removeprefix("Basic "))
        assert login == b"user:p@ss"


async def test_a_subprotocol_that_was_offered_may_be_chosen():
    async with RawServer(plus(b"Sec-WebSocket-Protocol: b")) as server:
        transport, _ = await ws_connect(
            Recorder, server.url, extra_headers={"Sec-WebSocket-Protocol": "a, b"}
        )
        assert transport.response.headers["sec-websocket-protocol"] == "b"
        await ended(transport)


# --------------------------------------------------------------------------- redirects


def redirect(location, status=302):
    return f"HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/new?q=1", "//127.0.0.1:PORT/new?q=1", "new?q=1"])
async def test_redirects_are_followed(status, location):
    async with RawServer() as server:
        server.answers = [redirect(location.replace("PORT", str(server.port)), status), accept]
        transport, _ = await ws_connect(Recorder, server.url)
        await ended(transport)
        assert server.requests[1][0] == "GET /new?q=1 HTTP/1.1"
        assert transport.request.path == b"/new?q=1"
        assert server.headers(0)["sec-websocket-key"] != server.headers(1)["sec-websocket-key"]


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_credentials_stay_with_their_host(scheme):
    secrets = {
        "Authorization": "Bearer t",
        "Cookie": "session=1",
        "Proxy-Authorization": "Basic x",
        "Host": "front",
        "X-Other": "kept",
    }
    async with RawServer(accept) as other, RawServer() as first:
        target = f"{scheme}://localhost:{other.port}/"
        first.answers = [redirect("/again"), redirect(target)]
        url = first.url
        transport, _ = await ws_connect(Recorder, url, extra_headers=secrets)
        await ended(transport)
        for number in (0, 1):
            assert first.headers(number)["authorization"] == "Bearer t"
            assert first.headers(number)["host"] == "front"
        seen = other.headers()
        assert not {"authorization", "cookie", "proxy-authorization"} & set(seen)
        assert seen["host"] == f"localhost:{other.port}"
        assert seen["x-other"] == "kept"


async def test_the_login_of_the_url_stays_with_its_host():
    async with RawServer(accept) as other, RawServer() as first:
        first.answers = [redirect(f"ws://127.0.0.1:{other.port}/")]
        transport, _ = await ws_connect(Recorder, first.url.replace("//", "//me:secret@"))
        await ended(transport)
        assert "authorization" in first.headers()
        assert "authorization" not in other.headers()


async def test_redirects_in_a_circle_end():
    async with RawServer(*[redirect("/again")] * 10) as server:
        with pytest.raises(WSInvalidStatusError, match="max_redirects=3"):
            await ws_connect(Recorder, server.url, max_redirects=3)
        assert len(server.requests) == 4


async def test_with_none_allowed_a_redirect_is_a_refusal():
    exc = await refused(redirect("/x"), max_redirects=0)
    assert exc.response.headers["location"] == "/x"


@pytest.mark.parametrize("status", [300, 304, 305, 306, 309])
async def test_other_statuses_are_no_redirects(status):
    answer = f"HTTP/1.1 {status} X\r\nLocation: /x\r\nConnection: close\r\n\r\n".encode()
    assert isinstance(await refused(answer), WSInvalidStatusError)


async def test_a_redirect_to_nowhere_is_a_refusal():
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"
    assert isinstance(await refused(answer), WSInvalidStatusError)


@pytest.mark.parametrize("location", ["ftp://x/", "file:///etc/passwd", "ws://", "ws://h:99999/"])
async def test_a_redirect_to_no_websocket_is_an_error(location):
    async with RawServer(redirect(location)) as server:
        with pytest.raises(WSInvalidURL):
            await ws_connect(Recorder, server.url)


async def test_a_socket_given_follows_no_redirect():
    async with RawServer(redirect("/x")) as server:
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.setblocking(False)
        with pytest.raises(WSInvalidURL, match="sock="):
            await ws_connect(Recorder, server.url, sock=sock)


async def test_tls_is_not_given_up(serving, trusting):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(redirect("ws://127.0.0.1:1/"))
        with contextlib.suppress(OSError):
            await reader.read()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(WSInvalidURL, match="TLS"):
        await ws_connect(Recorder, f"wss://localhost:{port}/", ssl_context=trusting)
    server.close()
    await settle(20)


# ------------------------------------------------------------- out of time, cancelled


async def test_a_server_that_does_not_answer_in_time():
    async with RawServer(None) as server:
        with pytest.raises(asyncio.TimeoutError, match=r"websocket_handshake_timeout=0\.01"):
            await ws_connect(Recorder, server.url, websocket_handshake_timeout=0.01)
        await within(server.left.wait())


async def test_with_no_timeout_a_server_may_take_for_ever():
    async with RawServer(None) as server:
        task = asyncio.create_task(
            ws_connect(Recorder, server.url, websocket_handshake_timeout=None)
        )
        await within(server.asked.wait())
        await settle()
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await within(server.left.wait())


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_at_any_moment_no_socket_stays_open(turns):
    listeners = []

    def factory():
        listeners.append(Recorder())
        return listeners[-1]

    async with served() as this:
        before = set(os.listdir("/proc/self/fd"))
        task = asyncio.create_task(ws_connect(factory, this.url))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        try:
            transport, _ = await asyncio.wait_for(task, PATIENCE)
        except asyncio.CancelledError:
            pass
        else:
            transport.disconnect(False)
        for listener in listeners:
            await listener.wait_gone()
        for listener in this.listeners:
            await listener.wait_gone()
        for _ in range(1000):
            if set(os.listdir("/proc/self/fd")) <= before:
                break
            await asyncio.sleep(0)
        assert set(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"websocket_handshake_timeout": 0}, ValueError),
        ({"max_redirects": -1}, ValueError),
        ({"max_frame_size": -1}, ValueError),
        ({"max_frame_size": "big"}, TypeError),
        ({"auto_ping_idle_timeout": 0}, ValueError),
        ({"auto_ping_idle_timeout": float("nan")}, ValueError),
        ({"auto_ping_reply_timeout": "1"}, TypeError),
        ({"auto_ping_strategy": 7}, ValueError),
        ({"compression": "gzip"}, ValueError),
        ({"compression": True}, ValueError),
    ],
)
async def test_options_out_of_range_are_refused_before_connecting(options, error):
    with pytest.raises(error):
        await ws_connect(Recorder, "ws://127.0.0.1:1/", **options)


async def test_a_socket_given_is_used():
    async with served() as this:
        sock = socket.create_connection(("127.0.0.1", this.port))
        sock.setblocking(False)
        transport, _ = await ws_connect(Recorder, "ws://any.test/", sock=sock)
        transport.send(WSMsgType.TEXT, b"x")
        far = await this.next()
        assert await far.next() == (TEXT, b"x")
        assert far.transport.request.headers["host"] == "any.test"
        transport.disconnect()
        await ended(transport)
