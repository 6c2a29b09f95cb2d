"""A WebSocket that its user forgets to close: the connection ends with it, and a warning tells."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from aiohttp_ws import ClientSession, ClientWebSocketResponse, WSMsgType
from aiohttp_ws.websockets.asyncio.client import connect
from tests.interop.talk import Tls
from tests.ws.raw_end import BINARY, PING, PONG, TEXT, RawEnd, accept_raw

Peer = Callable[[], Awaitable[RawEnd]]


class Server:
    """Accepts WebSockets; ``await peer()`` gives its end of the next one."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[RawEnd] = asyncio.Queue()
        self.all: list[RawEnd] = []

    async def start(self, tls: Tls | None) -> None:
        self.server = await asyncio.start_server(
            self.accept, "127.0.0.1", 0, ssl=tls and tls.server
        )
        scheme = "wss" if tls else "ws"
        self.url = f"{scheme}://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/"

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer, _ = await accept_raw(reader, writer)
        self.all.append(peer)
        self.peers.put_nowait(peer)

    async def peer(self) -> RawEnd:
        return await asyncio.wait_for(self.peers.get(), 10)

    def close(self) -> None:
        self.server.close()
        for peer in self.all:
            peer.writer.transport.abort()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start(None)
    yield server
    server.close()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def wait_until_none(session: ClientSession) -> None:
    """Wait until *session* has no open WebSocket."""
    while session._websockets:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def receive_and_forget(session: ClientSession, url: str, **options: Any) -> None:
    ws = await session.ws_connect(url, **options)
    with pytest.raises(asyncio.TimeoutError):
        await ws.receive(timeout=0.001)


async def collected(forgetting: Awaitable[None]) -> None:
    """Await *forgetting*, and let the collector find what it left in cycles."""
    await forgetting
    gc.collect()


@pytest.mark.parametrize("options", [{}, {"heartbeat": 30.0}, {"autoclose": False}], ids=repr)
async def test_a_forgotten_websocket_is_closed_with_a_warning(
    options: dict[str, Any], server: Server, session: ClientSession
) -> None:
    with pytest.warns(ResourceWarning, match="Unclosed WebSocket <ClientWebSocketResponse"):
        await collected(receive_and_forget(session, server.url, **options))
    await (await server.peer()).wait_eof()
    await wait_until_none(session)


async def test_a_forgotten_websocket_is_closed_over_tls(
    session: ClientSession, tmp_path: Path
) -> None:
    tls = Tls.make(str(tmp_path))
    server = Server()
    await server.start(tls)
    with pytest.warns(ResourceWarning, match="Unclosed WebSocket"):
        await collected(receive_and_forget(session, server.url, ssl=tls.client))
    await (await server.peer()).wait_eof()
    await wait_until_none(session)
    server.close()


async def test_what_was_sent_before_it_was_forgotten_arrives(
    server: Server, session: ClientSession
) -> None:
    async def send_and_forget() -> None:
        ws = await session.ws_connect(server.url)
        await ws.send_bytes(bytes(100_000))
        await ws.send_str("last")

    with pytest.warns(ResourceWarning, match="Unclosed WebSocket"):
        await collected(send_and_forget())
    peer = await server.peer()
    first, second = await peer.receive(), await peer.receive()
    assert (first.opcode, len(first.payload)) == (BINARY, 100_000)
    assert (second.opcode, second.payload) == (TEXT, b"last")
    await peer.wait_eof()


async def test_a_close_frame_that_was_not_answered_is_none_of_a_close(
    server: Server, session: ClientSession
) -> None:
    async def see_the_end_and_forget() -> None:
        ws = await session.ws_connect(server.url, autoclose=False)
        peer = await server.peer()
        peer.send_close(1000)
        await ws.receive()
        server.peers.put_nowait(peer)

    with pytest.warns(ResourceWarning, match="Unclosed WebSocket"):
        await collected(see_the_end_and_forget())
    await (await server.peer()).wait_eof()


async def test_a_websocket_in_a_reference_cycle_is_found_by_the_collector(
    server: Server, session: ClientSession
) -> None:
    async def tie() -> None:
        ws: Any = await session.ws_connect(server.url)
        ws.myself = ws

    with pytest.warns(ResourceWarning, match="Unclosed WebSocket"):
        await collected(tie())
    await (await server.peer()).wait_eof()


@pytest.mark.parametrize("method", ["receive", "receive_str", "__anext__"])
async def test_an_awaited_receive_keeps_the_websocket(
    method: str, server: Server, session: ClientSession
) -> None:
    async def receive() -> Any:
        return await getattr(await session.ws_connect(server.url), method)()

    task = asyncio.create_task(receive())
    peer = await server.peer()
    while not session._websockets:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    peer.send(TEXT, b"still there")
    with pytest.warns(ResourceWarning, match="Unclosed WebSocket"):
        received = await task
    assert received in ("still there", (WSMsgType.TEXT, "still there", ""))


def run_to_end(thread: threading.Thread) -> None:
    thread.start()
    thread.join()


async def test_a_websocket_may_be_forgotten_in_another_thread(
    server: Server, session: ClientSession
) -> None:
    asyncio.get_running_loop().set_debug(True)  # It checks the threads of its callers.
    held: list[ClientWebSocketResponse] = [await session.ws_connect(server.url)]
    thread = threading.Thread(target=held.clear)
    with pytest.warns(ResourceWarning, match="Unclosed WebSocket"):
        run_to_end(thread)
    await (await server.peer()).wait_eof()


async def test_a_websocket_whose_class_cannot_be_made_is_dropped(server: Server) -> None:
    class Broken(ClientWebSocketResponse):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise ZeroDivisionError("as planned")

    async with ClientSession(ws_response_class=Broken) as session:
        with pytest.raises(ZeroDivisionError):
            await session.ws_connect(server.url)
        await (await server.peer()).wait_eof()
        await wait_until_none(session)


async def test_a_forgotten_connection_of_the_message_api_stays_as_in_websockets(
    server: Server,
) -> None:
    async def forget() -> None:
        connection = await connect(server.url)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(connection.recv(), 0.001)

    await collected(forget())
    peer = await server.peer()
    peer.send(PING, b"still there?")
    assert (await peer.receive()).opcode == PONG


def test_a_websocket_may_be_forgotten_after_its_loop() -> None:
    held: list[ClientWebSocketResponse] = []

    async def main() -> None:
        server = Server()
        await server.start(None)
        held.append(await ClientSession().ws_connect(server.url))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
        held.clear()
        gc.collect()
        told = [str(warning.message) for warning in caught]
        # Warnings keep what they tell of, which leads to what forgotten transports tell.
        while caught:
            caught.clear()
            gc.collect()
    assert any(line.startswith("Unclosed WebSocket") for line in told)


@pytest.mark.parametrize("end", ["closed", "left", "closed by the peer", "lost", "session closed"])
async def test_a_websocket_that_has_ended_is_forgotten_without_a_warning(
    end: str, server: Server
) -> None:
    async def use(session: ClientSession) -> None:
        ws = await session.ws_connect(server.url)
        peer = await server.peer()
        if end in ("closed", "left"):
            peer.send_close(1000)
            peer.end()
        if end == "closed":
            await ws.close()
        elif end == "left":
            async with ws:
                pass
        elif end == "session closed":
            await session.close()
        else:
            if end == "closed by the peer":
                peer.send_close(1000)
                peer.end()
            else:
                peer.cut()
            async for _ in ws:
                pass

    async with ClientSession() as session:
        await use(session)
        gc.collect()  # A warning is an error.
        await wait_until_none(session)
        assert not session._websockets
