"""Objects that users and their fakes make by hand, with aiohttp's parameters."""

import asyncio
from http.cookies import SimpleCookie
from types import SimpleNamespace
from unittest import mock

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

import aiohttp_ws
from aiohttp_ws import ClientResponse, ClientSession, RequestInfo

LINK = URL("http://example.com/path?q=1#part")


def made(cls=ClientResponse, body: bytes = b'{"a": 1}', **headers: str) -> ClientResponse:
    """A response as libraries of recorded answers make it."""
    info = RequestInfo(LINK.with_fragment(None), "GET", CIMultiDictProxy(CIMultiDict()), LINK)
    response = cls(
        "GET",
        LINK,
        writer=None,
        continue100=None,
        timer=None,
        request_info=info,
        traces=[],
        loop=asyncio.get_running_loop(),
        session=None,
        stream_writer=mock.Mock(),
    )
    response.status = 200
    response.reason = "OK"
    response._headers = CIMultiDictProxy(CIMultiDict(headers))
    response._raw_headers = tuple((k.encode(), v.encode()) for k, v in headers.items())
    response._body = body
    return response


async def test_a_response_made_by_hand_answers_as_one_that_was_received():
    # A recorded answer is set as it was when it was recorded, whatever became of its cookies.
    old = {"Set-Cookie": "a=b; Expires=Wed, 21 Oct 2015 07:28:00 GMT"}
    response = made(**{"Content-Type": "application/json"}, **old)
    response.cookies.load("a=b")
    assert response.url == LINK.with_fragment(None)
    assert response.real_url == LINK
    assert response.host == "example.com"
    assert response.method == "GET"
    assert response.ok
    assert await response.json() == {"a": 1}
    assert await response.text() == '{"a": 1}'
    assert await response.read() == b'{"a": 1}'
    assert response.cookies["a"].value == "b"
    assert not response.cookies["a"]["expires"]
    assert response.raw_headers[0] == (b"Content-Type", b"application/json")
    assert response.content_type == "application/json"
    assert response.history == ()
    assert "200" in repr(response)
    async with response as entered:
        assert entered is response
    await response.release()
    response.close()
    assert response.closed


async def test_a_response_made_by_hand_may_have_a_stream_for_a_body():
    response = made()
    response._body = None
    response.content = aiohttp_ws.StreamReader(
        mock.Mock(), limit=2**16, loop=asyncio.get_running_loop()
    )
    response.content.feed_data(b"abc")
    response.content.feed_eof()
    assert await response.read() == b"abc"


async def test_an_error_status_of_a_response_made_by_hand_is_raised():
    response = made()
    response.status = 404
    response.reason = "Not Found"
    response._history = (made(),)
    with pytest.raises(aiohttp_ws.ClientResponseError, match="404") as raised:
        response.raise_for_status()
    assert raised.value.request_info.real_url == LINK
    assert len(raised.value.history) == 1


@pytest.mark.parametrize("name", ["_url", "_real_url", "_headers", "_raw_headers", "_session"])
async def test_what_is_kept_of_a_received_response_is_what_a_fake_sets(serve, name):
    from aiohttp import web

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    url = await serve(hello)
    async with ClientSession() as session, session.get(url) as response:
        public = {"_url": url, "_real_url": url, "_session": session}
        shown = getattr(response, name.removeprefix("_"), None)
        assert getattr(response, name) == public.get(name, shown)
        assert response._cache == {}
        assert response._loop is asyncio.get_running_loop()
        assert response._request_info == response.request_info
        assert response._body is None
        await response.read()
        assert response._body == b"hello"


