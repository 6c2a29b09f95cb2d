"""What becomes of a connection when its handler ends, and of a handler when it closes."""

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest

from aiohttp_ws import web
from tests.web.listener.echo import HANDSHAKE, Connect, Echo, Serve, answering, until, within
from tests.web.test_upgraded_connection import held_by
from tests.ws.raw_end import TEXT, Refused

# ----------------------------------------------------- the handler's end


async def test_the_connection_lives_on_without_the_handlers_task(
    serve: Serve, connect: Connect
) -> None:
    listener = Echo()
    tasks: list[asyncio.Task[Any]] = []
    left: list[weakref.ref[Any]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        response = web.WebSocketListenerResponse(listener, protocols=["v1"])
        left.append(weakref.ref(response))
        return response

    server = await serve(handler)
    peer, _ = await connect(server)
    (connection,) = server.handler.connections
    await within(tasks[0])
    assert connection.task is None
    peer.send(TEXT, b"still there")
    assert (await peer.receive()).payload == b"still there"
    gc.collect()
    assert [ref() for ref in left] == [None]
    held = held_by(connection)
    assert held["WSProtocol"] == 1
    assert held["Request"] == held["RequestParser"] == held["Waiter"] == 0


async def test_the_server_forgets_the_connection_when_it_is_gone(
    serve: Serve, connect: Connect
) -> None:
    listener = Echo()
    server = await serve(answering(listener))
    peer, _ = await connect(server)
    (connection,) = server.handler.connections
    peer.writer.transport.abort()
    await within(listener.gone.wait())
    assert server.handler.connections == []
    assert not connection.connected


async def test_a_handler_may_prepare_and_wait_for_the_end(serve: Serve, connect: Connect) -> None:
    listener = Echo()
    steps: asyncio.Queue[str] = asyncio.Queue()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketListenerResponse(listener)
        await response.prepare(request)
        await response.prepare(request)
        assert response.prepared
        assert response.listener is listener
        assert response.transport is listener.transport
        steps.put_nowait("open")
        await response.wait_closed()
        steps.put_nowait(listener.events[-1])
        return response

    server = await serve(handler)
    peer, _ = await connect(server)
    assert await within(steps.get()) == "open"
    assert steps.empty()
    peer.writer.transport.abort()
    assert await within(steps.get()) == "disconnected"
    await until(lambda: not server.handler.connections)


async def test_a_prepared_response_that_is_returned_lives_on(
    serve: Serve, connect: Connect
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketListenerResponse(Echo())
        await response.prepare(request)
        return response

    server = await serve(handler)
    peer, _ = await connect(server)
    await until(lambda: server.handler.connections[0].task is None)
    peer.send(TEXT, b"hi")
    assert (await peer.receive()).payload == b"hi"


async def test_a_handler_that_raises_after_prepare_closes_with_1011(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Echo()

    async def handler(request: web.Request) -> web.StreamResponse:
        await web.WebSocketListenerResponse(listener).prepare(request)
        raise ZeroDivisionError("as planned")

    server = await serve(handler)
    peer, _ = await connect(server)
    assert await peer.receive_close() == (1011, "")
    peer.send_close(1011)
    await peer.wait_eof()
    await within(listener.gone.wait())
    assert "ZeroDivisionError: as planned" in caplog.text


@pytest.mark.parametrize("result", [None, web.Response(text="other")])
async def test_a_handler_that_prepares_and_returns_something_else_closes_with_1000(
    result: Any, serve: Serve, connect: Connect
) -> None:
    async def handler(request: web.Request) -> Any:
        await web.WebSocketListenerResponse(Echo()).prepare(request)
        return result

    server = await serve(handler)
    peer, _ = await connect(server)
    assert await peer.receive_close() == (1000, "")
    peer.send_close(1000)
    await peer.wait_eof()


async def test_a_client_that_left_meanwhile_never_reaches_the_listener(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Echo()
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        started.set()
        await until(lambda: not request.protocol.connected)
        ended.set()
        return web.WebSocketListenerResponse(listener)

    started = asyncio.Event()
    server = await serve(handler, handler_cancellation=False)
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(HANDSHAKE)
    await within(started.wait())
    writer.transport.abort()
    await within(ended.wait())
    await server.close()
    assert listener.events == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_response_answers_one_request_only(serve: Serve, connect: Connect) -> None:
    response = web.WebSocketListenerResponse(Echo())

    async def handler(request: web.Request) -> web.StreamResponse:
        return response

    server = await serve(handler)
    first, _ = await connect(server)
    with pytest.raises(Refused) as refused:
        await connect(server)
    assert refused.value.status == 500
    first.send(TEXT, b"unharmed")
    assert (await first.receive()).payload == b"unharmed"


async def test_one_listener_may_serve_several_connections(serve: Serve, connect: Connect) -> None:
    listener = Echo()
    server = await serve(answering(listener))
    peers = [(await connect(server))[0] for _ in range(3)]
    for number, peer in enumerate(peers):
        peer.send(TEXT, b"%d" % number)
    assert [(await peer.receive()).payload for peer in peers] == [b"0", b"1", b"2"]


# ----------------------------------------------- closing by the response


async def test_close_waits_for_the_peers_part(serve: Serve, connect: Connect) -> None:
    results: asyncio.Queue[bool] = asyncio.Queue()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketListenerResponse(Echo(), timeout=3600)
        await response.prepare(request)
        results.put_nowait(await response.close(code=4000, message="enough"))
        results.put_nowait(await response.close())
        return response

    server = await serve(handler)
    peer, _ = await connect(server)
    assert await peer.receive_close() == (4000, "enough")
    assert results.empty()
    peer.send_close(4000)
    await peer.wait_eof()
    assert await within(results.get()) is True
    assert await within(results.get()) is False


async def test_what_needs_an_open_connection_says_so_before() -> None:
    response = web.WebSocketListenerResponse(Echo())
    with pytest.raises(RuntimeError, match="prepare"):
        _ = response.transport
    with pytest.raises(RuntimeError, match="prepare"):
        await response.wait_closed()
    with pytest.raises(RuntimeError, match="prepare"):
        await response.close()
    with pytest.raises(RuntimeError, match="prepare"):
        await response.write_eof()
    with pytest.raises(RuntimeError):
        await response.write(b"x")
