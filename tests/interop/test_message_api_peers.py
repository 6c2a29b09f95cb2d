"""What only the message API has, with peers of other libraries at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

import aiohttp_ws
from aiohttp_ws import websockets
from tests.interop import node_peer
from tests.interop.aiohttp_peer import AiohttpPeer
from tests.interop.talk import Link, Setting, soon
from tests.peers import import_peer

aiohttp: Any = import_peer("aiohttp")
aiohttp_web: Any = __import__("aiohttp.web", fromlist=["web"])
import_peer("autobahn")

from tests.interop import autobahn_peer  # noqa: E402

PEERS: dict[str, Any] = {
    "aiohttp": AiohttpPeer(aiohttp, aiohttp_web),
    "autobahn": autobahn_peer,
    "node": node_peer,
}
with_each_peer = pytest.mark.parametrize("peer", PEERS)
with_and_without_compression = pytest.mark.parametrize(
    "compress", [False, True], ids=["plain", "deflate"]
)


@asynccontextmanager
async def serving(handler: Any, **options: Any) -> AsyncIterator[tuple[Any, str]]:
    async with aiohttp_ws.serve(handler, "127.0.0.1", 0, **options) as server:
        yield server, f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


async def until_closed(connection: Any) -> None:
    await connection.wait_closed()


@with_each_peer
async def test_a_refusal_reaches_the_peer_with_its_status(peer: str) -> None:
    def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(403, "not today\n")

    async with AsyncExitStack() as stack:
        _, url = await stack.enter_async_context(serving(until_closed, process_request=refuse))
        if peer == "node":
            options = {"url": url, "compress": False, "subprotocols": []}
            node = await stack.enter_async_context(node_peer.Node.run("client", options))
            assert "403" in (await node.next("error"))["message"]
            return
        raised = aiohttp.WSServerHandshakeError if peer == "aiohttp" else ConnectionRefusedError
        with pytest.raises(raised, match="403"):
            await stack.enter_async_context(PEERS[peer].connect(url, Setting()))


@pytest.mark.parametrize(
    ("peer", "path", "status"), [("autobahn", "denied", 403), ("aiohttp", "absent", 404)]
)
async def test_a_refusal_of_the_peer_is_an_invalid_status(
    peer: str, path: str, status: int
) -> None:
    async with PEERS[peer].serve(Setting()) as server:
        with pytest.raises(websockets.InvalidStatus) as caught:
            await aiohttp_ws.connect(server.url + path)
    assert caught.value.response.status_code == status


@with_each_peer
async def test_a_pong_of_the_peer_gives_the_latency(peer: str) -> None:
    measured: asyncio.Future[tuple[float, float]] = asyncio.get_running_loop().create_future()

    async def measure(connection: Any) -> None:
        latency = await soon(await connection.ping(b"here?"))
        measured.set_result((latency, connection.latency))
        await connection.close(4001, "measured")

    async with serving(measure) as (_, url), PEERS[peer].connect(url, Setting()) as link:
        closing = await link.closed()
        told, kept = await soon(measured)
    assert (closing.code, closing.reason) == (4001, "measured")
    assert told == kept > 0


@with_each_peer
async def test_connect_measures_the_latency_to_the_peer(peer: str) -> None:
    async with PEERS[peer].serve(Setting()) as server, aiohttp_ws.connect(server.url) as ws:
        first, second = await ws.ping(), await ws.ping(b"second")
        # RFC 6455 5.5.3: the answer to the later one answers both.
        assert await soon(second) > 0
        assert await soon(first) > 0
        assert ws.latency > 0


# aiohttp's interface sends whole messages only.
@with_and_without_compression
@pytest.mark.parametrize("peer", ["autobahn", "node"])
async def test_fragments_of_the_peer_stream(peer: str, compress: bool) -> None:
    compression = "deflate" if compress else None
    async with (
        PEERS[peer].serve(Setting(compress=compress)) as server,
        aiohttp_ws.connect(server.url, compression=compression) as ws,
    ):
        await ws.send("fragments")
        pieces = [piece async for piece in ws.recv_streaming(decode=True)]
        assert "".join(pieces) == "three fragments"
        await ws.send("fragments")
        binary = [piece async for piece in ws.recv_streaming(decode=False)]
        assert b"".join(binary) == b"three fragments"
        # What is read by the piece leaves the messages after it as they are.
        await ws.send("whole")
        assert await soon(ws.recv()) == "whole"


@with_and_without_compression
@with_each_peer
async def test_a_stream_to_the_peer_arrives_as_one_message(peer: str, compress: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(20):
            yield bytes([number]) * 1000

    async with (
        PEERS[peer].serve(Setting(compress=compress)) as server,
        aiohttp_ws.connect(server.url, compression="deflate" if compress else None) as ws,
    ):
        await ws.send(pieces())
        echoed = b"".join([piece async for piece in ws.recv_streaming(False)])
        assert echoed == b"".join([piece async for piece in pieces()])


@with_and_without_compression
async def test_a_broadcast_reaches_every_peer(compress: bool) -> None:
    async with AsyncExitStack() as stack:
        options = {"compression": "deflate" if compress else None}
        server, url = await stack.enter_async_context(serving(until_closed, **options))
        links: list[Link] = [
            await stack.enter_async_context(peer.connect(url, Setting(compress=compress)))
            for peer in PEERS.values()
        ]
        assert len(server.connections) == len(PEERS)
        messages: list[str | bytes] = ["to all \N{EURO SIGN}", b"\x00\xff" * 1000, ""]
        for message in messages:
            websockets.broadcast(server.connections, message)
        for link in links:
            assert [await link.receive() for _ in messages] == messages


@with_each_peer
async def test_a_server_that_closes_tells_every_peer(peer: str) -> None:
    async with serving(until_closed) as (server, url):
        async with PEERS[peer].connect(url, Setting()) as link:
            server.close(code=1012, reason="restart")
            closing = await link.closed()
            assert (closing.code, closing.reason) == (1012, "restart")
        await soon(server.wait_closed())


@with_each_peer
async def test_a_message_over_max_size_closes_with_1009(peer: str) -> None:
    async with (
        serving(until_closed, max_size=1000) as (_, url),
        PEERS[peer].connect(url, Setting()) as link,
    ):
        await link.send(b"x" * 1001)
        assert (await link.closed()).code == 1009