async def test_a_response_class_with_a_constructor_is_given_aiohttps_arguments(serve):
    from aiohttp import web

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    class Response(ClientResponse):
        def __init__(self, method, url, **kwargs):
            super().__init__(method, url, **kwargs)
            self.given = SimpleNamespace(method=method, url=url, **kwargs)

    url = (await serve(hello)).with_fragment("x")
    async with (
        ClientSession(response_class=Response) as session,
        session.get(url) as response,
    ):
        assert await response.text() == "hello"
        given = response.given
    assert (given.method, given.url) == ("GET", url)
    assert given.session is session
    assert given.request_info == response.request_info
    assert given.loop is asyncio.get_running_loop()
    with given.timer:
        given.timer.assert_timeout()
    assert set(vars(given)) == {
        *("method", "url", "writer", "continue100", "timer", "request_info"),
        *("traces", "loop", "session", "stream_writer"),
    }


@pytest.mark.parametrize("library", [aiohttp_ws, aiohttp])
async def test_public_classes_can_be_mocked(library):
    session = mock.create_autospec(library.ClientSession, instance=True)
    session.closed = False
    assert isinstance(session, library.ClientSession)
    response = mock.AsyncMock(spec=library.ClientResponse)
    response.status = 200
    response.json.return_value = {"a": 1}
    session.get.return_value.__aenter__.return_value = response
    async with session.get("http://x") as got:
        assert await got.json() == {"a": 1}
    for name in ("ClientResponse", "ClientWebSocketResponse", "TCPConnector", "CookieJar"):
        assert isinstance(mock.create_autospec(getattr(library, name), instance=True), object)
        mock.AsyncMock(spec=getattr(library, name))


@pytest.mark.parametrize("library", [aiohttp_ws, aiohttp])
async def test_a_request_is_made_with_aiohttps_arguments(library):
    request = library.ClientRequest(
        "post",
        URL("http://user:word@example.com/path?a=1"),
        params={"b": "2"},
        headers={"X-One": "1"},
        skip_auto_headers=["User-Agent"],
        data=b"body",
        cookies={"c": "d"},
        version="1.1",
        loop=asyncio.get_running_loop(),
        traces=[],
        trust_env=False,
    )
    assert request.method == "POST"
    assert request.url.path_qs == "/path?a=1&b=2"
    assert request.host == "example.com"
    assert request.port == 80
    assert not request.is_ssl()
    assert request.version == (1, 1)
    assert request.headers["Host"] == "example.com"
    assert request.headers["X-One"] == "1"
    assert request.headers["Content-Length"] == "4"
    assert request.headers["Cookie"] == "c=d"
    assert request.headers["Authorization"] == library.encode_basic_auth("user", "word")
    assert request.headers["Accept"] == "*/*"
    assert "User-Agent" not in request.headers
    assert "user-agent" in request.skip_auto_headers
    assert request.request_info.method == "POST"
    assert request.connection_key.host == "example.com"
    assert request.connection_key.proxy is None
    assert request.body.decode() == "body"
    assert request.response_class is library.ClientResponse
    assert request.session is None
    await request.update_body(None)
    assert request.body == b""
    await request.close()


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"version": "one"}, ValueError),
        ({"chunked": True, "headers": {"Content-Length": "3"}}, ValueError),
        ({"chunked": True, "headers": {"Transfer-Encoding": "chunked"}}, ValueError),
        ({"auth": ("a", "b")}, TypeError),
    ],
)
@pytest.mark.parametrize("library", [aiohttp_ws, aiohttp])
async def test_a_request_that_makes_no_sense_is_refused(library, kwargs, error):
    with pytest.raises(error):
        library.ClientRequest(
            "POST", URL("http://a/"), loop=asyncio.get_running_loop(), data=b"abc", **kwargs
        )


async def test_steps_that_a_request_class_overrides_are_taken(serve):
    from aiohttp import web

    async def mirror(request: web.Request) -> web.Response:
        return web.json_response(dict(request.headers))

    class Request(aiohttp_ws.ClientRequest):
        def update_auto_headers(self, skip_auto_headers):
            super().update_auto_headers([*(skip_auto_headers or ()), "Accept"])

        def update_auth(self, auth, trust_env=False):
            self.headers["Authorization"] = "Own"

        async def send(self, conn):
            self.headers["X-Port"] = str(conn.transport.get_extra_info("peername")[1])
            return await super().send(conn)

    url = await serve(mirror)
    async with ClientSession(request_class=Request) as session:
        for _ in range(2):
            async with session.get(url) as response:
                headers = await response.json()
            assert "Accept" not in headers
            assert headers["Authorization"] == "Own"
            assert headers["X-Port"] == str(url.port)


