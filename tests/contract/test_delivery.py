"""What was received before the end is delivered, however the end came and whoever is slow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ws.raw_end import CLOSE, TEXT, closing

from .ends import End, rounds
from .peer import Peer
from .sides import Sides

# Queues of any API are full long before the last.
TEXTS = [f"{number:300}" for number in range(300)]
# The web API's client and server count bytes.
SMALL_QUEUE = {"web": {"max_queue": 4096}}


def leave(sides: Sides) -> str:
    return "close_notify" if sides.wire.tls else "fin"


async def slowly(end: End) -> list[Any]:
    """Every message up to the end, received by an application that has more to do."""
    messages = []
    while True:
        await rounds(3)
        one = asyncio.ensure_future(end.receive())
        await asyncio.wait([one])
        if one.exception() is not None:
            return messages
        messages.append(one.result())


def all_texts(peer: Peer) -> bytes:
    return b"".join(peer.frame(TEXT, text) for text in TEXTS)


async def test_a_slow_reader_gets_every_message_before_a_close(sides: Sides) -> None:
    end, peer = await sides.open(extra=SMALL_QUEUE)
    peer.write(all_texts(peer) + peer.close_frame(4000, "bye"), leave(sides))
    assert await slowly(end) == TEXTS
    assert end.code == 4000


async def test_a_slow_reader_gets_every_message_before_a_lost_connection(sides: Sides) -> None:
    end, peer = await sides.open(extra=SMALL_QUEUE)
    peer.write(all_texts(peer), leave(sides))
    assert await slowly(end) == TEXTS
    assert end.code == 1006


async def test_a_reader_that_comes_late_gets_every_message(sides: Sides) -> None:
    end, peer = await sides.open(extra=SMALL_QUEUE)
    texts = [f"{number:10}" for number in range(100)]
    frames = b"".join(peer.frame(TEXT, text) for text in texts)
    # All of it is in one read.
    peer.write(frames + peer.close_frame(4000), leave(sides))
    await rounds(100)
    assert await end.rest() == texts
    assert end.code == 4000


async def test_messages_before_a_fault_of_the_peer_are_delivered(sides: Sides) -> None:
    end, peer = await sides.open(extra=SMALL_QUEUE)
    peer.write(all_texts(peer) + peer.frame(11))
    parting = asyncio.create_task(peer.skip_to_close())
    received = []
    for _ in TEXTS:
        received.append(await end.receive())
    assert received == TEXTS
    assert await parting == 1002
    peer.write(b"", leave(sides))
    assert await end.rest() == []


async def test_a_message_in_many_pieces_arrives_whole(sides: Sides) -> None:
    end, peer = await sides.open()
    data = peer.frame(TEXT, "x" * 1000)
    for at in range(0, len(data), 7):
        peer.write(data[at : at + 7])
        await rounds(2)
    assert await end.receive() == "x" * 1000


@pytest.mark.only(role=["client"])
async def test_a_server_that_accepts_and_closes_at_once_is_heard(sides: Sides) -> None:
    """A rejected login: the 101, two messages, a close frame and TCP's end in one write."""
    sends = [(TEXT, "you are"), (TEXT, "not welcome"), (CLOSE, closing(4001, "login"))]
    end, _ = await sides.open(peer={"sends": sends, "then": leave(sides)})
    assert await end.rest() == ["you are", "not welcome"]
    assert end.code == 4001


@pytest.mark.only(role=["client"])
async def test_a_server_that_accepts_and_leaves_at_once_is_heard(sides: Sides) -> None:
    sends = [(TEXT, "one"), (TEXT, "two")]
    end, _ = await sides.open(peer={"sends": sends, "then": leave(sides)})
    assert await end.rest() == ["one", "two"]
    assert end.code == 1006


@pytest.mark.only(role=["server"])
async def test_a_client_that_asks_and_closes_at_once_is_heard(sides: Sides) -> None:
    sends = [(TEXT, "one"), (TEXT, "two"), (CLOSE, closing(4001))]
    end, peer = await sides.open(peer={"sends": sends})
    assert (await peer.receive_close())[0] == 4001
    peer.write(b"", leave(sides))
    assert await end.rest() == ["one", "two"]
    assert end.code == 4001
