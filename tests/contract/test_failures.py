"""What becomes of a connection, and of the log, when the application's code raises."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from aiohttp_ws import web
from tests.ws.raw_end import TEXT

from .differences import ROWS
from .ends import End, WebEnd
from .peer import dial
from .sides import Sides


class Mistake(Exception):
    """A fault of the application's."""


MISTAKES = {
    "an exception": Mistake("the application's"),
    "a connection error of something else": ConnectionResetError("the database is gone"),
    "a timeout of something else": asyncio.TimeoutError("the database is slow"),
}


def errors_of(caplog: pytest.LogCaptureFixture, api: str) -> list[logging.LogRecord]:
    name = ROWS["what a handler that fails is logged by"][api]
    records = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert {record.name for record in records} <= {name}
    return records


@pytest.mark.only(role=["server"], wire=["plain", "tls"])
@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_failing_handler_closes_with_1011_and_is_logged(
    sides: Sides, mistake: str, caplog: pytest.LogCaptureFixture
) -> None:
    raised = MISTAKES[mistake]

    async def body(end: End) -> None:
        await end.receive()
        raise raised

    def fail(transport: Any, frame: Any) -> None:
        if frame.msg_type == TEXT:
            raise raised

    end, peer = await sides.open(body=body, calls={"on_ws_frame": fail})
    peer.send(TEXT, "go on")
    assert (await peer.receive_close())[0] == 1011
    peer.close(1011)
    peer.write(b"", "close_notify" if sides.wire.tls else "fin")
    await peer.rest()
    [record] = errors_of(caplog, end.api)
    assert record.exc_info is not None
    assert record.exc_info[1] is raised


@pytest.mark.only(role=["server"], wire=["plain"], api=["web", "messages"])
async def test_a_handler_that_the_lost_connection_ends_is_no_error(
    sides: Sides, caplog: pytest.LogCaptureFixture
) -> None:
    done = asyncio.Event()

    async def body(end: End) -> None:
        try:
            while True:
                await end.send("tick")
                await asyncio.sleep(0)
        finally:
            done.set()

    _, peer = await sides.open(body=body)
    await peer.receive()
    peer.cut()
    await done.wait()
    await sides.aclose()
    # The message API logs what a handler raises; websockets' leaves out ConnectionClosed neither.
    assert [each for each in errors_of(caplog, sides.side.api) if sides.side.api == "web"] == []


@pytest.mark.only(role=["server"], wire=["plain"], api=["web", "messages"])
async def test_a_handler_that_returns_closes_with_1000(sides: Sides) -> None:
    async def body(end: End) -> None:
        await end.receive()

    end, peer = await sides.open(body=body)
    peer.send(TEXT, "go on")
    assert await peer.receive_close() == (1000, "")
    peer.close()
    assert await peer.ended() == "fin"
    assert end.code == 1000


@pytest.mark.only(api=["frames"], wire=["plain"])
async def test_a_failing_listener_closes_with_1011(
    sides: Sides, caplog: pytest.LogCaptureFixture
) -> None:
    mistake = Mistake("in a callback")

    def fail(transport: Any, frame: Any) -> None:
        if frame.msg_type == TEXT:
            raise mistake

    end, peer = await sides.open(calls={"on_ws_frame": fail})
    peer.send(TEXT, "go on")
    assert (await peer.receive_close())[0] == 1011
    peer.fin()
    if sides.side.role == "client":
        with pytest.raises(Mistake):
            await end.raw.wait_disconnected()
    else:
        await end.raw.wait_disconnected()


@pytest.mark.only(api=["frames"], wire=["plain"])
async def test_a_listener_that_fails_at_the_end_ends_all_the_same(sides: Sides) -> None:
    def fail(transport: Any) -> None:
        raise Mistake("in on_ws_disconnected")

    end, peer = await sides.open(calls={"on_ws_disconnected": fail})
    peer.fin()
    if sides.side.role == "client":
        with pytest.raises(Mistake):
            await end.raw.wait_disconnected()
    else:
        await end.raw.wait_disconnected()


@pytest.mark.only(role=["server"], wire=["plain"], api=["web", "messages"])
async def test_a_handler_that_is_cancelled_leaves_no_connection(sides: Sides) -> None:
    tasks = []

    async def body(end: End) -> None:
        tasks.append(asyncio.current_task())
        await end.receive()

    _, peer = await sides.open(body=body, close_timeout=0.05)
    tasks[0].cancel()
    frames = await peer.frames()
    assert [opcode for opcode, _ in frames] in ([], [8])


# ------------------------------------------------------------------- the web API alone


async def served(sides: Sides, handler: Any, *middlewares: Any) -> Any:
    app = web.Application(middlewares=middlewares)
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    sides.stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer, _ = await dial(site.port)
    sides.peers.append(peer)
    return peer


@pytest.mark.only(role=["server"], wire=["plain"], api=["web"])
async def test_a_second_websocket_on_one_request_is_refused(sides: Sides) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        first = web.WebSocketResponse(compress=False)
        await first.prepare(request)
        with pytest.raises(RuntimeError):
            await web.WebSocketResponse(compress=False).prepare(request)
        await first.send_str("all is well")
        return first

    peer = await served(sides, handler)
    assert (await peer.receive()).payload == b"all is well"
    assert await peer.receive_close() == (1000, "")


@pytest.mark.only(role=["server"], wire=["plain"], api=["web"])
async def test_a_middleware_that_answers_500_after_the_upgrade_closes_with_1011(
    sides: Sides,
) -> None:
    @web.middleware
    async def explain(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except Mistake:
            return web.Response(status=500, text="a mistake")

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        raise Mistake("the handler's")

    peer = await served(sides, handler, explain)
    assert (await peer.receive_close())[0] == 1011


@pytest.mark.only(role=["server"], wire=["plain"], api=["web"])
async def test_an_http_error_raised_after_the_upgrade_writes_no_http(sides: Sides) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        await WebEnd(ws).send("before")
        raise web.HTTPInternalServerError

    peer = await served(sides, handler)
    assert (await peer.receive()).payload == b"before"
    assert (await peer.receive_close())[0] == 1011
