"""What users patch and override of a session: recorders, caches, tracers."""

from unittest import mock

import pytest
from aiohttp import web
from yarl import URL

import aiohttp_ws
from aiohttp_ws import ClientSession, ClientTimeout

pytestmark = pytest.mark.filterwarnings("ignore:.*inherits from ClientSession:DeprecationWarning")


async def mirror(request: web.Request) -> web.Response:
    return web.json_response({"path": request.path, "headers": dict(request.headers)})


async def test_a_recorder_that_replaces_request_answers_every_call(serve):
    url = await serve(mirror)
    calls = []
    original = ClientSession._request

    async def record(self, method, str_or_url, **kwargs):
        calls.append((method, str(str_or_url), sorted(kwargs)))
        return await original(self, method, str_or_url, **kwargs)

    with mock.patch.object(ClientSession, "_request", record):
        async with ClientSession() as session:
            async with session.get(url) as response:
                assert (await response.json())["path"] == "/"
            await session.post(url, data=b"1")
            await session.request("PUT", url)
            with pytest.raises(aiohttp_ws.WSServerHandshakeError):
                await session.ws_connect(url)
    assert [(method, at) for method, at, _ in calls] == [
        ("GET", str(url)),
        ("POST", str(url)),
        ("PUT", str(url)),
        ("GET", str(url)),
    ]


async def test_a_cache_that_overrides_request_answers_without_a_connection():
    class Cached(ClientSession):
        async def _request(self, method, str_or_url, **kwargs):
            response = mock.AsyncMock(spec=aiohttp_ws.ClientResponse, status=299)
            response.__aenter__.return_value = response
            return response

    async with Cached() as session:
        assert (await session.get("http://nowhere.invalid/")).status == 299
        async with session.head("http://nowhere.invalid/") as response:
            assert response.status == 299


async def test_urls_and_headers_are_built_by_the_methods_that_are_overridden(serve):
    url = await serve(mirror)

    class Api(ClientSession):
        def _build_url(self, str_or_url):
            return url.join(URL(f"/v2{str_or_url}"))

        def _prepare_headers(self, headers):
            result = super()._prepare_headers(headers)
            result["X-Key"] = "secret"
            return result

    async with Api(headers={"X-All": "1"}) as session:
        for headers in (None, {"X-One": "2"}):
            async with session.get("/things", headers=headers) as response:
                seen = await response.json()
            assert seen["path"] == "/v2/things"
            assert seen["headers"]["X-Key"] == "secret"
            assert seen["headers"]["X-All"] == "1"
        assert "X-Key" not in session.headers


async def test_a_constructor_that_a_tracer_patches_may_add_trace_configs(serve):
    url = await serve(mirror)
    told = []

    async def on_end(session, context, params):
        told.append(params.response.status)

    config = aiohttp_ws.TraceConfig()
    config.on_request_end.append(on_end)
    original = ClientSession.__init__

    def instrumented(self, *args, **kwargs):
        kwargs["trace_configs"] = [*(kwargs.get("trace_configs") or ()), config]
        original(self, *args, **kwargs)

    with mock.patch.object(ClientSession, "__init__", instrumented):
        async with ClientSession() as session:
            assert session._trace_configs == [config]
            await session.get(url)
    assert told == [200]


async def test_the_timeout_of_a_session_may_be_replaced(serve):
    async with ClientSession() as session:
        session._timeout = ClientTimeout(total=7)
        assert session.timeout == session._timeout == ClientTimeout(total=7)
        assert session._trust_env is False
        assert session._trace_configs == []


def test_a_hook_that_nothing_would_call_is_refused():
    with pytest.raises(TypeError, match="_get_netrc_auth"):

        class Session(ClientSession):
            def _get_netrc_auth(self, host):
                """Not called."""


@pytest.mark.parametrize("version", ["1.1", aiohttp_ws.HttpVersion11])
async def test_the_version_may_be_text(serve, version):
    url = await serve(mirror)
    async with ClientSession(version=version) as session, session.get(url) as response:
        assert response.version == (1, 1)


