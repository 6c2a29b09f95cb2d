"""The exceptions of the frame level: who is whose kind, what they keep and what they say."""

from __future__ import annotations

import pickle

import pytest

from aiohttp_ws import errors
from aiohttp_ws.errors import (
    WSError,
    WSHandshakeError,
    WSInvalidHeaderError,
    WSInvalidMessageError,
    WSInvalidStatusError,
    WSInvalidUpgradeError,
    WSInvalidURL,
    WSProtocolError,
    WSProxyError,
)

RAW = (b"HTTP/1.1 403 Forbidden\r\nA: b", b"go away")


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (WSError, Exception),
        (WSHandshakeError, WSError),
        (WSInvalidStatusError, WSHandshakeError),
        (WSInvalidMessageError, WSHandshakeError),
        (WSInvalidHeaderError, WSHandshakeError),
        (WSInvalidUpgradeError, WSInvalidHeaderError),
        (WSProxyError, WSHandshakeError),
        (WSInvalidURL, WSError),
        (WSProtocolError, WSError),
    ],
)
def test_the_family(kind: type[Exception], base: type[Exception]):
    assert kind.__base__ is base


@pytest.mark.parametrize(
    "kind", [WSHandshakeError, WSInvalidStatusError, WSInvalidMessageError, WSProxyError]
)
def test_a_handshake_error_keeps_the_answer(kind: type[WSHandshakeError]):
    error = kind("no", *RAW)
    assert str(error) == "no"
    assert (error.raw_header, error.raw_body, error.response) == (*RAW, None)
    bare = kind("no")
    assert (bare.raw_header, bare.raw_body, bare.response) == (None, None, None)


@pytest.mark.parametrize("kind", [WSInvalidHeaderError, WSInvalidUpgradeError])
def test_a_header_error_names_the_header(kind: type[WSInvalidHeaderError]):
    error = kind("no", "Upgrade", "h2c", *RAW)
    assert str(error) == "no"
    assert (error.name, error.value) == ("Upgrade", "h2c")
    assert (error.raw_header, error.raw_body, error.response) == (*RAW, None)
    assert kind("no", "Upgrade").value is None


def test_an_invalid_url_is_kept_and_its_login_is_not_told():
    error = WSInvalidURL("ws://me:pass@word@h/", "two '@'")
    assert error.url == "ws://me:pass@word@h/"
    assert str(error) == "'ws://...@h/' is not a valid URL: two '@'"


def test_a_protocol_error_has_the_close_code():
    error = WSProtocolError(4001, "enough")
    assert (error.code, error.message, str(error)) == (4001, "enough", "enough")


@pytest.mark.parametrize(
    "error",
    [
        WSHandshakeError("no", *RAW),
        WSInvalidUpgradeError("no", "Upgrade", "h2c", *RAW),
        WSInvalidURL("http://h", "scheme"),
        WSProtocolError(1002, "no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling(error: WSError):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


@pytest.mark.parametrize("name", errors.__all__)
def test_an_exception_says_where_to_import_it_from(name: str):
    assert getattr(errors, name).__module__ == "aiohttp_ws.errors"
    assert getattr(errors, name).__name__ == name
