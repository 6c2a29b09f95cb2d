"""Bytes that come with an opening handshake, and connections that are lost within one."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from aiohttp_ws import ClientError, websockets
from aiohttp_ws.errors import WSInvalidMessageError
from tests.ws.raw_end import PING, TEXT

from .ends import rounds
from .peer import Peer, lines_of, request
from .sides import Options, Served, Sides

TEXTS = [f"message {number}" for number in range(100)]
# What a client raises when the server leaves it without a whole answer.
LOST = {
    "web": (ClientError,),
    "messages": (websockets.InvalidMessage, ConnectionError),
    "frames": (WSInvalidMessageError, ConnectionError),
}


async def test_frames_sent_with_the_handshake_are_received(sides: Sides) -> None:
    end, _ = await sides.open(peer={"sends": [(TEXT, text) for text in TEXTS]})
    assert [await end.receive() for _ in TEXTS] == TEXTS


async def test_a_ping_sent_with_the_handshake_is_answered(sides: Sides) -> None:
    _, peer = await sides.open(peer={"sends": [(PING, b"early")]})
    assert (await peer.receive()).payload == b"early"


@pytest.mark.only(wire=["plain", "tls"])
@pytest.mark.parametrize("piece", [1, 7])
async def test_a_handshake_may_come_in_pieces(sides: Sides, piece: int) -> None:
    async def write(peer: Peer, data: bytes) -> None:
        for at in range(0, len(data), piece):
            peer.write(data[at : at + piece])
            await rounds(2)

    if sides.side.role == "server":
        served = await sides.serve(Options())
        peer = await sides.reach(served)
        await write(peer, request(served.port) + peer.frame(TEXT, "behind it"))
        end = await served.opened.get()
        await peer.head()
    else:
        listening = Served()
        opened: asyncio.Queue[Peer] = asyncio.Queue()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = Peer(reader, writer, masks=False, tls=sides.at_server)
            sides.peers.append(peer)
            await peer.handshake()
            await write(peer, peer.answer(await peer.head()) + peer.frame(TEXT, "behind it"))
            opened.put_nowait(peer)

        await sides.listen_raw(listening, serve)
        end = await sides.connect(listening.port)
        peer = await opened.get()
    assert await end.receive() == "behind it"


# ----------------------------------------------------------------------- lost within it

PARTS = {"nothing": 0, "half of the head": 0.5, "all but the last byte": -1}


def part_of(head: bytes, part: float) -> bytes:
    return head[: int(len(head) * part)] if part >= 0 else head[:-1]


@pytest.mark.only(role=["server"], wire=["plain", "tls"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
async def test_a_client_that_leaves_within_its_request_harms_nobody(
    sides: Sides, part: float, then: str
) -> None:
    served = await sides.serve(Options())
    peer = await sides.reach(served)
    peer.write(part_of(request(served.port), part), then)
    await peer.rest()
    other = await sides.dial(served)
    other.send(TEXT, "still served")
    end = await served.opened.get()
    assert await end.receive() == "still served"


@pytest.mark.only(role=["server"])
async def test_a_client_that_leaves_with_its_request_is_seen_off(sides: Sides, then: str) -> None:
    served = await sides.serve(Options())
    peer = await sides.reach(served)
    peer.write(request(served.port), then)
    await peer.rest()
    other = await sides.dial(served)
    other.send(TEXT, "still served")
    ends = [await served.opened.get()]
    await rounds()
    if not served.opened.empty():
        ends.append(served.opened.get_nowait())
        assert await ends[0].rest() == []
        assert ends[0].code == 1006
    assert await ends[-1].receive() == "still served"


@pytest.mark.only(role=["client"], wire=["plain", "tls"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
async def test_a_server_that_leaves_within_its_answer_is_an_error(
    sides: Sides, part: float, then: str
) -> None:
    listening = Served()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, masks=False, tls=sides.at_server)
        sides.peers.append(peer)
        await peer.handshake()
        peer.write(part_of(peer.answer(await peer.head()), part), then)

    await sides.listen_raw(listening, serve)
    with pytest.raises(LOST[sides.side.api]):
        await sides.connect(listening.port)


@pytest.mark.only(role=["client"])
async def test_a_server_that_does_not_answer_is_left_in_time(sides: Sides) -> None:
    listening = Served()
    asked, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, masks=False, tls=sides.at_server)
        sides.peers.append(peer)
        # On a busy machine the time is over within TLS's handshake.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await peer.handshake()
            await peer.head()
            asked.set()
            await peer.rest()
        left.set()

    await sides.listen_raw(listening, serve)
    connecting = sides.connect(listening.port, Options(open_timeout=0.2))
    if sides.side.api == "web":
        connecting = asyncio.wait_for(connecting, 0.2)
    with pytest.raises(asyncio.TimeoutError):
        await connecting
    if asked.is_set():
        await left.wait()


SLOW = {
    "web": {"runner": {"head_timeout": 0.1}},
    "messages": {},
    "frames": {},
}


@pytest.mark.only(role=["server"])
async def test_a_client_that_sends_no_request_is_sent_away(sides: Sides) -> None:
    served = await sides.serve(Options(open_timeout=0.1, extra=SLOW[sides.side.api]))
    peer = await sides.reach(served)
    answer = await peer.rest()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.only(role=["server"], wire=["tls", "aiofastnet"])
async def test_a_client_that_sends_no_tls_handshake_is_sent_away(sides: Sides) -> None:
    served = await sides.serve(Options(open_timeout=0.1, extra=SLOW[sides.side.api]))
    peer = await sides.reach(served, tls=False)
    assert await peer.rest() == b""


def test_the_parts_are_parts() -> None:
    head = lines_of("GET / HTTP/1.1", [("Host", "a")])
    lengths = [len(part_of(head, part)) for part in PARTS.values()]
    assert lengths == [0, len(head) // 2, len(head) - 1]
