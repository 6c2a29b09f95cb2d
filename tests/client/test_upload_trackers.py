"""What an UploadTracker shows, compared with aiohttp's."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

import aiohttp_ws

pytestmark = pytest.mark.parametrize("library", [aiohttp_ws, aiohttp])


async def read_all(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


@pytest.mark.parametrize("data", [b"x" * 1000, None, "generator", {"a": "b"}])
@pytest.mark.parametrize("compress", [None, "deflate"])
async def test_the_body_is_counted_without_head_and_framing(serve, library, data, compress):
    async def pieces():
        for _ in range(4):
            yield b"y" * 500

    url = await serve(read_all)
    tracker = library.UploadTracker()
    assert (tracker.bytes_written, tracker.attempts) == (0, 0)
    async with library.ClientSession() as session:
        body = pieces() if data == "generator" else data
        async with session.post(
            url, data=body, compress=compress, upload_tracker=tracker
        ) as response:
            size = int(await response.text())
        await tracker.upload_complete
        assert tracker.bytes_written == size
        assert tracker.attempts == 1


async def test_a_redirect_is_another_attempt(serve, library):
    async def away(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=307, headers={"Location": "/end"})

    url = await serve({"/": away, "/end": read_all})
    tracker = library.UploadTracker()
    async with library.ClientSession() as session:
        await session.post(url, data=b"x" * 2048, upload_tracker=tracker)
    await tracker.upload_complete
    assert (tracker.attempts, tracker.bytes_written) == (2, 2048)


async def test_what_fails_before_it_is_sent_is_aborted(serve, library, unused_tcp_port):
    async with library.ClientSession() as session:
        tracker = library.UploadTracker()
        with pytest.raises(library.ClientConnectorError):
            await session.post(
                f"http://127.0.0.1:{unused_tcp_port}/", data=b"1", upload_tracker=tracker
            )
        with pytest.raises(library.UploadAbortedError):
            await tracker.upload_complete
        assert tracker.attempts == 1
        for kwargs in ({"data": b"1", "json": 1}, {"ssl": "wrong"}):
            tracker = library.UploadTracker()
            with pytest.raises((ValueError, TypeError)):
                await session.post("http://a/", upload_tracker=tracker, **kwargs)
            with pytest.raises(library.UploadAbortedError):
                await tracker.upload_complete
            assert tracker.attempts == 0
    tracker = library.UploadTracker()
    with pytest.raises(RuntimeError):
        await session.get("http://a/", upload_tracker=tracker)
    with pytest.raises(library.UploadAbortedError):
        await tracker.upload_complete


async def test_an_error_of_what_makes_the_body_is_the_trackers(serve, library):
    async def pieces():
        yield b"1"
        raise ArithmeticError("boom")

    url = await serve(read_all)
    tracker = library.UploadTracker()
    async with library.ClientSession() as session:
        with pytest.raises(library.ClientConnectionError) as raised:
            await session.post(url, data=pieces(), upload_tracker=tracker)
    with pytest.raises(library.ClientConnectionError) as told:
        await tracker.upload_complete
    assert told.value is raised.value


async def test_a_tracker_serves_one_request(serve, library):
    url = await serve(read_all)
    tracker = library.UploadTracker()
    async with library.ClientSession() as session:
        await session.post(url, upload_tracker=tracker)
        with pytest.raises(RuntimeError, match="already bound"):
            await session.post(url, upload_tracker=tracker)
    await asyncio.wait_for(tracker.upload_complete, 1)
