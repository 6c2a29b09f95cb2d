"""``ws://`` and ``wss://`` URLs: their parts, and what is no such URL."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.errors import WSInvalidURL
from aiohttp_ws.wire.url import WSParsedURL, authority, basic_authorization, parse_url


def test_a_url_has_parts():
    assert parse_url("wss://me:word@Example.COM:8443/a/b?c=d&e=f") == WSParsedURL(
        url="wss://me:word@Example.COM:8443/a/b?c=d&e=f",
        scheme="wss",
        is_secure=True,
        netloc="me:word@Example.COM:8443",
        host="example.com",
        port=8443,
        path="/a/b",
        query="c=d&e=f",
        username="me",
        password="word",
    )


def test_what_a_url_leaves_out_has_a_default():
    parsed = parse_url("ws://h")
    assert (parsed.scheme, parsed.is_secure, parsed.port) == ("ws", False, 80)
    assert (parsed.path, parsed.query, parsed.resource_name) == ("", "", "/")
    assert (parsed.username, parsed.password, parsed.user_info) == (None, None, None)
    assert parse_url("wss://h:/").port == 443


def test_a_parsed_url_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_url("ws://h").host = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("ws://h", "/"),
        ("ws://h/", "/"),
        ("ws://h?a=b", "/?a=b"),
        ("ws://h/?", "/"),
        ("ws://h/a/../b//c", "/a/../b//c"),
        ("ws://h/a?b?c/d", "/a?b?c/d"),
        ("ws://h/Ä?ü=ö", "/%C3%84?%C3%BC=%C3%B6"),
        ("ws://h/é%C3%A9%2f+?%2B+", "/%C3%A9%C3%A9%2f+?%2B+"),
        ("ws://h/100%?50%x", "/100%25?50%25x"),
        ('ws://h/{a}|"b"?<c>^`', "/%7Ba%7D%7C%22b%22?%3Cc%3E%5E%60"),
        ("ws://h/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"),
    ],
)
def test_the_resource_name_is_path_and_query_percent_encoded_once(url: str, name: str):
    assert parse_url(url).resource_name == name


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ws://127.0.0.1/", "127.0.0.1"),
        ("ws://[::1]:80/", "::1"),
        ("ws://[FE80::1%25eth0]/", "fe80::1%eth0"),
        ("ws://[fe80::1%eth0]/", "fe80::1%eth0"),
        ("ws://bücher.example/", "xn--bcher-kva.example"),
        ("ws://XN--BCHER-KVA.example/", "xn--bcher-kva.example"),
        ("ws://my_service.internal./", "my_service.internal."),
    ],
)
def test_a_host_is_a_name_in_ascii_or_an_address(url: str, host: str):
    assert parse_url(url).host == host


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("ws://me@h/", ("me", None)),
        ("ws://me:@h/", ("me", "")),
        ("ws://:word@h/", ("", "word")),
        ("ws://me:p%40s%3As%2F@h/", ("me", "p@s:s/")),
        ("ws://m%C3%A9:w:d@h/", ("mé", "w:d")),
    ],
)
def test_a_login_is_percent_decoded(url: str, login: tuple[str, str | None]):
    parsed = parse_url(url)
    assert (parsed.username, parsed.password) == login
    assert parsed.user_info == (None if login[1] is None else login)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://h/", "starts with none of ws://, wss://"),
        ("ws+unix:///tmp/s", "starts with none"),
        ("h", "starts with none"),
        ("", "starts with none"),
        ("//h/", "starts with none"),
        ("ws:/h", "starts with none"),
        ("ws:h", "starts with none"),
        ("ws://", "has no host"),
        ("ws:///path", "has no host"),
        ("ws://:80", "has no host"),
        ("ws://me@/", "has no host"),
        ("ws://h:0/", "port '0' is not in 1 to 65535"),
        ("ws://h:65536/", "port '65536' is not in"),
        ("ws://h:" + "9" * 5000, "is not in 1 to 65535"),
        ("ws://h:+80/", r"port '\+80'"),
        ("ws://h:٣/", "port '٣'"),
        ("ws://h:x/", "port 'x'"),
        ("ws://::1/", "IPv6 address in brackets"),
        ("ws://[::1/", "is not a host"),
        ("ws://[::1]x/", "is not a host"),
        ("ws://[::g]/", "is not an IPv6 address"),
        ("ws://[v1.x]/", "is not an IPv6 address"),
        ("ws://a..b/", "is not a host"),
        ("ws://.b/", "is not a host"),
        ("ws://a%41/", "is not a host"),
        ("ws://a!b/", "is not a host"),
        ("ws://" + "a" * 64 + "/", "is not a host"),
        ("ws://" + "a." * 130 + "/", "is not a host"),
        ("ws://ü" + "a" * 70 + "/", "is not a host"),
        ("ws://h/#part", "fragment"),
        ("ws://h/#", "fragment"),
        ("ws://h#@other/", "fragment"),
        ("ws://a@b@h/", "two '@'"),
        ("ws://a%3Ab:c@h/", "holds a ':'"),
        ("ws://a%00b:c@h/", "control character '.x00'"),
        ("ws://a:b%0D%0A@h/", "control character '.r'"),
        ("ws://%FF@h/", "not UTF-8"),
        ("ws://h/a b", "holds ' '"),
        (" ws://h/", "holds ' '"),
        ("ws://h/\r\nX: y", "holds '.r'"),
        ("ws://h/\x00", "holds '.{2,4}'; percent"),
        ("ws://h/\x7f", "holds '.{2,4}'; percent"),
        ("ws://h/\u2003", "holds '.u2003'"),
        ("ws://h\\@other/", "holds '.{2,4}'; percent"),
        ("ws://h/\ud800", "cannot be encoded"),
        (b"ws://h/", "bytes, not str"),
        (None, "NoneType, not str"),
    ],
)
def test_what_is_no_websocket_url_is_refused_with_the_reason(url: Any, message: str):
    with pytest.raises(WSInvalidURL, match=message) as caught:
        parse_url(url)
    assert caught.value.url == url


@given(st.text() | st.text(alphabet="ws:/[]@?%#.0a\\é \n").map("ws://".__add__))
def test_any_text_is_a_url_or_refused(text: str):
    try:
        parsed = parse_url(text)
    except WSInvalidURL:
        return
    name = parsed.resource_name
    assert name.startswith("/")
    assert all(0x21 <= ord(each) <= 0x7E for each in name + parsed.host.partition("%")[0])
    assert 0 < parsed.port < 65536
    assert parse_url(text) == parsed


def test_an_authority_has_ipv6_in_brackets():
    assert authority("h", 80) == "h:80"
    assert authority("fe80::1%eth0", 80) == "[fe80::1]:80"


def test_a_login_becomes_a_header_in_utf_8():
    # The example of RFC 7617 2.1.
    assert basic_authorization("test", "123\xa3") == "Basic dGVzdDoxMjPCow=="
