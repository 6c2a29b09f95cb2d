"""What every server promises about opening handshakes, whichever API it is written with."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from aiohttp_ws import ConnectionDeny, WSFrame, WSListener, WSMsgType, WSTransport, web
from aiohttp_ws.frames import ws_create_server
from aiohttp_ws.websockets import ConnectionClosed, serve
from tests.peers import import_peer
from tests.ws.raw_end import CLOSE, TEXT, closing, frame

APIS = ("web", "messages", "frames")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
PATIENCE = 10.0  # Seconds; only a test that fails takes them.
Server = Callable[..., "contextlib.AbstractAsyncContextManager[int]"]


def request(*lines: str, host: str = "localhost", method: str = "GET") -> bytes:
    head = [
        f"{method} / HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode()


class Heard:
    """What the connections of a server received: messages, then the code of the close frame."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.over = asyncio.Event()

    def end(self, code: int | None) -> None:
        self.all.append(code)
        self.over.set()

    async def wait(self) -> list[Any]:
        await asyncio.wait_for(self.over.wait(), PATIENCE)
        return self.all


class Hearing(WSListener):
    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self.code: int | None = 1006

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self.code = int(frame.get_close_code())
            transport.send_close(self.code)
            transport.disconnect()
        else:
            self.heard.all.append(frame.get_payload_as_utf8_text())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.heard.end(self.code)


@contextlib.asynccontextmanager
async def serving(
    api: str,
    heard: Heard | None = None,
    *,
    on_connect: Any = None,
    subprotocols: tuple[str, ...] = (),
    timeout: float = 5.0,
    tls: ssl.SSLContext | None = None,
    use_aiofastnet: bool | None = None,
) -> AsyncIterator[int]:
    """A server with *api* on a port, which hears all that its clients say."""
    told = heard or Heard()
    if api == "web":

        async def handler(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse(on_connect=on_connect, protocols=subprotocols)
            await ws.prepare(request)
            async for message in ws:
                told.all.append(message.data)
            told.end(ws.close_code)
            return ws

        app = web.Application()
        app.router.add_route("*", "/", handler)
        runner = web.AppRunner(app, head_timeout=timeout, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()
    elif api == "messages":

        async def hear(connection: Any) -> None:
            with contextlib.suppress(ConnectionClosed):
                async for message in connection:
                    told.all.append(message)
            told.end(connection.close_code)

        async with serve(
            hear,
            "127.0.0.1",
            0,
            on_connect=on_connect,
            subprotocols=subprotocols or None,
            open_timeout=timeout,
            ssl=tls,
            use_aiofastnet=use_aiofastnet,
        ) as server:
            yield next(iter(server.sockets)).getsockname()[1]
    else:
        frames = await ws_create_server(
            lambda request: Hearing(told),
            "127.0.0.1",
            0,
            on_connect=on_connect,
            websocket_handshake_timeout=timeout,
            ssl=tls,
            use_aiofastnet=use_aiofastnet,
        )
        try:
            yield frames.sockets[0].getsockname()[1]
        finally:
            frames.close()


@contextlib.asynccontextmanager
async def connected(
    port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host = None if tls is None else "localhost"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=host)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


async def head_of(reader: asyncio.StreamReader) -> str:
    return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), PATIENCE)


async def answer_to(port: int, data: bytes) -> str:
    async with connected(port) as (reader, writer):
        writer.write(data)
        return (await all_of(reader)).decode()


