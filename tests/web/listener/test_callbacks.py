"""What callbacks raise, and what the options of a connection do."""

import asyncio
import contextlib
import gc
import logging
import weakref
from typing import Any

import pytest

from aiohttp_ws import WSFrame, WSMsgType, WSTransport, web
from tests.web.listener.echo import Connect, Echo, Serve, answering, until, within
from tests.ws.raw_end import PING, PONG, TEXT, frame

# -------------------------------------------------- what callbacks raise


class Raising(Echo):
    def __init__(self, callback: str) -> None:
        super().__init__()
        self.callback = callback

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        if self.callback == "on_ws_connected":
            raise ZeroDivisionError("as planned")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        super().on_ws_frame(transport, frame)
        if self.callback == "on_ws_frame":
            raise ZeroDivisionError("as planned")

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        super().on_ws_disconnected(transport)
        if self.callback == "on_ws_disconnected":
            raise ZeroDivisionError("as planned")


@pytest.mark.parametrize("callback", ["on_ws_connected", "on_ws_frame"])
async def test_an_exception_in_a_callback_closes_with_1011(
    callback: str, serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Raising(callback)
    server = await serve(answering(listener, logger_name="quotes"))
    peer, _ = await connect(server)
    peer.send(TEXT, b"x")
    assert (await peer.skip_to_close())[0] == 1011
    peer.send_close(1011)
    peer.end()
    await within(listener.gone.wait())
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "aiohttp_ws.quotes"
    assert callback in record.getMessage()
    await until(lambda: not server.handler.connections)


async def test_an_exception_in_on_ws_frame_may_be_logged_only(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server = await serve(answering(Raising("on_ws_frame"), disconnect_on_exception=False))
    peer, _ = await connect(server)
    for text in (b"one", b"two"):
        peer.send(TEXT, text)
        assert (await peer.receive()).payload == text
    assert "as planned" in caplog.text


async def test_an_exception_in_on_ws_disconnected_leaves_nothing_behind(
    serve: Serve, connect: Connect
) -> None:
    listener = Raising("on_ws_disconnected")
    server = await serve(answering(listener))
    peer, _ = await connect(server)
    peer.writer.transport.abort()
    await within(listener.gone.wait())
    await until(lambda: not server.handler.connections)  # Fails when one stays.


async def test_a_listener_may_disconnect_at_once(serve: Serve, connect: Connect) -> None:
    class Brief(Echo):
        def on_ws_connected(self, transport: WSTransport) -> None:
            super().on_ws_connected(transport)
            transport.send_close(1013, "later")
            transport.disconnect()

    listener = Brief()
    server = await serve(answering(listener))
    peer, _ = await connect(server, send=frame(TEXT, b"early", mask=True))
    assert await peer.receive_close() == (1013, "later")
    await within(listener.gone.wait())
    assert listener.frames == []


# --------------------------------------------------------------- options


async def test_a_frame_above_max_frame_size_closes_with_1009(
    serve: Serve, connect: Connect
) -> None:
    server = await serve(answering(Echo(), max_frame_size=10))
    peer, _ = await connect(server)
    peer.send(TEXT, b"0123456789")
    assert (await peer.receive()).payload == b"0123456789"
    peer.send(TEXT, b"0123456789a")
    assert (await peer.receive_close())[0] == 1009


async def test_pings_are_answered_or_delivered(serve: Serve, connect: Connect) -> None:
    listeners = {True: Echo(), False: Echo()}

    async def handler(request: web.Request) -> web.StreamResponse:
        auto = "auto" in request.query
        return web.WebSocketListenerResponse(listeners[auto], enable_auto_pong=auto)

    server = await serve(handler)
    answered, _ = await connect(server, path="/?auto")
    answered.send(PING, b"a")
    received = await answered.receive()
    assert (received.opcode, received.payload) == (PONG, b"a")
    delivered, _ = await connect(server)
    delivered.send(PING, b"b")
    await until(lambda: listeners[False].frames == [(PING, b"b")])
    assert listeners[True].frames == []


async def test_automatic_pings_are_sent_and_a_silent_peer_is_dropped(
    serve: Serve, connect: Connect
) -> None:
    listener = Echo()
    server = await serve(
        answering(
            listener,
            enable_auto_ping=True,
            auto_ping_idle_timeout=0.01,
            auto_ping_reply_timeout=0.01,
        )
    )
    peer, _ = await connect(server)
    assert (await peer.receive()).opcode == PING
    await within(listener.gone.wait())


async def test_a_peer_that_does_not_read_pauses_writing(serve: Serve, connect: Connect) -> None:
    listener = Echo()
    server = await serve(answering(listener))
    peer, _ = await connect(server)
    peer.writer.transport.pause_reading()
    data = bytes(65536)
    while not listener.paused.is_set():
        listener.transport.send(WSMsgType.BINARY, data)
        await asyncio.sleep(0)
    assert listener.transport.writing_paused


BAD_OPTIONS: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "one string of protocols": ({"protocols": "chat"}, TypeError),
    "a timeout of no time": ({"timeout": 0}, ValueError),
    "a timeout that is no number": ({"timeout": "1"}, TypeError),
    "a negative size": ({"max_frame_size": -1}, ValueError),
    "a size that is no int": ({"max_frame_size": 10.0}, TypeError),
    "no time until a ping": ({"auto_ping_idle_timeout": 0}, ValueError),
    "no time for a pong": ({"auto_ping_reply_timeout": -1}, ValueError),
    "an unknown compression": ({"compression": "gzip"}, ValueError),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
async def test_options_are_checked_when_the_response_is_made(case: str) -> None:
    options, error = BAD_OPTIONS[case]
    with pytest.raises(error, match=next(iter(options))):
        web.WebSocketListenerResponse(Echo(), **options)


@pytest.mark.parametrize("wrong", [Echo, None, object()])
def test_a_listener_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="WSListener"):
        web.WebSocketListenerResponse(wrong)


async def test_a_connection_given_up_leaves_no_cycle_that_keeps_the_listener(
    serve: Serve, connect: Connect
) -> None:
    refs: list[weakref.ref[Echo]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        listener = Echo()
        refs.append(weakref.ref(listener))
        return web.WebSocketListenerResponse(listener)

    server = await serve(handler)
    peer, _ = await connect(server)
    with contextlib.suppress(ConnectionError):
        peer.writer.transport.abort()
    await until(lambda: not server.handler.connections)
    gc.collect()
    assert refs[0]() is None
