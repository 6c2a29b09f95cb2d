"""Requests that a listener is not opened for."""

import asyncio
import logging

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpClient
from aiohttp_ws.test_utils import make_mocked_request
from tests.web.listener.echo import UPGRADE, Connect, Echo, Serve, answering, within
from tests.ws.raw_end import Refused, open_raw

REFUSALS = {
    "no upgrade": ({"Upgrade": None}, 400),
    "no key": ({"Sec-WebSocket-Key": None}, 400),
    "a bad key": ({"Sec-WebSocket-Key": "short"}, 400),
    "another version": ({"Sec-WebSocket-Version": "12"}, 426),
    "a foreign origin": ({"Origin": "https://evil.example"}, 403),
    "a body": ({"Content-Length": "3"}, 400),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_request_that_opens_no_websocket_is_refused(case: str, serve: Serve) -> None:
    replace, status = REFUSALS[case]
    listener = Echo()
    server = await serve(answering(listener, origins=["https://good.example", None]))
    assert server.port is not None
    with pytest.raises(Refused) as refused:
        await open_raw(server.host, server.port, replace=replace, send=b"abc")
    assert refused.value.status == status
    assert b"refused" in refused.value.body
    assert listener.events == []
    assert status != 426 or refused.value.headers["sec-websocket-version"] == "13"


async def test_another_method_than_get_is_refused(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    app.router.add_route("*", "/", answering(Echo()))
    client = await aiohttp_client(app)
    async with client.post("/", headers=UPGRADE) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET"


async def test_a_refused_client_may_ask_again_on_the_same_connection(serve: Serve) -> None:
    server = await serve(answering(Echo()))
    reader, writer = await asyncio.open_connection(server.host, server.port)
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await within(reader.readuntil(b"\r\n\r\n"))
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"connection: close" not in head.lower()
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await within(reader.readexactly(size))
    writer.close()


async def test_a_refusal_is_no_error_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = await serve(answering(Echo()))
    assert server.port is not None
    with pytest.raises(Refused):
        await open_raw(server.host, server.port, replace={"Upgrade": None})
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_handler_may_refuse_before_it_answers_with_a_listener(
    serve: Serve, connect: Connect
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0)
        if request.cookies.get("user") != "ann":
            raise web.HTTPUnauthorized
        return web.WebSocketListenerResponse(Echo("hello ann"))

    server = await serve(handler)
    with pytest.raises(Refused) as refused:
        await connect(server)
    assert refused.value.status == 401
    peer, _ = await connect(server, headers=[("Cookie", "user=ann")])
    assert (await peer.receive()).payload == b"hello ann"


async def test_can_prepare_says_what_prepare_would_refuse() -> None:
    response = web.WebSocketListenerResponse(Echo(), origins=["https://good.example"])
    good = make_mocked_request("GET", "/", UPGRADE | {"Origin": "https://good.example"})
    assert response.can_prepare(good)
    bad = make_mocked_request("GET", "/", UPGRADE | {"Origin": "https://evil.example"})
    assert not response.can_prepare(bad)
    with pytest.raises(web.HTTPForbidden):
        await response.prepare(bad)
    assert not response.prepared
