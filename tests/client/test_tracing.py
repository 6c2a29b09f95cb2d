"""What a session's trace configs are told: the same programs, traced by aiohttp and by us."""

import asyncio
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

import aiohttp_ws

SIGNALS = [
    name for name in dir(aiohttp.TraceConfig) if name.startswith("on_") and name != "on_property"
]
LIBRARIES = [aiohttp_ws, aiohttp]


def recorder(library: Any, told: list[tuple[Any, ...]]) -> Any:
    """A trace config of *library* that writes down all it is told, headers and sessions apart."""

    class Config(library.TraceConfig):
        is_queued = asyncio.Event()

    config = Config()

    def listener(name: str):
        async def on(session: Any, context: SimpleNamespace, params: Any) -> None:
            assert isinstance(session, library.ClientSession)
            assert context.trace_request_ctx == "context"
            assert "Trace" in type(params).__name__
            fields = [name]
            for field in ("method", "url", "chunk", "host"):
                if hasattr(params, field):
                    fields.append(str(getattr(params, field)))
            if hasattr(params, "headers"):
                fields.append(params.headers.get("X-Test"))
            if hasattr(params, "response"):
                fields.append(params.response.status)
            if hasattr(params, "exception"):
                fields.append(type(params.exception).__name__)
            told.append(tuple(fields))
            if name == "on_connection_queued_start":
                config.is_queued.set()

        return on

    for name in SIGNALS:
        getattr(config, name).append(listener(name))
    return config


async def both(scenario, url) -> list[tuple[Any, ...]]:
    """Run *scenario* with each library; return what was told, which is the same."""
    records = []
    for library in LIBRARIES:
        told: list[tuple[Any, ...]] = []
        async with library.ClientSession(
            connector=library.TCPConnector(limit=1),
            trace_configs=[recorder(library, told)],
            headers={"X-Test": "yes"},
        ) as session:
            await scenario(session, url, {"trace_request_ctx": "context"}, library)
        records.append(told)
    assert records[0] == records[1]
    return records[0]


async def hello(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(text="hello")


async def test_a_new_connection_and_a_reused_one(serve):
    url = (await serve(hello)).with_host("localhost")

    async def scenario(session, url, ctx, library):
        for _ in range(2):
            async with session.get(url, params={"a": "b"}, **ctx) as response:
                await response.text()

    told = [event[0] for event in await both(scenario, url)]
    assert told == [
        "on_request_start",
        "on_connection_create_start",
        "on_dns_cache_miss",
        "on_dns_resolvehost_start",
        "on_dns_resolvehost_end",
        "on_connection_create_end",
        "on_request_headers_sent",
        "on_request_end",
        "on_response_chunk_received",
        "on_request_start",
        "on_connection_reuseconn",
        "on_request_headers_sent",
        "on_request_end",
        "on_response_chunk_received",
    ]


async def test_addresses_that_are_known(serve):
    url = (await serve(hello)).with_host("localhost")

    async def scenario(session, url, ctx, library):
        for _ in range(2):
            async with session.get(url, headers={"Connection": "close"}, **ctx) as response:
                await response.text()

    assert ("on_dns_cache_hit", "localhost") in await both(scenario, url)


@pytest.mark.parametrize("data", [b"body", "text", {"a": "b"}])
async def test_the_pieces_of_a_body(serve, data):
    url = await serve(hello)

    async def scenario(session, url, ctx, library):
        async with session.post(url, data=data, **ctx) as response:
            await response.read()

    told = await both(scenario, url)
    assert "on_request_chunk_sent" in [event[0] for event in told]


async def test_a_body_that_is_generated(serve):
    url = await serve(hello)

    async def pieces():
        yield b"one"
        yield b"two"

    async def scenario(session, url, ctx, library):
        async with session.post(url, data=pieces(), **ctx) as response:
            await response.read()

    told = await both(scenario, url)
    assert [event[3] for event in told if event[0] == "on_request_chunk_sent"] == [
        "b'one'",
        "b'two'",
    ]


@pytest.mark.parametrize("status", [303, 307])
async def test_a_redirect(serve, status):
    async def away(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, headers={"Location": "/end"})

    url = await serve({"/end": hello, "/": away})

    async def scenario(session, url, ctx, library):
        async with session.post(url, data=b"1", **ctx) as response:
            await response.read()

    told = await both(scenario, url)
    assert ("on_request_redirect", "POST", str(url), "yes", status) in told


async def test_requests_that_wait_for_their_turn(serve):
    gates: list[asyncio.Event] = []
    queued: list[asyncio.Event] = []

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await gates[-1].wait()
        await response.write(b"late")
        return response

    async def scenario(session, url, ctx, library):
        gates.append(asyncio.Event())
        queued.append(session.trace_configs[0].is_queued)
        first = await session.get(url, **ctx)
        second = asyncio.ensure_future(session.get(url, **ctx))
        await queued[-1].wait()
        gates[-1].set()
        await first.read()
        await (await second).read()

    told = [event[0] for event in await both(scenario, await serve(slow))]
    assert told.index("on_connection_queued_start") < told.index("on_connection_queued_end")
    assert "on_connection_reuseconn" in told


async def test_a_connection_that_is_refused(unused_tcp_port):
    url = f"http://127.0.0.1:{unused_tcp_port}/"

    async def scenario(session, url, ctx, library):
        with pytest.raises(library.ClientConnectorError):
            await session.get(url, **ctx)

    told = await both(scenario, url)
    assert told[-1] == ("on_request_exception", "GET", url, "yes", "ClientConnectorError")


async def test_raise_for_status_is_an_exception_of_the_call(serve):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=404)

    url = await serve(handler)

    async def scenario(session, url, ctx, library):
        with pytest.raises(library.ClientResponseError):
            await session.get(url, raise_for_status=True, **ctx)

    told = await both(scenario, url)
    assert told[-1][0] == "on_request_exception"
    assert "on_request_end" not in [event[0] for event in told]


