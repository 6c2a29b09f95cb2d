"""Limits: on the size of messages, on what waits to be received, on what waits to be sent."""

from __future__ import annotations

import asyncio

import pytest

from tests.ws.raw_end import BINARY, CONTINUATION, TEXT

from .ends import Flood, rounds
from .sides import Sides

LIMIT = 1000
NAMES = {"web": "max_msg_size", "messages": "max_size", "frames": "max_frame_size"}


@pytest.mark.only(wire=["plain"])
async def test_a_message_of_the_limit_is_received(sides: Sides) -> None:
    end, peer = await sides.open(max_size=LIMIT)
    peer.send(BINARY, bytes(LIMIT))
    assert await end.receive() == bytes(LIMIT)


async def test_a_message_above_the_limit_closes_with_1009(sides: Sides) -> None:
    end, peer = await sides.open(max_size=LIMIT)
    peer.write(peer.frame(TEXT, "before") + peer.frame(BINARY, bytes(LIMIT + 1)))
    parting = asyncio.create_task(peer.receive_close())
    assert await end.receive() == "before"
    code, reason = await parting
    assert code == 1009
    # It names the value, the limit and the remedy.
    assert str(LIMIT + 1) in reason
    assert f"{NAMES[end.api]}={LIMIT}" in reason
    peer.fin()
    assert await end.rest() == []


@pytest.mark.only(wire=["plain", "tls"], api=["web", "messages"])
async def test_messages_before_a_fault_are_answered_before_it_is(sides: Sides) -> None:
    end, peer = await sides.open(max_size=LIMIT)
    peer.write(peer.frame(TEXT, "one") + peer.frame(TEXT, "two") + peer.frame(11, b""))
    for text in ("one", "two"):
        assert await end.receive() == text
        await end.send(text)
    ending = asyncio.create_task(end.rest())
    assert [(await peer.receive()).payload for _ in range(2)] == [b"one", b"two"]
    assert (await peer.receive_close())[0] == 1002
    peer.fin()
    assert await ending == []


@pytest.mark.only(wire=["plain"], api=["web", "messages"])
async def test_a_close_of_ours_does_not_wait_for_what_came_before_a_fault(sides: Sides) -> None:
    end, peer = await sides.open(max_size=LIMIT)
    peer.write(peer.frame(TEXT, "one") + peer.frame(TEXT, "two") + peer.frame(11, b""))
    assert await end.receive() == "one"
    closing = asyncio.create_task(end.close())
    assert (await peer.receive_close())[0] == 1002
    peer.fin()
    await closing


@pytest.mark.only(wire=["plain"])
async def test_a_frame_above_the_limit_is_refused_at_its_header(sides: Sides) -> None:
    end, peer = await sides.open(max_size=LIMIT)
    whole = peer.frame(BINARY, bytes(1 << 16))
    peer.write(whole[:20])
    assert (await peer.receive_close())[0] == 1009
    peer.fin()
    assert await end.rest() == []


@pytest.mark.only(wire=["plain"], api=["web", "messages"])
async def test_fragments_count_together(sides: Sides) -> None:
    end, peer = await sides.open(max_size=LIMIT)
    peer.write(peer.frame(BINARY, bytes(LIMIT - 1), fin=False))
    peer.write(peer.frame(CONTINUATION, bytes(2)))
    assert (await peer.receive_close())[0] == 1009
    peer.fin()
    assert await end.rest() == []


@pytest.mark.only(wire=["plain"])
async def test_a_close_for_a_fault_waits_for_a_peer_that_is_still_sending(sides: Sides) -> None:
    end, peer = await sides.open(max_size=LIMIT)
    # A socket closed with unread input would reset the connection, and the reason be lost.
    peer.write(peer.frame(BINARY, bytes(4 << 20)))
    await peer.writer.drain()
    assert (await peer.receive_close())[0] == 1009
    peer.fin()
    assert await peer.ended() == "fin"
    assert await end.rest() == []


@pytest.mark.only(wire=["plain"])
async def test_text_that_is_not_utf_8_closes_with_1007(sides: Sides) -> None:
    end, peer = await sides.open()
    peer.send(TEXT, b"\xff")
    receiving = asyncio.create_task(end.rest())
    if sides.side.api == "frames":
        # The listener decodes, and lets the exception go on.
        end.raw.disconnect(False)
        await receiving
        return
    assert (await peer.receive_close())[0] == 1007
    peer.fin()
    assert await receiving == []


# ----------------------------------------------------------------------- back-pressure


async def test_sending_waits_for_a_peer_that_does_not_read_and_goes_on(sides: Sides) -> None:
    end, peer = await sides.open()
    async with Flood(end) as flood:
        waiting = flood.count
        while flood.count == waiting:
            assert len((await peer.receive()).payload) == len(flood.data)
            await rounds()


@pytest.mark.only(api=["web", "messages"])
async def test_a_reader_that_does_not_receive_makes_the_peer_wait(sides: Sides) -> None:
    end, peer = await sides.open()
    sent = 0

    async def send() -> None:
        nonlocal sent
        while True:
            peer.send(BINARY, bytes(65536))
            await peer.writer.drain()
            sent += 1

    sending = asyncio.create_task(send())
    before = -1
    while before != sent:
        before = sent
        await rounds(50)
    assert not sending.done()
    for _ in range(before):
        assert len(await end.receive()) == 65536
    sending.cancel()
    await asyncio.wait([sending])


async def test_closing_towards_a_peer_that_does_not_read_ends(sides: Sides) -> None:
    end, peer = await sides.open(close_timeout=0.05)
    async with Flood(end):
        if sides.side.api == "frames":
            end.raw.send_close(1000)
            end.raw.disconnect(False)
            await end.raw.wait_disconnected()
        else:
            await end.close()
        assert end.code == 1006
        # It ends in the middle of what the peer would not read.
        with pytest.raises(asyncio.IncompleteReadError):
            await peer.skip_to_close()
