"""aiohttp-sse-client: events of a stream, its states, and a new connection after an end."""

import pytest
from aiohttp import web
from aiohttp_sse_client import client as sse
from aiohttp_sse_client.client import READY_STATE_CLOSED, READY_STATE_OPEN


@pytest.fixture
async def server(aiohttp_server):
    asked = []

    async def events(request):
        asked.append(request.headers.get("Last-Event-Id"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        number = len(asked)
        await response.write(
            f"id: {number}\nretry: 1\nevent: tick\ndata: a\ndata: b{number}\n\n".encode()
        )
        return response

    async def page(request):
        return web.Response(text="not events")

    async def empty(request):
        return web.Response(status=500)

    app = web.Application()
    app.add_routes([web.get("/", events), web.get("/page", page), web.get("/empty", empty)])
    served = await aiohttp_server(app)
    served.asked = asked
    return served


async def test_events_are_read_across_connections(server):
    opened = []
    found = []
    async with sse.EventSource(
        str(server.make_url("/")), on_open=lambda: opened.append(True)
    ) as source:
        assert source.ready_state == READY_STATE_OPEN
        async for event in source:
            found.append((event.type, event.data, event.last_event_id))
            if len(found) == 2:
                break
    assert found == [("tick", "a\nb1", "1"), ("tick", "a\nb2", "2")]
    assert server.asked[:2] == [None, "1"]
    assert source.ready_state == READY_STATE_CLOSED
    assert opened


@pytest.mark.parametrize("path", ["/page", "/empty", "/absent"])
async def test_what_is_not_a_stream_of_events_is_refused(server, path):
    with pytest.raises(ConnectionError):
        async with sse.EventSource(str(server.make_url(path)), max_connect_retry=0):
            pass
