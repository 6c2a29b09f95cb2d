"""The examples of the frame API: each end of each against the same program on picows.

An example is loaded twice: as it stands, and with ``picows`` in the place of ``aiohttp_ws`` in its
import, and nothing else changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest

from tests.interop.frame_ends import recorder_class
from tests.interop.talk import soon
from tests.peers import import_peer
from tests.programs import ROOT, Program, free_port, running

import_peer("picows")

EXAMPLES = ROOT / "examples" / "frames"
OURS, PICOWS = "aiohttp_ws", "picows"


@functools.cache
def load(example: str, library: str) -> Any:
    """An example as a module; its import names *library*."""
    path = EXAMPLES / f"{example}.py"
    source = path.read_text()
    assert source.count("from aiohttp_ws import") == 1
    module = ModuleType(f"{example}_on_{library}")
    # Registered, as an imported module is: dataclasses and the like look for it there.
    sys.modules[module.__name__] = module
    code = compile(source.replace("from aiohttp_ws import", f"from {library} import"), path, "exec")
    exec(code, module.__dict__)
    return module


@pytest.fixture(
    params=[(OURS, PICOWS), (PICOWS, OURS), (OURS, OURS)], ids=lambda pair: "-to-".join(pair)
)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The libraries of the client and of the server."""
    both: tuple[str, str] = request.param
    return both


@contextlib.asynccontextmanager
async def at(server: asyncio.Server) -> AsyncIterator[str]:
    """The URL of *server*, which is closed at the end."""
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def recorder(library: str, url: str, **calls: Any) -> Any:
    """Connect a listener that records."""
    module = sys.modules[library]
    _, listener = await soon(module.ws_connect(lambda: recorder_class(module)(**calls), url))
    return listener


# ---------------------------------------------------------------------- the two directions


async def test_echo(pair: tuple[str, str]):
    near, far = load("echo_client", pair[0]), load("echo_server", pair[1])
    async with at(await far.serve(0)) as url:
        seconds = await soon(near.measure(url, 100))
        assert len(seconds) == 100
        assert all(each > 0 for each in seconds)


async def test_echo_of_fragments(pair: tuple[str, str]):
    async with at(await load("echo_server", pair[1]).serve(0)) as url:
        client = await recorder(pair[0], url)
        types = sys.modules[pair[0]].WSMsgType
        client.transport.send(types.BINARY, b"one", fin=False)
        client.transport.send(types.CONTINUATION, b"two")
        assert await client.next() == ("BINARY", False, b"one")
        assert await client.next() == ("CONTINUATION", True, b"two")
        client.transport.send_close(4000, b"bye")
        assert await client.ended() == (None, ((4000, "bye"), (4000, "bye"), False))


async def test_async_iteration(pair: tuple[str, str]):
    near, far = load("async_iteration", pair[0]), load("async_iteration", pair[1])
    count = 3 * near.MOST_WAITING
    async with at(await far.serve(limit=count)) as url:
        seen = [text async for text in near.read(url)]
    assert seen == [str(number) for number in range(1, count + 1)]


async def test_async_iteration_stops_reading_what_nobody_takes(pair: tuple[str, str]):
    near, far = load("async_iteration", pair[0]), load("async_iteration", pair[1])
    stopped = asyncio.get_running_loop().create_future()

    class Watched(near.Frames):  # type: ignore[misc, name-defined]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            super().on_ws_frame(transport, frame)
            if not transport.underlying_transport.is_reading() and not stopped.done():
                stopped.set_result(self._queue.qsize())

    count = 3 * near.MOST_WAITING
    async with at(await far.serve(limit=count)) as url:
        _, frames = await soon(sys.modules[pair[0]].ws_connect(Watched, url))
        assert await soon(stopped) == near.MOST_WAITING
        assert len([payload async for _, payload in frames]) == count


