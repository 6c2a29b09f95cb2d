"""Clients that break off at a bad moment, or send what nobody sends by mistake."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from typing import Any

import pytest

from aiohttp_ws import web
from tests.web.raw_server import get, post, running, status_of, until_gone

UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged above debug and info level, asyncio's complaints among it."""
    gc.collect()  # a task whose exception nobody fetched complains when it goes
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def test_a_client_that_is_gone_before_its_answer_is_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.Response:
        await gone.wait()
        return web.Response(text="too late")

    async with running(handler) as server:
        async with server.connect() as peer:
            peer.send(get())
            while not any(each.busy for each in server.server.connections):  # noqa: ASYNC110
                await asyncio.sleep(0)
        (connection,) = server.server.connections
        await until_gone(server.server)
        gone.set()
        await connection.task
    assert errors_in(caplog) == []


@pytest.mark.parametrize("data", [b"no request\r\n\r\n", get() + b"no request\r\n\r\n"])
async def test_a_client_that_does_not_wait_for_its_refusal_is_no_error_of_ours(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(hello) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(data)
        # Our answer meets a closed socket: TCP is reset before we have ended our side.
        while not server.server.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await until_gone(server.server)
    assert errors_in(caplog) == []


async def test_an_expectation_of_undecodable_bytes_is_refused_like_any_other(
    caplog: pytest.LogCaptureFixture, aiohttp_server: Any
) -> None:
    app = web.Application()
    app.router.add_post("/", hello)
    server = await aiohttp_server(app)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: \x9e\r\nContent-Length: 0\r\n\r\n")
    assert status_of(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)) == 417
    writer.close()
    assert errors_in(caplog) == []


@pytest.mark.parametrize("body", ["Content-Length: 5", "Transfer-Encoding: chunked"])
async def test_an_opening_handshake_with_a_body_is_refused_not_read_as_frames(
    body: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(echo) as server, server.connect() as peer:
        peer.send(get("/", *UPGRADE, body))
        head, text = await peer.answer()
        assert status_of(head) == 400
        assert b"has no body" in text
    assert errors_in(caplog) == []


async def test_http_goes_on_behind_the_body_of_a_refused_opening_handshake() -> None:
    async with running(echo) as server, server.connect() as peer:
        refused = get("/", *UPGRADE, "Content-Length: 5") + b"hello"
        for _ in range(2):
            head, _ = await peer.ask(refused)
            assert status_of(head) == 400
        peer.send(get("/", *UPGRADE))
        head, _ = await peer.answer()
        assert status_of(head) == 101


@pytest.mark.parametrize("cut", [b"", b"hel"])
async def test_a_declined_upgrade_whose_body_never_comes_is_no_error_of_ours(
    cut: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(hello) as server:
        async with server.connect() as peer:
            head, _ = await peer.ask(get("/", *UPGRADE, "Content-Length: 5") + cut)
            assert status_of(head) == 200
        await until_gone(server.server)
    assert errors_in(caplog) == []


async def test_one_request_gets_one_answer_when_the_body_nobody_read_turns_out_malformed() -> None:
    async with running(hello) as server, server.connect() as peer:
        head, _ = await peer.ask(
            get("/", "Transfer-Encoding: chunked", method="POST") + b"5\r\nhello\r\n"
        )
        assert status_of(head) == 200
        peer.send(b"no chunk\r\n")
        assert await peer.rest() == b""


async def test_a_frame_that_claims_to_be_a_request_body_is_not_echoed() -> None:
    async with running(echo) as server, server.connect() as peer:
        peer.send(post(b"\x81\x80\0\0\0\0", *UPGRADE))
        assert status_of((await peer.answer())[0]) == 405
