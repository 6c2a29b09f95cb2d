"""Compression contexts of live connections: given up when quiet, unnoticed by real peers."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from aiohttp_ws.wire.contexts import MessageDeflater
from aiohttp_ws.wire.deflate import DeflateParams
from aiohttp_ws.ws.engine.context_pool import MAX_LIVE, QUIET, LoopContexts, live_contexts
from tests.interop.talk import Link, Setting
from tests.interop.test_websocket_peers import load
from tests.peers import require
from tests.programs import ROOT
from tests.ws.conftest import Open

SOON = 30


def park_all() -> int:
    """Park what lives in this loop; return how many contexts that were."""
    pool = live_contexts(asyncio.get_running_loop())
    before = len(pool)
    pool.park_quiet()
    assert pool.park_quiet() == 0
    return before


def tick(number: int, rng: random.Random) -> str:
    return json.dumps(
        {"symbol": rng.choice(["AAPL", "MSFT"]), "n": number, "bid": rng.random(), "x": "y" * 50}
    )


@asynccontextmanager
async def talk(client: str, server: str) -> AsyncIterator[Link]:
    setting = Setting(compress=True)
    async with (
        load(server).serve(setting) as serving,
        load(client).connect(serving.url, setting) as link,
    ):
        assert link.opened.compressed
        yield link


@pytest.mark.parametrize(
    ("client", "server"),
    [
        ("websockets", "ours"),
        ("aiohttp", "ours"),
        ("picows.websockets", "ours"),
        ("ours", "websockets"),
        ("ours", "aiohttp"),
        ("ours", "ours"),
    ],
)
async def test_a_real_peer_does_not_notice_that_contexts_are_parked(
    client: str, server: str
) -> None:
    rng = random.Random(8)
    async with talk(client, server) as link:
        parked = 0
        for number in range(60):
            # Longer than a window now and then, and in flight together.
            batch = [tick(number, rng) * rng.choice([1, 1, 3, 200]) for _ in range(3)]
            for message in batch:
                await link.send(message)
            for message in batch:
                assert await link.receive() == message
            if number % 3 == 0:
                parked += park_all()
    # Both directions, each time.
    assert parked >= 2 * 20


async def test_a_closed_connection_has_no_context() -> None:
    pool = live_contexts(asyncio.get_running_loop())
    async with talk("ours", "ours") as link:
        await link.send("hello")
        await link.receive()
        assert len(pool) == 4
        await link.close(1000, "")
    assert len(pool) == 0


async def test_a_lost_connection_has_no_context(open_end: Open) -> None:
    pool = live_contexts(asyncio.get_running_loop())
    ends = await open_end(deflate=True)
    await ends.ws.send_str("hello")
    assert len(pool) == 1
    ends.peer.cut()
    await ends.ws.receive()
    assert len(pool) == 0


async def test_a_loop_has_one_pool_with_a_limit() -> None:
    pool = live_contexts(asyncio.get_running_loop())
    assert pool is live_contexts(asyncio.get_running_loop())
    assert pool.limit == MAX_LIVE
    other = asyncio.new_event_loop()
    try:
        assert live_contexts(other) is not pool
    finally:
        other.close()


class Handle:
    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due, self.callback, self.cancelled = due, callback, False

    def cancel(self) -> None:
        self.cancelled = True


class HandWoundLoop:
    """A loop's timers, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Handle] = []

    def call_later(self, delay: float, callback: Callable[[], None]) -> Handle:
        self.timers.append(Handle(self.now + delay, callback))
        return self.timers[-1]

    @property
    def pending(self) -> list[Handle]:
        return [timer for timer in self.timers if not timer.cancelled]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for timer in self.pending:
            if timer.due <= self.now:
                self.timers.remove(timer)
                timer.callback()


@pytest.fixture
def loop() -> Any:
    return HandWoundLoop()


def deflater(pool: LoopContexts) -> MessageDeflater:
    return MessageDeflater(DeflateParams(), True, pool=pool)


def test_what_is_quiet_for_two_looks_is_parked_and_the_timer_ends(loop: Any) -> None:
    pool = LoopContexts(loop)
    assert not loop.pending
    busy, quiet = deflater(pool), deflater(pool)
    busy.compress(b"Hello")
    quiet.compress(b"Hello")
    assert len(loop.pending) == 1
    loop.advance(QUIET)
    busy.compress(b"Hello")
    loop.advance(QUIET)
    assert (busy.live, quiet.live) == (True, False)
    loop.advance(QUIET)
    assert (busy.live, loop.pending) == (False, [])
    busy.compress(b"Hello")
    assert len(loop.pending) == 1


def test_the_timer_ends_with_the_last_connection(loop: Any) -> None:
    pool = LoopContexts(loop)
    one, two = deflater(pool), deflater(pool)
    one.compress(b"Hello")
    two.compress(b"Hello")
    one.release()
    assert len(loop.pending) == 1
    two.release()
    assert loop.pending == []


TALK_AND_CLOSE = """
import asyncio, sys
from aiohttp_ws import ClientSession, web

async def echo(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws

async def main():
    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with session.ws_connect(url, compress=15) as ws:
            await ws.send_str("hello " * 100)
            assert await ws.receive_str() == "hello " * 100
    await runner.cleanup()
"""
LEAVE_ONE_LIVE = """
import asyncio, sys
from aiohttp_ws.wire.contexts import MessageDeflater
from aiohttp_ws.wire.deflate import DeflateParams
from aiohttp_ws.ws.engine.context_pool import live_contexts

async def main():
    pool = live_contexts(asyncio.get_running_loop())
    kept = MessageDeflater(DeflateParams(), True, pool=pool)
    kept.compress(b"hello")
    assert len(pool) == 1
"""
RUN = """
if sys.argv[1] == "uvloop":
    import uvloop as library
else:
    library = asyncio
loop = library.new_event_loop()
loop.run_until_complete(main())
loop.close()
print("closed")
"""


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
@pytest.mark.parametrize("program", [TALK_AND_CLOSE, LEAVE_ONE_LIVE], ids=["talk", "leave"])
def test_a_loop_closes_without_a_word_while_contexts_live(kind: str, program: str) -> None:
    if kind == "uvloop":
        require("uvloop")
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program + RUN, kind],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=SOON,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("closed\n", "")
