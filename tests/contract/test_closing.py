"""The closing handshake (RFC 6455 7), in every order."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.ws.raw_end import BINARY, CLOSE, PING, TEXT, closing

from .differences import ROWS
from .ends import Flood, rounds
from .peer import Peer
from .sides import Sides


def leave(sides: Sides, peer: Peer) -> None:
    """The peer ends its side of TCP, as its role has it after a closing handshake."""
    peer.write(b"", "close_notify" if sides.wire.tls else "fin")


async def part(sides: Sides, peer: Peer) -> tuple[int | None, str]:
    """Receive our close frame, end the connection, and return what was in the frame."""
    received = await peer.receive_close()
    leave(sides, peer)
    await peer.ended()
    return received


async def leave_after_our_close(sides: Sides, peer: Peer) -> None:
    await peer.skip_to_close()
    leave(sides, peer)
    await peer.ended()


async def test_messages_pass_both_ways(sides: Sides) -> None:
    end, peer = await sides.open()
    await end.send("text")
    await end.send(b"binary")
    assert (await peer.receive()).payload == b"text"
    assert (await peer.receive()).payload == b"binary"
    peer.send(TEXT, "text")
    peer.send(BINARY, b"binary")
    assert await end.receive() == "text"
    assert await end.receive() == b"binary"
    assert end.code is None


# --------------------------------------------------------------------------- ours first


async def test_close_sends_a_close_frame_and_ends_when_it_is_answered(sides: Sides) -> None:
    end, peer = await sides.open()
    closing = asyncio.create_task(end.close(4000, "bye"))
    assert await peer.receive_close() == (4000, "bye")
    await rounds()
    assert not closing.done()
    peer.close(4000, "bye")
    leave(sides, peer)
    await closing
    assert end.code == 4000
    assert await end.rest() == []
    assert await peer.ended() in ("fin", "close_notify")


async def test_the_code_shown_is_that_of_the_peers_answer(sides: Sides) -> None:
    end, peer = await sides.open()
    closing = asyncio.create_task(end.close(4000))
    await peer.receive_close()
    peer.close(4001)
    leave(sides, peer)
    await closing
    assert end.code == 4001


@pytest.mark.only(role=["server"])
async def test_a_server_ends_tcp_first(sides: Sides) -> None:
    end, peer = await sides.open()
    closing = asyncio.create_task(end.close())
    await peer.receive_close()
    peer.close()
    assert await peer.ended() == ("close_notify" if sides.wire.tls else "fin")
    leave(sides, peer)
    await closing


@pytest.mark.only(role=["client"], api=["web", "messages"])
async def test_a_client_lets_the_server_end_tcp_first(sides: Sides) -> None:
    assert ROWS["a client waits for the server to end TCP"][sides.side.api]
    end, peer = await sides.open()
    closing = asyncio.create_task(end.close())
    await peer.receive_close()
    peer.close()
    reading = asyncio.create_task(peer.more())
    await rounds(50)
    assert not reading.done()
    assert not closing.done()
    leave(sides, peer)
    await closing
    await reading


@pytest.mark.only(role=["client"], api=["web", "messages"])
async def test_a_server_that_never_ends_tcp_is_left(sides: Sides) -> None:
    end, peer = await sides.open(close_timeout=0.3)
    closing = asyncio.create_task(end.close(4000))
    await peer.receive_close()
    peer.close(4000)
    await closing
    assert end.code == 4000
    await peer.ended()


@pytest.mark.only(api=["web", "messages"])
async def test_close_without_an_answer_gives_up(sides: Sides) -> None:
    assert ROWS["close() waits no longer than a timeout"][sides.side.api]
    end, peer = await sides.open(close_timeout=0.05)
    await end.close()
    assert end.code == 1006
    assert await peer.receive_close() == (1000, "")
    await peer.ended()


@pytest.mark.only(api=["frames"])
async def test_a_listener_may_disconnect_without_an_answer(sides: Sides) -> None:
    end, peer = await sides.open()
    end.raw.send_close(1000)
    end.raw.disconnect(False)
    assert await end.rest() == []
    assert end.code == 1006
    assert await peer.receive_close() == (1000, "")


async def test_output_leaves_before_the_close_frame(sides: Sides) -> None:
    end, peer = await sides.open()
    async with Flood(end) as flood:
        flood.task.cancel()
        closing = asyncio.create_task(end.close())
        for _ in range(flood.count):
            assert (await peer.receive()).payload == flood.data
        await peer.receive_close()
        peer.close()
        leave(sides, peer)
        await closing


async def test_close_again_sends_nothing_more(sides: Sides) -> None:
    end, peer = await sides.open()
    first = asyncio.create_task(end.close(4000))
    await rounds()
    second = asyncio.create_task(end.close(4001))
    await rounds()
    assert await peer.receive_close() == (4000, "")
    peer.close(4000)
    leave(sides, peer)
    await first
    await second
    await end.close(4002)
    assert await peer.frames() == []


async def test_nothing_is_sent_after_our_close_frame(sides: Sides) -> None:
    end, peer = await sides.open()
    closing = asyncio.create_task(end.close())
    await rounds()
    sending = asyncio.create_task(end.send("too late"))
    assert await peer.receive_close() == (1000, "")
    # A ping neither (RFC 6455 5.5.1).
    peer.send(PING, b"?")
    peer.close()
    leave(sides, peer)
    assert await peer.frames() == []
    await closing
    expected = ROWS["what a send raises after the end"][sides.side.api]
    with pytest.raises(expected) if expected else contextlib.suppress(ConnectionError):
        await sending


async def test_what_comes_after_our_close_frame(sides: Sides) -> None:
    end, peer = await sides.open()
    closing = asyncio.create_task(end.close())
    await peer.receive_close()
    peer.send(TEXT, "was under way")
    peer.close()
    leave(sides, peer)
    await closing
    shown = ROWS["what the peer sends after our close frame can be received"][sides.side.api]
    assert await end.rest() == ["was under way"] * shown


async def test_close_ends_a_receive_of_another_task(sides: Sides) -> None:
    end, peer = await sides.open()
    receiving = asyncio.create_task(end.rest())
    await rounds()
    closing = asyncio.create_task(end.close())
    await peer.receive_close()
    peer.close()
    leave(sides, peer)
    assert await receiving == []
    await closing


# --------------------------------------------------------------------- the peer's first


async def test_the_peers_close_is_answered_while_nobody_receives(sides: Sides) -> None:
    end, peer = await sides.open()
    peer.close(4000, "bye")
    assert (await part(sides, peer))[0] == 4000
    assert await end.rest() == []
    assert end.code == 4000
    if ROWS["the reason is shown"][sides.side.api]:
        assert end.reason == "bye"


async def test_a_close_without_a_code_is_answered_without_one(sides: Sides) -> None:
    end, peer = await sides.open()
    peer.close(None)
    assert await part(sides, peer) == (None, "")
    assert await end.rest() == []
    assert end.code == ROWS["the code of a close frame without one"][sides.side.api]


async def test_messages_before_the_peers_close_are_received(sides: Sides) -> None:
    end, peer = await sides.open()
    texts = [f"message {number}" for number in range(50)]
    peer.write(b"".join(peer.frame(TEXT, text) for text in texts) + peer.close_frame(4000))
    parting = asyncio.create_task(part(sides, peer))
    assert await end.rest() == texts
    await parting
    assert end.code == 4000


async def test_nothing_after_the_peers_close_is_received(sides: Sides) -> None:
    end, peer = await sides.open()
    behind = peer.frame(TEXT, "after the end") + peer.frame(PING, b"?") + peer.close_frame(4001)
    peer.write(peer.close_frame(4000) + behind)
    assert (await peer.receive_close())[0] == 4000
    leave(sides, peer)
    assert await end.rest() == []
    assert end.code == 4000
    assert await peer.frames() == []


async def test_a_close_after_the_peers_returns_and_changes_nothing(sides: Sides) -> None:
    end, peer = await sides.open()
    peer.close(4000)
    await part(sides, peer)
    await end.close(4001)
    assert end.code == 4000
    assert await peer.frames() == []


async def test_a_send_after_the_peers_close_fails(sides: Sides) -> None:
    end, peer = await sides.open()
    peer.close(4000)
    await part(sides, peer)
    assert await end.rest() == []
    expected = ROWS["what a send raises after the end"][sides.side.api]
    with pytest.raises(expected) if expected else contextlib.suppress(ConnectionError):
        await end.send("too late")


async def test_the_peers_close_ends_a_send_that_waits(sides: Sides) -> None:
    end, peer = await sides.open()
    expected = ROWS["what a send raises after the end"][sides.side.api]
    async with Flood(end) as flood:
        peer.close(4000)
        leaving = asyncio.create_task(leave_after_our_close(sides, peer))
        assert isinstance(await flood.failed(), expected or ConnectionError)
        await leaving
    assert await end.rest() == []
    assert end.code == 4000


# ------------------------------------------------------------------------ both at once


async def test_closes_that_cross_end_the_connection(sides: Sides) -> None:
    end, peer = await sides.open()
    peer.close(4001, "theirs")
    closing = asyncio.create_task(end.close(4000, "ours"))
    await peer.receive_close()
    leave(sides, peer)
    await closing
    assert end.code == 4001
    assert await peer.frames() == []
    assert await end.rest() == []


# ------------------------------------------------------ connections that are cut short

POINTS = {
    "while nothing happens": b"",
    "within a header": b"\x81",
    "within a payload": b"\x82\x05he",
    "within a message": b"\x01\x02he",
}


def started(peer: Peer, point: str) -> bytes:
    part = POINTS[point]
    if not peer.masks or len(part) < 2:
        return part
    return part[:1] + bytes([part[1] | 0x80]) + bytes(4) + part[2:]


@pytest.mark.parametrize("point", POINTS)
async def test_a_connection_lost_without_a_close_frame_is_1006(
    sides: Sides, point: str, then: str
) -> None:
    end, peer = await sides.open()
    peer.write(peer.frame(TEXT, "before") + started(peer, point), then)
    received = await end.rest()
    assert received == ["before"] or (then == "cut" and received == [])
    assert end.code == 1006
    await end.close()
    assert end.code == 1006


async def test_a_connection_lost_before_our_close_is_answered_is_1006(
    sides: Sides, then: str
) -> None:
    end, peer = await sides.open()
    closing = asyncio.create_task(end.close(4000))
    await peer.receive_close()
    peer.write(b"", then)
    await closing
    assert end.code == 1006
    assert await end.rest() == []


async def test_a_connection_lost_after_the_peers_close_keeps_its_code(
    sides: Sides, then: str
) -> None:
    end, peer = await sides.open()
    peer.close(4000, then=then)
    assert await end.rest() == []
    assert end.code == 4000


@pytest.mark.only(wire=["plain"])
async def test_a_peer_that_ends_its_side_after_its_close_frame_gets_the_answer(
    sides: Sides,
) -> None:
    end, peer = await sides.open()
    peer.close(4000, then="fin")
    assert [opcode for opcode, _ in await peer.frames()] == [CLOSE]
    assert end.code == 4000


async def test_a_lost_connection_ends_a_send_that_waits(sides: Sides) -> None:
    end, peer = await sides.open()
    expected = ROWS["what a send raises after the end"][sides.side.api]
    async with Flood(end) as flood:
        peer.cut()
        assert isinstance(await flood.failed(), expected or ConnectionError)
    assert await end.rest() == []
    assert end.code == 1006


# -------------------------------------------------------------- close frames that lie

BAD = {
    "a code of one byte": (b"\x03", 1002),
    "a code below 1000": (closing(999), 1002),
    "the reserved code 1004": (closing(1004), 1002),
    "the code for none": (closing(1005), 1002),
    "the code for a lost connection": (closing(1006), 1002),
    "the code for TLS": (closing(1015), 1002),
    "an unassigned code": (closing(2999), 1002),
    "a code above 4999": (closing(5000), 1002),
    "a reason that is not UTF-8": (closing(1000) + b"\xff", 1007),
    "a reason cut within a character": (closing(1000) + "ü".encode()[:1], 1007),
    "a reason with a surrogate": (closing(1000) + b"\xed\xa0\x80", 1007),
}


@pytest.mark.only(wire=["plain"])
@pytest.mark.parametrize("case", BAD)
async def test_a_bad_close_frame_fails_the_connection(sides: Sides, case: str) -> None:
    payload, code = BAD[case]
    end, peer = await sides.open()
    peer.send(CLOSE, payload)
    assert (await peer.receive_close())[0] == code
    leave(sides, peer)
    assert await end.rest() == []
    await peer.ended()