async def test_fragments(pair: tuple[str, str]):
    near, far = load("fragments", pair[0]), load("fragments", pair[1])
    async with at(await far.serve()) as url:
        assert await soon(near.ask(url, [b"a" * 1000, b"", b"b" * 24])) == "1024 bytes"
        assert await soon(near.ask(url, [b"one"])) == "3 bytes"
        assert await soon(near.ask(url, [])) == "0 bytes"
        with pytest.raises(ConnectionError):
            await soon(near.ask(url, [bytes(far.MAX_MESSAGE), b"x"]))


async def test_automatic_pings(pair: tuple[str, str]):
    near, far = load("auto_ping", pair[0]), load("auto_ping", pair[1])

    async def pings(listener: Any, options: dict[str, Any]) -> list[str]:
        peer = far.Peer(pongs=1)
        async with at(await far.serve(peer)) as url:
            await soon(near.watch(url, listener, 0.2, options))
        pings: list[str] = peer.pings
        return pings

    plain = sys.modules[pair[0]].WSListener
    assert await asyncio.gather(
        pings(plain(), near.WHEN_IDLE),
        pings(plain(), near.PERIODICALLY),
        pings(near.JsonPings(), near.WHEN_IDLE),
    ) == [["ping frame"] * 2, ["ping frame"] * 2, ['{"op": "ping"}'] * 2]


async def test_reconnecting(pair: tuple[str, str]):
    near, far = load("reconnecting_client", pair[0]), sys.modules[pair[1]]
    said: asyncio.Queue[str] = asyncio.Queue()
    opened: asyncio.Queue[Any] = asyncio.Queue()

    def listener_for(request: Any) -> Any:
        listener = recorder_class(far)()
        opened.put_nowait(listener)
        return listener

    server = await far.ws_create_server(listener_for, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"ws://127.0.0.1:{port}/"
    staying = asyncio.ensure_future(
        near.stay_connected(near.Greeter, url, first=0.01, most=0.02, say=said.put_nowait)
    )
    first = await soon(opened.get())
    assert await first.next() == ("TEXT", True, b"hello")
    assert await soon(said.get()) == f"connected to {url}"
    server.close()
    first.transport.disconnect()
    assert await soon(said.get()) == "disconnected"
    assert (await soon(said.get())).startswith("failed: ")
    server = await far.ws_create_server(listener_for, "127.0.0.1", port)
    second = await soon(opened.get())
    assert await second.next() == ("TEXT", True, b"hello")
    while await soon(said.get()) != f"connected to {url}":
        pass
    staying.cancel()
    await asyncio.gather(staying, return_exceptions=True)
    _, closing = await second.ended()
    assert closing[0][0] == 1001
    server.close()


async def test_slow_client(pair: tuple[str, str]):
    near, far = load("slow_client", pair[0]), load("slow_client", pair[1])
    feeds: asyncio.Queue[Any] = asyncio.Queue()
    async with at(await far.serve(feeds)) as url:
        transport, client = await soon(near.connect(url))
        feed = await soon(feeds.get())
        taken = await soon(far.publish_until_paused(feed, 16 * 1024))
        for number in range(taken + 1, taken + 101):
            feed.publish(b"%08d" % number)
        assert (feed.sent, feed.skipped) == (taken, 99)
        assert far.HIGH < feed.most_buffered < far.HIGH + 2 * 16 * 1024
        transport.underlying_transport.resume_reading()
        values = [int(await soon(client.values.get())) for _ in range(taken + 1)]
        assert values == [*range(1, taken + 1), taken + 100]
        transport.disconnect()
        await soon(transport.wait_disconnected())


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="no SO_REUSEPORT here")
async def test_threads(pair: tuple[str, str]):
    servers = load("threaded_server", pair[1]).Servers(2)
    servers.start()
    try:
        names: set[bytes] = set()
        for _ in range(200):
            client = await recorder(pair[0], f"ws://127.0.0.1:{servers.port}/")
            client.transport.send(sys.modules[pair[0]].WSMsgType.TEXT, b"who?")
            names.add((await client.next())[2])
            client.transport.disconnect()
            await client.ended()
            if len(names) == 2:
                break
        assert names == {b"server 0", b"server 1"}
        left = await recorder(pair[0], f"ws://127.0.0.1:{servers.port}/")
    finally:
        await asyncio.get_running_loop().run_in_executor(None, servers.stop)
    assert (await left.ended())[0] is None


