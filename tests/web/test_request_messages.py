"""Requests that a program makes of aiohttp's RawRequestMessage; the tests run with aiohttp too."""

from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aiohttp_ws import web
from aiohttp_ws.web.request_head import RawRequestMessage
from tests.peers import import_peer


@pytest.fixture(params=["aiohttp_ws", "aiohttp"])
def library(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    if request.param == "aiohttp_ws":
        return web, RawRequestMessage
    aiohttp: ModuleType = import_peer("aiohttp")
    return aiohttp.web, aiohttp.http.RawRequestMessage


def made(library: tuple[Any, Any], target: str, **changed: Any) -> Any:
    web, message_type = library
    headers = CIMultiDictProxy(CIMultiDict(Host="example.com"))
    message = message_type(
        method="PUT",
        path=target,
        version=(1, 1),
        headers=headers,
        raw_headers=((b"Host", b"example.com"),),
        should_close=False,
        compression=None,
        upgrade=False,
        chunked=False,
        url=URL(target, encoded=True),
    )
    return web.Request(
        message._replace(**changed),
        payload=mock.Mock(),
        protocol=mock.Mock(ssl_context=None),
        payload_writer=mock.Mock(),
        task=mock.Mock(),
        loop=mock.Mock(),
    )


def test_target_is_split_into_path_and_query(library: tuple[Any, Any]) -> None:
    request = made(library, "/a%20b?c=1&d=%C3%A4")
    assert request.method == "PUT"
    assert request.path == "/a b"
    assert request.raw_path == "/a%20b?c=1&d=%C3%A4"
    assert request.query_string == "c=1&d=ä"
    assert dict(request.query) == {"c": "1", "d": "ä"}
    assert request.host == "example.com"


@pytest.mark.parametrize("close", [True, False])
def test_connection_is_kept_unless_the_message_says_otherwise(
    library: tuple[Any, Any], close: bool
) -> None:
    assert made(library, "/", should_close=close).keep_alive is not close