@pytest.mark.parametrize("library", [aiohttp_ws, aiohttp])
async def test_a_request_class_decides_whether_there_is_tls(serve, library):
    from aiohttp import web

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    class Request(library.ClientRequest):
        def is_ssl(self):
            return False

    url = (await serve(hello)).with_scheme("https")
    async with (
        library.ClientSession(request_class=Request) as session,
        session.get(url) as response,
    ):
        assert response.url.scheme == "https"
        assert await response.text() == url.authority


def test_a_step_that_would_not_be_taken_is_refused():
    with pytest.raises(TypeError, match="write_bytes"):

        class Request(aiohttp_ws.ClientRequest):
            async def write_bytes(self, writer, conn, content_length=None):
                """Not called."""


@pytest.mark.parametrize("library", [aiohttp_ws, aiohttp])
def test_errors_and_their_parts_are_made_with_aiohttps_arguments(library):
    headers = CIMultiDictProxy(CIMultiDict())
    info = library.RequestInfo(LINK, "GET", headers)
    assert info.real_url == LINK
    error = library.ClientResponseError(info, (), status=404, message="No", headers=headers)
    assert (error.status, error.message, error.request_info) == (404, "No", info)
    assert "404" in str(error)
    assert "404" in repr(error)
    keys = {aiohttp_ws: aiohttp_ws.client.connection_key, aiohttp: aiohttp.client_reqrep}
    key = keys[library].ConnectionKey(
        host="h",
        port=1,
        is_ssl=False,
        ssl=True,
        proxy=None,
        proxy_auth=None,
        proxy_headers_hash=None,
    )
    failed = library.ClientConnectorError(connection_key=key, os_error=OSError(1, "no"))
    assert (failed.host, failed.port, failed.ssl) == ("h", 1, True)
    assert "h:1" in str(failed)


async def test_a_mock_may_stand_for_the_body():
    response = made()
    response._body = None
    response.content = mock.Mock()
    response.content.read = mock.AsyncMock(return_value=b"mocked")
    assert await response.read() == b"mocked"


async def test_a_request_may_be_changed_before_it_is_sent():
    loop = asyncio.get_running_loop()
    request = aiohttp_ws.ClientRequest("POST", URL("http://a/"), loop=loop, chunked=True, data="x")
    await request.update_body(b"other")
    assert request.headers["Transfer-Encoding"] == "chunked"
    request = aiohttp_ws.ClientRequest("POST", URL("http://a/"), loop=loop, data="x")
    request.body = b"longer"
    assert request.headers["Content-Length"] == "6"
    request.update_cookies({"a": SimpleCookie("b=c; d=e")})
    assert request.headers["Cookie"] == "b=c; d=e"


async def test_cookies_of_a_response_are_read_from_its_headers_or_set():
    response = made(**{"Set-Cookie": "a=b; Path=/"})
    assert response._raw_cookie_headers is None
    response._raw_cookie_headers = ("a=b; Path=/",)
    assert response.cookies["a"]["path"] == "/"
    with pytest.raises(TypeError):
        made(**{"Content-Disposition": "a; b=c"}).content_disposition.parameters["b"] = "d"


@pytest.mark.parametrize("library", [aiohttp_ws, aiohttp])
async def test_cookies_for_every_server_are_found_without_a_url(library):
    async with library.ClientSession(cookies={"a": "b"}) as session:
        assert session.cookie_jar.filter_cookies(URL())["a"].value == "b"
        with pytest.warns(DeprecationWarning, match="requote_redirect_url"):
            session.requote_redirect_url = False
        assert session.requote_redirect_url is False
