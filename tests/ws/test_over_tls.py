"""The promises that TLS puts to the test: it buffers on its own, and cannot close one side."""

import asyncio
from pathlib import Path

import pytest

from aiohttp_ws import WSMsgType
from tests.interop.talk import Tls
from tests.ws.conftest import Open
from tests.ws.raw_end import BINARY, PATIENCE, PING, PONG, TEXT
from tests.ws.test_flow_control import FRAMES, KIB, TOTAL, settled

pytestmark = pytest.mark.peer("trustme")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder: Path = tmp_path_factory.mktemp("tls")
    return Tls.make(str(folder))


async def test_large_messages_pass(open_end: Open, tls: Tls) -> None:
    ends = await open_end(tls=tls, max_msg_size=0)
    # No two TLS records alike: one read twice, or not at all, would show.
    data = b"".join(number.to_bytes(4, "big") for number in range(512 * KIB))
    ends.peer.send(BINARY, data)
    same = await ends.ws.receive_bytes() == data
    assert same
    await ends.ws.send_bytes(data)
    same = (await ends.peer.receive()).payload == data
    assert same


async def test_fault_of_the_peer_is_told_before_the_connection_ends(
    open_end: Open, tls: Tls
) -> None:
    ends = await open_end(tls=tls)
    ends.peer.send(TEXT, b"\xff")
    assert (await ends.ws.receive()).type is WSMsgType.ERROR
    assert (await ends.peer.receive_close())[0] == 1007
    assert ends.ws.close_code == 1007


async def test_closing_handshake(open_end: Open, tls: Tls) -> None:
    ends = await open_end(tls=tls)
    closing = asyncio.create_task(ends.ws.close(code=4000, message=b"bye"))
    assert await ends.peer.receive_close() == (4000, "bye")
    ends.peer.send_close(4000)
    if ends.side == "client":
        ends.peer.writer.close()
    await closing
    assert ends.ws.close_code == 4000


async def test_connection_that_ends_without_a_close_frame_is_1006(open_end: Open, tls: Tls) -> None:
    ends = await open_end(tls=tls)
    ends.peer.writer.close()
    assert (await ends.ws.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
    assert ends.ws.close_code == 1006


async def test_ping_is_answered_while_nobody_receives(open_end: Open, tls: Tls) -> None:
    ends = await open_end(tls=tls)
    ends.peer.send(PING, b"hello?")
    pong = await ends.peer.receive()
    assert (pong.opcode, pong.payload) == (PONG, b"hello?")


async def test_dead_peer_is_found(open_end: Open, tls: Tls) -> None:
    ends = await open_end(tls=tls, heartbeat=0.02)
    message = await asyncio.wait_for(ends.ws.receive(), PATIENCE)
    assert message.type is WSMsgType.ERROR
    assert ends.ws.close_code == 1006


async def test_send_waits_for_a_slow_reader(open_end: Open, tls: Tls) -> None:
    ends = await open_end(tls=tls)
    count = TOTAL // (64 * KIB)
    sent = 0

    async def send_all() -> None:
        nonlocal sent
        for _ in range(count):
            await ends.ws.send_bytes(bytes(64 * KIB))
            sent += 1

    sending = asyncio.create_task(send_all())
    assert await settled(lambda: sent) < count
    for _ in range(count):
        assert len((await ends.peer.receive()).payload) == 64 * KIB
    await sending


async def test_socket_is_not_read_while_the_queue_is_full(open_end: Open, tls: Tls) -> None:
    ends = await open_end(tls=tls, max_queue=128 * KIB)
    count = TOTAL // (16 * KIB)
    sent = 0

    async def send_all() -> None:
        nonlocal sent
        for _ in range(count):
            ends.peer.send_bytes(FRAMES[ends.peer.masks])
            await ends.peer.writer.drain()
            sent += 1

    sending = asyncio.create_task(send_all())
    assert await settled(lambda: sent) < count
    for _ in range(count):
        assert len(await ends.ws.receive_bytes()) == 16 * KIB
    await sending
