"""Servers that answer before they have read the request's body, and that read no more of it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from aiohttp_ws import ClientResponseError, ClientTimeout, UploadTracker, errors
from tests.client.waiting import until

# Bodies of more than 1 MB in one object are warned of.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
LARGE = 8 * 2**20
FOREVER = ClientTimeout(total=None)


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65536


def bodies():
    return {
        "bytes": bytes(LARGE),
        "file": io.BytesIO(bytes(LARGE)),
        "generator": endless(),
        "what the kernel and the transport hold": bytes(4 * 2**20),
    }


def answering(answer: bytes, received: list[bytes] | None = None):
    """Answer the head of the first connection and read no more; answer further ones with 204."""

    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        if received is not None:
            received.append(head)
            if len(received) > 1:
                answer_ = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"
                writer.write(answer_)
                await asyncio.Event().wait()
        writer.write(answer)
        await asyncio.Event().wait()

    return talk


async def within(coroutine, seconds=2):
    return await asyncio.wait_for(coroutine, seconds)


@pytest.mark.parametrize("body", bodies())
@pytest.mark.parametrize("status", [200, 413])
async def test_an_answer_that_comes_early_is_read_and_its_connection_closed(
    session, raw, body, status
):
    server = await raw(answering(b"HTTP/1.1 %d X\r\nContent-Length: 3\r\n\r\nbig" % status))

    async def upload():
        async with session.put(server.url, data=bodies()[body], timeout=FOREVER) as response:
            assert response.status == status
            assert await response.text() == "big"

    await within(upload())
    assert session.connector._taken == 0
    assert not session.connector._idle_count


async def test_the_context_of_an_early_answer_is_left_without_reading_its_body(session, raw):
    server = await raw(answering(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\n"))

    async def upload():
        async with session.put(server.url, data=endless(), timeout=FOREVER) as response:
            assert response.status == 413

    await within(upload())
    assert session.connector._taken == 0


async def test_an_early_answer_is_read_outside_of_a_context(session, raw):
    server = await raw(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbig"))

    async def upload():
        response = await session.put(server.url, data=endless(), timeout=FOREVER)
        assert await response.read() == b"big"

    await within(upload())
    assert session.connector._taken == 0


async def test_an_early_answer_without_a_body_gives_its_connection_back_by_itself(session, raw):
    server = await raw(answering(b"HTTP/1.1 204 No Content\r\n\r\n"))
    response = await within(session.put(server.url, data=endless(), timeout=FOREVER))
    assert session.connector._taken == 0
    assert response.closed


@pytest.mark.parametrize("body", ["bytes", "file"])
@pytest.mark.parametrize("status", [301, 303, 307, 308])
async def test_an_early_redirect_is_followed(session, raw, status, body):
    heads: list[bytes] = []
    server = await raw(
        answering(b"HTTP/1.1 %d X\r\nLocation: /next\r\nContent-Length: 3\r\n\r\n" % status, heads)
    )

    async def upload():
        async with session.put(server.url, data=bodies()[body], timeout=FOREVER) as response:
            assert await response.text() == "end"

    await within(upload())
    assert len(heads) == 2
    assert heads[1].startswith(b"GET /next" if status == 303 else b"PUT /next")
    assert session.connector._taken == 0


async def test_a_small_body_that_was_not_taken_costs_its_connection(session, raw):
    # Less than the transport takes at once: what is left of it would come before a next request.
    server = await raw(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    await within(session.put(server.url, data=bytes(60_000)))
    assert session.connector._taken == 0


async def test_a_body_is_not_sent_after_an_answer_that_comes_instead_of_100(session, raw):
    rest = asyncio.get_running_loop().create_future()

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\n")
        rest.set_result(await reader.read())

    server = await raw(talk)
    async with session.put(server.url, data=b"x" * 1000, expect100=True) as response:
        assert response.status == 403
        # What would send the body, after it has waited for 100 Continue.
        await within(asyncio.wait([response._upload_task]))
        assert response._upload_task.cancelled()
    assert await within(rest) == b""
    assert session.connector._taken == 0


async def test_the_tracker_of_an_abandoned_upload_tells_of_it(session, raw):
    server = await raw(answering(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"))
    tracker = UploadTracker()
    async with session.put(server.url, data=endless(), upload_tracker=tracker):
        pass
    with pytest.raises(errors.UploadAbortedError):
        await within(tracker.upload_complete)


async def test_a_generator_that_ends_late_does_not_cost_its_connection(session, raw):
    finish = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"abc"
        await finish.wait()

    async def talk(reader, writer):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(3)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    server = await raw(talk)
    for _ in range(2):
        finish.clear()
        asyncio.get_running_loop().call_later(0, finish.set)
        async with session.put(server.url, data=body(), headers={"Content-Length": "3"}):
            pass
    assert server.connections == 1


# ------------------------------------------------------------------------------- upgrades


async def test_an_upgrade_that_nobody_asked_for_is_an_error(session, raw):
    server = await raw(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    )
    with pytest.raises(ClientResponseError, match="101") as caught:
        await session.get(server.url)
    assert caught.value.status == 400
    assert session.connector._taken == 0
    assert not session.connector._idle_count


@pytest.mark.parametrize("how", ["upgrade", "CONNECT"])
async def test_what_follows_an_upgrade_and_nobody_reads_is_bounded(session, raw, how):
    sent = 0

    async def talk(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        if how == "upgrade":
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n")
            writer.write(b"Connection: Upgrade\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(2**20))
            await writer.drain()
            sent += 1

    server = await raw(talk)
    if how == "upgrade":
        call = session.get(server.url, headers={"Upgrade": "x", "Connection": "Upgrade"})
    else:
        call = session.request("CONNECT", server.url)
    async with call as response:
        protocol = response.connection.protocol
        transport = response.connection.transport
        await until(lambda: not transport.is_reading())
        assert sum(map(len, protocol._backlog)) < 2**20
