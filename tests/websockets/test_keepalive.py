"""Keepalive pings: when they are sent, and what becomes of a peer that does not answer.

Times are those of a clock of the tests, for the keepalive only.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiohttp_ws.websockets import ConnectionClosedError
from aiohttp_ws.websockets.asyncio.client_connection import ClientConnection
from aiohttp_ws.ws.listeners.recv import PullConnection
from tests.ws.clock import Clock
from tests.ws.clock import clock as clock

from .ends import ROLES, connected

pytestmark = pytest.mark.peer("websockets")


@pytest.mark.parametrize("role", ROLES)
async def test_a_peer_that_does_not_answer_is_given_up(role: str, clock: Clock):
    async with connected(role) as (our, their):
        their.transport.pause_reading()
        clock.pass_seconds(39.9)
        assert our.open
        clock.pass_seconds(0.1)
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
        clock.pass_seconds(5)
        assert keepalive_pings(our) == 1
        clock.pass_seconds(1.9)
        assert our.open
        clock.pass_seconds(0.1)
        assert not our.open
        await our.wait_closed()
        their.transport.abort()


async def test_no_interval_means_no_pings(clock: Clock):
    async with connected("client", our={"ping_interval": None}) as (our, _):
        clock.pass_seconds(1000)
        assert keepalive_pings(our) == 0
        assert our.open


async def test_no_timeout_means_no_giving_up(clock: Clock):
    async with connected("client", our={"ping_timeout": None}) as (our, their):
        their.transport.pause_reading()
        clock.pass_seconds(100)
        assert our.open
        assert keepalive_pings(our) == 5
        their.transport.resume_reading()


def engine(connection: Any) -> Any:
    return PullConnection.transport.__get__(connection)


def keepalive_pings(connection: Any) -> int:
    """How many pings wait for their pong."""
    return int(engine(connection)._unanswered_pings)


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
