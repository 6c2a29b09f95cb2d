"""Hosts that are asked for, hosts that are not, and what of a URL a server is told."""

from __future__ import annotations

import socket

import pytest
from yarl import URL

from aiohttp_ws import errors
from aiohttp_ws.client import ClientSession
from aiohttp_ws.client.request import ClientRequest
from aiohttp_ws.client.tcp_connector import _addr_info
from aiohttp_ws.http.auth import BasicAuth
from tests.client.test_responses import answer

NOT_CANONICAL = ["2130706433", "127.1", "0177.0.0.1", "127.0.0.01", "1.2.3.4.", "256.1.1.1"]
NOT_CANONICAL += ["0x7f.1", "0x7f000001", "127.0.0.1.1", "0", "a.0x7f", "example.1"]
NOT_NAMES = ["a..b", "a" * 64 + ".com", ".a", "a..", "a." * 130 + "com"]


@pytest.mark.parametrize("host", NOT_CANONICAL + NOT_NAMES)
@pytest.mark.parametrize("method", ["get", "ws_connect"])
async def test_a_host_that_is_no_name_and_no_canonical_address_is_refused(session, host, method):
    with pytest.raises(errors.InvalidUrlClientError) as caught:
        await getattr(session, method)(f"http://{host}/")
    assert "canonical" in str(caught.value) or "host name" in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost."])
async def test_other_hosts_are_asked(session, raw, host):
    server = await raw(answer(b"here"))
    url = URL(f"http://{host}:{server.url.port}/")
    async with session.get(url) as response:
        assert await response.text() == "here"


@pytest.mark.parametrize(
    "location",
    [
        *(f"http://{host}/" for host in NOT_CANONICAL + NOT_NAMES),
        "http://a b/",
        "http://\\@x/",
        "http://[::1/",
        "http://h:99999/",
        "http://",
        "//",
        "http:///x",
        "http://a%3Ab@127.0.0.1:1/",
        "http://日:x@127.0.0.1:1/",
        "http://[fe80::1%25nowhere]:1/",
        "http://[fe80::1%2599999999999999999999]:1/",
        "http://ü" + "x" * 70 + "/",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("requote", [True, False])
async def test_whatever_a_server_redirects_to_the_error_is_a_client_error(raw, location, requote):
    server = await raw(
        f"HTTP/1.1 302 x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    async with ClientSession(requote_redirect_url=requote) as session:
        with pytest.raises(errors.ClientError):
            await session.get(server.url)
        assert session.connector._taken == 0


@pytest.mark.parametrize("requote", [True, False])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/a\xffb?c=\xe9", b"/a%FFb?c=%E9"),
        ("/é日".encode(), b"/%C3%A9%E6%97%A5"),
        (b"/a b?c", b"/a%20b?c"),
    ],
)
async def test_bytes_of_a_location_that_no_url_has_are_encoded(raw, requote, location, target):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(b"HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location)
        await server.head(reader)
        writer.write(answer(b"end"))

    server = await raw(talk)
    async with (
        ClientSession(requote_redirect_url=requote) as session,
        session.get(server.url) as response,
    ):
        assert await response.text() == "end"
    assert server.requests[1].startswith(b"GET %s HTTP/1.1\r\n" % target)


@pytest.mark.parametrize("option", ["headers", "auth"])
async def test_a_login_in_a_location_comes_before_that_of_the_request(session, raw, option):
    async def talk(reader, writer):
        await server.head(reader)
        location = server.url.with_user("u").with_password("p")
        writer.write(answer(b"", f"Location: {location}", status="302 x"))
        await server.head(reader)
        writer.write(answer(b"end"))

    server = await raw(talk)
    own = BasicAuth("own", "own")
    login = {"headers": {"Authorization": own.encode()}, "auth": own}[option]
    async with session.get(server.url, **{option: login}) as response:
        assert await response.text() == "end"
    sent = [head.partition(b"Authorization: ")[2].partition(b"\r\n")[0] for head in server.requests]
    assert [each.decode() for each in sent] == [own.encode(), BasicAuth("u", "p").encode()]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://[fe80::1%25eth0]/", "[fe80::1]"),
        ("http://[fe80::1%25eth0]:8080/", "[fe80::1]:8080"),
        ("http://[fe80::1%eth0]:8080/", "[fe80::1]:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
    ],
)
async def test_the_zone_of_an_address_is_not_sent(session, url, host):
    assert ClientRequest("GET", URL(url), session=session).headers["Host"] == host


async def test_the_zone_of_an_address_is_used(session):
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    index, name = socket.if_nameindex()[0]
    for zone in (name, f"25{name}", str(index)):
        found = _addr_info({"host": f"fe80::1%{zone}", "port": 80})
        assert found[-1][3] == index