async def test_subprotocols(pair: tuple[str, str]):
    near, far = load("subprotocol", pair[0]), load("subprotocol", pair[1])
    async with at(await far.serve()) as url:
        both = await soon(near.ask(url, "sum.v1.plain", "sum.v2.json"))
        assert both == ("sum.v2.json", '{"sum": 3}')
        assert await soon(near.ask(url, "sum.v1.plain")) == ("sum.v1.plain", "3")
        for offers in (["difference"], []):
            with pytest.raises(near.WSHandshakeError) as refused:
                await soon(near.ask(url, *offers))
            assert refused.value.response.status == 400
            assert b"sum.v2.json" in refused.value.raw_body


async def test_graceful_shutdown(pair: tuple[str, str]):
    server = load("graceful_shutdown", pair[1]).Server()
    url = f"ws://127.0.0.1:{await server.start()}/"
    types = sys.modules[pair[0]].WSMsgType

    def leave(transport: Any, frame: Any) -> None:
        if frame.msg_type == types.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    polite = [await recorder(pair[0], url, on_ws_frame=leave) for _ in range(3)]
    deaf = await recorder(pair[0], url)
    for client in (*polite, deaf):
        # Answered: the server has the connection among its own.
        client.transport.send(types.TEXT, b"hello")
        assert await client.next() == ("TEXT", True, b"hello")
    deaf.transport.underlying_transport.pause_reading()
    assert await soon(server.stop(timeout=0.2)) == 1
    reason = "the server is going away"
    for client in polite:
        assert await client.ended() == (None, ((1001, reason), (1001, reason), True))
    assert not server.transports
    with pytest.raises(OSError, match=r"111|61|refused|Connect"):
        await soon(recorder(pair[0], url))
    deaf.transport.disconnect(False)
    await deaf.ended()


# ------------------------------------------------------------------------ as their reader runs them


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_says_how_to_start_it(path: Any):
    assert f"python examples/frames/{path.name}" in path.read_text().split('"""')[1]


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ("async_iteration", "1\n2\n3\n4\n5\n"),
        ("fragments", "10000 bytes\n"),
        ("auto_ping", "then given up\n"),
        ("slow_client", "it has the newest now"),
        ("subprotocol", 'sum.v2.json {"sum": 3}\nsum.v1.plain 3\n'),
    ],
)
def test_an_example_runs(example: str, said: str):
    program = Program(f"examples/frames/{example}.py")
    assert said in program.finish()
    assert program.process.returncode == 0


def test_the_clients_run_against_the_echo_server():
    port = str(free_port())
    url = f"ws://127.0.0.1:{port}/"
    with running("examples/frames/echo_server.py", PORT=port) as server:
        server.wait_for("running on")
        assert "10000 round trips" in Program("examples/frames/echo_client.py", url).finish()
        with running("examples/frames/reconnecting_client.py", url) as client:
            client.wait_for("hello")
    late = Program("examples/frames/echo_client.py", url)
    assert late.finish().startswith(f"cannot connect to {url}")
    assert late.process.returncode == 1


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("example", "last"),
    [("graceful_shutdown", "closed 0 connections, cut 0 of them\n"), ("threaded_server", "")],
)
def test_a_server_stops_at_ctrl_c(example: str, last: str):
    with running(f"examples/frames/{example}.py", PORT=str(free_port())) as server:
        server.wait_for("running on")
        server.process.send_signal(signal.SIGINT)
        assert server.finish().endswith(last)
        assert server.process.returncode == 0
