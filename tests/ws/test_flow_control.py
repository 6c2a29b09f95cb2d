"""A peer that reads slowly, or sends fast, cannot grow our memory, at either end."""

import asyncio
from collections.abc import Callable

from tests.ws.conftest import Open
from tests.ws.raw_end import BINARY, TEXT

KIB = 1024
MIB = 1024 * KIB

# More than the kernel's socket buffers of both ends hold between them.
TOTAL = 64 * MIB


async def settled(measure: Callable[[], int]) -> int:
    """Return *measure()* once nothing moves any more: the loop has turned often without."""
    value, unchanged = measure(), 0
    while unchanged < 2000:
        await asyncio.sleep(0)
        value, unchanged = measure(), unchanged + 1 if measure() == value else 0
    return value


async def test_send_waits_for_a_slow_reader(open_end: Open) -> None:
    ends = await open_end()
    count = TOTAL // (64 * KIB)
    sent = 0

    async def send_all() -> None:
        nonlocal sent
        for _ in range(count):
            await ends.ws.send_bytes(bytes(64 * KIB))
            sent += 1

    sending = asyncio.create_task(send_all())
    assert await settled(lambda: sent) < count
    assert not sending.done()
    for _ in range(count):
        assert len((await ends.peer.receive()).payload) == 64 * KIB
    await sending
    assert sent == count


async def test_every_sender_waits_and_every_sender_goes_on(open_end: Open) -> None:
    ends = await open_end()
    sent = 0

    async def send_some() -> None:
        nonlocal sent
        for _ in range(64):
            await ends.ws.send_bytes(bytes(64 * KIB))
            sent += 1

    sending = asyncio.gather(*[send_some() for _ in range(16)])
    assert await settled(lambda: sent) < 1024
    for _ in range(1024):
        await ends.peer.receive()
    await sending


async def test_close_is_sent_behind_what_waits(open_end: Open) -> None:
    ends = await open_end()

    async def send_then_close() -> None:
        for _ in range(256):
            await ends.ws.send_bytes(bytes(64 * KIB))
        await ends.ws.close(code=4000)

    sending = asyncio.create_task(send_then_close())
    for _ in range(256):
        assert (await ends.peer.receive()).opcode == BINARY
    assert (await ends.peer.receive_close())[0] == 4000
    ends.peer.send_close(4000)
    ends.peer.end()
    await sending


async def test_socket_is_not_read_while_the_queue_is_full(open_end: Open) -> None:
    ends = await open_end(max_queue=128 * KIB)
    count = TOTAL // (16 * KIB)
    for _ in range(count):
        ends.peer.send_bytes(FRAMES[ends.peer.masks])
    unread = await settled(ends.peer.writer.transport.get_write_buffer_size)
    # The rest is in the queue, in the kernel and nowhere else.
    assert unread > TOTAL // 2
    for _ in range(count):
        assert len(await ends.ws.receive_bytes()) == 16 * KIB
    ends.peer.send(TEXT, b"all received")
    assert await ends.ws.receive_str() == "all received"


async def test_empty_messages_fill_the_queue_too(open_end: Open) -> None:
    ends = await open_end(max_queue=1 * KIB)
    count = 5_000_000
    empty = b"\x82\x80\x00\x00\x00\x00" if ends.peer.masks else b"\x82\x00"
    ends.peer.send_bytes(empty * count)
    assert await settled(ends.peer.writer.transport.get_write_buffer_size) > 0
    # What waits is not received one by one here: the close drops it.
    ends.peer.cut()


async def test_message_larger_than_the_queue_passes(open_end: Open) -> None:
    ends = await open_end(max_queue=1 * KIB)
    for _ in range(3):
        ends.peer.send_bytes(FRAMES[ends.peer.masks])
    for _ in range(3):
        assert len(await ends.ws.receive_bytes()) == 16 * KIB


def frame_of_zeros(masks: bool) -> bytes:
    """A binary frame of 16 KiB; under the masking key 0 the payload is what it was."""
    if masks:
        return b"\x82\xfe\x40\x00" + bytes(4) + bytes(16 * KIB)
    return b"\x82\x7e\x40\x00" + bytes(16 * KIB)


FRAMES = {masks: frame_of_zeros(masks) for masks in (False, True)}
