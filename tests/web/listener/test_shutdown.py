"""Listeners and the graceful shutdown of their server."""

import asyncio

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.web.listener.echo import Connect, Echo, Serve, answering, until, within
from tests.ws.raw_end import CLOSE, Refused, closing, open_raw


async def test_shutdown_closes_with_1001_and_the_peers_answer_ends_it(
    serve: Serve, connect: Connect
) -> None:
    # The listener does nothing about close frames; the time limits are beyond any patience.
    listener = Echo(closes=False)
    server = await serve(answering(listener, timeout=3600), shutdown_timeout=3600)
    peer, _ = await connect(server)
    stopping = asyncio.ensure_future(server.close())
    assert await peer.receive_close() == (1001, "Server shutdown")
    assert not listener.gone.is_set()
    peer.send_close(1001)
    await within(stopping)
    await peer.wait_eof()
    assert listener.events == ["connected", "frame", "disconnected"]


async def test_shutdown_cuts_a_peer_that_does_not_answer(serve: Serve, connect: Connect) -> None:
    listener = Echo()
    server = await serve(answering(listener, timeout=0.01), shutdown_timeout=3600)
    peer, _ = await connect(server)
    await within(server.close())
    assert listener.gone.is_set()
    assert await peer.receive_close() == (1001, "Server shutdown")
    await peer.wait_eof()


async def test_shutdown_timeout_limits_the_wait_too(serve: Serve, connect: Connect) -> None:
    listener = Echo()
    server = await serve(answering(listener, timeout=3600), shutdown_timeout=0.01)
    await connect(server)
    await within(server.close())  # Fails when it waits for the listener's hour.
    await within(listener.gone.wait())
    assert listener.gone.is_set()


async def test_shutdown_ends_what_the_peer_closed_and_the_listener_left(
    serve: Serve, connect: Connect
) -> None:
    listener = Echo(closes=False)
    server = await serve(answering(listener, timeout=3600), shutdown_timeout=3600)
    peer, _ = await connect(server)
    peer.send_close(1000)
    await until(lambda: listener.frames == [(CLOSE, closing(1000))])
    await within(server.close())
    assert await peer.receive_close() == (1001, "Server shutdown")
    await peer.wait_eof()


async def test_a_handler_that_waits_for_the_end_is_not_cancelled_by_shutdown(
    serve: Serve, connect: Connect
) -> None:
    ends: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketListenerResponse(Echo())
        await response.prepare(request)
        try:
            await response.wait_closed()
            ends.append("closed")
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise
        return response

    server = await serve(handler, shutdown_timeout=3600)
    peer, _ = await connect(server)
    stopping = asyncio.ensure_future(server.close())
    assert await peer.receive_close() == (1001, "Server shutdown")
    peer.send_close(1001)
    await within(stopping)
    assert ends == ["closed"]


async def test_listeners_are_gone_before_the_application_cleans_up(
    aiohttp_server: AiohttpServer, connect: Connect
) -> None:
    listener = Echo()
    events = listener.events

    async def on_shutdown(app: web.Application) -> None:
        events.append("on_shutdown")

    async def on_cleanup(app: web.Application) -> None:
        events.append("on_cleanup")

    app = web.Application()
    app.router.add_get("/", answering(listener))
    app.on_shutdown.append(on_shutdown)
    app.on_cleanup.append(on_cleanup)
    server = await aiohttp_server(app)
    peer, _ = await connect(server)
    stopping = asyncio.ensure_future(server.close())
    await peer.receive_close()
    peer.send_close(1001)
    await within(stopping)
    assert events == ["connected", "on_shutdown", "frame", "disconnected", "on_cleanup"]


@pytest.mark.parametrize("limits", [(0.01, 3600), (3600, 0.01)])
async def test_listeners_cut_are_gone_before_the_application_cleans_up(
    limits: tuple[float, float], aiohttp_server: AiohttpServer, connect: Connect
) -> None:
    async def on_cleanup(app: web.Application) -> None:
        listener.events.append("on_cleanup")

    listener = Echo()
    app = web.Application()
    app.router.add_get("/", answering(listener, timeout=limits[0]))
    app.on_cleanup.append(on_cleanup)
    server = await aiohttp_server(app, shutdown_timeout=limits[1])
    await connect(server)
    await within(server.close())
    assert listener.events == ["connected", "disconnected", "on_cleanup"]


async def test_a_handler_that_stays_behind_its_listener_is_cancelled_by_shutdown(
    serve: Serve, connect: Connect
) -> None:
    ends: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketListenerResponse(Echo(), timeout=0.01)
        await response.prepare(request)
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")
        return response

    server = await serve(handler, shutdown_timeout=0.01)
    await connect(server)
    await within(server.close())
    assert ends == ["cancelled"]


async def test_a_handshake_that_ends_during_shutdown_gets_503(serve: Serve) -> None:
    listener = Echo()
    started, go_on = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        started.set()
        await go_on.wait()
        return web.WebSocketListenerResponse(listener)

    server = await serve(handler, shutdown_timeout=3600)
    assert server.port is not None
    opening = asyncio.ensure_future(open_raw(server.host, server.port))
    await within(started.wait())
    connections = server.handler.connections
    stopping = asyncio.ensure_future(server.close())
    await until(lambda: not connections[0].allows_keep_alive)
    go_on.set()
    with pytest.raises(Refused) as refused:
        await within(opening)
    assert refused.value.status == 503
    await within(stopping)
    assert listener.events == []


async def test_the_last_connection_of_many_is_closed_too(serve: Serve, connect: Connect) -> None:
    listeners = [Echo() for _ in range(20)]
    waiting = iter(listeners)

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.WebSocketListenerResponse(next(waiting))

    server = await serve(handler, shutdown_timeout=3600)
    peers = [(await connect(server))[0] for _ in listeners]
    stopping = asyncio.ensure_future(server.close())
    for peer in peers:
        assert await peer.receive_close() == (1001, "Server shutdown")
        peer.send_close(1001)
    await within(stopping)
    assert all(listener.gone.is_set() for listener in listeners)