class Gate:
    """An on_connect that decides when it is told to, and says whether it was cancelled."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.asked = asyncio.Event()
        self.opened = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, request: Any) -> Any:
        self.asked.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


# ------------------------------------------------------------------------ the answer


@pytest.mark.parametrize("api", APIS)
async def test_the_answer_names_the_upgrade_in_one_spelling(api: str):
    async with serving(api) as port, connected(port) as (reader, writer):
        writer.write(request())
        head = await head_of(reader)
    assert head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" in head
    assert f"\r\nSec-WebSocket-Accept: {ACCEPT}\r\n" in head


@pytest.mark.parametrize("api", APIS)
async def test_an_empty_host_is_valid(api: str):
    async with serving(api) as port, connected(port) as (reader, writer):
        writer.write(request(host=""))
        assert (await head_of(reader)).startswith("HTTP/1.1 101 ")


@pytest.mark.parametrize("api", APIS)
async def test_an_offered_subprotocol_that_is_not_a_token_is_passed_over(api: str):
    offer = "Sec-WebSocket-Protocol: https://a.test/, caf\u00e9 au lait, chat"
    async with (
        serving(api, on_connect=lambda asked: asked.protocols[-1]) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(request(offer))
        head = await head_of(reader)
    assert head.startswith("HTTP/1.1 101 ")
    assert "\r\nSec-WebSocket-Protocol: chat\r\n" in head


@pytest.mark.parametrize("api", APIS)
async def test_a_refusal_of_head_has_no_body(api: str):
    async with serving(api) as port:
        answer = await answer_to(port, request("Connection: close", method="HEAD"))
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 405 ")
    assert "content-length: 0" not in head.lower()
    assert body == ""


@pytest.mark.parametrize("api", APIS)
async def test_a_client_that_is_refused_reads_why_though_it_sends_on(api: str):
    async with (
        serving(api, on_connect=deny) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(request("Connection: close") + frame(TEXT, bytes(200_000), mask=True))
        answer = (await all_of(reader)).decode()
    assert answer.startswith("HTTP/1.1 403 ")
    assert answer.endswith("not you")


def deny(request: Any) -> None:
    raise ConnectionDeny(403, "not you")


# ------------------------------------------------------------------- what it says in the log


@pytest.mark.parametrize(("api", "level"), [("web", "WARNING"), ("messages", "INFO")])
async def test_subprotocols_that_do_not_overlap_are_told_in_one_line(
    api: str, level: str, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO):
        async with (
            serving(api, subprotocols=("ours", "other")) as port,
            connected(port) as (reader, writer),
        ):
            writer.write(request("Sec-WebSocket-Protocol: theirs, their.own"))
            await head_of(reader)
    told = [record for record in caplog.records if "their.own" in record.getMessage()]
    assert [record.levelname for record in told] == [level]
    assert "ours" in told[0].getMessage()


async def test_a_health_check_leaves_no_line_about_a_connection(caplog: pytest.LogCaptureFixture):
    def healthy(connection: Any, request: Any) -> Any:
        return connection.respond(200, "OK\n")

    with caplog.at_level(logging.INFO):
        async with serve(
            lambda connection: connection.wait_closed(), "127.0.0.1", 0, process_request=healthy
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            answer = await answer_to(port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.endswith("OK\n")
    assert "connection" not in caplog.text


# ------------------------------------------------------------------ while it is decided


@pytest.mark.parametrize("api", APIS)
async def test_a_client_that_says_all_and_ends_while_it_is_decided_about_is_heard(api: str):
    heard, gate = Heard(), Gate()
    async with (
        serving(api, heard, on_connect=gate) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(request())
        await gate.asked.wait()
        writer.write(frame(TEXT, b"one", mask=True) + frame(TEXT, b"two", mask=True))
        writer.write(frame(CLOSE, closing(4000), mask=True))
        writer.write_eof()
        await told_of(writer)
        gate.opened.set()
        assert (await head_of(reader)).startswith("HTTP/1.1 101 ")
        assert await heard.wait() == ["one", "two", 4000]
        assert await all_of(reader) == frame(CLOSE, closing(4000))


@pytest.mark.parametrize("api", APIS)
async def test_a_client_that_says_all_at_once_and_ends_is_heard(api: str):
    heard, gate = Heard(), Gate()
    async with (
        serving(api, heard, on_connect=gate) as port,
        connected(port) as (reader, writer),
    ):
        said = frame(TEXT, b"one", mask=True) + frame(CLOSE, closing(1000), mask=True)
        writer.write(request() + said)
        writer.write_eof()
        await gate.asked.wait()
        await told_of(writer)
        gate.opened.set()
        assert (await head_of(reader)).startswith("HTTP/1.1 101 ")
        assert await heard.wait() == ["one", 1000]


@pytest.mark.peer("trustme")
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("use_aiofastnet", [False, None])
async def test_a_client_that_says_all_over_tls_while_it_is_decided_about_is_heard(
    api: str, use_aiofastnet: bool | None, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
):
    heard, gate = Heard(), Gate()
    at_server, at_client = contexts
    async with (
        serving(api, heard, on_connect=gate, tls=at_server, use_aiofastnet=use_aiofastnet) as port,
        connected(port, at_client) as (reader, writer),
    ):
        writer.write(request())
        await gate.asked.wait()
        writer.write(frame(TEXT, b"one", mask=True) + frame(CLOSE, closing(1000), mask=True))
        await told_of(writer)
        gate.opened.set()
        assert (await head_of(reader)).startswith("HTTP/1.1 101 ")
        assert await heard.wait() == ["one", 1000]


async def told_of(writer: asyncio.StreamWriter) -> None:
    """Wait until the server has had the occasion to see what was written, and its end."""
    await writer.drain()
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("api", ["messages", "frames"])
async def test_deciding_is_cancelled_when_the_client_leaves(api: str):
    heard, gate = Heard(), Gate()
    async with serving(api, heard, on_connect=gate) as port:
        async with connected(port) as (_, writer):
            writer.write(request())
            await gate.asked.wait()
        await asyncio.wait_for(gate.cancelled.wait(), PATIENCE)
    assert heard.all == []


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("size", [10, 100_000, 1_500_000])
async def test_what_a_client_sends_meanwhile_waits_for_the_decision(api: str, size: int):
    heard, gate = Heard(), Gate()
    text = "x" * size
    async with (
        serving(api, heard, on_connect=gate) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(request())
        await gate.asked.wait()
        half = size // 2
        writer.write(frame(TEXT, text[:half].encode(), mask=True))
        writer.write(frame(TEXT, text[half:].encode(), mask=True))
        writer.write(frame(CLOSE, closing(1000), mask=True))
        for _ in range(10):
            await asyncio.sleep(0)
        gate.opened.set()
        assert (await head_of(reader)).startswith("HTTP/1.1 101 ")
        assert await heard.wait() == [text[:half], text[half:], 1000]


# --------------------------------------------------------------------- the time it has


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS contexts of a server called localhost and of a client that trusts it."""
    authority = import_peer("trustme").CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("sent", [b"", b"GET / HT"])
async def test_a_client_that_does_not_finish_its_request_is_told_and_closed(api: str, sent: bytes):
    async with serving(api, timeout=0.02) as port:
        answer = await answer_to(port, sent)
    # Browsers open connections ahead of need: web closes those without a word, as aiohttp does.
    expected = "" if api == "web" and not sent else "HTTP/1.1 408 "
    assert answer.startswith(expected)
    assert bool(answer) == bool(expected)


@pytest.mark.peer("trustme")
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("use_aiofastnet", [False, None])
async def test_a_client_that_begins_no_tls_is_gone_after_the_timeout(
    api: str, use_aiofastnet: bool | None, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
):
    async with (
        serving(api, timeout=0.05, tls=contexts[0], use_aiofastnet=use_aiofastnet) as port,
        connected(port) as (reader, _),
    ):
        with contextlib.suppress(ConnectionResetError):
            assert await all_of(reader) == b""
