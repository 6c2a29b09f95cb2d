"""ccxt: calls of an exchange's REST interface, and its market data on a WebSocket."""

import asyncio
import json
from types import SimpleNamespace

import ccxt.async_support as ccxt
import pytest
from aiohttp import web
from ccxt.async_support.base.exchange import Exchange


@pytest.fixture
async def exchange_server():
    """What stands in for an exchange."""
    asked = []
    sockets = []

    async def ticker(request):
        asked.append(dict(request.headers))
        if request.query.get("fail"):
            return web.json_response({"code": -1}, status=int(request.query["fail"]))
        return web.json_response({"price": "1.5", "got": dict(request.query)})

    async def order(request):
        return web.json_response({"body": (await request.read()).decode()})

    async def socket(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sockets.append(ws)
        async for message in ws:
            await ws.send_json({"echo": json.loads(message.data), "n": len(sockets)})
        return ws

    app = web.Application()
    app.add_routes([web.get("/ticker", ticker), web.post("/order", order), web.get("/ws", socket)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield SimpleNamespace(asked=asked, url=url, cleanup=runner.cleanup)
    await runner.cleanup()


@pytest.fixture
async def exchange():
    exchange = Exchange({"enableRateLimit": False, "timeout": 5000})
    yield exchange
    await exchange.close()


async def test_response_is_read(exchange_server, exchange):
    found = await exchange.fetch(f"{exchange_server.url}/ticker?a=1", headers={"X-Key": "k"})
    assert found == {"price": "1.5", "got": {"a": "1"}}
    assert exchange_server.asked[0]["X-Key"] == "k"
    assert "gzip" in exchange_server.asked[0]["Accept-Encoding"]


async def test_body_is_sent(exchange_server, exchange):
    found = await exchange.fetch(f"{exchange_server.url}/order", "POST", body='{"side": "buy"}')
    assert found == {"body": '{"side": "buy"}'}


@pytest.mark.parametrize(
    ("status", "error"),
    [(503, ccxt.ExchangeNotAvailable), (429, ccxt.RateLimitExceeded), (504, ccxt.RequestTimeout)],
)
async def test_status_has_its_error(exchange_server, exchange, status, error):
    with pytest.raises(error):
        await exchange.fetch(f"{exchange_server.url}/ticker?fail={status}")


async def test_server_that_is_absent_has_its_error(exchange, exchange_server):
    await exchange_server.cleanup()
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await exchange.fetch(f"{exchange_server.url}/ticker")


async def test_messages_of_a_websocket_are_watched(exchange_server):
    class Watching(Exchange):
        def handle_message(self, client, message):
            client.resolve(message, message["echo"]["subscribe"])

    exchange = Watching({"enableRateLimit": False})
    url = exchange_server.url.replace("http", "ws") + "/ws"
    try:
        watched = [exchange.watch(url, name, {"subscribe": name}, name) for name in "abc"]
        found = await asyncio.wait_for(asyncio.gather(*watched), 10)
        assert [one["echo"]["subscribe"] for one in found] == list("abc")
    finally:
        await exchange.close()
