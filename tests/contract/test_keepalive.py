"""Pings of our own, and what becomes of a peer that does not answer them.

Intervals are short, and what a test waits for is an event, however long the machine takes.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from aiohttp_ws import WSAutoPingStrategy
from tests.ws.raw_end import BINARY, CLOSE, PING, PONG, TEXT

from .differences import ROWS
from .ends import Flood
from .peer import Peer, can_freeze
from .sides import Sides

# What a peer that answers is given: a busy machine must not make it late. The web API allows half
# of the interval.
LIVE = {"web": {"heartbeat": 0.3}, "messages": {}, "frames": {}}
PATIENT = {"heartbeat": 0.05, "pong_within": 10.0}
# For a peer that does not answer.
HEARTBEAT = 0.05
PERIODIC = {"auto_ping_strategy": WSAutoPingStrategy.PING_PERIODICALLY}

needs_freezing = pytest.mark.skipif(
    not can_freeze(), reason="only Linux lets a socket drop what comes in"
)


async def lost(end: Any) -> None:
    """Wait until the connection has ended, without receiving."""
    while end.code is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def ping_of(peer: Peer) -> bytes:
    """The next frame, which must be a ping."""
    received = await peer.receive()
    assert received.opcode == PING
    return received.payload


# ------------------------------------------------------------------------------- life


@pytest.mark.only(wire=["plain"])
@pytest.mark.parametrize("strategy", ["idle", "periodic"])
async def test_a_peer_that_answers_is_pinged_again_and_again(sides: Sides, strategy: str) -> None:
    frames = PERIODIC if strategy == "periodic" else {}
    end, peer = await sides.open(**PATIENT, extra={**LIVE, "frames": frames})
    for _ in range(3):
        peer.send(PONG, await ping_of(peer))
    assert end.code is None


@pytest.mark.only(wire=["plain"])
async def test_whether_data_answers_a_ping(sides: Sides) -> None:
    if ROWS["data answers a keepalive ping"][sides.side.api]:
        end, peer = await sides.open(extra=LIVE)
    else:
        end, peer = await sides.open(heartbeat=HEARTBEAT, pong_within=0.3)
    ping = await ping_of(peer)
    for number in range(2):
        peer.send(TEXT, str(number))
        assert await end.receive() == str(number)
    if ROWS["data answers a keepalive ping"][sides.side.api]:
        assert await ping_of(peer) == ping
        assert end.code is None
    else:
        assert await end.rest() == []
        assert end.code == 1006


async def test_a_blocked_loop_does_not_kill_the_peer(sides: Sides) -> None:
    end, peer = await sides.open(heartbeat=0.4, max_size=1 << 24)
    ping = await ping_of(peer)
    # The pong is on its way, after more than one read takes. The time for it passes while
    # nothing is read.
    peer.write(peer.frame(BINARY, bytes(1 << 20)) + peer.frame(PONG, ping))
    time.sleep(0.5)  # noqa: ASYNC251
    assert await end.receive() == bytes(1 << 20)
    await ping_of(peer)
    assert end.code is None


@pytest.mark.only(wire=["plain"])
async def test_a_peer_that_reads_all_the_time_is_kept_while_we_stream(sides: Sides) -> None:
    heartbeat = 0.3
    end, peer = await sides.open(heartbeat=heartbeat, receive_buffer=8192)
    async with Flood(end, 65536) as flood:
        # A ping waits for the messages before it, which take the peer longer than a ping may.
        started = time.monotonic()
        while time.monotonic() < started + 4 * heartbeat:
            received = await peer.receive()
            assert received.opcode != CLOSE
            if received.opcode == PING:
                peer.send(PONG, received.payload)
        assert end.code is None
        assert not flood.task.done()


# ------------------------------------------------------------------------------ death


@pytest.mark.parametrize("strategy", ["idle", "periodic"])
async def test_a_silent_peer_is_dropped(sides: Sides, strategy: str) -> None:
    frames = PERIODIC if strategy == "periodic" else {}
    end, peer = await sides.open(heartbeat=HEARTBEAT, extra={"frames": frames})
    await ping_of(peer)
    assert await end.rest() == []
    assert end.code == 1006
    code = ROWS["what a dead peer is closed with"][sides.side.api]
    told = [payload[:2] for opcode, payload in await peer.frames() if opcode == CLOSE]
    assert told == ([] if code is None else [code.to_bytes(2, "big")])


async def test_a_silent_peer_is_found_while_nobody_receives(sides: Sides) -> None:
    end, peer = await sides.open(heartbeat=HEARTBEAT)
    peer.send(TEXT, "last words")
    await ping_of(peer)
    await lost(end)
    assert end.code == 1006
    assert await end.rest() == ["last words"]


@pytest.mark.only(wire=["plain", "tls"])
async def test_a_peer_that_reads_nothing_is_dropped(sides: Sides) -> None:
    end, _ = await sides.open(heartbeat=HEARTBEAT)
    async with Flood(end) as flood:
        await flood.failed()
    assert await end.rest() == []
    assert end.code == 1006


@needs_freezing
@pytest.mark.only(wire=["plain", "tls"])
async def test_a_dead_network_is_found_while_nothing_happens(sides: Sides) -> None:
    end, peer = await sides.open(heartbeat=HEARTBEAT)
    peer.freeze()
    assert await end.rest() == []
    assert end.code == 1006


@needs_freezing
@pytest.mark.only(wire=["plain", "tls"])
async def test_a_dead_network_is_found_while_we_send(sides: Sides) -> None:
    end, peer = await sides.open(heartbeat=HEARTBEAT)
    peer.freeze()
    async with Flood(end) as flood:
        await flood.failed()
    assert await end.rest() == []
    assert end.code == 1006


SMALL_QUEUE = {"web": {"max_queue": 4096}}
TEXTS = [f"{number:10}" for number in range(400)]


def fill_queue(end: Any, peer: Peer) -> None:
    """Send until *end* reads no more, as the APIs with a queue do by themselves."""
    if end.api == "frames":
        end.raw.underlying_transport.pause_reading()
    peer.write(b"".join(peer.frame(TEXT, text) for text in TEXTS))


@needs_freezing
@pytest.mark.only(wire=["plain", "tls"])
async def test_a_dead_network_is_found_while_back_pressure_holds_the_reading(
    sides: Sides,
) -> None:
    end, peer = await sides.open(heartbeat=0.2, extra=SMALL_QUEUE)
    fill_queue(end, peer)
    await ping_of(peer)
    peer.freeze()
    await lost(end)
    assert end.code == 1006


@pytest.mark.only(wire=["plain"], api=["web", "messages"])
async def test_pings_go_on_and_kill_no_live_peer_while_back_pressure_holds_the_reading(
    sides: Sides,
) -> None:
    end, peer = await sides.open(heartbeat=0.1, extra=SMALL_QUEUE)
    fill_queue(end, peer)
    # The pongs wait behind what is not read.
    for _ in range(4):
        peer.send(PONG, await ping_of(peer))
    assert end.code is None
    assert [await end.receive() for _ in TEXTS] == TEXTS


@pytest.mark.parametrize("how", ["fin", "cut"])
@pytest.mark.only(wire=["plain", "tls"])
async def test_a_peer_that_left_is_found_while_back_pressure_holds_the_reading(
    sides: Sides, how: str
) -> None:
    end, peer = await sides.open(heartbeat=0.2, extra=SMALL_QUEUE)
    fill_queue(end, peer)
    await ping_of(peer)
    if how == "cut":
        peer.cut()
    else:
        peer.writer.close()
    await lost(end)
    assert end.code == 1006
