"""What happens without the handler: it sleeps on an event, or only sends, at either end."""

import asyncio

import pytest

from aiohttp_ws import WSMsgType
from tests.ws.conftest import Open
from tests.ws.raw_end import PATIENCE, PING, TEXT

# Seconds; what a test then waits for is an event, however long the machine takes.
HEARTBEAT = 0.02


async def test_close_ends_a_handler_that_only_sends(open_end: Open) -> None:
    ends = await open_end()

    async def send_for_ever() -> None:
        while True:
            await ends.ws.send_str("tick")
            await asyncio.sleep(0)

    sending = asyncio.create_task(send_for_ever())
    assert (await ends.peer.receive()).opcode == TEXT
    ends.peer.send_close(4000)
    with pytest.raises(ConnectionResetError):
        await sending
    assert ends.ws.close_code == 4000


# --------------------------------------------------------------------- heartbeat


async def test_dead_peer_is_found_while_nobody_receives(open_end: Open) -> None:
    ends = await open_end(heartbeat=HEARTBEAT)
    assert (await ends.peer.receive()).opcode == PING
    await ends.peer.wait_eof()
    assert ends.ws.close_code == 1006
    message = await ends.ws.receive()
    assert message.type in (WSMsgType.ERROR, WSMsgType.CLOSED)
    assert isinstance(ends.ws.exception(), asyncio.TimeoutError)
    assert ends.ws.closed


async def test_dead_peer_is_found_behind_messages_nobody_has_received(open_end: Open) -> None:
    ends = await open_end(heartbeat=HEARTBEAT)
    ends.peer.send(TEXT, b"last words")
    assert (await ends.peer.receive()).opcode == PING
    await ends.peer.wait_eof()
    assert ends.ws.close_code == 1006
    assert (await ends.ws.receive()).data == "last words"


async def test_dead_peer_ends_a_pending_receive(open_end: Open) -> None:
    ends = await open_end(heartbeat=HEARTBEAT)
    message = await ends.ws.receive()
    assert message.type is WSMsgType.ERROR
    assert isinstance(message.data, asyncio.TimeoutError)
    assert ends.ws.close_code == 1006


async def test_dead_peer_ends_iteration(open_end: Open) -> None:
    ends = await open_end(heartbeat=HEARTBEAT)
    assert [message.type async for message in ends.ws] == [WSMsgType.ERROR]
    assert ends.ws.close_code == 1006


async def test_dead_peer_ends_a_pending_send(open_end: Open) -> None:
    ends = await open_end(heartbeat=HEARTBEAT)

    async def send_for_ever() -> None:
        while True:
            await ends.ws.send_bytes(bytes(65536))

    # The peer is there, and reads nothing: only the heartbeat can tell.
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(send_for_ever(), PATIENCE)
    assert ends.ws.close_code == 1006
    assert (await ends.ws.receive()).type in (WSMsgType.ERROR, WSMsgType.CLOSED)


async def test_reset_is_found_while_a_full_queue_keeps_the_socket_unread(open_end: Open) -> None:
    # Longer than TCP may delay an acknowledgement, which is all that shows life here.
    ends = await open_end(heartbeat=0.2, max_queue=1000)
    for _ in range(100):
        ends.peer.send(TEXT, b"unread" * 100)
    # A pong would come behind what nobody receives: its absence says nothing.
    for _ in range(3):
        assert (await ends.peer.receive()).opcode == PING
    assert ends.ws.close_code is None
    ends.peer.cut()
    while ends.ws.close_code is None:  # noqa: ASYNC110  Nothing is called when it changes.
        await asyncio.sleep(0.01)
    assert ends.ws.close_code == 1006
    assert await ends.ws.receive_str() == "unread" * 100


async def test_heartbeat_ends_with_the_connection(open_end: Open) -> None:
    ends = await open_end(heartbeat=HEARTBEAT)
    ends.peer.send_close(4000)
    await ends.ws.receive()
    await ends.peer.skip_to_close()
    ends.peer.end()
    await ends.ws.close()
    assert ends.ws.close_code == 4000
    assert ends.ws.exception() is None
