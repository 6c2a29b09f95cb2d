"""Nothing stays behind: the garbage collector is off, and all is as before.

What each way of using a connection leaves is counted after many repetitions: objects that ``gc``
tracks, blocks of Python's allocator, and references to what connections share. With the collector
off, a reference cycle counts as a leak, too: memory that waits for the collector is memory that
grows with the traffic.
"""

import asyncio
import contextlib
import gc
import sys
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from aiohttp_ws import ClientSession, DeflateParams, WSMsgType, web
from aiohttp_ws.net.loop import resources_of
from aiohttp_ws.pytest_plugin import AiohttpServer
from aiohttp_ws.ws.types import WS_CLOSED_MESSAGE, WS_CLOSING_MESSAGE
from tests.loops import LOOP

from .memory_transport import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Peer,
    close_payload,
    settle,
)

REPETITIONS = 80
WARM_UP = 60
# As many as the slowest of what fills up once takes; a leak grows in all.
ROUNDS = 15
# What may stay in all: caches, a list that grew. One for every other repetition is a leak.
SLACK = REPETITIONS // 2
DEFLATE = DeflateParams(False, False, 15, 15)
Scenario = Callable[[bool], Awaitable[None]]
scenarios: list[Scenario] = []


def scenario(function: Scenario) -> Scenario:
    scenarios.append(function)
    return function


# ------------------------------------------------------------------ what is counted


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.freeze()  # What is older need not be counted each time.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def objects() -> Counter[str]:
    kinds = [type(item) for item in gc.get_objects()]
    return Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)


def references(loop: asyncio.AbstractEventLoop) -> dict[str, int]:
    """Reference counts of what all connections of a loop share."""
    resources = resources_of(loop)
    shared = {
        "loop": loop,
        "resources": resources,
        "receive buffer": resources.receive_buffer,
        "memory of the receive buffer": resources.receive_buffer.obj,
        "closed message": WS_CLOSED_MESSAGE,
        "closing message": WS_CLOSING_MESSAGE,
        "deflate parameters": DEFLATE,
        "empty bytes": b"",
        "empty text": "",
        **{f"WSMsgType.{kind.name}": kind for kind in WSMsgType},
    }
    return {name: sys.getrefcount(item) for name, item in shared.items()}


async def repeat(run: Callable[[], Awaitable[None]], times: int) -> None:
    for _ in range(times):
        await run()
        await settle(2)
        forget_cancelled_timers(asyncio.get_running_loop())


def forget_cancelled_timers(loop: Any) -> None:
    """asyncio keeps a hundred, emptied, until they are due."""
    if isinstance(loop, asyncio.BaseEventLoop):
        private: Any = loop
        private._scheduled = sorted(timer for timer in private._scheduled if not timer.cancelled())
        private._timer_cancelled_count = 0


async def left_behind(
    run: Callable[[], Awaitable[None]], *, collect: bool = False
) -> dict[str, int]:
    """Run often, and return what there is more of each time.

    A leak grows in every round. Python's free lists and a loop's queues grow in one, and are
    full in the next. *collect* lets the garbage collector run before each count.
    """
    # A cancelled future written in Python leaves a cycle: its error, and the frame that raised it.
    collect = collect or LOOP == "pytasks"
    with without_collector():
        before, after = counting(), counting()  # Two are alive in every later count, too.
        await repeat(run, WARM_UP)
        for _ in range(ROUNDS):
            if collect:
                gc.collect()
            before = counting()
            await repeat(run, REPETITIONS)
            if collect:
                gc.collect()
            after = counting()
            grown = {what: n - before.get(what, 0) for what, n in after.items()}
            grown = {what: n for what, n in grown.items() if abs(n) > SLACK}
            if not grown:
                break
    return grown


def counting() -> dict[str, int]:
    # First the blocks: counting the rest allocates some.
    counts = {"blocks": sys.getallocatedblocks()}
    counts |= {f"objects of {kind}": n for kind, n in objects().items()}
    loop = asyncio.get_running_loop()
    return counts | {f"references to {name}": n for name, n in references(loop).items()}


# ---------------------------------------------------------------- one end, on bytes


def forget(peer: Peer, exc: BaseException | None = None) -> None:
    """Lose the connection; as asyncio's do, the transport lets go of its protocol then."""
    if not peer.connection.transport.is_disconnected:
        peer.transport.lose(exc)
    peer.transport.protocol = None


@contextlib.contextmanager
def connected(server: bool, **options: Any) -> Iterator[Peer]:
    peer = Peer(server=server, **options)
    try:
        yield peer
    finally:
        forget(peer)


