"""slack-bolt: events from Slack reach an app, and its answers reach Slack; also in socket mode."""

import asyncio
import json
import time

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

SECRET = "secret"


@pytest.fixture
async def slack(aiohttp_server):
    """What stands in for Slack: its API, and the WebSocket of its socket mode."""
    calls = asyncio.Queue()
    acknowledged = asyncio.Queue()

    async def method(request):
        form = dict(await request.post()) if request.can_read_body else {}
        if request.content_type == "application/json":
            form = await request.json()
        await calls.put((request.match_info["method"], form, request.headers["Authorization"]))
        found = {"ok": True, "team": "T", "bot_id": "B1", "user_id": "U1", "ts": "1"}
        if request.match_info["method"] == "apps.connections.open":
            found["url"] = str(request.url.with_scheme("ws").with_path("/socket"))
        return web.json_response(found)

    async def socket(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_json({"type": "hello", "num_connections": 1})
        event = {"type": "event_callback", "event": message("hello over a socket")}
        await ws.send_json({"type": "events_api", "envelope_id": "e1", "payload": event})
        async for received in ws:
            await acknowledged.put(json.loads(received.data))
        return ws

    app = web.Application()
    app.add_routes([web.post("/api/{method}", method), web.get("/socket", socket)])
    server = await aiohttp_server(app)
    server.calls, server.acknowledged = calls, acknowledged
    return server


def message(text):
    return {"type": "message", "text": text, "channel": "C1", "user": "U2", "ts": "1.1"}


@pytest.fixture
def app(slack):
    client = AsyncWebClient(token="xoxb-1", base_url=str(slack.make_url("/api/")))
    app = AsyncApp(client=client, signing_secret=SECRET, process_before_response=True)

    @app.message("hello")
    async def greet(message, say):
        await say(f"hi <@{message['user']}>: {message['text']}")

    @app.command("/echo")
    async def echo(ack, command):
        await ack(f"echo {command['text']}")

    return app


async def called(slack, name):
    while True:
        method, form, authorization = await asyncio.wait_for(slack.calls.get(), 10)
        if method == name:
            return form, authorization


def signed(body):
    now = str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=now, body=body)
    return {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": now}


async def test_event_is_answered_by_a_message(slack, app, aiohttp_client):
    client = await aiohttp_client(app.web_app())
    body = json.dumps({"type": "event_callback", "event": message("hello there")})
    headers = {**signed(body), "Content-Type": "application/json"}
    async with client.post("/slack/events", data=body, headers=headers) as response:
        assert response.status == 200
    form, authorization = await called(slack, "chat.postMessage")
    assert form["text"] == "hi <@U2>: hello there"
    assert authorization == "Bearer xoxb-1"


async def test_command_is_acknowledged(slack, app, aiohttp_client):
    client = await aiohttp_client(app.web_app())
    body = "command=%2Fecho&text=a+b&user_id=U2&team_id=T"
    headers = {**signed(body), "Content-Type": "application/x-www-form-urlencoded"}
    async with client.post("/slack/events", data=body, headers=headers) as response:
        assert await response.text() == "echo a b"


async def test_wrong_signature_is_refused(slack, app, aiohttp_client):
    client = await aiohttp_client(app.web_app())
    headers = {**signed("other"), "Content-Type": "application/x-www-form-urlencoded"}
    async with client.post("/slack/events", data="command=%2Fecho", headers=headers) as response:
        assert response.status == 401


async def test_event_of_socket_mode_is_acknowledged_and_answered(slack, app):
    handler = AsyncSocketModeHandler(app, "xapp-1", web_client=app.client)
    await handler.connect_async()
    try:
        form, _ = await called(slack, "chat.postMessage")
        assert form["text"] == "hi <@U2>: hello over a socket"
        assert (await asyncio.wait_for(slack.acknowledged.get(), 10))["envelope_id"] == "e1"
    finally:
        await handler.close_async()
