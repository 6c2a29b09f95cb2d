"""Where redirects lead, and what goes there (RFC 9110 15.4)."""

import io
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from yarl import URL

from aiohttp_ws import errors
from aiohttp_ws.client import ClientSession, CookieJar
from aiohttp_ws.http.auth import BasicAuth


async def mirror(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "body": await request.text(),
            "headers": dict(request.headers),
            "query": dict(request.query),
        }
    )


def to(location: str, status: int = 302, **headers: str):
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, headers={"Location": location, **headers})

    return handler


async def test_a_redirect_is_followed_and_remembered(session, serve):
    url = await serve({"/end": mirror, "/two": to("/end?x=1"), "/one": to("two", 301)})
    async with session.get(url / "one") as response:
        assert (await response.json())["query"] == {"x": "1"}
    assert [past.status for past in response.history] == [301, 302]
    assert [past.url.path for past in response.history] == ["/one", "/two"]
    assert response.url == url.join(URL("/end?x=1"))
    assert response.history[0].method == "GET"


async def test_params_are_not_repeated_at_the_target(session, serve):
    url = await serve({"/end": mirror, "/": to("/end")})
    async with session.get(url, params={"a": "1"}) as response:
        assert (await response.json())["query"] == {}


@pytest.mark.parametrize(
    ("status", "method", "after"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
        (307, "POST", "POST"),
        (308, "PATCH", "PATCH"),
    ],
)
async def test_methods_and_bodies_of_redirects(session, serve, status, method, after):
    url = await serve({"/end": mirror, "/": to("/end", status)})
    data = None if method in ("HEAD", "DELETE") else io.BytesIO(b"body")
    async with session.request(
        method, url, data=data, headers={"X-Kept": "1"}, allow_redirects=True
    ) as response:
        assert response.method == after
        if after == "HEAD":
            return
        seen = await response.json()
    assert seen["method"] == after
    assert seen["body"] == ("body" if after == method and data is not None else "")
    assert seen["headers"]["X-Kept"] == "1"
    if after == "GET":
        assert "Content-Type" not in seen["headers"]
        assert "Content-Length" not in seen["headers"]


async def test_a_body_that_was_used_up_cannot_be_repeated(session, serve):
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    url = await serve({"/end": mirror, "/": to("/end", 307)})
    with pytest.raises(errors.ClientPayloadError, match="cannot follow a redirect"):
        await session.post(url, data=body())
    async with session.post(url, data=body(), allow_redirects=False) as response:
        assert response.status == 307


async def test_redirects_can_be_left_alone(session, serve):
    url = await serve(to("/elsewhere"))
    async with session.get(url, allow_redirects=False) as response:
        assert response.status == 302
        assert response.headers["Location"] == "/elsewhere"
    async with session.head(url) as response:
        assert response.status == 302


async def test_too_many_redirects(session, serve):
    url = await serve(to("/again"))
    with pytest.raises(errors.TooManyRedirects) as caught:
        await session.get(url, max_redirects=3)
    assert len(caught.value.history) == 3
    assert caught.value.status == 302
    assert caught.value.request_info.url == url
    assert session.connector._taken == 0


async def test_a_redirect_without_location_is_an_answer(session, raw):
    server = await raw(b"HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nok")
    async with session.get(server.url) as response:
        assert (response.status, await response.text()) == (302, "ok")


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://[bad", errors.InvalidUrlRedirectClientError),
        ("http://:80/", errors.InvalidUrlRedirectClientError),
        ("http:///x", errors.InvalidUrlRedirectClientError),
        ("ftp://example.com/", errors.NonHttpUrlRedirectClientError),
        ("file:///etc/passwd", errors.NonHttpUrlRedirectClientError),
        ("data:text/plain,x", errors.NonHttpUrlRedirectClientError),
    ],
)
async def test_targets_that_cannot_be_followed(session, raw, location, error):
    server = await raw(
        f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    with pytest.raises(error):
        await session.get(server.url)
    assert session.connector._taken == 0


async def test_the_fragment_is_inherited(session, serve):
    url = await serve({"/end": mirror, "/": to("/end"), "/own": to("/end#own")})
    async with session.get(url.with_fragment("mine")) as response:
        assert response.real_url.fragment == "mine"
    async with session.get((url / "own").with_fragment("mine")) as response:
        assert response.real_url.fragment == "own"


async def test_secrets_do_not_cross_origins(serve):
    elsewhere = await serve(mirror)
    url = await serve({"/out": to(str(elsewhere)), "/in": to("/end"), "/end": mirror})
    secret = {"Authorization": "x", "Cookie": "c=1", "Proxy-Authorization": "p", "X-Kept": "1"}
    async with ClientSession() as session:
        async with session.get(url / "in", headers=secret) as response:
            assert secret.items() <= (await response.json())["headers"].items()
        async with session.get(url / "out", headers=secret) as response:
            headers = (await response.json())["headers"]
        assert headers["X-Kept"] == "1"
        assert not {"Authorization", "Cookie", "Proxy-Authorization"} & set(headers)
        async with session.get(
            url / "out", auth=BasicAuth("u", "p"), cookies={"d": "2"}
        ) as response:
            headers = (await response.json())["headers"]
        assert not {"Authorization", "Cookie"} & set(headers)


async def test_credentials_of_the_session_stay_with_base_url(serve):
    elsewhere = await serve(mirror)
    url = await serve({"/out": to(str(elsewhere)), "/in": mirror})
    async with ClientSession(url, auth=BasicAuth("u", "p")) as session:
        async with session.get("/in") as response:
            assert "Authorization" in (await response.json())["headers"]
        async with session.get("/out") as response:
            assert "Authorization" not in (await response.json())["headers"]


async def test_cookies_of_a_redirect_are_sent_to_its_target(serve):
    url = await serve({"/end": mirror, "/": to("/end", **{"Set-Cookie": "c=1"})})
    async with (
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as session,
        session.get(url) as response,
    ):
        assert (await response.json())["headers"]["Cookie"] == "c=1"


async def test_connections_of_redirects_are_used_again(session, raw):
    server = await raw(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1\r\n\r\nx")
    with pytest.raises(errors.TooManyRedirects):
        await session.get(server.url)
    assert server.connections == 1


@pytest.mark.parametrize("location", ["http:/end?x=1", "http:end?x=1", "HTTP:/end?x=1"])
async def test_a_location_without_a_host_is_relative(session, serve, location):
    url = await serve({"/end": mirror, "/": to(location)})
    async with session.get(url) as response:
        assert (await response.json())["query"] == {"x": "1"}


async def test_a_jar_that_raises_does_not_hold_the_connection(serve):
    class Broken(CookieJar):
        def update_cookies_from_headers(self, headers, response_url):
            raise ArithmeticError("boom")

    url = await serve(to("/", 200, **{"Set-Cookie": "a=b"}))
    async with ClientSession(cookie_jar=Broken()) as session:
        with pytest.raises(ArithmeticError):
            await session.get(url)
        assert not session.connector._acquired