async def test_headers_that_are_added_at_the_start_are_sent(serve):
    async def mirror(request: web.Request) -> web.Response:
        return web.Response(text=request.headers.get("Traceparent", "none"))

    async def add(session, context, params):
        params.headers["Traceparent"] = "00-1"

    url = await serve(mirror)
    config = aiohttp_ws.TraceConfig()
    config.on_request_start.append(add)
    async with aiohttp_ws.ClientSession(trace_configs=[config]) as session:
        async with session.get(url) as response:
            assert await response.text() == "00-1"
        assert "Traceparent" not in session.headers


@pytest.mark.parametrize(
    "signal",
    [
        "on_request_start",
        "on_connection_create_start",
        "on_connection_create_end",
        "on_dns_resolvehost_end",
        "on_request_headers_sent",
        "on_request_chunk_sent",
        "on_request_end",
    ],
)
async def test_a_function_that_raises_fails_the_call_and_holds_no_connection(serve, signal):
    async def fail(session, context, params):
        raise ArithmeticError(signal)

    url = (await serve(hello)).with_host("localhost")
    config = aiohttp_ws.TraceConfig()
    getattr(config, signal).append(fail)
    connector = aiohttp_ws.TCPConnector(limit=1)
    async with aiohttp_ws.ClientSession(connector=connector, trace_configs=[config]) as session:
        with pytest.raises((ArithmeticError, aiohttp_ws.ClientConnectionError)):
            await session.post(url, data=b"body")
        plain = aiohttp_ws.ClientSession(connector=connector, connector_owner=False)
        async with plain, plain.get(url) as response:
            assert await response.text() == "hello"


async def test_a_request_may_choose_its_context(serve):
    url = await serve(hello)
    seen = []

    async def start(session, context, params):
        context.began = True

    async def end(session, context, params):
        seen.append((context.began, context.trace_request_ctx))

    config = aiohttp_ws.TraceConfig(trace_config_ctx_factory=SimpleNamespace)
    config.on_request_start.append(start)
    config.on_request_end.append(end)
    async with aiohttp_ws.ClientSession(trace_configs=[config]) as session:
        await session.get(url, trace_request_ctx={"id": 1})
    assert seen == [(True, {"id": 1})]
    with pytest.raises(RuntimeError):
        config.on_request_start.append(start)
