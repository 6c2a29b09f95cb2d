"""What the client sees and the log tells when a handler fails after its response has begun."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import ClientConnectionResetError, ClientSession, web
from aiohttp_ws.pytest_plugin import AiohttpServer
from aiohttp_ws.test_utils import TestServer
from tests.web.listener.echo import Echo, within
from tests.web.raw_server import get, running, status_of, until_gone
from tests.ws.raw_end import TEXT, RawEnd, open_raw

OPENS: dict[str, Callable[[], Any]] = {
    "messages": web.WebSocketResponse,
    "listener": lambda: web.WebSocketListenerResponse(Echo()),
}
#: Other responses, which the request of an open WebSocket cannot have.
OTHERS = {
    **OPENS,
    "plain": lambda: web.Response(text="HTTP among frames"),
    "streamed": web.StreamResponse,
}

Open = Callable[..., Awaitable[tuple[RawEnd, TestServer]]]


@pytest.fixture
async def open_with(aiohttp_server: AiohttpServer) -> AsyncIterator[Open]:
    """``await open_with(handler, *middlewares)`` gives a raw client of it, and its server."""
    peers: list[RawEnd] = []

    async def open_one(handler: Any, *middlewares: Any) -> tuple[RawEnd, TestServer]:
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/", handler)
        # As servers are by default; those of tests cancel a handler whose client left.
        server = await aiohttp_server(app, handler_cancellation=False)
        peer, _ = await open_raw(server.host, server.port)
        peers.append(peer)
        return peer, server

    yield open_one
    for peer in peers:
        peer.writer.transport.abort()


@pytest.fixture(params=OPENS)
def response_type(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return OPENS[request.param]


def raising(response_type: Callable[[], Any], error: BaseException) -> Any:
    """A handler that opens a WebSocket and fails."""

    async def handler(request: web.Request) -> web.StreamResponse:
        await response_type().prepare(request)
        raise error

    return handler


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


async def answer_close(peer: RawEnd) -> int | None:
    """Return the close code that comes, and complete the closing handshake."""
    code, _ = await peer.receive_close()
    peer.send_close(code)
    await peer.wait_eof()
    return code


# ------------------------------------------------------------ exceptions


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("db gone"),
        ConnectionRefusedError("no such broker"),
        # What a handler that passes messages on meets at its other connection.
        ClientConnectionResetError("Cannot write to closing transport"),
        ValueError("as planned"),
        TimeoutError("too slow"),
        web.HTTPForbidden(),
        web.HTTPFound("/elsewhere"),
    ],
    ids=repr,
)
async def test_an_exception_after_the_upgrade_closes_with_1011_and_is_logged(
    error: Exception,
    response_type: Any,
    open_with: Open,
    caplog: pytest.LogCaptureFixture,
) -> None:
    peer, _ = await open_with(raising(response_type, error))
    assert await answer_close(peer) == 1011
    (record,) = errors(caplog)
    assert record.exc_info is not None
    assert record.exc_info[1] is error


@pytest.mark.parametrize("leave", ["close frame", "end of TCP", "reset"])
async def test_a_send_to_a_client_that_left_is_not_logged_as_an_error(
    leave: str, open_with: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        await ws.send_str("too late")
        return ws

    peer, server = await open_with(handler)
    (connection,) = server.handler.connections
    if leave == "close frame":
        peer.send_close(1000)
    elif leave == "reset":
        peer.cut()
    else:
        peer.end()
    await within(asyncio.wait([connection.task]))
    assert errors(caplog) == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TaskGroup is newer")
@pytest.mark.parametrize("other", [None, ValueError("as planned")], ids=repr)
async def test_a_task_group_that_reports_the_lost_client_only_is_not_logged_as_an_error(
    other: Exception | None, open_with: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def send(ws: web.WebSocketResponse) -> None:
        await asyncio.sleep(0)  # A task that has failed already keeps others out of the group.
        await ws.send_str("too late")

    async def fail() -> None:
        await asyncio.sleep(0)
        if other is not None:
            raise other

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        async with asyncio.TaskGroup() as group:
            group.create_task(send(ws))
            group.create_task(fail())
        return ws

    peer, server = await open_with(handler)
    (connection,) = server.handler.connections
    peer.cut()
    await within(asyncio.wait([connection.task]))
    assert len(errors(caplog)) == (other is not None)


async def test_another_failure_is_logged_also_when_the_client_has_left(
    open_with: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        raise ConnectionResetError("db gone")

    peer, server = await open_with(handler)
    (connection,) = server.handler.connections
    peer.cut()
    await within(asyncio.wait([connection.task]))
    assert "ConnectionResetError: db gone" in caplog.text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a task does not tell who cancelled it")
async def test_what_a_handler_waits_for_may_be_cancelled_without_it(
    response_type: Any, open_with: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await response_type().prepare(request)
        await cancelled_task()
        raise AssertionError("not reached")

    peer, _ = await open_with(handler)
    assert await answer_close(peer) == 1011
    assert len(errors(caplog)) == 1
    assert "CancelledError" in caplog.text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a task does not tell who cancelled it")
async def test_a_handler_that_waits_for_a_cancelled_task_answers_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await cancelled_task()
        raise AssertionError("not reached")

    async with running(handler, access_log=None) as server:
        assert status_of(await server.exchange(get())) == 500
    assert "CancelledError" in caplog.text


async def test_a_handler_that_is_cancelled_ends_the_connection_without_a_log_line(
    open_with: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await web.WebSocketResponse().prepare(request)
        request.task.cancel()
        await asyncio.Event().wait()
        raise AssertionError("not reached")

    peer, _ = await open_with(handler)
    await peer.wait_eof()
    assert errors(caplog) == []


async def test_a_handler_may_cancel_what_it_waits_for_when_its_client_left(
    open_with: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        await cancelled_task()
        raise AssertionError("not reached")

    peer, server = await open_with(handler)
    (connection,) = server.handler.connections
    peer.cut()
    await within(asyncio.wait([connection.task]))
    assert errors(caplog) == []


def cancelled_task() -> asyncio.Task[Any]:
    task = asyncio.ensure_future(asyncio.sleep(0))
    task.cancel()
    return task


# ----------------------------------------------- what is returned instead


@pytest.mark.parametrize(
    ("status", "code"), [(500, 1011), (503, 1011), (400, 1011), (200, 1000), (302, 1000)]
)
async def test_a_response_made_by_a_middleware_after_the_upgrade_decides_the_close_code(
    status: int,
    code: int,
    response_type: Any,
    open_with: Open,
    caplog: pytest.LogCaptureFixture,
) -> None:
    @web.middleware
    async def explain(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except ValueError as exc:
            return web.json_response({"error": str(exc)}, status=status)

    peer, _ = await open_with(raising(response_type, ValueError("as planned")), explain)
    assert await answer_close(peer) == code
    logged = [record.getMessage() for record in errors(caplog)]
    if code == 1011:
        (line,) = logged
        assert f"status {status} unsent" in line
    else:
        assert logged == []


async def test_a_missing_return_is_logged_and_closes_with_1000(
    open_with: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> None:
        await web.WebSocketResponse().prepare(request)

    peer, _ = await open_with(handler)
    assert await answer_close(peer) == 1000
    (record,) = errors(caplog)
    assert "is a return missing?" in record.getMessage()


# -------------------------------------------------------- a second response


@pytest.mark.parametrize("other", OTHERS)
async def test_a_second_response_to_a_websockets_request_is_refused(
    other: str, response_type: Any, open_with: Open
) -> None:
    refused: list[RuntimeError] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        response = response_type()
        await response.prepare(request)
        try:
            await OTHERS[other]().prepare(request)
        except RuntimeError as exc:
            refused.append(exc)
        if isinstance(response, web.WebSocketResponse):
            async for message in response:
                await response.send_str(message.data)
        return response  # type: ignore[no-any-return]

    peer, _ = await open_with(handler)
    peer.send(TEXT, b"still a WebSocket")
    assert (await peer.receive()).payload == b"still a WebSocket"
    assert "answered already" in str(refused[0])


@pytest.mark.parametrize("other", OTHERS)
async def test_a_second_response_to_a_request_is_refused(other: str) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with pytest.raises(RuntimeError, match="answered already"):
            await OTHERS[other]().prepare(request)
        await response.write(b"the first one goes on")
        return response

    async with running(handler) as server, server.connect() as peer:
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        _, body = await peer.ask(get("/", *upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
    assert body == b"the first one goes on"


async def test_a_response_whose_head_was_refused_may_be_followed_by_another() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        with pytest.raises(ValueError, match="X-Bad"):
            await web.StreamResponse(headers={"X-Bad": "a\r\nb"}).prepare(request)
        return web.Response(text="another")

    async with running(handler) as server, server.connect() as peer:
        assert (await peer.ask(get()))[1] == b"another"


async def test_an_interim_response_precedes_the_final_one() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        # RFC 8297: Early Hints.
        hints = web.StreamResponse(status=103, headers={"Link": "</style.css>; rel=preload"})
        await hints.prepare(request)
        return web.Response(text="final")

    async with running(handler) as server, server.connect() as peer:
        head, _ = await peer.ask(get())
        assert status_of(head) == 103
        assert b"Link: </style.css>; rel=preload\r\n" in head
        head, body = await peer.answer()
        assert (status_of(head), body) == (200, b"final")
        assert (await peer.ask(get()))[0].startswith(b"HTTP/1.1 103 ")


# ---------------------------------------------------------- without a WebSocket


async def test_a_streamed_response_that_breaks_off_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"part")
        raise ConnectionResetError("db gone")

    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get())
    assert raw.endswith(b"4\r\npart\r\n")
    assert "ConnectionResetError: db gone" in caplog.text


async def test_a_signal_that_fails_with_a_connection_error_answers_500(
    aiohttp_server: AiohttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def look_up(request: web.Request, response: web.StreamResponse) -> None:
        raise ConnectionResetError("db gone")

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_response_prepare.append(look_up)
    server = await aiohttp_server(app)
    async with ClientSession() as session, session.get(server.make_url("/")) as response:
        assert response.status == 500
    assert "ConnectionResetError: db gone" in caplog.text


async def test_a_write_to_a_client_that_left_is_not_logged_as_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    began, left = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        began.set()
        await left.wait()
        await response.write(b"too late")
        return response

    async with running(handler, access_log=None) as server:
        async with server.connect() as peer:
            peer.send(get())
            await within(began.wait())
            peer.writer.transport.abort()
            await until_gone(server.server)
        left.set()
    assert errors(caplog) == []
