"""URIs of the message API."""

from __future__ import annotations

import pytest
import websockets.uri as theirs

from aiohttp_ws.websockets.exceptions import InvalidURI
from aiohttp_ws.websockets.uri import WebSocketURI, parse_uri
from tests.websockets.reference import as_websockets_17

GOOD = [
    "ws://localhost",
    "ws://localhost/",
    "ws://Example.COM:8080/path?query=1&b",
    "wss://localhost",
    "wss://user:pass%20word@localhost:8443/a/b",
    "ws://[::1]:80/",
    "ws://höst.example/träck?ä=ö",
    "WS://localhost/%2F?a=%20",
]
BAD = ["http://localhost", "localhost", "ws://", "ws:///path", "ws://host/#part", "ws://me@host/"]


@as_websockets_17
@pytest.mark.parametrize("uri", GOOD)
def test_a_uri_is_taken_apart_as_websockets_does(uri: str):
    our, their = parse_uri(uri), theirs.parse_uri(uri)
    assert vars(our) == vars(their)
    assert our.resource_name == their.resource_name
    assert our.user_info == their.user_info


@pytest.mark.parametrize("uri", BAD)
def test_what_is_not_the_uri_of_a_websocket_is_refused(uri: str):
    with pytest.raises(theirs.InvalidURI):
        theirs.parse_uri(uri)
    with pytest.raises(InvalidURI) as caught:
        parse_uri(uri)
    assert caught.value.uri == uri
    assert caught.value.msg


@pytest.mark.parametrize("uri", ["ws://host:99999/", "ws://ho st/", "ws://host:port/"])
def test_a_host_or_port_that_cannot_be_connected_to_is_refused_at_once(uri: str):
    with pytest.raises(InvalidURI):
        parse_uri(uri)


def test_parts_make_a_uri_too():
    assert WebSocketURI(False, "h", 80, "", "a=b").resource_name == "/?a=b"
    assert WebSocketURI(False, "h", 80, "", "").user_info is None