def deflated(payload: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


@scenario
async def opened_and_lost(server: bool) -> None:
    with connected(server):
        pass


@scenario
async def text(server: bool) -> None:
    with connected(server) as peer:
        for payload in (b"", b"short", "Grüße 你好".encode() * 100, b"x" * 70000):
            peer.send(TEXT, payload)
            assert await peer.stream.receive_str() == payload.decode()
            await peer.stream.send_str(payload.decode())
            assert peer.sent() == [(TEXT, payload)]


@scenario
async def binary(server: bool) -> None:
    with connected(server) as peer:
        for payload in (b"", b"short", bytes(300), bytes(70000)):
            peer.send(BINARY, payload)
            assert await peer.stream.receive_bytes() == payload
            for data in (payload, bytearray(payload), memoryview(payload)):
                await peer.stream.send_bytes(data)
            assert peer.sent() == 3 * [(BINARY, payload)]


@scenario
async def fragments(server: bool) -> None:
    with connected(server) as peer:
        peer.send(TEXT, "€".encode()[:1], fin=False)
        peer.send(PING, b"in between")
        peer.send(CONTINUATION, "€".encode()[1:] + b"x" * 5000)
        assert await peer.stream.receive_str() == "€" + "x" * 5000
        peer.send(BINARY, b"never finished", fin=False)


@scenario
async def a_byte_at_a_time(server: bool) -> None:
    with connected(server) as peer:
        for byte in peer.frame(TEXT, b"slowly" * 30):
            peer.transport.feed(bytes([byte]))
        assert await peer.stream.receive_str() == "slowly" * 30


@scenario
async def pings_and_pongs(server: bool) -> None:
    with connected(server) as peer:
        peer.send(PING, b"here?")
        peer.send(PONG, b"unasked")
        await peer.stream.ping(b"there?")
        await peer.stream.pong("yes")
        assert [opcode for opcode, _ in peer.sent()] == [PONG, PING, PONG]


@scenario
async def pings_for_the_application(server: bool) -> None:
    with connected(server, autoping=False) as peer:
        peer.send(PING, b"here?")
        peer.send(PONG, b"yes")
        assert (await peer.stream.receive()).type is WSMsgType.PING
        assert (await peer.stream.receive()).type is WSMsgType.PONG


@scenario
async def compressed(server: bool) -> None:
    with connected(server, deflate=DEFLATE) as peer:
        payload = b"a tick of a market " * 50
        for opcode in (TEXT, BINARY):
            peer.send(opcode, deflated(payload), rsv=4)
            message = await peer.stream.receive()
            assert len(message.data) == len(payload)
        await peer.stream.send_str(payload.decode())
        await peer.stream.send_bytes(payload)
        first = deflated(payload)
        peer.send(TEXT, first[:5], rsv=4, fin=False)
        peer.send(CONTINUATION, first[5:])
        await peer.stream.receive_str()


@scenario
async def a_compressed_message_that_is_broken(server: bool) -> None:
    with connected(server, deflate=DEFLATE) as peer:
        peer.send(TEXT, b"\xff\xff\xff\xff", rsv=4)
        assert (await peer.stream.receive()).type is WSMsgType.ERROR


@scenario
async def closed_by_the_peer(server: bool) -> None:
    with connected(server) as peer:
        peer.send(CLOSE, close_payload(1000, "Schluß".encode()))
        assert (await peer.stream.receive()).type is WSMsgType.CLOSE
        assert (await peer.stream.receive()).type is WSMsgType.CLOSED


@scenario
async def closed_by_this_end(server: bool) -> None:
    with connected(server) as peer:
        closing = asyncio.ensure_future(peer.connection.close(1000, "enough", True))
        await settle()
        peer.send(CLOSE, close_payload(1000))
        await settle()
        forget(peer)
        await closing


@scenario
async def a_close_that_is_cancelled(server: bool) -> None:
    with connected(server) as peer:
        closing = asyncio.ensure_future(peer.connection.close(1000, "enough", True))
        await settle()
        closing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await closing


@scenario
async def cut_in_the_middle_of_a_frame(server: bool) -> None:
    with connected(server) as peer:
        peer.transport.feed(peer.frame(BINARY, bytes(5000))[:1234])
        forget(peer, ConnectionResetError("cut"))
        await peer.stream.receive()


@scenario
async def cut_while_waiting(server: bool) -> None:
    with connected(server) as peer:
        receiving = asyncio.ensure_future(peer.stream.receive())
        await settle()
        forget(peer, ConnectionResetError("cut"))
        await receiving


@scenario
async def lost_with_unread_messages(server: bool) -> None:
    with connected(server, max_queue=1000) as peer:
        for _ in range(20):
            peer.send(TEXT, b"nobody reads this")
            peer.send(BINARY, b"nor this")


@scenario
async def violations(server: bool) -> None:
    for opcode, payload, options in (
        (TEXT, b"\xff\xfe", {}),
        (CONTINUATION, b"of nothing", {}),
        (TEXT, b"reserved", {"rsv": 2}),
        (3, b"no such opcode", {}),
        (PING, bytes(126), {}),
        (BINARY, bytes(200), {}),
        (CLOSE, b"\x03", {}),
    ):
        with connected(server, max_msg_size=100) as peer:
            peer.send(opcode, payload, **options)
            assert (await peer.stream.receive()).type is WSMsgType.ERROR


@scenario
async def receives_that_are_cancelled(server: bool) -> None:
    with connected(server) as peer:
        for _ in range(3):
            receiving = asyncio.ensure_future(peer.stream.receive())
            await settle()
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await receiving
        peer.stream.receive().close()  # Asked for, and never awaited.


@scenario
async def receives_that_time_out(server: bool) -> None:
    with connected(server) as peer, contextlib.suppress(asyncio.TimeoutError):
        await peer.stream.receive(timeout=0.0005)


@scenario
async def sends_that_wait_and_are_cancelled(server: bool) -> None:
    with connected(server) as peer:
        protocol = peer.transport.protocol
        protocol.pause_writing()
        first = asyncio.ensure_future(peer.stream.send_bytes(bytes(100)))
        second = asyncio.ensure_future(peer.stream.send_str("later"))
        await settle()
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        protocol.resume_writing()
        await second
        protocol.pause_writing()
        lost = asyncio.ensure_future(peer.stream.send_str("never"))
        await settle()
        forget(peer)
        # Not awaited here: that would tie the exception to this very frame, and to the task.
        await asyncio.wait([lost])
        assert isinstance(lost.exception(), ConnectionError)


@scenario
async def sends_that_are_refused(server: bool) -> None:
    with connected(server) as peer:
        for sending in (
            lambda: peer.stream.send_str(b"bytes"),  # type: ignore[arg-type]
            lambda: peer.stream.send_bytes("text"),  # type: ignore[arg-type]
            lambda: peer.stream.ping(bytes(126)),
            lambda: peer.stream.send_json(object()),
        ):
            with contextlib.suppress(TypeError, ValueError):
                await sending()
        forget(peer)
        with contextlib.suppress(ConnectionError):
            await peer.stream.send_str("too late")


@scenario
async def a_heartbeat(server: bool) -> None:
    with connected(server, heartbeat=60.0) as peer:
        peer.send(TEXT, b"alive")
        await peer.stream.receive()


@pytest.mark.parametrize("server", [True, False], ids=["server", "client"])
@pytest.mark.parametrize("used", scenarios, ids=lambda used: used.__name__)
async def test_a_connection_leaves_nothing_behind(used: Scenario, server: bool) -> None:
    assert await left_behind(lambda: used(server)) == {}


# -------------------------------------------------------- both ends, through sockets


@pytest.mark.parametrize("compress", [0, 15], ids=["plain", "deflate"])
@pytest.mark.parametrize("ending", ["client", "server", "cut"])
async def test_a_session_and_a_web_server_leave_nothing_behind(
    aiohttp_server: AiohttpServer, ending: str, compress: int
) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        try:
            async for message in ws:
                if message.data == "server":
                    await ws.close()
                elif message.data == "cut":
                    assert request.transport is not None
                    request.transport.abort()
                else:
                    await ws.send_str(message.data)
        finally:
            gone.set()
        return ws

    app = web.Application()
    app.router.add_get("/", echo)
    server = await aiohttp_server(app)
    gone = asyncio.Event()
    async with ClientSession() as session:

        async def use() -> None:
            gone.clear()
            async with session.ws_connect(server.make_url("/"), compress=compress) as ws:
                await ws.send_str("hello " * 100)
                assert await ws.receive_str() == "hello " * 100
                if ending != "client":
                    await ws.send_str(ending)
                    await ws.receive()
            await gone.wait()
            await settle(10)

        # With the collector: asyncio's socket transports refer to themselves; a request and
        # its handler refer to each other.
        assert await left_behind(use, collect=True) == {}
