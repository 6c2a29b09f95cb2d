"""Cookies and credentials stay with the origin they belong to."""

from __future__ import annotations

import pytest
from yarl import URL

from aiohttp_ws.client import ClientSession, CookieJar
from aiohttp_ws.http.auth import BasicAuth
from tests.client.test_responses import answer

PLAIN = URL("http://www.example.com/dir/page")
TLS = URL("https://www.example.com/dir/page")


def kept(jar, url=TLS):
    return {name: morsel.value for name, morsel in jar.filter_cookies(url).items()}


@pytest.mark.parametrize(
    ("cookie", "url", "holds"),
    [
        ("__Secure-a=1; Secure", TLS, True),
        ("__Secure-a=1", TLS, False),
        ("__Secure-a=1; Secure", PLAIN, False),
        ("__secure-a=1", TLS, False),
        ("__Host-a=1; Secure; Path=/", TLS, True),
        ("__Host-a=1; Secure", TLS, False),
        ("__Host-a=1; Path=/", TLS, False),
        ("__Host-a=1; Secure; Path=/dir", TLS, False),
        ("__Host-a=1; Secure; Path=/; Domain=example.com", TLS, False),
        ("__Host-a=1; Secure; Path=/; Domain=www.example.com", TLS, False),
        ("__Host-a=1; Secure; Path=/", PLAIN, False),
        ("__HOST-a=1", TLS, False),
        ("__Other-a=1", PLAIN, True),
    ],
)
def test_a_prefix_of_a_name_is_a_promise(cookie, url, holds):
    jar = CookieJar()
    jar.update_cookies_from_headers([cookie], url)
    assert len(jar) == holds


def test_a_prefix_holds_without_tls_where_the_origin_counts_as_secure():
    jar = CookieJar(treat_as_secure_origin="http://www.example.com")
    jar.update_cookies_from_headers(["__Host-a=1; Secure; Path=/"], PLAIN)
    assert kept(jar, PLAIN) == {"__Host-a": "1"}


def test_the_users_own_cookies_may_have_any_name():
    jar = CookieJar()
    jar.update_cookies({"__Host-a": "1", "__Secure-b": "2"}, TLS)
    jar.update_cookies({"__Host-c": "3"})
    assert kept(jar) == {"__Host-a": "1", "__Secure-b": "2", "__Host-c": "3"}


@pytest.mark.parametrize(
    "cookie",
    [
        "a=2",
        "a=2; Path=/dir",
        "a=2; Secure",
        "a=2; Path=/; Domain=example.com",
        "a=2; Path=/; Domain=www.example.com",
        "a=; Path=/; Max-Age=0",
        "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
@pytest.mark.parametrize("scope", ["", "; Domain=example.com", "; Domain=www.example.com"])
def test_plain_http_does_not_overwrite_a_secure_cookie(cookie, scope):
    jar = CookieJar()
    jar.update_cookies_from_headers([f"a=1; Secure; Path=/{scope}"], TLS)
    jar.update_cookies_from_headers([cookie], PLAIN)
    assert kept(jar) == {"a": "1"}
    assert len(jar) == 1


def test_plain_http_sets_others_beside_a_secure_cookie():
    jar = CookieJar()
    jar.update_cookies_from_headers(["a=1; Secure; Path=/x"], TLS)
    jar.update_cookies_from_headers(["a=2; Path=/dir", "b=3"], PLAIN)
    assert kept(jar) == {"a": "2", "b": "3"}
    jar.update_cookies_from_headers(["a=4; Path=/"], URL("http://other.example/"))
    assert kept(jar, URL("http://other.example/")) == {"a": "4"}


def test_tls_overwrites_a_secure_cookie():
    jar = CookieJar()
    jar.update_cookies_from_headers(["a=1; Secure; Path=/"], TLS)
    jar.update_cookies_from_headers(["a=2; Path=/"], TLS)
    assert kept(jar) == {"a": "2"}


@pytest.fixture
async def elsewhere(raw):
    """A server, and one that redirects to it."""
    target = await raw(answer(b"here"))
    start = await raw(answer(b"", f"Location: {target.url}", status="302 Found"))
    return start, target


async def test_the_sessions_login_does_not_follow_a_redirect_elsewhere(elsewhere):
    start, target = elsewhere
    async with ClientSession(auth=BasicAuth("u", "p")) as session:
        await session.get(start.url)
        assert b"\r\nAuthorization: Basic" in start.requests[0]
        assert b"Authorization" not in target.requests[0]
        await session.get(target.url)
        assert b"\r\nAuthorization: Basic" in target.requests[1]


async def test_the_sessions_login_belongs_to_the_origin_of_base_url(elsewhere):
    start, target = elsewhere
    async with ClientSession(start.url, auth=BasicAuth("u", "p")) as session:
        await session.get("")
        await session.get(target.url)
        assert b"\r\nAuthorization: Basic" in start.requests[0]
        assert not [head for head in target.requests if b"Authorization" in head]


async def test_the_sessions_login_stays_within_the_origin(raw):
    async def talk(reader, writer):
        for target in (b"/b", b"/c"):
            await server.head(reader)
            writer.write(b"HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % target)
        await server.head(reader)
        writer.write(answer(b"end"))

    server = await raw(talk)
    async with ClientSession(auth=BasicAuth("u", "p")) as session:
        await session.get(server.url)
    assert all(b"\r\nAuthorization: Basic" in head for head in server.requests)
    assert len(server.requests) == 3
