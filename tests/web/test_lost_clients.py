"""What a client that is gone leaves in the logs, and what the access log tells."""

from __future__ import annotations

import asyncio
import logging

import pytest

from aiohttp_ws import ClientSession, web
from aiohttp_ws.abc import AbstractAccessLogger
from tests.web.raw_server import get, post, running, status_of, until_gone


class Lines(AbstractAccessLogger):
    """Keeps what it is told; one list for all instances."""

    enabled = True
    seen: list[tuple] = []

    def __init__(self, logger, log_format):
        super().__init__(logger, log_format)

    def log(self, request, response, time):
        sent = response._head_length + response.body_length
        self.seen.append((request.remote, response.status, sent))


@pytest.fixture
def lines():
    Lines.seen = []
    return Lines.seen


@pytest.mark.parametrize("streamed", [False, True], ids=["at once", "streamed"])
async def test_an_answer_to_a_client_that_left_is_no_fault_of_the_handler(caplog, lines, streamed):
    caplog.set_level(logging.INFO, "aiohttp_ws")
    began, gone, returned = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(request):
        began.set()
        await gone.wait()
        returned.set()
        return web.StreamResponse() if streamed else web.Response(text="late")

    async with running(handler, access_log_class=Lines) as server:
        async with server.connect() as peer:
            peer.send(get())
            await began.wait()
            peer.writer.transport.abort()
            await until_gone(server.server)
        gone.set()
        await returned.wait()
    assert [record for record in caplog.records if record.name == "aiohttp_ws.server"] == []
    assert [(remote, status) for remote, status, _ in lines] == [("127.0.0.1", 200)]


async def test_the_access_log_counts_all_bytes_of_the_response(lines):
    async def handler(request):
        if request.method == "GET":
            return web.Response(text="hello")
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"hello")
        return response

    async with running(handler, access_log_class=Lines) as server:
        raw = [
            await server.exchange(get("/", "Connection: close")),
            await server.exchange(get("/", "Connection: close", method="HEAD")),
            await server.exchange(post(b"", "Connection: close")),
        ]
    assert [size for _, _, size in lines] == [len(answer) for answer in raw]


async def test_a_websocket_is_logged_at_its_end_with_its_client(lines):
    async def handler(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.data == "fail":
                raise RuntimeError("the handler failed")
            if message.data == "leave":
                break
        return ws

    async with running(handler, access_log_class=Lines) as server, ClientSession() as session:
        url = f"http://127.0.0.1:{server.port}/"
        for word in ("close", "leave", "fail"):
            async with session.ws_connect(url) as ws:
                if word != "close":
                    await ws.send_str(word)
                    await ws.receive()
            await until_gone(server.server)
    assert [(remote, status) for remote, status, _ in lines] == [("127.0.0.1", 101)] * 3


async def test_a_handler_that_waited_too_long_answers_504():
    async def handler(request):
        await asyncio.wait_for(asyncio.Event().wait(), 0.001)

    async with running(handler) as server:
        assert status_of(await server.exchange(get("/", "Connection: close"))) == 504


async def test_a_304_has_only_the_length_that_the_handler_gave():
    async def handler(request):
        headers = {"Content-Length": "17"} if request.path == "/known" else {}
        return web.Response(status=304, headers=headers)

    async with running(handler) as server:
        raw = await server.exchange(get("/", "Connection: close"))
        assert b"Content-Length" not in raw
        raw = await server.exchange(get("/known", "Connection: close"))
        assert b"\r\nContent-Length: 17\r\n" in raw


async def test_a_client_on_a_unix_socket_has_an_empty_address(tmp_path):
    async def handler(request):
        return web.Response(text=repr(request.remote))

    server = web.Server(handler)
    path = tmp_path / "s"
    listening = await asyncio.get_running_loop().create_unix_server(server, str(path))
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(get("/", "Connection: close"))
    assert (await reader.read()).endswith(b"\r\n\r\n''")
    writer.close()
    listening.close()
    await server.shutdown(1)


async def test_a_request_keeps_its_address_when_the_client_is_gone():
    began, gone, told = asyncio.Event(), asyncio.Event(), asyncio.Queue()

    async def handler(request):
        began.set()
        await gone.wait()
        await told.put((request.transport, request.remote, request.scheme, str(request.url)))
        return web.Response()

    async with running(handler, access_log=None) as server:
        async with server.connect() as peer:
            peer.send(b"GET /x HTTP/1.0\r\n\r\n")
            await began.wait()
            peer.writer.transport.abort()
            await until_gone(server.server)
        gone.set()
        assert await told.get() == (None, "127.0.0.1", "http", "http://127.0.0.1/x")