async def test_a_request_without_a_session_is_for_async_with_alone(serve):
    url = await serve(mirror)
    async with aiohttp_ws.request("GET", url) as response:
        assert response.status == 200
    asked = aiohttp_ws.request("GET", url)
    with pytest.raises(TypeError):
        await asked
    await asked._session.close()
    asked.close()


async def test_what_aiohttp_has_deprecated_is_told(serve):
    url = await serve(mirror)
    async with ClientSession() as session, session.post(url, data=b"1") as response:
        with pytest.warns(DeprecationWarning, match="UploadTracker"):
            assert response.output_size > 1
        with pytest.warns(DeprecationWarning, match="UploadTracker"):
            await response.upload_complete
        with pytest.warns(DeprecationWarning, match="chunked"):
            await session.post(url, data=b"1", chunked=1024)
    with pytest.warns(DeprecationWarning, match="ssl_shutdown_timeout"):
        aiohttp_ws.TCPConnector(ssl_shutdown_timeout=1)._close()
    for kwargs in ({"timeout": 1.0}, {"receive_timeout": 1.0}):
        async with ClientSession() as session:
            with (
                pytest.warns(DeprecationWarning, match="ClientWSTimeout"),
                pytest.raises(aiohttp_ws.WSServerHandshakeError),
            ):
                await session.ws_connect(url, **kwargs)


async def test_a_websocket_shows_its_transport_under_aiohttps_names(serve):
    async def echo(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        async for message in websocket:
            await websocket.send_str(message.data)
        return websocket

    url = await serve(echo)
    async with ClientSession() as session:
        async with session.ws_connect(url) as websocket:
            assert websocket._conn.transport.get_extra_info("peername")[1] == url.port
            assert websocket._writer.transport is websocket._conn.transport
            await websocket._writer.send_frame(b"hello", aiohttp_ws.WSMsgType.TEXT)
            assert await websocket.receive_str() == "hello"
        assert websocket._conn.closed
        assert websocket.get_extra_info("peername") is None


async def test_an_object_of_a_cache_is_entered_and_left_by_its_own_methods():
    class Recorded:
        __slots__ = ("steps",)

        def __init__(self):
            self.steps = []

        async def __aenter__(self):
            self.steps.append("enter")
            return "entered"

        async def __aexit__(self, *exc):
            self.steps.append("exit")

    recorded = Recorded()

    class Cached(ClientSession):
        async def _request(self, method, str_or_url, **kwargs):
            return recorded

    async with Cached() as session:
        assert await session.get("http://nowhere.invalid/") is recorded
        async with session.get("http://nowhere.invalid/") as response:
            assert response == "entered"
    assert recorded.steps == ["enter", "exit"]


async def test_a_url_that_says_it_is_encoded_is_encoded_where_it_is_not(serve):
    async def raw(request: web.Request) -> web.Response:
        return web.Response(text=request.raw_path)

    url = await serve(raw)
    async with ClientSession() as session:
        for _ in range(2):
            async with session.get(URL(f"{url}a b/\u00e9?q=x y", encoded=True)) as response:
                assert await response.text() == "/a%20b/%C3%A9?q=x%20y"


@pytest.mark.parametrize("headers", [{"X": "a\r\nb"}, {"X y": "z"}, {"X": 5}])
async def test_a_request_that_cannot_be_sent_leaves_no_unused_connection(serve, headers):
    url = await serve(mirror)
    async with ClientSession() as session:
        with pytest.raises((ValueError, TypeError)):
            await session.get(url, headers=headers)
        assert not session.connector._conns
        assert not session.connector._acquired
        assert (await session.get(url)).status == 200


async def test_a_request_on_a_new_connection_is_not_repeated(raw):
    async def hang_up(reader, writer):
        await reader.readuntil(b"\r\n\r\n")

    server = await raw(hang_up)
    async with ClientSession() as session:
        with pytest.raises(aiohttp_ws.ServerDisconnectedError):
            await session.get(server.url)
    assert server.connections == 1
