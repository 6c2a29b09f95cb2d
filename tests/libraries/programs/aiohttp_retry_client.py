"""aiohttp-retry: a client that asks again, by statuses, exceptions, and what a response says."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp_retry import ExponentialRetry, ListRetry, RandomRetry, RetryClient

QUICK = {"start_timeout": 0.001, "max_timeout": 0.001}


@pytest.fixture
async def server(aiohttp_server):
    asked = []

    async def fails_at_first(request):
        asked.append(await request.read())
        if len(asked) < 3:
            if request.query.get("how") == "close":
                request.transport.abort()
            raise web.HTTPServiceUnavailable
        return web.json_response({"asked": len(asked)})

    app = web.Application()
    app.router.add_route("*", "/", fails_at_first)
    served = await aiohttp_server(app)
    served.asked = asked
    return served


@pytest.mark.parametrize(
    "options",
    [
        ExponentialRetry(attempts=4, **QUICK),
        RandomRetry(attempts=4, min_timeout=0.001, max_timeout=0.002),
        ListRetry([0.001] * 4),
    ],
)
@pytest.mark.parametrize("method", ["get", "put", "delete"])
async def test_status_is_asked_for_again(server, options, method):
    async with (
        RetryClient(retry_options=options) as client,
        getattr(client, method)(server.make_url("/")) as response,
    ):
        assert await response.json() == {"asked": 3}


async def test_broken_connection_is_tried_again(server):
    options = ExponentialRetry(attempts=4, exceptions={aiohttp.ClientError}, **QUICK)
    async with (
        RetryClient(retry_options=options) as client,
        client.post(server.make_url("/?how=close"), data=b"body") as response,
    ):
        assert response.status == 200
    assert server.asked[-1] == b"body"


async def test_last_failure_is_raised(server):
    options = ExponentialRetry(attempts=2, **QUICK)
    async with RetryClient(raise_for_status=True, retry_options=options) as client:
        with pytest.raises(aiohttp.ClientResponseError, match="Service Unavailable"):
            async with client.get(server.make_url("/")):
                pass
    assert len(server.asked) == 2


async def test_response_decides(server):
    async def wanted(response):
        return response.status == 200 and (await response.json())["asked"] >= 4

    options = ExponentialRetry(attempts=6, evaluate_response_callback=wanted, **QUICK)
    async with aiohttp.ClientSession() as session:
        client = RetryClient(client_session=session, retry_options=options)
        async with client.get(server.make_url("/")) as response:
            assert await response.json() == {"asked": 4}


async def test_attempts_are_traced(server):
    attempts = []
    tracing = aiohttp.TraceConfig()

    @tracing.on_request_start.append
    async def begun(session, context, params):
        attempts.append(context.trace_request_ctx["current_attempt"])

    options = ExponentialRetry(attempts=4, **QUICK)
    async with (
        RetryClient(retry_options=options, trace_configs=[tracing]) as client,
        client.get(server.make_url("/")),
    ):
        pass
    assert attempts == [1, 2, 3]
