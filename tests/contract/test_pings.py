"""Pings and pongs (RFC 6455 5.5.2, 5.5.3), whatever the application does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiohttp_ws import websockets
from tests.ws.raw_end import CLOSE, CONTINUATION, PING, PONG, TEXT, frame

from .ends import Flood, rounds
from .peer import Peer
from .sides import Sides


@pytest.mark.parametrize("payload", [b"", b"one", bytes(125)], ids=["empty", "short", "longest"])
async def test_a_ping_is_answered_while_nobody_receives(sides: Sides, payload: bytes) -> None:
    _, peer = await sides.open()
    peer.send(PING, payload)
    pong = await peer.receive()
    assert (pong.opcode, pong.payload) == (PONG, payload)


async def test_a_ping_is_answered_after_messages_nobody_has_received(sides: Sides) -> None:
    _, peer = await sides.open()
    peer.write(b"".join([*[peer.frame(TEXT, "unread")] * 10, peer.frame(PING, b"?")]))
    assert (await peer.receive()).payload == b"?"


async def test_a_ping_is_answered_within_a_fragmented_message(sides: Sides) -> None:
    end, peer = await sides.open()
    peer.write(peer.frame(TEXT, "one ", fin=False) + peer.frame(PING, b"?"))
    pong = await peer.receive()
    assert (pong.opcode, pong.payload) == (PONG, b"?")
    peer.send(CONTINUATION, "message")
    assert await end.receive() == "one message"


async def test_a_ping_is_answered_while_the_application_only_sends(sides: Sides) -> None:
    end, peer = await sides.open()

    async def tick() -> None:
        while True:
            await end.send("tick")
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    assert (await peer.receive()).opcode == TEXT
    peer.send(PING, b"?")
    while (received := await peer.receive()).opcode == TEXT:
        pass
    assert (received.opcode, received.payload) == (PONG, b"?")
    ticking.cancel()
    await asyncio.wait([ticking])


async def test_only_the_latest_ping_is_answered_to_a_peer_that_does_not_read(
    sides: Sides,
) -> None:
    end, peer = await sides.open()
    async with Flood(end) as flood:
        flood.task.cancel()
        pings = [peer.frame(PING, b"%d" % number) for number in range(1000)]
        peer.write(b"".join([*pings, peer.frame(TEXT, "after the pings")]))
        assert await end.receive() == "after the pings"
        for _ in range(flood.count):
            assert (await peer.receive()).opcode != PONG
        pong = await peer.receive()
        assert (pong.opcode, pong.payload) == (PONG, b"999")


async def test_a_pong_nobody_asked_for_is_ignored(sides: Sides) -> None:
    end, peer = await sides.open()
    peer.send(PONG, b"hello")
    peer.send(TEXT, "next")
    assert await end.receive() == "next"


async def test_a_ping_of_ours_arrives_with_its_payload(sides: Sides) -> None:
    end, peer = await sides.open()
    await end.ping(b"?")
    ping = await peer.receive()
    assert (ping.opcode, ping.payload) == (PING, b"?")


@pytest.mark.only(wire=["plain"])
async def test_a_ping_longer_than_125_bytes_is_refused_before_it_is_sent(sides: Sides) -> None:
    end, peer = await sides.open()
    with pytest.raises((ValueError, websockets.ProtocolError)):
        await end.ping(bytes(126))
    await end.send("next")
    assert (await peer.receive()).payload == b"next"


def bad_frames(peer: Peer) -> dict[str, bytes]:
    """Control frames that break RFC 6455 5.5 or 5.2."""
    return {
        "too long": frame(PING, bytes(126), mask=peer.masks),
        "fragmented": frame(PING, b"?", fin=False, mask=peer.masks),
        "with a reserved opcode": frame(11, b"?", mask=peer.masks),
        "masked the wrong way": frame(PING, b"?", mask=not peer.masks),
    }


@pytest.mark.only(wire=["plain"])
@pytest.mark.parametrize(
    "case", ["too long", "fragmented", "with a reserved opcode", "masked the wrong way"]
)
async def test_a_bad_control_frame_fails_the_connection_with_1002(sides: Sides, case: str) -> None:
    end, peer = await sides.open()
    peer.write(peer.frame(TEXT, "before") + bad_frames(peer)[case] + peer.frame(TEXT, "after"))
    parting = asyncio.create_task(peer.skip_to_close())
    assert await end.receive() == "before"
    assert await parting == 1002
    peer.fin()
    assert await end.rest() == []


# ------------------------------------------------------------------------ awaited pings


async def awaited(end: Any) -> asyncio.Future[Any]:
    """A task or future of a ping's latency; the ping is on its way."""
    if end.api == "messages":
        return await end.raw.ping()  # type: ignore[no-any-return]
    task = asyncio.ensure_future(end.raw.measure_roundtrip_time(1))
    await rounds()
    return task


@pytest.mark.only(api=["messages", "frames"])
async def test_an_awaited_ping_ends_with_its_pong(sides: Sides) -> None:
    end, peer = await sides.open()
    waiting = await awaited(end)
    ping = await peer.receive()
    assert ping.opcode == PING
    peer.send(PONG, b"another's")
    peer.send(TEXT, "next")
    assert await end.receive() == "next"
    assert not waiting.done()
    peer.send(PONG, ping.payload)
    latency = await waiting
    assert (latency if end.api == "messages" else latency[0]) > 0


@pytest.mark.only(api=["messages"])
async def test_a_pong_answers_the_pings_before_its_own_and_none_after(sides: Sides) -> None:
    end, peer = await sides.open()
    pongs = [await end.raw.ping() for _ in range(3)]
    pings = [await peer.receive() for _ in range(3)]
    peer.send(PONG, pings[1].payload)
    await asyncio.gather(*pongs[:2])
    assert not pongs[2].done()
    peer.send(PONG, pings[0].payload)
    peer.send(PONG, pings[2].payload)
    await pongs[2]


@pytest.mark.only(api=["messages"])
async def test_a_ping_with_the_payload_of_one_that_waits_is_refused(sides: Sides) -> None:
    end, peer = await sides.open()
    waiting = await end.raw.ping(b"?")
    with pytest.raises(websockets.ConcurrencyError):
        await end.raw.ping(b"?")
    peer.send(PONG, b"?")
    await waiting
    await end.raw.ping(b"?")


@pytest.mark.only(api=["messages", "frames"])
async def test_an_awaited_ping_fails_when_the_connection_is_lost(sides: Sides, then: str) -> None:
    end, peer = await sides.open()
    waiting = await awaited(end)
    assert (await peer.receive()).opcode == PING
    peer.write(b"", then)
    with pytest.raises((websockets.ConnectionClosed, ConnectionResetError)):
        await waiting


@pytest.mark.only(api=["messages", "frames"])
async def test_an_awaited_ping_fails_when_the_connection_is_closed(sides: Sides) -> None:
    end, peer = await sides.open()
    waiting = await awaited(end)
    assert (await peer.receive()).opcode == PING
    peer.close(4000)
    assert (await peer.receive()).opcode == CLOSE
    peer.write(b"", "close_notify" if sides.wire.tls else "fin")
    with pytest.raises((websockets.ConnectionClosed, ConnectionResetError)):
        await waiting


@pytest.mark.only(api=["messages", "frames"])
async def test_an_awaited_ping_may_be_cancelled(sides: Sides) -> None:
    end, peer = await sides.open()
    waiting = await awaited(end)
    ping = await peer.receive()
    waiting.cancel()
    await asyncio.wait([waiting])
    peer.send(PONG, ping.payload)
    peer.send(TEXT, "next")
    assert await end.receive() == "next"
