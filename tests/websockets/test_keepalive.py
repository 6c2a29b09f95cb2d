"""Keepalive pings: when they are sent, and what becomes of a peer that does not answer.

Times are a clock's of the tests: the loop's ``call_later`` is replaced for the keepalive.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import pytest

from aiohttp_ws.websockets import ConnectionClosedError
from aiohttp_ws.websockets.asyncio import keepalive
from aiohttp_ws.websockets.asyncio.client_connection import ClientConnection

from .ends import ROLES, connected

pytestmark = pytest.mark.peer("websockets")


class Clock:
    """Stands for the timers of keepalives; they fire when :meth:`advance` passes them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0

    def later(self, _: Any, delay: float, act: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.timers, (self.now + delay, self.count, act))

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timers and self.timers[0][0] <= end:
            self.now, _, act = heapq.heappop(self.timers)
            act()
        self.now = end


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(
        keepalive.Keepalive, "_later", lambda self, delay, act: clock.later(self, delay, act)
    )
    return clock


@pytest.mark.parametrize("role", ROLES)
async def test_a_peer_that_answers_is_pinged_again_and_again(role: str, clock: Clock):
    async with connected(role) as (our, _):
        for nearly in (19, 9, 9):
            clock.advance(nearly)
            assert not our._pings
            clock.advance(1)
            assert len(our._pings) == 1
            await (await our.ping())  # its pong acknowledges the other too
            assert not our._pings
            clock.advance(10)  # half of ping_timeout: it sees the pong
        assert our.open
        assert our.latency > 0


@pytest.mark.parametrize("role", ROLES)
async def test_a_peer_that_does_not_answer_is_given_up(role: str, clock: Clock):
    async with connected(role) as (our, their):
        their.transport.pause_reading()
        clock.advance(39.9)
        assert our.open
        clock.advance(0.1)
        with pytest.raises(ConnectionClosedError) as caught:
            await our.recv()
        assert caught.value.rcvd is None
        assert caught.value.sent is not None
        assert caught.value.sent.code == 1011
        assert caught.value.sent.reason == "keepalive ping timeout"
        their.transport.abort()


async def test_intervals_can_be_chosen(clock: Clock):
    our_settings = {"ping_interval": 5, "ping_timeout": 2}
    async with connected("client", our=our_settings) as (our, their):
        their.transport.pause_reading()
        clock.advance(5)
        assert len(our._pings) == 1
        clock.advance(1.9)
        assert our.open
        clock.advance(0.1)
        assert not our.open
        await our.wait_closed()
        their.transport.abort()


async def test_no_interval_means_no_pings(clock: Clock):
    async with connected("client", our={"ping_interval": None}) as (our, _):
        clock.advance(1000)
        assert not our._pings
        assert our.open


async def test_no_timeout_means_no_giving_up(clock: Clock):
    async with connected("client", our={"ping_timeout": None}) as (our, their):
        their.transport.pause_reading()
        clock.advance(100)
        assert our.open
        assert len(our._pings) == 5
        their.transport.resume_reading()


async def test_a_slow_program_is_not_a_fault_of_the_peer(clock: Clock):
    ours = {"max_queue": 1, "compression": None}
    async with connected("client", our=ours) as (our, their):
        sending = asyncio.ensure_future(flood(their))
        while not our._reading_paused():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)
        clock.advance(200)
        assert our.open
        for _ in range(20):
            await our.recv()
        await sending


async def flood(connection: Any) -> None:
    for _ in range(20):
        await connection.send(b"x" * 1_000_000)


async def test_a_subclass_may_have_a_keepalive_of_its_own():
    class Mine(ClientConnection):
        ran = False

        async def keepalive(self) -> None:
            Mine.ran = True
            await self.ping(b"mine")

    async with connected("client", our={"create_connection": Mine}) as (our, _):
        await our._keepalive
        assert Mine.ran


async def test_keepalive_can_be_awaited():
    async with connected("client") as (our, _):
        running = asyncio.ensure_future(our.keepalive())
        await our.close()
        assert await running is None
